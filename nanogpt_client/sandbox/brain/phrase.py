"""Reduce a request to what it is about: `Please search the web for nano fees.` → `nano fees`."""

from __future__ import annotations

import re

from nanogpt_client.sandbox.answers.text import squeeze
from nanogpt_client.sandbox.brain import mine

_POLITE = re.compile(
    r"^(?:(?:please|kindly|then|and|also|next|now|finally|first|second|third|afterwards?|after that"
    r"|lastly|ok|okay|hi|hello|hey|so|well|just)\b[,!:.]?\s*"
    r"|(?:can|could|would|will) you (?:please )?"
    r"|(?:i want|i'd like|i would like|i need) (?:you )?to |i(?:'d| would) like |help me (?:to )?"
    r"|you (?:should|must) |let's |\d+[.)]\s*|[-*]\s+)+",
    re.IGNORECASE,
)
_TOOL = r"(?:the |a |an |your )?(?:[\w-]+ )?(?:tools?|functions?)"
_SEARCH = (
    r"(?:search|google|browse)"
    r"(?: (?:the )?(?:web|internet|net|docs|documentation|documents|knowledge base|corpus|online))*"
    r"(?: for| about| up| on)?"
    r"|(?:find|get|list|show)(?: me)? (?:(?:the )?(?:top|first|best) )?\d+ \w+ (?:on|about|for)"
    r"|look (?:up|for|into)|research"
    r"|get(?: me)? (?:the )?(?:latest|news|facts|information)(?: news)? (?:on|about)"
    r"|find(?: out)?(?: (?:information|info|something|news|facts|more))?(?: about| on)?"
)
_MAKE = (
    r"(?:draw|paint|sketch|illustrate|generate|create|make|render|produce|film|animate)"
    r"(?: me| us)?(?: (?:an?|the|some))?(?: [\w-]+){0,3}?"
    r" (?:image|picture|photo|drawing|painting|illustration|sketch|video|clip|film|movie|poster"
    r"|logo)s?(?: of| showing| about| with| for| from| that (?:shows|fits|goes with))?"
    r"|(?:draw|paint|sketch|illustrate|film|animate)(?: me| us)?"
    r"|(?:i (?:want|need|would like)|give me|get me) an? (?:image|picture|photo|video|recording) of"
)
_SAY = (
    r"(?:say|speak|pronounce|narrate|read)(?: (?:out loud|aloud|out))?"
    r"(?: (?:the )?(?:text|words?|sentence|phrase))?"
    r"|(?:tell|show|give)(?: me| us)?(?: about)?|explain(?: to me)?|describe"
    r"|remind(?: me| us)?(?: to| that| about)?"
    r"|ask(?: (?:the|your|my))?(?: \w+)?(?: about| whether)?"
    r"|(?:summari[sz]e|translate|transcribe|remember|save|store|note|record|post|send|write|answer)"
    r"(?: down)?(?: that| this| the following| me| us)?"
    r"(?: (?:an? )?(?:short |brief )?(?:report|essay|article|story|poem|summary|post)"
    r" (?:on|about|of)"
    r"| (?:text|question|note|message))?"
)
_COMMANDS = re.compile(
    rf"^(?:(?:use|call|using|with|via) {_TOOL}(?: and|,| to| for)?\s+)?"
    rf"(?:{_SEARCH}|{_MAKE}|{_SAY})\b\s*[:,]?\s*",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"[\s,.;:]*(?:\b(?:please|aloud|out loud|for me|to me|now|online"
    r"|(?:on|from) the (?:web|internet))\b"
    rf"|\b(?:using|with|via|by using) {_TOOL}\b|(?<=[.?!,]) ?\b(?:use|using|call) {_TOOL}\b"
    r"|,? (?:with )?(?:a )?(?:limit|maximum|max)(?: of)? \d+)[\s.!?]*$",
    re.IGNORECASE,
)
_RESULTS = "|".join(
    """answers? audio clip drawings? difference facts? files? findings? images? information
    narration numbers? one outputs? paintings? pictures? products? quotient recording results?
    speech summary sums? texts? total transcript transcription values? video""".split()
)
_SHOWS = "draw find illustrate make paint show sketch".split()
_POINTER = re.compile(
    r"\b(?:it|them|him|her(?! \w)|her(?= (?:\w+ing|with|that|about|to|and)\b)"
    r"|(?:that|this)(?=\s*(?:[.,;!?]|$|(?:to|in|into|by|as|for|with|and|aloud|out)\b))"
    rf"|(?:the|its|that|this|these|those) (?:\w+ ){{0,2}}?(?:{_RESULTS})"
    r"|an? (?:\w+ )?summary(?: of (?:it|them|that|this)\b)?"
    r"|(?:what|everything|all)(?: that)? (?:you(?:'ve| have)?|it|was|is|the \w+) (?:\w+ )?"
    r"(?:finds?|found|learn\w*|reads?|sa(?:id|ys?)|discover\w*|spoken)"
    rf"|(?:{'|'.join(f'(?<={verb} )' for verb in _SHOWS)})one)\b(?! of\b)",
    re.IGNORECASE,
)
_OWNED = re.compile(
    r"\b(?:its|their|his|her) (?P<what>(?!\w+ing\b|with\b|that\b)[a-z]+)\b", re.IGNORECASE
)
_PERSONS = (
    ("i am", "you are"), ("i'm", "you are"), ("i've", "you have"), ("i was", "you were"),
    ("my", "your"), ("mine", "yours"), ("me", "you"), ("i", "you"), ("myself", "yourself"),
    ("we", "you"), ("our", "your"), ("us", "you"),
)  # fmt: skip
_OF_PERSON = dict(_PERSONS)
_PERSON = re.compile(rf"\b(?:{'|'.join(re.escape(word) for word, _ in _PERSONS)})\b", re.IGNORECASE)
_GREETING = re.compile(r"^\W*(?:hi|hello|hey)\b(?: there)?[,!.]?\s+", re.IGNORECASE)
_COMMAND_WORDS = 6  # a longer text before a colon is no command


def without_courtesy(request: str) -> str:
    """Return a request without its polite opening: `Could you please draw …` → `draw …`."""
    return _POLITE.sub("", request)


def phrase(request: str) -> str:
    """Return the part of a request that names its subject, without command and courtesy."""
    spoken = [span for span in mine.quoted(request) if " " in span.value]
    if spoken:
        return max(spoken, key=lambda span: len(span.value)).value
    line = without_courtesy(squeeze(request))
    if re.match(r"\W*(?:please )?(?:can|could|would|will) you\b", request, re.IGNORECASE):
        line = line.removesuffix("?")
    while (shorter := _TAIL.sub("", line)) != line:
        line = shorter
    head, colon, tail = line.partition(": ")
    if colon and len(head.split()) <= _COMMAND_WORDS and tail:
        return tail.strip(" .")
    if line.endswith("?"):
        return line
    return _COMMANDS.sub("", line, count=1).strip(" .!") or line.strip(" .!") or squeeze(request)


def turned(sentence: str, *, opens: bool = True) -> str:
    """Say a user's sentence from the other side: `My name` becomes `Your name`."""
    spoken = _GREETING.sub("", sentence)
    swapped = _PERSON.sub(lambda match: _OF_PERSON[match[0].lower()], spoken)
    return swapped[:1].upper() + swapped[1:] if opens else swapped


def points_back(clause: str) -> bool:
    """Tell whether a clause speaks of something before it: it, that, the result, its size."""
    return bool(_POINTER.search(clause) or _OWNED.search(clause))


def point_to(clause: str, value: str) -> str:
    """Put a short earlier result in the place of the words that point to it."""
    if not _POINTER.search(clause):
        return _OWNED.sub(lambda match: f"{match['what']} of {value}", clause, count=1)
    return _POINTER.sub(lambda _: value, clause, count=1)
