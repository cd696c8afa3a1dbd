"""Answer where there is no context: courtesy, echoes, sums; else say plainly what this is."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.brain import arith
from nanogpt_client.sandbox.brain.phrase import phrase
from nanogpt_client.sandbox.brain.text import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "NanoGPT's sandbox emulator"
_GREETING = r"(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|hallo|bonjour|hola)"
_TALK = (
    (rf"{_GREETING}(?: there| again| all| everyone| world)?(?:,? (?:how are you|how's it going).*)?",
     (f"Hello! I am {NAME}. What would you like to try?",
      f"Hello! This is {NAME}, ready for your prompts.",
      f"Hi there! You are talking to {NAME}; give me some context or a tool to work with.")),
    (r"(?:how are you|how do you do|how's it going|what's up|how are things)(?: doing)?(?: today)?",
     (f"I am well, thank you, and running offline: I am {NAME}. How are you?",
      f"All is well here in {NAME}. What can I do for you?")),
    (r"(?:thanks|thank you|thx|cheers|great|perfect|awesome|nice|ok|okay|cool)(?:,? (?:so much|very much"
     r"|a lot|for .*|that's all|that is all|you))*",
     (f"You are welcome! {NAME} is here when you need it.", "You are welcome!")),
    (r"(?:bye|goodbye|see you|good night|farewell)(?: .*)?", ("Goodbye, and good luck with what you build!",)),
    (r"(?:so,? )?(?:who|what) (?:exactly )?are you|what(?: ai| language)? model (?:are you|is this)"
     r"|are you (?:a real|an? (?:ai|llm|language)) ?(?:model)?|introduce yourself|what can you do(?: for me)?|help",
     (f"I am {NAME}: no model weights, only rules. I answer from the context I am given, call tools, "
      "fill JSON schemas and cite the pages of web searches.",)),
)  # fmt: skip
_PATTERNS = tuple(
    (re.compile(rf"\W*(?:{pattern})\W*", re.IGNORECASE), answers) for pattern, answers in _TALK
)
_ECHO = re.compile(
    r"\b(?:(?:reply|respond|answer|output|return|print|write|say)(?: back)?(?: to (?:me|this))?"
    r"(?: (?:with|using))?(?: (?:only|exactly|just|precisely))*"
    r"(?: (?:with )?(?:the|one|a|this|these|following|exact|single|word|words|phrase|text|sentence|string|token))*"
    r"(?: and nothing else)?\s*[:：]|(?:reply|respond|answer) (?:only |just |exactly )*with"
    r"(?: (?:only|exactly|just|the|a|one|single|word|words|phrase|text))*"
    r"|say(?: (?:exactly|only|just|the words?|the phrase))*"
    r"|(?:repeat|echo)(?: (?:back|after me|exactly|this|the|following|word|words|phrase|text|sentence|me))*[:,]?"
    r"|(?:output|print|return|write) (?:only|exactly|just)(?: (?:the|word|words|phrase|text))*)\s+",
    re.IGNORECASE,
)
_ECHO_END = re.compile(
    r"(?:,? (?:and|with) (?:nothing|no(?:thing)? other).*|\s+(?:back|to me|please|exactly|only)\W*)$"
    r"|[.!]? (?:do not|don't|nothing else|no other|without|only that).*$",
    re.IGNORECASE | re.DOTALL,
)
_NOT_ECHO = re.compile(
    r"^(?:(?:a|an|one|two|three|\d+)?\s*(?:yes|no\b|json|sentence|word|number|paragraph|list|haiku|poem"
    r"|single|short|brief|bullet|numbered|concise)|in\b|to\b|the (?:answer|number|name|result|city"
    r"|word|correct|final|json|letter)|your|what|which|only the|something|why|how|if|that|numbers?\b)",
    re.IGNORECASE,
)
_TRANSLATE = re.compile(r"\btranslat\w+\b", re.IGNORECASE)
_COUNT = re.compile(r"\bcount (?:from (\d+) )?(?:up )?to (\d+)", re.IGNORECASE)
_WRITES = re.compile(
    r"\b(?:write|compose|tell|create|make up|give|generate)\b.{0,30}?\b(?P<what>story|poem|haikus?|essay|joke"
    r"|paragraph|song|limerick|article|letter|email|post|tale)\b(?:.*?\babout (?P<about>[^.?!\n]+))?",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN = (
    "I am {name} and have no knowledge of my own, so I cannot say more about “{topic}”. "
    "Give me a text, a tool or web search and I will answer from it.",
    "About “{topic}” I can only answer from what you give me: this is {name}, which runs "
    "without model weights. Add context or use an :online model.",
    "You asked about “{topic}”. This is {name}; it works from context, tools and its small "
    "built-in web corpus, not from trained knowledge.",
    "{name}: noted, “{topic}”. I have no weights to draw on; with documents, tool results or "
    "web search in the conversation I can give a real answer.",
)
_MOST_COUNTED = 1000


def is_small_talk(text: str) -> bool:
    """Tell whether a text is only courtesy, or asks who is speaking."""
    return any(pattern.fullmatch(text) for pattern, _ in _PATTERNS)


def courtesy(text: str) -> str:
    """Return the answer to courtesy, or ""."""
    for pattern, answers in _PATTERNS:
        if pattern.fullmatch(text):
            return pick(text, answers)
    return ""


def echo(text: str) -> str:
    """Return the words that the user asks to hear, or ""."""
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
    """Answer a text for which no context was given."""
    if said := courtesy(text) or echo(text) or calculation(text):
        return said
    if count := _COUNT.search(text):
        low, high = int(count[1] or 1), int(count[2])
        return ", ".join(map(str, range(low, min(high, low + _MOST_COUNTED) + 1)))
    if _TRANSLATE.search(text):
        return f"I cannot translate: I am {NAME}, which has no model weights."
    if writes := _WRITES.search(text):
        return _composed(writes["what"].lower(), (writes["about"] or "").strip() or "a quiet day")
    topic = shorten(phrase(text), 120).rstrip(".") or "your message"
    return pick(text, _PLAIN).format(name=NAME, topic=topic)


def pick(seed: str, options: Sequence[str]) -> str:
    """Choose an option by the text: the same text always gets the same one."""
    number = int.from_bytes(blake2b(seed.encode(errors="replace"), digest_size=4).digest(), "big")
    return options[number % len(options)]


def _composed(what: str, about: str) -> str:
    """Return a few plain lines where a model would invent something."""
    return (
        f"This is a placeholder for your {what} about {about}, written by {NAME}.\n\n"
        f"It began with {about}. There was a morning, a question and time enough to look into it. "
        f"One thing led to the next, as it does with {about}, and by evening all was well.\n\n"
        "A real model would have told it better; the words stand here so that streams have "
        "something to carry."
    )
