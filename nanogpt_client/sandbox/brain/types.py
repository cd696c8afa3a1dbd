"""The values that the sandbox's brain hands out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result: an article's title, address, text and ISO date."""

    title: str
    url: str
    content: str
    date: str
