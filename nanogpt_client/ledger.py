"""What was spent (`Ledger`) and the limit on it (`Budget`).

Every call of a client leaves one entry, also the failed and the abandoned ones. Dollars are exact
(`Decimal`), or ``None`` where NanoGPT did not say: never a guess. Both are safe to share between
threads, tasks and clients.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import Any

from nanogpt_client.errors import BudgetExceededError, ConfigurationError

__all__ = ["Budget", "Ledger", "LedgerEntry", "Totals"]

_scope: ContextVar[tuple[str, ...]] = ContextVar("nanogpt_ledger_scope", default=())


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One call.

    Attributes:
        kind: chat, embedding, image, speech, transcription, video, search, account, …
        model: the model asked, if any.
        outcome: ``"ok"``, ``"abandoned"`` (the caller stopped reading a stream), or the name of
            the exception.
        cost: USD; 0 if it was free; ``None`` if unknown.
        prompt_tokens: tokens in, if told; likewise ``completion_tokens``.
        request_id: NanoGPT's id of the request, if told.
        sends: how often the request was sent; 0 if it was refused here.
        started_at: seconds since the epoch.
        seconds: from the first send to the last byte.
        scope: names of the `Ledger.scope` blocks around the call, outermost first.
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


@dataclass(frozen=True, slots=True)
class Totals:
    """A sum over entries; ``cost`` sums what is known, ``unknown_costs`` counts the rest."""

    calls: int = 0
    cost: Decimal = Decimal(0)
    unknown_costs: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def plus(self, entry: LedgerEntry) -> Totals:
        """Return the totals with one more entry."""
        return Totals(
            calls=self.calls + 1,
            cost=self.cost + (entry.cost or 0),
            unknown_costs=self.unknown_costs + (entry.cost is None),
            prompt_tokens=self.prompt_tokens + (entry.prompt_tokens or 0),
            completion_tokens=self.completion_tokens + (entry.completion_tokens or 0),
        )


class Ledger:
    """The list of all calls. ``list(ledger)``, `rows`, `totals`; a table in notebooks."""

    def __init__(self) -> None:
        self._entries: list[LedgerEntry] = []
        self._lock = threading.Lock()

    def record(self, entry: LedgerEntry) -> None:
        """Book one call, under the scopes that are open here."""
        entry = replace(entry, scope=_scope.get())
        with self._lock:
            self._entries.append(entry)

    @property
    def entries(self) -> Sequence[LedgerEntry]:
        """All entries so far, oldest first; a copy."""
        with self._lock:
            return tuple(self._entries)

    def __iter__(self) -> Iterator[LedgerEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        totals = self.totals
        return f"<Ledger: {totals.calls} calls, {totals.cost} USD known>"

    @property
    def totals(self) -> Totals:
        """The sum over all entries."""
        return self._sum(self.entries)

    @property
    def spent(self) -> Decimal:
        """USD known to be spent."""
        return self.totals.cost

    def totals_by(self, field: str) -> dict[str, Totals]:
        """Return sums by ``"kind"``, ``"model"`` or ``"outcome"``, in order of appearance."""
        groups: dict[str, list[LedgerEntry]] = {}
        for entry in self.entries:
            groups.setdefault(str(getattr(entry, field)), []).append(entry)
        return {name: self._sum(entries) for name, entries in groups.items()}

    def rows(self) -> list[dict[str, Any]]:
        """Return the entries as plain dicts, e.g. for a data frame."""
        return [asdict(entry) for entry in self.entries]

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Mark the calls made inside the block, e.g. ``with ledger.scope("ingest"):``."""
        token = _scope.set((*_scope.get(), name))
        try:
            yield
        finally:
            _scope.reset(token)

    @staticmethod
    def _sum(entries: Sequence[LedgerEntry]) -> Totals:
        totals = Totals()
        for entry in entries:
            totals = totals.plus(entry)
        return totals

    def __getstate__(self) -> dict[str, Any]:
        return {"_entries": list(self.entries)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        self._entries = state["_entries"]


class Budget:
    """A limit on what clients may spend: the call that finds it reached is refused, unsent.

    Billable calls whose cost NanoGPT does not report count towards ``max_calls`` only, since a
    guess would be worse than an open figure; ``unknown_calls`` tells how many there were.

    Args:
        usd: dollars that may be spent.
        max_calls: how many billable calls may be made.
    """

    def __init__(
        self, usd: Decimal | float | str | None = None, *, max_calls: int | None = None
    ) -> None:
        self.usd = None if usd is None else Decimal(str(usd))
        self.max_calls = max_calls
        if self.usd is None and max_calls is None:
            raise ConfigurationError("a Budget needs usd=…, max_calls=… or both")
        if (self.usd is not None and not self.usd >= 0) or (
            max_calls is not None and max_calls < 0
        ):
            raise ConfigurationError("a Budget's limits cannot be negative")
        self.spent = Decimal(0)
        self.calls = 0
        self.unknown_calls = 0
        self._reserved = Decimal(0)
        self._lock = threading.Lock()

    @property
    def remaining_usd(self) -> Decimal | None:
        """Dollars left, less what is reserved for calls in flight; ``None`` without a limit."""
        return None if self.usd is None else max(self.usd - self.spent - self._reserved, Decimal(0))

    def reserve(self, estimate: Decimal = Decimal(0)) -> None:
        """Set the estimated dollars of one call aside.

        Raises:
            BudgetExceededError: nothing is left for it.
        """
        with self._lock:
            if self.max_calls is not None and self.calls >= self.max_calls:
                msg = f"the budget of {self.max_calls} calls is used up; nothing was sent"
                raise BudgetExceededError(msg)
            held = self.spent + self._reserved
            if self.usd is not None and (held >= self.usd or held + estimate > self.usd):
                msg = (
                    f"the budget of {self.usd} USD does not allow this call: {self.spent} spent, "
                    f"{self._reserved} reserved, {estimate} estimated; nothing was sent"
                )
                raise BudgetExceededError(msg)
            self.calls += 1
            self._reserved += estimate

    def settle(self, estimate: Decimal, cost: Decimal | None) -> None:
        """Replace a reservation by what the call cost (``None``: unknown)."""
        with self._lock:
            self._reserved -= estimate
            self.spent += cost or 0
            self.unknown_calls += cost is None

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"} | {"_reserved": Decimal(0)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())
