"""Citations as Markdown footnotes: one rule for every framework.

>>> source = Citation("https://nano.org", "Nano", start_index=0, end_index=16)
>>> print(with_footnotes("Nano has no fees. It is fast.", [source]))
Nano has no fees[^1]. It is fast.
<BLANKLINE>
[^1]: [Nano](https://nano.org)
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nanogpt_client.types.chat import Citation

__all__ = ["with_footnotes"]

_NUMBERS = r"(?:[ \t]?\[\d{{1,3}}\]){{1,{most}}}"  # of the model's own, such as [1] or [1][2]
_NO_LINK = r"(?!\(|:|\[(?!\d))"  # behind a number; else it is a link's text, or a definition
_TAKEN = re.compile(r"\[\^(\d{1,9})\]")
_BLOCKS = ("```", "~~~", "|")  # a line that starts so cannot end with a mark


def with_footnotes(text: str, citations: Iterable[Citation]) -> str:
    """Return a text with a mark after each cited passage, and its citations as footnotes.

    A URL is numbered where it is first cited and has one footnote. A citation without a passage, or
    with one outside the text, is marked at the end of the text. Numbers that the model itself wrote
    at the end of the passage, such as ``[1]``, are replaced by the marks.

    Args:
        text: Markdown; its own footnotes keep their numbers.
        citations: their offsets count characters of ``text``.
    """
    text = text.rstrip()
    placed = sorted(((_place(text, c), c) for c in citations), key=lambda pair: pair[0])
    number = max(map(int, _TAKEN.findall(text)), default=0) + 1
    notes: dict[str, str] = {}
    marks: dict[str, str] = {}
    at: dict[int, dict[str, None]] = {}  # ordered, without duplicates
    for place, citation in placed:
        if citation.url not in marks:
            mark = marks[citation.url] = f"[^{number + len(marks)}]"
            notes[mark] = citation.link
        at.setdefault(place, {})[marks[citation.url]] = None
    if not at:
        return text
    return f"{_marked(text, at)}\n\n" + "\n".join(f"{mark}: {notes[mark]}" for mark in notes)


def _place(text: str, citation: Citation) -> int:
    """Return the position of a citation's mark."""
    end = citation.end_index
    return end if end is not None and 0 < end < len(text) else len(text)


def _marked(text: str, marks: dict[int, dict[str, None]]) -> str:
    parts: list[str] = []
    start = 0
    for place, these in marks.items():
        numbers = _NUMBERS.format(most=len(these))
        passage = text[start:place]
        if place < len(text):  # at the end there are also marks of citations without a passage
            passage = re.sub(rf"{numbers}\Z", "", passage)
        found = re.compile(numbers + _NO_LINK).match(text, place)
        parts += [passage, *these]
        start = found.end() if found and len(passage) == place - start else place
    if start == len(text) and text.rpartition("\n")[2].lstrip().startswith(_BLOCKS):
        parts.insert(-len(marks[start]), "\n\n")
    return "".join([*parts, text[start:]])
