"""Answer what needs no context: courtesy, echoes, sums; else say plainly what this is."""

from __future__ import annotations

import re

from nanogpt_client.sandbox.answers.text import shorten
from nanogpt_client.sandbox.brain import arith, mine
from nanogpt_client.sandbox.brain.courtesy import NAME, courtesy, is_statement, pick
from nanogpt_client.sandbox.brain.naming import named
from nanogpt_client.sandbox.brain.phrase import phrase, turned

_ECHO = re.compile(
    r"\b(?:(?:reply|respond|answer|output|return|print|write|say)(?: back)?(?: to (?:me|this))?"
    r"(?: (?:with|using))?(?: (?:only|exactly|just|precisely))*"
    r"(?: (?:with )?(?:the|one|a|this|these|following|exact|single|words?|phrase|text|sentence"
    r"|string|token))*(?: and nothing else)?\s*[:：]"
    r"|(?:reply|respond|answer) (?:only |just |exactly )*with"
    r"(?: (?:only|exactly|just|the|a|one|single|words?|phrase|text))*"
    r"|say(?: (?:exactly|only|just|the words?|the phrase))*"
    r"|(?:repeat|echo)(?: (?:back|after me|exactly|this|the|following|words?|phrase|text|sentence"
    r"|me))*[:,]?"
    r"|(?:output|print|return|write) (?:only|exactly|just)(?: (?:the|words?|phrase|text))*)\s+",
    re.IGNORECASE,
)
_ECHO_END = re.compile(
    r"(?:,? (?:and|with) (?:nothing|no(?:thing)? other).*"
    r"|\s+(?:back|to me|please|exactly|only)\W*)$"
    r"|[.!]? (?:do not|don't|nothing else|no other|without|only that).*$",
    re.IGNORECASE | re.DOTALL,
)
_NOT_ECHO = re.compile(
    r"^(?:(?:an?|one|two|three|\d+)?\s*(?:yes|no\b|json|sentence|word|number|paragraph|list|haiku"
    r"|poem|single|short|brief|bullet|numbered|concise)|in\b|to\b|numbers?\b"
    r"|the (?:answer|number|name|result|city|word|correct|final|json|letter)|your|what|which"
    r"|only the|something|why|how|if|that)",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\W*(?:what|who|when|where|why|how|which|do|does|did|is|are)\b", re.IGNORECASE)
_TRANSLATE = re.compile(r"\btranslat\w+\b", re.IGNORECASE)
_COUNT = re.compile(
    r"\bcount (?:from (\d{1,9}) )?(?:up )?to (\d{1,9}|two|three|four|five|six|seven|eight|nine"
    r"|ten|twelve|twenty)\b",
    re.IGNORECASE,
)
_WRITES = re.compile(
    r"\b(?:write|compose|tell|create|make up|give|generate)\b.{0,30}?\b(?P<what>story|poem|haikus?"
    r"|essay|joke|paragraph|song|limerick|article|letter|email|post|tale)\b"
    r"(?:.*?\babout (?P<about>[^.?!\n]+))?",
    re.IGNORECASE | re.DOTALL,
)
_CODE = re.compile(
    r"\b(?:write|create|generate|give|show|implement|code)\b.{0,40}?\b(?:functions?|scripts?|code"
    r"|programs?|class(?:es)?|quer(?:y|ies)|regex(?:es)?|regular expressions?|unit tests?"
    r"|python|javascript|java|sql|bash|html|css|rust)\b",
    re.IGNORECASE,
)
_UNKNOWN = (
    "I do not know about “{topic}”. I am {name}, which has no model weights: give me a text, a "
    "tool or web search and I will answer from it.\n"
    "About “{topic}” I know nothing: this is {name}, which runs without model weights. Add "
    "context, a tool or an :online model and I will answer from that.\n"
    "I have no answer to “{topic}”. This is {name}; it works from the context and tools that you "
    "give it and from a small built-in corpus, not from trained knowledge."
).split("\n")
_MOST_COUNTED = 1000


def echo(text: str) -> str:
    """Return the words that the user asks to hear, or ""."""
    if _ASKS.match(text):
        return ""
    for match in _ECHO.finditer(text):
        wanted = _ECHO_END.sub("", text[match.end() :].strip()).strip()
        quotes = re.match(r"^[\"'“‘`](.+?)[\"'”’`](?=\W*$|\s)", wanted, re.DOTALL)
        if quotes:
            return quotes[1]
        if wanted and not _NOT_ECHO.match(wanted):
            return wanted if wanted.endswith(("!", "?")) else wanted.rstrip(".")
    return ""


def calculation(text: str) -> str:
    """Work out the sums of a text, or return "" where there are none."""
    found = arith.sums(text)
    return " ".join(f"{each.text} = {arith.show(each.value)}." for each in found)


def reply(text: str) -> str:
    """Answer courtesy, echoes, sums and requests to make something up; else return ""."""
    if said := courtesy(text) or echo(text) or calculation(text) or named(text):
        return said
    if count := _COUNT.search(text):
        low, high = (int(mine.numbers(each)[0].value) for each in (count[1] or "1", count[2]))
        return ", ".join(map(str, range(low, min(high, low + _MOST_COUNTED) + 1)))
    if _TRANSLATE.search(text):
        return f"I cannot translate: I am {NAME}, which has no model weights."
    if writes := _WRITES.search(text):
        return _composed(writes["what"].lower(), (writes["about"] or "").strip() or "a quiet day")
    if _CODE.search(text):
        return f"I cannot write code: I am {NAME}, which has no model weights."
    return ""


def unknown(text: str) -> str:
    """Say that nothing is known of a question; note a statement."""
    subject = text if text.rstrip().endswith("?") else phrase(text)
    topic = shorten(subject, 120).rstrip(".") or "your message"
    if is_statement(text):
        return f"Noted: {turned(topic, opens=False)}. (This is {NAME}.)"
    return pick(text, _UNKNOWN).format(name=NAME, topic=topic)


def _composed(what: str, about: str) -> str:
    """Return a few plain lines where a model would invent something."""
    return (
        f"This is a placeholder for your {what} about {about}, written by {NAME}.\n\n"
        f"It began with {about}. There was a morning, a question and time enough to look into it. "
        f"One thing led to the next, as it does with {about}, and by evening all was well.\n\n"
        "A real model would have told it better; the words stand here so that streams have "
        "something to carry."
    )
