"""Ledger entries, and totals over them."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final

from nanogpt_client.types._coerce import as_count, as_dict, as_list, as_number, as_text, loads
from nanogpt_client.types.display import Readable
from nanogpt_client.types.plain import counted, usd

__all__ = ["LedgerEntry", "Totals"]


@dataclass(frozen=True, slots=True, repr=False)
class LedgerEntry(Readable):
    """One call, as the ledger records it.

    Attributes:
        kind: chat, embedding, image, speech, transcription, video, voice, search, scrape,
            youtube, account, …
        model: the model asked, if any.
        outcome: ``"ok"``, ``"abandoned"`` (the caller stopped reading, or was cancelled), or the
            name of the exception.
        cost: USD; 0 if it was free; ``None`` if unknown.
        prompt_tokens: input tokens, if reported; likewise ``completion_tokens`` (output).
        request_id: NanoGPT's id of the request, if reported.
        sends: how often the request was sent.
        started_at: seconds since the epoch.
        seconds: from the first send to the last byte.
        scope: names of the `Ledger.scope` blocks around the call, outermost first.
        payment_id: of a call that was paid by itself, without an account; such a call has an entry
            of kind ``"payment"`` and outcome ``"begun"`` before it, which was written before the
            money was sent.
        paid: what it was paid with, e.g. ``"0.17067988 XNO"``, as NanoGPT writes it.
    """

    kind: str
    model: str | None
    outcome: str
    cost: Decimal | None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    request_id: str | None = None
    sends: int = 1
    started_at: float = 0.0
    seconds: float = 0.0
    scope: tuple[str, ...] = ()
    payment_id: str | None = None
    paid: str | None = None

    def to_json(self) -> str:
        """Return the entry as one line of JSON; dollars as text, so that they stay exact."""
        values = {name: getattr(self, name) for name in _FIELDS}
        if self.payment_id is not None:
            values |= {name: getattr(self, name) for name in _OF_PAYMENTS}
        return _encode(values)

    @classmethod
    def from_json(cls, line: str) -> LedgerEntry | None:
        """Read a line of `to_json`; ``None`` if it is invalid, such as one that was cut off.

        A value of a wrong type, such as a text for a number, counts as missing.
        """
        try:
            found = as_dict(loads(line))
            values = [found[name] for name in _FIELDS]
        except (ValueError, KeyError):
            return None
        kind, model, outcome, cost, prompt, completion, request, sends, at, seconds, scope = values
        return cls(
            as_text(kind),
            _optional_text(model),
            as_text(outcome),
            as_number(cost),
            as_count(prompt),
            as_count(completion),
            _optional_text(request),
            as_count(sends) or 0,
            _seconds(at),
            _seconds(seconds),
            tuple(map(str, as_list(scope))),
            *(_optional_text(found.get(name)) for name in _OF_PAYMENTS),
        )


_OF_PAYMENTS: Final = ("payment_id", "paid")  # absent from the lines of other calls
_FIELDS: Final = tuple(f.name for f in fields(LedgerEntry) if f.name not in _OF_PAYMENTS)
_encode = json.JSONEncoder(default=str).encode


def _optional_text(value: Any) -> str | None:
    return value if value is None or type(value) is str else as_text(value)


def _seconds(value: Any) -> float:
    number = value if type(value) is float else as_number(value)
    return float(number or 0)


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals over entries.

    Attributes:
        cost: the sum in USD of the costs that were reported.
        unknown_costs: calls without a reported cost.
        free: calls that cost nothing: a list of models, a failed call, one of a subscription.
    """

    calls: int = 0
    cost: Decimal = Decimal(0)
    unknown_costs: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    free: int = 0

    def plus(self, entry: LedgerEntry) -> Totals:
        """Return the totals with one more entry."""
        return Totals(
            self.calls + 1,
            self.cost + (entry.cost or 0),
            self.unknown_costs + (entry.cost is None),
            self.prompt_tokens + (entry.prompt_tokens or 0),
            self.completion_tokens + (entry.completion_tokens or 0),
            self.free + (entry.cost == 0),
        )

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.calls + other.calls,
            self.cost + other.cost,
            self.unknown_costs + other.unknown_costs,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.free + other.free,
        )

    def __str__(self) -> str:
        """Return e.g. ``"3 calls (1 free, 1 of unknown cost), 0.01 USD, 20 tokens in, 5 out"``."""
        apart = [
            f"{self.free:,} free" if self.free else "",
            f"{self.unknown_costs:,} of unknown cost" if self.unknown_costs else "",
        ]
        noted = ", ".join(filter(None, apart))
        calls = f"{counted(self.calls, 'call')}{f' ({noted})' if noted else ''}"
        if not (self.prompt_tokens or self.completion_tokens):
            return f"{calls}, {usd(self.cost)}"
        tokens = f"{counted(self.prompt_tokens, 'token')} in, {self.completion_tokens:,} out"
        return f"{calls}, {usd(self.cost)}, {tokens}"
