"""Cut text into sentences and blocks, count tokens, and rank passages against a question.

Ranking is lexical, by stemmed words (`words.units`): what counts is how much of the question a
passage has, common words little, in short passages slightly more.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache

from nanogpt_client.sandbox.media.words import importance, units

_CHARS_PER_TOKEN = 4
_WIDE = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U0001f000-\U0003ffff]"
)
_BLANK_LINE = re.compile(r"\n[ \t]*\n+")
# List items, headings, table rows and fields stand alone; other lines may have been wrapped.
_RECORD = re.compile(r"\n\s*(?=[-*+•>|#]|\d+[.)]\s|```|[\w /]{1,40}:\s|:\w+)")
_END = re.compile(
    r"(?<=[.!?])(?<!\b(?:Mr|Ms|Dr|St|Jr|Sr|vs|No|cf|Co)\.)(?<!\b[A-Z]\.)(?<!e\.g\.)(?<!i\.e\.)"
    r"\s+(?=[\"'“‘(\[]*[^\Wa-z_])|(?<=[。！？])"
)
_COMMON = 0.25  # words at or below this importance say nothing about the subject
_LONGEST = 700


def count_tokens(text: str) -> int:
    """Estimate tokens: about four characters each, one per wide (CJK, emoji) character."""
    wide = len(_WIDE.findall(text))
    return wide + math.ceil((len(text) - wide) / _CHARS_PER_TOKEN)


def shorten(text: str, limit: int) -> str:
    """Return `text` on one line, cut at a word so that it has at most `limit` characters."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip(",;:. ") + "…"


def blocks(text: str) -> list[str]:
    """Split text at blank lines."""
    return [block.strip() for block in _BLANK_LINE.split(text) if block.strip()]


def sentences(text: str) -> list[str]:
    """Split text into sentences; list items, headings and table rows stand alone."""
    records = [record for block in blocks(text) for record in _RECORD.split(block)]
    found = (" ".join(sentence.split()) for record in records for sentence in _END.split(record))
    return [sentence[:_LONGEST] for sentence in found if sentence]


def terms(text: str) -> list[str]:
    """Return the stemmed words of `text` that say something about its subject."""
    return [unit for unit in units(text) if importance(unit) > _COMMON]


def rank(question: str, passages: Sequence[str]) -> list[float]:
    """Return for each passage how well it fits the question: 0 not at all, about 1 in all words."""
    wanted = {unit: importance(unit) for unit in terms(question)}
    total = math.fsum(wanted.values()) or 1.0
    split = map(_units, passages)
    return [
        math.fsum(wanted[unit] for unit in wanted.keys() & have) / total / (1 + length / 400)
        for have, length in split
    ]


@lru_cache(maxsize=1024)
def _units(passage: str) -> tuple[frozenset[str], int]:
    found = units(passage)
    return frozenset(found), len(found)
