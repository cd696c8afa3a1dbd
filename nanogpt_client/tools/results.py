"""What a tool returns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Self

__all__ = ["Media", "ToolResult"]

DEEPEST = 64  # levels of an artifact; JSON of more than a few hundred nobody can write


@dataclass(frozen=True, slots=True)
class Media:
    """A file to show a model that can see: its bytes and their type."""

    data: bytes = field(repr=False)
    mime_type: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """``text`` is for a model to read, ``artifact`` for a program, ``media`` for a model to see.

    The artifact is JSON: it can be stored with a conversation. It always has the keys ``kind``,
    ``cost`` (USD as a number, ``None`` if unknown), ``cost_exact`` (the same as a text with all its
    digits) and ``request_id``; that of a file also ``name``, ``mime_type``, ``size`` (bytes),
    ``path``, ``url`` and ``base64``, each ``None`` where there is none. A file's bytes are at its
    path, else in the tools' ``memory`` under its name; in ``base64`` with ``include_base64=True``.
    ``media`` is empty unless pictures are asked for as such.
    """

    text: str
    artifact: dict[str, Any] = field(repr=False)
    media: tuple[Media, ...] = ()

    @property
    def cost(self) -> Decimal | None:
        """What it cost in USD, exactly; ``None`` if unknown."""
        exact = self.artifact.get("cost_exact")
        return None if exact is None else Decimal(exact)

    def finished(self, most: int) -> Self:
        """Return the result as it leaves: at most so many characters of text, an artifact of JSON.

        The artifact has the whole text.
        """
        text = self.text
        if len(text) > most:
            text = f"{text[:most]} … (cut: these are {most} of {len(text)} characters)"
        return replace(self, text=text, artifact=_plain(self.artifact))


def amount(name: str, value: Decimal | None) -> dict[str, Any]:
    """Return an amount for an artifact: a number, and a text with all its digits."""
    number = None if value is None else float(value)
    return {name: number, f"{name}_exact": None if value is None else f"{value:f}"}


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON can hold it: what comes from afar may have half an emoji, or NaN."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    if depth >= DEEPEST or isinstance(value, bytes) or not isinstance(value, Mapping | Sequence):
        return None
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item, depth + 1) for key, item in value.items()}
    return [_plain(item, depth + 1) for item in value]
