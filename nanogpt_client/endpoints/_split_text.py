"""Splitting a long text into parts to synthesize one by one, where a reader would pause."""

from __future__ import annotations

import re

# From the best place to cut to the worst: paragraphs, sentences, clauses, words.
_PAUSES = (
    re.compile(r"(?<=\n)\s*\n"),
    re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？])|\n+"),
    re.compile(r"(?<=[,;:–—])\s+|(?<=[，；：、])"),
    re.compile(r"\s+"),
)


def split_text(text: str, most: int) -> list[str]:
    """Split a text into parts of up to ``most`` characters; only space between them is lost."""
    return _cut(text, most, _PAUSES)


def _cut(text: str, most: int, pauses: tuple[re.Pattern[str], ...]) -> list[str]:
    text = text.strip()
    if len(text) <= most:
        return [text] if text else []
    if not pauses:  # one word that is too long
        return [text[at : at + most] for at in range(0, len(text), most)]
    parts, start = [], 0
    for pause in pauses[0].finditer(text):
        parts.append(text[start : pause.end()])
        start = pause.end()
    parts.append(text[start:])
    return _packed(parts, most, pauses[1:])


def _packed(parts: list[str], most: int, pauses: tuple[re.Pattern[str], ...]) -> list[str]:
    """Put neighbours together while they fit; cut a part that is too long where it pauses less."""
    found: list[str] = []
    held = ""
    for part in parts:
        if len((held + part).strip()) <= most:
            held += part
            continue
        found += _cut(held, most, pauses)
        held = part
        if len(held.strip()) > most:
            *whole, held = _cut(held, most, pauses)
            found += whole
            held += " "
    return found + _cut(held, most, pauses)
