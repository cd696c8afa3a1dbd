"""Cut text into sentences and blocks, count tokens, and rank passages against a question.

Ranking is lexical: stemmed words (`words.units`), rare words weigh more, words that share a
meaning count a little, and the share of the question that a passage covers counts most.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from nanogpt_client.sandbox.media.words import concepts, importance, units

_CHARS_PER_TOKEN = 4
_WIDE = re.compile(
    "[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U0001f000-\U0003ffff]"
)
_BLANK_LINE = re.compile(r"\n[ \t]*\n+")
_RECORD = re.compile(r"^\s*(?:[-*+•>|#]|\d+[.)]\s|```|[\w /]{1,40}:\s|:\w+)")
_END = re.compile(
    r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[^\Wa-z_])|(?<=[。！？])"
    r"|(?<=[.!?])\s+(?=[a-z]\w*(?:\s[a-z]\w*)*$)"  # bare names at the end of documentation
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|No|Fig|approx|ca|cf|Inc|Ltd|Co|e\.g|i\.e|etc)"
    r"|\b[A-Z](?:\.[A-Z])*)\.$"
)
_WRAPPED = 45  # a line at least this long may have been wrapped by an editor
_COMMON = 0.25  # words at or below this importance say nothing about the subject
_SAME_MEANING = 0.35
_LONGEST = 700


def count_tokens(text: str) -> int:
    """Estimate tokens: about four characters each, one per wide (CJK, emoji) character."""
    wide = len(_WIDE.findall(text))
    return wide + math.ceil((len(text) - wide) / _CHARS_PER_TOKEN)


def squeeze(text: str) -> str:
    """Return `text` on one line, without runs of white space."""
    return " ".join(text.split())


def shorten(text: str, limit: int) -> str:
    """Return `text` on one line, cut at a word so that it has at most `limit` characters."""
    line = squeeze(text)
    if len(line) <= limit:
        return line
    head = line[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip(",;:. ") + "…"


def blocks(text: str) -> list[str]:
    """Split text at blank lines."""
    return [block.strip() for block in _BLANK_LINE.split(text) if block.strip()]


def sentences(text: str) -> list[str]:
    """Split text into sentences; list items, headings and table rows stand alone."""
    return [
        sentence[:_LONGEST]
        for block in blocks(text)
        for record in _records(block)
        for sentence in _split(record)
    ]


def _records(block: str) -> list[str]:
    """Join the lines that an editor wrapped; list items and table rows stay alone."""
    records: list[str] = []
    last = ""
    for line in block.splitlines():
        if not line.strip():
            continue
        wrapped = records and not _RECORD.match(line) and _continues(last, line.strip())
        if wrapped:
            records[-1] += " " + line.strip()
        else:
            records.append(line.strip())
        last = line.strip()
    return records


def _continues(before: str, line: str) -> bool:
    if before.endswith((".", "!", "?", ":", "。", "```")):
        return len(before) >= _WRAPPED and _ABBREVIATION.search(before) is not None
    return len(before) >= _WRAPPED or line[:1].islower()


def _split(record: str) -> list[str]:
    found: list[str] = []
    start = 0
    for end in _END.finditer(record):
        if not _ABBREVIATION.search(record[start : end.start()]):
            found.append(record[start : end.end()].strip())
            start = end.end()
    found.append(record[start:].strip())
    return [squeeze(sentence) for sentence in found if sentence]


def terms(text: str) -> list[str]:
    """Return the stemmed words of `text` that say something about its subject."""
    return [unit for unit in units(text) if importance(unit) > _COMMON]


def weights(passages: Sequence[Iterable[str]]) -> dict[str, float]:
    """Weigh each unit by how rare it is among the passages and how much it says."""
    frequency = Counter(unit for passage in passages for unit in set(passage))
    total = len(passages) + 1
    return {
        unit: importance(unit) * (0.3 + math.log(total / count))
        for unit, count in frequency.items()
    }


def rank(question: str, passages: Sequence[str]) -> list[float]:
    """Return for each passage how well it fits the question, 0 for not at all.

    A passage that holds every word of the question scores about 1.
    """
    wanted = dict.fromkeys(terms(question))
    split = [_units(passage) for passage in passages]
    rarity = weights(split)
    total = math.fsum(_rarity(unit, rarity, len(split)) for unit in wanted) or 1.0
    return [_fit(wanted, passage, rarity, total) for passage in split]


@lru_cache(maxsize=1024)
def _units(passage: str) -> tuple[str, ...]:
    return tuple(units(passage))


def _rarity(unit: str, rarity: dict[str, float], count: int) -> float:
    """Return the weight of a unit; one that no passage has counts like a rare one."""
    return rarity.get(unit, importance(unit) * (0.3 + math.log(count + 1)))


def _fit(
    wanted: Iterable[str], passage: tuple[str, ...], rarity: dict[str, float], total: float
) -> float:
    """Return the covered share of the question, slightly less for long passages."""
    have = set(passage)
    meanings = {meaning for unit in have for meaning in concepts(unit)}
    score = 0.0
    for unit in wanted:
        weight = rarity.get(unit, importance(unit))
        if unit in have:
            score += weight
        elif not meanings.isdisjoint(concepts(unit)):
            score += _SAME_MEANING * weight
    return score / total / (1 + len(passage) / 400)
