"""What one reply says of money: dollars, balance, request id. The one place that reads prices.

``cost`` is exact (`Decimal`, USD) or ``None`` for unknown; 0 means covered by the subscription and
is never merged with unknown. An amount in Nano is no dollar amount.
Follows https://docs.nano-gpt.com/api-reference/miscellaneous/pricing
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nanogpt_client.wire._read import as_dict, as_number, as_text, first

__all__ = ["Billing"]

_DOLLARS = frozenset({"usd", "$", "usdc", "usdt"})


@dataclass(frozen=True, slots=True)
class Billing:
    """The money side of one reply.

    Attributes:
        cost: USD charged; ``0`` if the subscription covered it; ``None`` if NanoGPT did not say.
        source: where the cost stood, e.g. ``"x_nanogpt_pricing.costUsd"``; ``None`` if unknown.
        balance: USD left on the account, if told.
        payment_source: what paid, e.g. ``"USD"`` or ``"XNO"``, if told.
        request_id: NanoGPT's id of the request, if told.
        pricing: the ``x_nanogpt_pricing`` object as it came.
    """

    cost: Decimal | None = None
    source: str | None = None
    balance: Decimal | None = None
    payment_source: str | None = None
    request_id: str | None = None
    pricing: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Billing:
        """Read the billing of a JSON body (an empty one for bytes) and its lower-case headers."""
        headers = headers or {}
        pricing = as_dict(body.get("x_nanogpt_pricing")) or as_dict(body.get("nanoGPT"))
        cost, source = next(_dollars(body, pricing, headers), (None, None))
        return cls(
            cost=cost,
            source=source,
            balance=_first_number(
                headers.get("x-remaining-balance"),
                body.get("remainingBalance"),
                pricing.get("remainingBalance"),
            ),
            payment_source=as_text(first(pricing, "paymentSource") or first(body, "paymentSource"))
            or None,
            request_id=headers.get("x-request-id")
            or as_text(pricing.get("requestId"))
            or as_text(body.get("id"))
            or None,
            pricing=pricing,
        )


def _dollars(
    body: Mapping[str, Any], pricing: Mapping[str, Any], headers: Mapping[str, str]
) -> Iterator[tuple[Decimal, str]]:
    """Yield every dollar figure, the most trustworthy first (contract §2)."""
    on_top = _dollar(body.get("cost")) if _in_dollars(body.get("currency"), default=True) else None
    if on_top:
        yield on_top, "cost"
    exact = ("costUsd", "usdCost")
    convertible = (
        ("cost", "amount")
        if _in_dollars(first(pricing, "currency", "paymentSource"), default=False)
        else ()
    )
    for key in (*exact, *convertible):
        if (amount := _dollar(pricing.get(key))) is not None:
            yield amount, f"x_nanogpt_pricing.{key}"
    usage = as_dict(body.get("usage"))
    amount = _dollar(usage.get("cost"))
    if amount is not None and _in_dollars(usage.get("currency"), default=True):
        yield amount, "usage.cost"
    if (amount := _dollar(as_dict(body.get("metadata")).get("cost"))) is not None:
        yield amount, "metadata.cost"
    if on_top is not None:  # an explicit 0 counts only if nothing above knew better
        yield on_top, "cost"
    for key in ("x-cost", "x-nano-cost"):
        if (amount := _dollar(headers.get(key))) is not None:
            yield amount, f"header {key}"


def _in_dollars(currency: Any, *, default: bool) -> bool:
    return default if currency is None else as_text(currency).strip().lower() in _DOLLARS


def _dollar(value: Any) -> Decimal | None:
    amount = as_number(value)
    return amount if amount is not None and amount >= 0 else None


def _first_number(*values: Any) -> Decimal | None:
    return next((n for n in map(as_number, values) if n is not None), None)
