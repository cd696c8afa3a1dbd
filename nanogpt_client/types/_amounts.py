"""Amounts in USD that are reserved for calls: their checks, and what an unknown one counts as."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from nanogpt_client.errors import BudgetExceededError, ConfigurationError
from nanogpt_client.types._coerce import as_number
from nanogpt_client.types.plain import counted, exact, usd

__all__ = [
    "AtLeast",
    "Unpriced",
    "assumed_for",
    "calls_used_up",
    "checked_usd",
    "from_pico",
    "not_allowed",
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
    amount = as_number(value)
    if amount is None or amount < 0:
        raise ConfigurationError(
            f"{of}'s {name} must be a number of 0 or more, not {value!r}", param=name
        )
    return amount


def reserved_for(estimate: Decimal | None, assumed_usd: Decimal) -> Decimal:
    """Return the USD to reserve for a call; ``assumed_usd`` if its price is unknown."""
    if isinstance(estimate, Unpriced):
        return assumed_usd * estimate
    return assumed_usd if estimate is None else estimate


def assumed_for(estimate: Decimal | None, assumed_usd: Decimal) -> Decimal:
    """Return the USD that a call counts if its cost stays unknown."""
    amount = reserved_for(estimate, assumed_usd)
    return max(amount, assumed_usd) if isinstance(estimate, AtLeast) else amount


def calls_used_up(whose: str, max_calls: int) -> BudgetExceededError:
    """Return the error of a call beyond ``max_calls``."""
    return BudgetExceededError(
        f"{whose} of {counted(max_calls, 'call')} is used up; nothing was sent"
    )


def not_allowed(
    whose: str,
    limit: Decimal,
    needed: Decimal,
    *,
    spent: Decimal,
    assumed: Decimal,
    reserved: Decimal,
) -> BudgetExceededError:
    """Return the error of a call that needs more USD than are left."""
    return BudgetExceededError(
        f"{whose} of {usd(limit)} does not allow this call: {exact(spent)} spent, "
        f"{exact(assumed)} assumed, {exact(reserved)} reserved for calls in flight, "
        f"{exact(needed)} estimated for it; nothing was sent"
    )


def to_pico(amount: Decimal, *, up: bool = False) -> int:
    """Return an amount as an integer of 1e-12 USD, which every store adds up exactly."""
    scaled = amount * _PICO
    return int(scaled.to_integral_value(ROUND_CEILING if up else ROUND_HALF_EVEN))


def from_pico(amount: int) -> Decimal:
    """Return an integer of 1e-12 USD as USD, without zeros at its end."""
    return Decimal(exact(Decimal(amount) / _PICO))
