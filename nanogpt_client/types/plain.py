"""Money, counts and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import overload

__all__ = ["counted", "exact", "moment", "usd"]


@overload
def exact(amount: Decimal) -> str: ...
@overload
def exact(amount: Decimal | None) -> str | None: ...
def exact(amount: Decimal | None) -> str | None:
    """Return an amount with all its digits, no exponent, and no zeros at its end."""
    if amount is None:
        return None
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def usd(amount: Decimal | None, unknown: str = "unknown") -> str:
    """Return an amount such as ``"0.0012 USD"``."""
    return unknown if amount is None else f"{exact(amount)} USD"


def counted(number: int, what: str) -> str:
    """Return a count such as ``"1 call"`` or ``"12,000 calls"``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def moment(seconds: float) -> str:
    """Return a time given in seconds since the epoch, such as ``"2026-01-31 12:00:00+00:00"``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds")
