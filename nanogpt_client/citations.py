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
from urllib.parse import quote, urlsplit

from nanogpt_client.types.chat import Citation

__all__ = ["with_footnotes"]

_TAKEN = re.compile(r"\[\^(\d{1,9})\]")
_MARKUP = re.compile(r"([\\`*_\[\]<>])")
_IN_LINKS = "%/:?#@!$&'*+,;=~"  # what URLs are made of, but brackets, which could end a link
_BLOCKS = ("```", "~~~", "|")  # a line that begins so takes no mark at its end


def with_footnotes(text: str, citations: Iterable[Citation]) -> str:
    """Return an answer with a mark behind each cited passage, and its sources as footnotes.

    A source is numbered where it is first cited and stands in the notes once. Sources that do not
    say which passage they are for (or one outside the text) are marked at the end of the text.

    Args:
        text: the answer, in Markdown; footnotes that it already has keep their numbers.
        citations: its sources, with offsets that count characters of ``text``.
    """
    text = text.rstrip()
    placed = sorted(((_place(text, c), c) for c in citations), key=lambda pair: pair[0])
    number = max(map(int, _TAKEN.findall(text)), default=0) + 1
    notes: dict[str, str] = {}
    marks: dict[str, str] = {}
    at: dict[int, dict[str, None]] = {}  # in their order, each once
    for place, citation in placed:
        if citation.url not in marks:
            mark = marks[citation.url] = f"[^{number + len(marks)}]"
            notes[mark] = _link(citation)
        at.setdefault(place, {})[marks[citation.url]] = None
    if not at:
        return text
    return f"{_marked(text, at)}\n\n" + "\n".join(f"{mark}: {notes[mark]}" for mark in notes)


def _place(text: str, citation: Citation) -> int:
    """Return where a citation's mark goes."""
    end = citation.end_index
    return end if end is not None and 0 < end < len(text) else len(text)


def _marked(text: str, marks: dict[int, dict[str, None]]) -> str:
    pieces: list[str] = []
    start = 0
    for place, these in marks.items():
        pieces += [text[start:place], *these]
        start = place
    if start == len(text) and text.rpartition("\n")[2].lstrip().startswith(_BLOCKS):
        pieces.insert(-len(marks[start]), "\n\n")
    return "".join([*pieces, text[start:]])


def _link(citation: Citation) -> str:
    title = _MARKUP.sub(r"\\\1", " ".join((citation.title or citation.url).split()))
    if urlsplit(citation.url).scheme not in {"http", "https"}:
        return title  # a link is for following, and this leads nowhere in the web
    return f"[{title}]({quote(citation.url, safe=_IN_LINKS)})"
