"""Charge the account for one request and say so in the reply."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox.money import Charge, plain
from nanogpt_client.sandbox.world import Exchange


def bill(exchange: Exchange, charge: Charge) -> Decimal:
    """Charge the account and return what remains, in USD. Raises `Refusal` (402)."""
    return exchange.world.account.charge(charge)


def cost_headers(charge: Charge, remaining: Decimal) -> dict[str, str]:
    """Return the cost as headers, for replies whose documented body has no place for it."""
    return {"x-cost": plain(charge.cost), "x-remaining-balance": plain(remaining)}


def cost_fields(charge: Charge, remaining: Decimal) -> dict[str, Any]:
    """Return the cost as the body fields of media routes."""
    return {"cost": charge.cost, "paymentSource": "USD", "remainingBalance": remaining}
