"""What a tool returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Media", "ToolResult"]


@dataclass(frozen=True, slots=True)
class Media:
    """A file to show a model that can see: its bytes and their type."""

    data: bytes = field(repr=False)
    mime_type: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """``text`` is for a model to read, ``artifact`` for a program, ``media`` for a model to see.

    The artifact always has the keys ``kind``, ``cost`` (USD as `Decimal`, ``None`` if unknown) and
    ``request_id``; that of a file also ``bytes``, ``mime_type``, ``name``, ``path`` and ``url``,
    each ``None`` where there is none. ``media`` is empty unless pictures are asked for as such.
    """

    text: str
    artifact: dict[str, Any] = field(repr=False)
    media: tuple[Media, ...] = ()
