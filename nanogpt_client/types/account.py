"""Balance, usage, estimates and deposits. Amounts are `Decimal`, in USD unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nanogpt_client.types._coerce import (
    as_count,
    as_dict,
    as_number,
    as_text,
    dicts,
    first,
    unwrapped,
)
from nanogpt_client.types.billing import Billing

__all__ = [
    "Affordability",
    "Balance",
    "CostEstimate",
    "Deposit",
    "DepositLimits",
    "SubscriptionUsage",
    "UsageReport",
]


@dataclass(frozen=True, slots=True)
class Balance:
    """The account's balance in USD and in Nano (XNO); ``None`` if NanoGPT did not report it.

    Nano sent to ``nano_deposit_address`` is credited at once.
    """

    usd: Decimal | None
    nano: Decimal | None
    nano_deposit_address: str | None
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: dict[str, Any]) -> Balance:
        """Read it from NanoGPT's JSON."""
        return cls(
            usd=as_number(body.get("usd_balance")),
            nano=as_number(body.get("nano_balance")),
            nano_deposit_address=as_text(body.get("nanoDepositAddress")) or None,
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """The estimated cost of a request in USD; ``None`` if it is unknown."""

    usd: Decimal | None
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: dict[str, Any]) -> CostEstimate:
        """Read the estimate under any of its likely names; there is no witness of this response."""
        inner = unwrapped(body)
        billing = Billing.read(inner)
        usd = billing.cost
        if usd is None and billing.currency in {None, "USD"}:
            named = first(inner, "estimatedCost", "estimated_cost", "totalCost", "total_cost",
                          "price")  # fmt: skip
            usd = as_number(named)
        return cls(usd, body)


@dataclass(frozen=True, slots=True)
class Affordability:
    """Whether the balance covers a request; ``None`` if estimate or balance is unknown."""

    affordable: bool | None
    estimate: CostEstimate
    balance: Balance

    def __bool__(self) -> bool:
        return self.affordable is True


@dataclass(frozen=True, slots=True)
class UsageReport:
    """Requests and USD over a period; ``by_day`` and ``by_model`` as NanoGPT returns them.

    ``cost_usd`` is before refunds, ``net_cost_usd`` after them (page usage).
    """

    requests: int | None
    cost_usd: Decimal | None
    by_day: tuple[dict[str, Any], ...]
    by_model: tuple[dict[str, Any], ...]
    raw: dict[str, Any] = field(repr=False)
    refunded_usd: Decimal | None = None
    net_cost_usd: Decimal | None = None

    @classmethod
    def read(cls, body: dict[str, Any]) -> UsageReport:
        """Read it from NanoGPT's JSON."""
        totals = as_dict(body.get("totals"))
        return cls(
            requests=as_count(totals.get("requests")),
            cost_usd=as_number(first(totals, "costUsd", "netCostUsd")),
            by_day=tuple(dicts(body.get("byDay"))),
            by_model=tuple(dicts(body.get("byModel"))),
            raw=body,
            refunded_usd=as_number(totals.get("refundedUsd")),
            net_cost_usd=as_number(totals.get("netCostUsd")),
        )


@dataclass(frozen=True, slots=True)
class SubscriptionUsage:
    """Usage of the subscription's allowance; ``daily`` and ``monthly`` as NanoGPT returns them."""

    active: bool
    state: str | None
    limits: dict[str, Any]
    daily: dict[str, Any]
    monthly: dict[str, Any]
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: dict[str, Any]) -> SubscriptionUsage:
        """Read it from NanoGPT's JSON."""
        return cls(
            active=body.get("active") is True,
            state=as_text(body.get("state")) or None,
            limits=as_dict(body.get("limits")),
            daily=as_dict(body.get("daily")),
            monthly=as_dict(body.get("monthly")),
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class Deposit:
    """A deposit: send ``amount`` (of the ticker's coin) to ``address``, or open the link.

    ``status`` is New, Pending, Processing, Paid, Completed, Expired or Failed. A card's deposit has
    a ``payment_link`` alone, one by Daimo (usdc, usdt, eth, sol) an ``id`` alone, its ``paymentId``
    (pages crypto-deposits; openapi's DaimoCreateResponse).
    """

    id: str | None
    address: str | None
    amount: Decimal | None
    status: str | None
    payment_link: str | None
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: dict[str, Any]) -> Deposit:
        """Read it from NanoGPT's JSON."""
        inner = as_dict(body.get("data")) or as_dict(body.get("transaction")) or body
        return cls(
            id=as_text(first(inner, "txId", "id", "paymentId")) or None,
            address=as_text(inner.get("address")) or None,
            amount=as_number(inner.get("amount")),
            status=as_text(inner.get("status")) or None,
            payment_link=as_text(first(inner, "paymentLink", "paymentUrl", "url")) or None,
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class DepositLimits:
    """The smallest and the largest deposit, in units of the ticker's coin."""

    minimum: Decimal | None
    maximum: Decimal | None
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: dict[str, Any]) -> DepositLimits:
        """Read it from NanoGPT's JSON."""
        inner = as_dict(body.get("data")) or body
        return cls(
            minimum=as_number(first(inner, "minimum", "min", "minAmount")),
            maximum=as_number(first(inner, "maximum", "max", "maxAmount")),
            raw=body,
        )
