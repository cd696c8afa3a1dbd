"""Paying for one call without an account: the quote, its ways to pay, and who pays (`Payer`).

Follows https://docs.nano-gpt.com/api-reference/miscellaneous/x402 and NanoGPT's OpenAPI document.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, Self, TypeAlias

from nanogpt_client.errors import ConfigurationError, InvalidArgumentError
from nanogpt_client.types._coerce import as_dict, as_float, as_list, as_number, as_text, dicts
from nanogpt_client.types.display import Readable
from nanogpt_client.types.plain import usd

__all__ = [
    "PaidKind",
    "PayableEndpoint",
    "Payer",
    "PaymentChallenge",
    "PaymentOption",
    "PaymentProof",
    "PaymentStatus",
]

PaidKind: TypeAlias = Literal["chat", "image", "search", "scrape"]

_SENT: Final = frozenset({"nano", "base-usdc"})
_L402: Final = "lightning-l402"
_EXACT: Final = frozenset({"nano-exact", "x402-exact", "x402-solana-usdc"})


@dataclass(frozen=True, slots=True, repr=False)
class PaymentOption(Readable):
    """One way to pay a quote, an item of ``payment.accepted``.

    Attributes:
        scheme: ``"nano"``, ``"base-usdc"``, ``"nano-exact"``, ``"x402-exact"``,
            ``"x402-solana-usdc"``, ``"lightning-l402"``, or a newer one.
        pay_to: the address to send to, for Lightning the invoice.
        amount: in the smallest unit of the coin, as NanoGPT sends it.
        amount_formatted: the same as NanoGPT writes it, e.g. ``"0.17067988 XNO"``.
        usd: USD, if reported.
        network: e.g. ``"nano-mainnet"``.
        payment_id: identifies the payment, where it differs from the quote's.
        expires_at: seconds since the epoch.
        raw: the whole item, with what single schemes need: ``asset``, ``feePayer``, ``invoice``, …
    """

    scheme: str
    pay_to: str | None
    amount: str | None
    amount_formatted: str | None
    usd: Decimal | None
    network: str | None
    payment_id: str | None
    status_url: str | None
    complete_url: str | None
    expires_at: float | None
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> PaymentOption:
        """Read it from NanoGPT's JSON."""
        return cls(
            as_text(body.get("scheme")),
            _text(body, "payTo"),
            _text(body, "amount"),
            _text(body, "amountFormatted"),
            as_number(body.get("amountUsd")),
            _text(body, "network"),
            _text(body, "paymentId"),
            _text(body, "statusUrl"),
            _text(body, "completeUrl"),
            _time(body.get("expiresAt")),
            dict(body),
        )

    @property
    def value(self) -> Decimal | None:
        """The amount in units of `currency`, e.g. XNO; ``None`` if not reported."""
        return as_number((self.amount_formatted or "").partition(" ")[0])

    @property
    def currency(self) -> str | None:
        """The coin, e.g. ``"XNO"``, ``"USDC"`` or ``"sats"``; ``None`` if not reported."""
        return (self.amount_formatted or "").partition(" ")[2] or None

    @property
    def is_sent(self) -> bool:
        """Whether money is sent to an address, and the call then completed by the payment's id."""
        return bool(self.pay_to and (self.complete_url or self.scheme in _SENT))

    def proof(self, value: str) -> PaymentProof:
        """Return what ``pay`` returns for a scheme that proves the payment to NanoGPT itself.

        Args:
            value: the preimage of a paid Lightning invoice, or the base64 payload of an exact
                scheme, which the request is sent again with.

        Raises:
            InvalidArgumentError: the scheme needs no proof, or the value cannot be in a header.
        """
        if not value or not value.isascii() or not value.isprintable():
            raise InvalidArgumentError("a proof must be printable ASCII text", param="value")
        if self.scheme == _L402:
            header = {"Authorization": f"L402 {as_text(self.raw.get('l402Token'))}:{value}"}
        elif self.scheme in _EXACT:
            header = {"X-PAYMENT": value}
        else:
            raise InvalidArgumentError(f"the scheme {self.scheme!r} takes no proof", param="value")
        return PaymentProof(self, header)


@dataclass(frozen=True, slots=True, repr=False)
class PaymentProof(Readable):
    """The proof of a payment; ``headers`` are secret until they are used."""

    option: PaymentOption
    headers: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class PaymentChallenge(Readable):
    """NanoGPT's quote for one call: what ``pay`` and ``confirm`` are called with.

    Attributes:
        payment_id: identifies the payment; write it down before the money is sent.
        usd: the quoted USD; ``None`` if not reported.
        expires_at: seconds since the epoch; a later payment is lost.
        options: the ways to pay, in NanoGPT's order.
        status_url: where the state of the payment is; ``complete_url``: where the answer is.
        kind: what is paid for, as in the ledger: chat, image, search, …
        model: the model, if any.
        raw: the whole response.
    """

    payment_id: str
    usd: Decimal | None
    expires_at: float | None
    options: tuple[PaymentOption, ...]
    status_url: str | None
    complete_url: str | None
    raw: dict[str, Any] = field(repr=False)
    kind: str = ""
    model: str | None = None

    @classmethod
    def read(
        cls, body: Mapping[str, Any], *, kind: str = "", model: str | None = None
    ) -> PaymentChallenge:
        """Read it from the JSON of a response 402."""
        quote = as_dict(body.get("payment"))
        return cls(
            as_text(quote.get("paymentId")),
            as_number(quote.get("amountUsd")),
            _time(quote.get("expiresAt")),
            tuple(map(PaymentOption.read, dicts(quote.get("accepted")))),
            _text(quote, "statusUrl"),
            _text(quote, "completeUrl"),
            dict(body),
            kind,
            model,
        )

    def option(self, scheme: str = "nano") -> PaymentOption | None:
        """Return the way to pay with a scheme; ``None`` if it is not offered."""
        return next((option for option in self.options if option.scheme == scheme), None)

    @property
    def highest_usd(self) -> Decimal | None:
        """The highest USD of the quote and its options, which limits apply to."""
        each = [self.usd, *(option.usd for option in self.options)]
        return max((usd for usd in each if usd is not None), default=None)

    def __str__(self) -> str:
        amounts = [option.amount_formatted for option in self.options if option.amount_formatted]
        cost = usd(self.highest_usd, "an unknown number of USD")
        what = f"{self.kind or 'call'}{f' with {self.model}' if self.model else ''}"
        return f"{what} costs {cost} ({' or '.join(amounts)}), payment {self.payment_id}"


@dataclass(frozen=True, slots=True, repr=False)
class PaymentStatus(Readable):
    """The state of a payment; amounts are in its currency, e.g. XNO.

    Attributes:
        status: pending, underpaid, paid, processing, completed, failed, refunded or expired.
        ready: whether the call can be completed now.
        poll_after: seconds until NanoGPT wants to be asked again, if reported.
        expires_at: seconds since the epoch.
    """

    payment_id: str
    status: str
    ready: bool
    required: Decimal | None
    received: Decimal | None
    remaining: Decimal | None
    pay_to: str | None
    expires_at: float | None
    poll_after: float | None
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> PaymentStatus:
        """Read it from NanoGPT's JSON."""
        status, ready = as_text(body.get("status")).lower(), body.get("readyToComplete")
        return cls(
            as_text(body.get("paymentId")),
            status,
            ready if isinstance(ready, bool) else status == "paid",
            as_number(body.get("amountRequired")),
            as_number(body.get("amountReceived")),
            as_number(body.get("amountRemaining")),
            _text(body, "payTo"),
            _time(body.get("expiresAt")),
            as_float(body.get("pollAfterSeconds")),
            dict(body),
        )


@dataclass(frozen=True, slots=True, repr=False)
class PayableEndpoint(Readable):
    """A route that can be paid per call: ``schemes`` are those of this deployment.

    ``streaming`` is unsupported, beta or stable; ``quote_type`` deterministic or estimated.
    """

    method: str
    endpoint: str
    supported: bool
    schemes: tuple[str, ...]
    streaming: str | None
    quote_type: str | None
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> PayableEndpoint:
        """Read it from NanoGPT's JSON."""
        return cls(
            as_text(body.get("method")),
            as_text(body.get("endpoint")),
            body.get("supported") is True,
            tuple(map(as_text, as_list(body.get("schemes")))),
            _text(body, "streaming"),
            _text(body, "quoteType"),
            dict(body),
        )


Paid: TypeAlias = PaymentOption | PaymentProof | None
Pay: TypeAlias = Callable[[PaymentChallenge], Paid | Awaitable[Paid]]
ConfirmPayment: TypeAlias = Callable[[PaymentChallenge], bool | Awaitable[bool]]


@dataclass(frozen=True, slots=True, repr=False)
class Payer(Readable):
    """Who pays for calls, and up to what: the argument ``pay`` of a client, with limits.

    Attributes:
        pay: sends the money that a `PaymentChallenge` asks for, by whatever wallet, and returns:
            ``None`` if it paid the option ``nano`` (or the first that money is sent to), else the
            `PaymentOption` that it paid, or its `PaymentOption.proof`. It is called at most once
            for a call; an exception counts as "may have been sent". It may be asynchronous in
            async clients, which call it in a thread otherwise.
        refuse_above_usd: refuse quotes above this many USD; ``None`` for no limit.
        confirm_above_usd: USD that one call may cost without confirmation.
        confirm: called with the `PaymentChallenge` for anything above, and for quotes without
            dollars; without it, these are refused.
        poll_timeout: seconds to wait until NanoGPT has seen the money.

    Raises:
        ConfigurationError: a limit is no number of dollars, or something is no function.
    """

    pay: Pay = field(repr=False)
    refuse_above_usd: Decimal | float | str | None = Decimal(1)
    confirm_above_usd: Decimal | float | str | None = None
    confirm: ConfirmPayment | None = field(default=None, repr=False)
    poll_timeout: float = 120.0

    def __post_init__(self) -> None:
        if not all(map(callable, filter(None, (self.pay, self.confirm)))):
            raise ConfigurationError("pay and confirm must be functions", param="pay")
        for name in ("refuse_above_usd", "confirm_above_usd"):
            given = getattr(self, name)
            usd = as_number(given)
            if given is not None and (usd is None or usd < 0):
                msg = f"{name} must be a number of dollars, 0 or more, not {given!r}"
                raise ConfigurationError(msg, param=name)
            object.__setattr__(self, name, usd)
        if not 0 <= self.poll_timeout < math.inf:
            msg = f"poll_timeout must be 0 or more seconds, not {self.poll_timeout!r}"
            raise ConfigurationError(msg, param="poll_timeout")

    @classmethod
    def of(cls, pay: Pay | Self | None) -> Payer | None:
        """Return the payer for the argument ``pay`` of a client."""
        return pay if pay is None or isinstance(pay, Payer) else cls(pay)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    return as_text(body.get(name)) or None


def _time(value: Any) -> float | None:
    """Return seconds since the epoch; quotes have ISO texts, statuses whole seconds."""
    if isinstance(value, str) and as_number(value) is None:
        try:
            date = datetime.fromisoformat(value)
        except ValueError:
            return None
        return date.timestamp() if date.tzinfo else None
    return as_float(value)
