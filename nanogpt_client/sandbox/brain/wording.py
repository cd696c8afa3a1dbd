"""Say in a tool's usual words what a clause asks for in others.

`Put the audio back into words` is to transcribe, `make the boat red` is to edit a picture,
`what would a picture cost` is to estimate. The words alone would speak for other tools: of the
first for speaking, of the last for drawing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nanogpt_client.sandbox.brain.lexicon import COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUOTED = re.compile(r"(?<!\w)([\"'`]).*?\1(?!\w)")  # is told, not asked for
_SOUND = (
    r"(?:(?:audio|recordings?|speech|sound|narration|voice (?:note|memo|message))\b"
    r"|\S+\.(?:wav|mp3|ogg|opus|flac|aac|m4a)\b)"
)
_TEXT = r"(?:(?:plain|written|readable|simple|the|its) )*(?:text|words|writing|written form)\b"
_CONVERTS = r"\b(?:turn|convert|change|transform|put|bring|get|give|have|render|write|type|set)\b"
_OPENING = (
    r"^\W*(?:(?:now|then|and|also|please|next|finally|first|just|ok(?:ay)?|(?:can|could) you)\W+)*"
)
_COLOUR = rf"(?:{'|'.join(sorted(COLOURS))})"
_COMPARED = r"(?:bigg|small|larg|bright|dark|light|tall|wid|sharp|warm|cold|soft)er"
_PICTURE = r"(?:it|(?:the|that|this|your) (?:\w+ )?(?:picture|image|drawing|painting|photo))\b"
_NOT_YET = r"\b(?:would|will|might|could|going to|estimat\w*|predict\w*|forecast\w*)\b"
_ANY = r"(?:an?|one|another|\d+|(?!everyth|anyth|noth|someth|th)\w+ing)"  # a thing not made yet
_ALL = (
    r"(?:everything|altogether|in total|so far|together|all of (?:it|that|this|them)"
    r"|all (?:that|this)|(?:it|that|this|these|those) all)"
)


class _Meaning(NamedTuple):
    """What is meant, in words that such a tool is described with, by clauses that match."""

    plain: str
    pattern: re.Pattern[str]


def _meaning(plain: str, *patterns: str) -> _Meaning:
    return _Meaning(plain, re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL))


_MEANINGS = (  # the first that matches and has a tool
    _meaning(
        "transcribe the recording",
        rf"{_CONVERTS}.*?(?:{_SOUND}|\b(?:it|that|this)(?= back\b)).*?"
        rf"\b(?:in|into|to|as) {_TEXT}",
        rf"^(?!.*\b(?:aloud|speak|say|read)\b).*\b(?:text|words|wording) (?:of|from|in|out of) "
        rf"(?:(?:the|that|this|your|my) )?(?:\w+ )?{_SOUND}",
    ),
    _meaning(
        "edit the picture",
        rf"{_OPENING}(?:make|turn|colou?r|tint|dye|paint (?=it|them)) ?"
        rf"(?:it|them|(?:the|its|that|this)(?: \w+){{1,3}}?) (?:(?:all|a bit|much|in|into) )*"
        rf"(?:(?:(?:dark|light|bright|pale|deep) )?{_COLOUR}|{_COMPARED})"
        r"(?=\W*$|[,.;]| (?:with|instead|and|in|too|again|please|now|but)\b)",
        r"\b(?:recolou?r|repaint|retouch)",
        rf"{_OPENING}(?:add|put|remove|erase|replace)\b.* (?:to|into|in|on|from) {_PICTURE}",
        rf"{_OPENING}give it (?:an?|some|more)\b",
    ),
    _meaning(
        "estimate the cost",
        rf"{_NOT_YET}.*\b(?<!have )(?:cost|price|charge|set (?:me|us) back)",
        r"\b(?:cost|price)s? (?:would|will|might)\b",
        rf"\bhow (?:expensive|costly|pricey|cheap|much)\b.*{_NOT_YET}.*\bbe\b",
        rf"\b(?:what|how much) (?:(?:do|does|is|are) )?{_ANY}\b.*\bcosts?\b",
        rf"\b(?:what(?:'s| is)|tell me|know) the (?:price|cost) (?:of|for) {_ANY}\b",
    ),
    _meaning(
        "check the balance",
        rf"{_OPENING}(?:what(?:'s| is)|how (?:much|high|big|large) is|show|check|see|report|get"
        r"|tell|give)(?: me| us)? (?:what )?(?:my|our|the)(?: \w+){0,2}? (?:balance|credits?|funds)"
        r"\b(?! of (?!my|our|the account))",
        rf"\b{_ALL}\b.*\bcosts?\b|\bcosts?\b.*\b{_ALL}\b",
        r"\b(?:did|has|have|had)\b.*\bcost\b",
        r"\b(?:i|we|you)(?:'ve| have)? (?:spent|paid)\b|\b(?:was|were|been) (?:spent|paid)\b",
    ),
)


def meanings(clause: str) -> Iterator[str]:
    """Yield what a clause may mean, in plain words, the likeliest first."""
    said = _QUOTED.sub("", clause)
    return (each.plain for each in _MEANINGS if each.pattern.search(said))
