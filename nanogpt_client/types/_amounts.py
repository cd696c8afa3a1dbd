"""Amounts in USD that are reserved for calls: their checks, and what an unknown one counts as."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from nanogpt_client.errors import ConfigurationError
from nanogpt_client.types._coerce import as_number

__all__ = [
    "AtLeast",
    "Unpriced",
    "assumed_for",
    "checked_usd",
    "from_pico",
    "reserved_for",
    "to_pico",
]

_PICO = Decimal(10) ** 12


class AtLeast(Decimal):
    """An estimate in USD that is a lower bound, as the length of a response is unknown before."""


class Unpriced(Decimal):
    """Not USD, but the number of calls in a batch of unknown price: each counts ``assumed_usd``."""


def checked_usd(of: str, name: str, value: Decimal | float | str) -> Decimal:
    """Return an amount of 0 or more.

    Raises:
        ConfigurationError: it is no such number.
    """
    usd = as_number(value)
    if usd is None or usd < 0:
        raise ConfigurationError(
            f"{of}'s {name} must be a number of 0 or more, not {value!r}", param=name
        )
    return usd


def reserved_for(estimate: Decimal | None, assumed_usd: Decimal) -> Decimal:
    """Return the USD to reserve for a call; ``assumed_usd`` if its price is unknown."""
    if isinstance(estimate, Unpriced):
        return assumed_usd * estimate
    return assumed_usd if estimate is None else estimate


def assumed_for(estimate: Decimal | None, assumed_usd: Decimal) -> Decimal:
    """Return the USD that a call counts if its cost stays unknown."""
    usd = reserved_for(estimate, assumed_usd)
    return max(usd, assumed_usd) if isinstance(estimate, AtLeast) else usd


def to_pico(usd: Decimal, *, up: bool = False) -> int:
    """Return an amount as an integer of 1e-12 USD, which every store adds up exactly."""
    scaled = usd * _PICO
    return int(scaled.to_integral_value(ROUND_CEILING if up else ROUND_HALF_EVEN))


def from_pico(amount: int) -> Decimal:
    """Return an integer of 1e-12 USD as USD, without zeros at its end."""
    return Decimal(f"{(Decimal(amount) / _PICO).normalize():f}")
