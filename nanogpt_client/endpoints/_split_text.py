"""Splitting a long text into parts to synthesize one by one, where a reader would pause."""

from __future__ import annotations

import re

# From the best place to split to the worst: paragraphs, sentences, clauses, words.
_PAUSES = (
    re.compile(r"(?<=\n)\s*\n"),
    re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？])|\n+"),
    re.compile(r"(?<=[,;:–—])\s+|(?<=[，；：、])"),
    re.compile(r"\s+"),
)


def split_text(text: str, most: int) -> list[str]:
    """Split a text into parts of up to ``most`` characters; white space between them is dropped."""
    return _cut(text, most, _PAUSES)


def _cut(text: str, most: int, pauses: tuple[re.Pattern[str], ...]) -> list[str]:
    text = text.strip()
    if len(text) <= most:
        return [text] if text else []
    if not pauses:  # a single word that is too long
        return [text[at : at + most] for at in range(0, len(text), most)]
    parts, start = [], 0
    for pause in pauses[0].finditer(text):
        parts.append(text[start : pause.end()])
        start = pause.end()
    parts.append(text[start:])
    return _packed(parts, most, pauses[1:])


def _packed(parts: list[str], most: int, pauses: tuple[re.Pattern[str], ...]) -> list[str]:
    """Join neighbours while they fit; split a part that is too long at lesser pauses."""
    found: list[str] = []
    current = ""
    for part in parts:
        if len((current + part).strip()) <= most:
            current += part
            continue
        found += _cut(current, most, pauses)
        current = part
        if len(current.strip()) > most:
            *whole, current = _cut(current, most, pauses)
            found += whole
            current += " "
    return found + _cut(current, most, pauses)
