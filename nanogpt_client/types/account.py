"""Balance, usage, estimates and deposits. Amounts are `Decimal`, in USD unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

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
from nanogpt_client.types.display import Readable, Table

__all__ = [
    "Affordability",
    "Balance",
    "CostEstimate",
    "Deposit",
    "DepositLimits",
    "SubscriptionUsage",
    "UsageReport",
]


@dataclass(frozen=True, slots=True, repr=False)
class Balance(Readable):
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


@dataclass(frozen=True, slots=True, repr=False)
class CostEstimate(Readable):
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


@dataclass(frozen=True, slots=True, repr=False)
class Affordability(Readable):
    """Whether the balance covers a request; ``None`` if estimate or balance is unknown."""

    affordable: bool | None
    estimate: CostEstimate
    balance: Balance

    def __bool__(self) -> bool:
        return self.affordable is True


@dataclass(frozen=True, slots=True, repr=False)
class UsageReport(Readable):
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

    def rows(self, by: Literal["model", "day"] = "model") -> list[tuple[Any, ...]]:
        """Return model or day, requests, tokens and USD after refunds for each, and for all."""
        groups = self.by_day if by == "day" else self.by_model
        rows = [
            (
                as_text(group.get("date" if by == "day" else "model")),
                as_count(group.get("requests")),
                as_count(group.get("totalTokens")),
                as_number(first(group, "netCostUsd", "costUsd")),
            )
            for group in groups
        ]
        net = self.cost_usd if self.net_cost_usd is None else self.net_cost_usd
        return [*rows, ("all", self.requests, None, net)]

    def __str__(self) -> str:
        """Return requests, tokens and USD by model, as a table."""
        return str(self._shown())

    def _repr_html_(self) -> str:
        """Show the same in notebooks."""
        return self._shown()._repr_html_()

    def _shown(self) -> Table:
        return Table(("model", "requests", "tokens", "USD"), self.rows())


@dataclass(frozen=True, slots=True, repr=False)
class SubscriptionUsage(Readable):
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


@dataclass(frozen=True, slots=True, repr=False)
class Deposit(Readable):
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


@dataclass(frozen=True, slots=True, repr=False)
class DepositLimits(Readable):
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
