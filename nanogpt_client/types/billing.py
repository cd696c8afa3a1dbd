"""The billing of one response: cost, balance, request id. The one place that reads costs.

``cost`` is USD as an exact `Decimal`, or ``None`` for unknown; 0 means covered by the subscription
and is never merged with unknown. An amount in Nano is not in USD, wherever the response says so:
``paymentSource`` or ``currency`` beside it (images and video jobs were seen with the first, the
documentation of nsfw-image has the second), in ``x_nanogpt_pricing``, under ``data``, or in another
header (no witness; read to be on the safe side).
Follows https://docs.nano-gpt.com/api-reference/miscellaneous/pricing and video-generation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from nanogpt_client.types._coerce import as_dict, as_number, as_text
from nanogpt_client.types.display import Readable

__all__ = ["Billing", "InlineModeration"]

_DOLLARS = frozenset({"USD", "$", "USDC", "USDT"})
_NANO = frozenset({"XNO", "NANO"})
_IN_DOLLARS = ("costUsd", "usdCost")
_MODERATION = "x-nanogpt-inline-moderation-"
_OF_MODERATION = ("model", "flagged", "cost-usd")


@dataclass(frozen=True, slots=True, repr=False)
class InlineModeration(Readable):
    """The check of a request's input that ``moderation=`` asked for.

    Attributes:
        model: the moderation model.
        flagged: whether it refused the input; then nothing was generated.
        cost: USD of the check alone; ``None`` if not reported.
    """

    model: str
    flagged: bool
    cost: Decimal | None = None

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> InlineModeration | None:
        """Read a response's lower-case headers (page inline-moderation); ``None`` without them."""
        model, flagged, cost = (headers.get(f"{_MODERATION}{name}") for name in _OF_MODERATION)
        if (model, flagged, cost) == (None, None, None):
            return None
        usd = as_number(cost)
        is_flagged = (flagged or "").strip().lower() == "true"
        return cls(model or "", is_flagged, usd if usd is not None and usd >= 0 else None)


@dataclass(frozen=True, slots=True, repr=False)
class Billing(Readable):
    """The billing of one response.

    Attributes:
        cost: USD charged; ``0`` if the subscription covered it; ``None`` if not reported.
        source: the field of the cost, e.g. ``"x_nanogpt_pricing.costUsd"``; ``None`` if unknown.
        balance: USD left on the account, if reported.
        payment_source: what paid, e.g. ``"USD"`` or ``"XNO"``, if reported.
        request_id: NanoGPT's id of the request, if reported.
        pricing: the ``x_nanogpt_pricing`` object, unchanged.
        currency: the currency of the amounts: ``"USD"``, ``"XNO"`` (Nano) or what NanoGPT named;
            ``None`` if it named none.
        cost_nano: XNO charged, where the account paid in Nano; ``cost`` is then ``None`` unless
            NanoGPT gave the dollars as well.
        balance_nano: XNO left on the account, if reported.
        moderation: the check of the input that ``moderation=`` asked for, if there was one. NanoGPT
            charges it beside the call (page inline-moderation), so ``cost`` is the sum of both.
    """

    cost: Decimal | None = None
    source: str | None = None
    balance: Decimal | None = None
    payment_source: str | None = None
    request_id: str | None = None
    pricing: dict[str, Any] = field(default_factory=dict, repr=False)
    currency: str | None = None
    cost_nano: Decimal | None = None
    balance_nano: Decimal | None = None
    moderation: InlineModeration | None = None

    @classmethod
    def read(cls, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Billing:
        """Read the billing of a JSON body (an empty one for bytes) and its lower-case headers."""
        headers = headers or {}
        response = _Response.read(body, headers)
        amounts = list(_amounts(response))
        cost, source = next(_dollars(amounts), (None, None))
        balances = list(_balances(response))
        pricing, checked = dict(response.pricing.fields), InlineModeration.read(headers)
        return cls(
            cost=_with_check(cost, checked),
            source=source,
            balance=next((b.value for b in balances if b.currency == "USD"), None),
            payment_source=as_text(pricing.get("paymentSource"))
            or as_text(body.get("paymentSource"))
            or None,
            request_id=headers.get("x-request-id")
            or as_text(pricing.get("requestId"))
            or as_text(body.get("id"))
            or None,
            pricing=pricing,
            currency=response.nano or response.pricing.currency or response.body.currency,
            cost_nano=next((a.value for a in amounts if a.currency == "XNO"), None),
            balance_nano=next((b.value for b in balances if b.currency == "XNO"), None),
            moderation=checked,
        )

    @classmethod
    def total(cls, bills: Sequence[Billing]) -> Billing:
        """Return the sum of several bills, the rest as in the last; an unknown cost stays so."""
        if not bills:
            return cls()
        costs = [bill.cost for bill in bills if bill.cost is not None]
        nano = [bill.cost_nano for bill in bills if bill.cost_nano is not None]
        return replace(
            bills[-1],
            cost=sum(costs, Decimal(0)) if len(costs) == len(bills) else None,
            cost_nano=sum(nano, Decimal(0)) if nano else None,
        )

    def settled(self, final: Billing, *, refunded: bool) -> Billing:
        """Return the bill of a job: this is its submission's, ``final`` its last status'.

        The submission's cost is charged in advance; the final one replaces it, also if it is higher
        or 0. Without a final cost the first one stays. A job that failed is refunded. The status is
        in the submission's currency unless it names another.
        """
        if final.currency is None:
            final = final._in(self.currency)
        if refunded:
            counts = Billing(cost=Decimal(0), source="refund")
        else:
            counts = self if final.cost is None and final.cost_nano is None else final
        return replace(
            self,
            cost=counts.cost if counts is self else _with_check(counts.cost, self.moderation),
            source=counts.source,
            cost_nano=counts.cost_nano,
            balance=self.balance if final.balance is None else final.balance,
            balance_nano=self.balance_nano if final.balance_nano is None else final.balance_nano,
            payment_source=self.payment_source or final.payment_source,
            request_id=self.request_id or final.request_id,
            currency=final.currency or self.currency,
        )

    def _in(self, currency: str | None) -> Billing:
        """Return this bill, which named no currency, in the currency of another response."""
        if currency in {None, "USD"}:
            return self
        nano = currency == "XNO"
        is_in_dollars = (self.source or "").endswith(_IN_DOLLARS)
        return replace(
            self,
            currency=currency,
            cost=self.cost if is_in_dollars or not self.cost else None,
            cost_nano=self.cost if nano and not is_in_dollars else None,
            balance=None,
            balance_nano=self.balance if nano else None,
        )


def _with_check(cost: Decimal | None, check: InlineModeration | None) -> Decimal | None:
    if cost is None or check is None or check.cost is None:
        return cost
    return cost + check.cost


class _Amount(NamedTuple):
    value: Decimal
    source: str
    currency: str | None  # ``None``: unknown


class _Part(NamedTuple):
    """An object of a response that may report amounts, and the currency that it names."""

    fields: Mapping[str, Any]
    prefix: str
    currency: str | None

    @classmethod
    def of(cls, fields: Mapping[str, Any], prefix: str) -> _Part:
        return cls(fields, prefix, _currency(fields) if fields else None)


class _Response(NamedTuple):
    """The parts of a response. ``nano`` is ``"XNO"`` if any part says that Nano paid."""

    body: _Part
    pricing: _Part
    usage: _Part
    metadata: _Part
    headers: _Part
    nano: str | None

    @classmethod
    def read(cls, body: Mapping[str, Any], headers: Mapping[str, str]) -> _Response:
        top = _Part.of(body, "")
        found = as_dict(body.get("x_nanogpt_pricing")) or as_dict(body.get("nanoGPT"))
        pricing = _Part.of(found, "x_nanogpt_pricing.")
        usage, metadata = (
            _Part.of(as_dict(body.get(part)), f"{part}.") for part in ("usage", "metadata")
        )
        in_headers = (
            _currency_code(value)
            for name, value in headers.items()
            if name.endswith(("currency", "payment-source"))
        )
        named = {*in_headers, *(part.currency for part in (top, pricing, usage, metadata))}
        nano = "XNO" if "XNO" in named else None
        return cls(top, pricing, usage, metadata, _Part(headers, "header ", None), nano)

    def amount(self, part: _Part, key: str, default: str | None) -> Iterator[_Amount]:
        """Yield the amount under a key, in the currency of its part, else of the response."""
        value = as_number(part.fields.get(key))
        if value is not None and value >= 0:
            currency = part.currency or self.nano or self.body.currency or default
            yield _Amount(value, f"{part.prefix}{key}", currency)


def _amounts(response: _Response) -> Iterator[_Amount]:
    """Yield the costs that a response reports, the most reliable first.

    The headers come last: one client reads them, there is no witness.
    """
    on_top = list(response.amount(response.body, "cost", "USD"))
    yield from (amount for amount in on_top if amount.value)
    yield from _named_dollars(response)
    for key in ("cost", "amount"):
        yield from response.amount(response.pricing, key, None)
    for part in (response.usage, response.metadata):
        yield from response.amount(part, "cost", "USD")
    yield from on_top  # an explicit 0 counts only if there is no other amount
    for key in ("x-cost", "x-nano-cost"):
        yield from response.amount(response.headers, key, "USD")


def _named_dollars(response: _Response) -> Iterator[_Amount]:
    """Yield the amounts whose key names USD, whatever currency stands beside them.

    Seen in ``x_nanogpt_pricing`` only; elsewhere such a key could mean nothing else.
    """
    for part in (response.pricing, response.body, response.usage, response.metadata):
        for key in _IN_DOLLARS:
            value = as_number(part.fields.get(key))
            if value is not None and value >= 0:
                yield _Amount(value, f"{part.prefix}{key}", "USD")


def _dollars(amounts: list[_Amount]) -> Iterator[tuple[Decimal, str]]:
    """Yield the amounts in USD; 0 Nano are 0 USD."""
    yield from ((a.value, a.source) for a in amounts if a.currency == "USD")
    yield from ((a.value, a.source) for a in amounts if a.currency == "XNO" and not a.value)


def _balances(response: _Response) -> Iterator[_Amount]:
    """Yield the balances; of the header there is no witness, one client reads it."""
    for part, key in (
        (response.headers, "x-remaining-balance"),
        (response.body, "remainingBalance"),
        (response.pricing, "remainingBalance"),
    ):
        value = as_number(part.fields.get(key))
        if value is not None:
            yield _Amount(value, key, part.currency or response.nano or "USD")


def _currency(part: Mapping[str, Any]) -> str | None:
    """Return the currency that an object names: ``"USD"``, ``"XNO"`` first, or another."""
    currency = as_text(part.get("currency")).strip().upper()
    named = {_currency_code(currency), _currency_code(part.get("paymentSource"))}
    if "XNO" in named:
        return "XNO"
    if currency:
        return _currency_code(currency) or currency
    return "USD" if "USD" in named else None


def _currency_code(name: Any) -> str | None:
    code = as_text(name).strip().upper()
    return "XNO" if code in _NANO else "USD" if code in _DOLLARS else None
