"""What a tool returns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Self

from nanogpt_client.types.billing import Billing
from nanogpt_client.types.plain import exact, usd

__all__ = ["Media", "ToolResult"]

MAX_DEPTH = 64  # levels of an artifact; deeper JSON cannot be written by everybody


@dataclass(frozen=True, slots=True)
class Media:
    """A file to show to a model with vision: its bytes and their type."""

    data: bytes = field(repr=False)
    mime_type: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """``text`` is for a model to read, ``artifact`` for a program, ``media`` for a model to see.

    The artifact is JSON, so it can be stored with a conversation. It always has the keys ``kind``,
    ``cost`` (USD as a number, ``None`` if unknown), ``cost_exact`` (the same as text with all its
    digits) and ``request_id``; that of a file also ``name``, ``mime_type``, ``size`` (bytes),
    ``path``, ``url`` and ``base64``, each ``None`` if it does not apply. A file's bytes are at its
    path, else in the tools' ``artifacts`` under its name; in ``base64`` with
    ``include_base64=True``. ``media`` is empty unless ``image_blocks=True``.
    """

    text: str
    artifact: dict[str, Any] = field(repr=False)
    media: tuple[Media, ...] = ()

    @property
    def cost(self) -> Decimal | None:
        """The exact cost in USD; ``None`` if unknown."""
        exact = self.artifact.get("cost_exact")
        return None if exact is None else Decimal(exact)

    def finished(self, max_characters: int) -> Self:
        """Return the result with its text cut to a length, and an artifact that is valid JSON.

        The artifact keeps the whole text.
        """
        text = self.text
        if len(text) > max_characters:
            text = f"{text[:max_characters]} … (cut: {max_characters} of {len(text)} characters)"
        return replace(self, text=text, artifact=_as_json(self.artifact))


def amount(name: str, value: Decimal | None) -> dict[str, Any]:
    """Return an amount for an artifact: as a number, and as text with all its digits."""
    number = None if value is None else float(value)
    return {name: number, f"{name}_exact": exact(value)}


def media_artifact(kind: str, model: str | None, billing: Billing) -> dict[str, Any]:
    """Return the part of an artifact that all media have."""
    cost = amount("cost", billing.cost)
    return {"kind": kind, "model": model, **cost, "request_id": billing.request_id}


def price(billing: Billing) -> str:
    """Return the end of a sentence: what it cost, if that is reported."""
    return "" if billing.cost is None else f" for {usd(billing.cost)}"


def _as_json(value: Any, depth: int = 0) -> Any:
    """Return a value that JSON can hold: responses may have lone surrogates, or NaN."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    if depth >= MAX_DEPTH or isinstance(value, bytes) or not isinstance(value, Mapping | Sequence):
        return None
    if isinstance(value, Mapping):
        return {_as_json(str(key)): _as_json(item, depth + 1) for key, item in value.items()}
    return [_as_json(item, depth + 1) for item in value]
