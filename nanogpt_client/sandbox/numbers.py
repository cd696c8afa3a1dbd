"""Read numbers from request bodies, within the bounds that NanoGPT documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanogpt_client.sandbox.failures import invalid

_INFINITE = float("inf")


def number(
    body: Mapping[str, Any], name: str, low: float = -_INFINITE, high: float = _INFINITE
) -> float | None:
    """Return a number, None when absent or null. Raises `Refusal` (400)."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise invalid(f"{name} must be {_range('a number', low, high)}.", name)
    return float(value)


def integer(
    body: Mapping[str, Any], name: str, low: float = -_INFINITE, high: float = _INFINITE
) -> int | None:
    """Return an integer, None when absent or null. Raises `Refusal` (400)."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise invalid(f"{name} must be {_range('an integer', low, high)}.", name)
    return value


def _range(kind: str, low: float, high: float) -> str:
    if high == _INFINITE:
        return kind if low == -_INFINITE else f"{kind} of at least {low:g}"
    return f"{kind} from {low:g} to {high:g}"
