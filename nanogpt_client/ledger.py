"""What was spent (`Ledger`) and the limit on it (`Budget`).

Every call of a client leaves one entry, also the failed and the abandoned ones. Dollars are exact
(`Decimal`), or ``None`` where NanoGPT did not say: never a guess. Both are safe to share between
threads, tasks and clients.
"""

from __future__ import annotations

import html
import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, overload

from nanogpt_client.errors import BudgetExceededError, ConfigurationError
from nanogpt_client.wire._read import as_dict, as_list, as_number, loads

__all__ = ["Budget", "Ledger", "LedgerEntry", "Totals"]

_scope: ContextVar[tuple[str, ...]] = ContextVar("nanogpt_ledger_scope", default=())


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One call.

    Attributes:
        kind: chat, embedding, image, speech, transcription, video, search, account, …
        model: the model asked, if any.
        outcome: ``"ok"``, ``"abandoned"`` (the caller stopped reading, or was cancelled), or the
            name of the exception.
        cost: USD; 0 if it was free; ``None`` if unknown.
        prompt_tokens: tokens in, if told; likewise ``completion_tokens``.
        request_id: NanoGPT's id of the request, if told.
        sends: how often the request was sent.
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

    def to_json(self) -> str:
        """Return the entry as one line of JSON; dollars as text, so that they stay exact."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, line: str) -> LedgerEntry | None:
        """Read a line of `to_json`; ``None`` if it is none, such as one that was cut off."""
        try:
            known = as_dict(loads(line))
            values = {field.name: known[field.name] for field in fields(cls)}
        except (ValueError, KeyError):
            return None
        values["cost"] = as_number(values["cost"])
        values["scope"] = tuple(map(str, as_list(values["scope"])))
        return cls(**values)


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


def _lock() -> AbstractContextManager[bool]:
    """Return a lock that its own thread may take again.

    A stream that nobody holds any more is booked when it is collected, which Python may do at any
    moment, also while the same thread books something else.
    """
    return threading.RLock()


class Ledger:
    """The list of all calls. ``list(ledger)``, `rows`, `totals`; a table in notebooks.

    Args:
        path: a file to keep the entries in, one line of JSON each. Those found there are read
            first, and every new one is appended at once, so that a killed process loses none.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._lock = _lock()
        self._path = None if path is None else Path(path)
        self._entries: list[LedgerEntry] = []
        if self._path is not None and self._path.exists():
            text = self._path.read_text("utf-8", "replace")
            self._entries = [e for line in text.split("\n") if (e := LedgerEntry.from_json(line))]
            if text and not text.endswith("\n"):  # a write was cut off: do not continue its line
                self._append("")

    def record(self, entry: LedgerEntry) -> None:
        """Book one call, under the scopes that are open here."""
        entry = replace(entry, scope=_scope.get())
        with self._lock:
            self._entries.append(entry)
            if self._path is not None:
                self._append(entry.to_json())

    def _append(self, line: str) -> None:
        """Write a line in one system call, after which the kernel has it whatever happens here."""
        file = os.open(str(self._path), os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.write(file, f"{line}\n".encode())
        finally:
            os.close(file)

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
        return _sum(self.entries)

    @property
    def spent(self) -> Decimal:
        """USD known to be spent."""
        return self.totals.cost

    @overload
    def totals_by(self, field: str, /) -> dict[str, Totals]: ...
    @overload
    def totals_by(
        self, field: str, second: str, /, *more: str
    ) -> dict[tuple[str, ...], Totals]: ...
    def totals_by(self, *fields: str) -> Any:
        """Return sums by a field, such as ``"model"``, or by several, in order of appearance.

        The keys are the field's values, or tuples of them.
        """
        groups: dict[Any, Totals] = {}
        for entry in self.entries:
            values = tuple(str(getattr(entry, field) or "") for field in fields)
            key = values if len(values) > 1 else values[0]
            groups[key] = groups.get(key, Totals()).plus(entry)
        return groups

    def rows(self) -> list[dict[str, Any]]:
        """Return the entries as plain dicts, e.g. for a data frame."""
        return [asdict(entry) for entry in self.entries]

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write all entries to a file, one line of JSON each; ``Ledger(path)`` reads them back."""
        target = Path(path)
        temporary = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        temporary.write_text("".join(f"{entry.to_json()}\n" for entry in self), "utf-8")
        temporary.replace(target)

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Mark the calls made inside the block, e.g. ``with ledger.scope("ingest"):``."""
        token = _scope.set((*_scope.get(), name))
        try:
            yield
        finally:
            _scope.reset(token)

    def _repr_html_(self) -> str:
        """Show calls, tokens and dollars by kind and model, in notebooks."""
        groups = [*self.totals_by("kind", "model").items(), (("all", ""), self.totals)]
        rows = "".join(
            f"<tr><td>{html.escape(kind)}</td><td>{html.escape(model)}</td><td>{total.calls}</td>"
            f"<td>{total.prompt_tokens}</td><td>{total.completion_tokens}</td>"
            f"<td>{total.cost}</td><td>{total.unknown_costs}</td></tr>"
            for (kind, model), total in groups
        )
        head = "kind model calls tokens&nbsp;in tokens&nbsp;out USD unknown".split()
        titles = "".join(f"<th>{title}</th>" for title in head)
        return f"<table><tr>{titles}</tr>{rows}</table>"

    def __getstate__(self) -> dict[str, Any]:
        return {"_entries": list(self.entries), "_path": self._path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=_lock())


def _sum(entries: Iterable[LedgerEntry]) -> Totals:
    totals = Totals()
    for entry in entries:
        totals = totals.plus(entry)
    return totals


class Budget:
    """A limit on what clients may spend: the call that finds it reached is refused, unsent.

    Before a billable call its price is estimated (catalogue price times tokens, with ``max_tokens``
    for the answer if given; for media by the model list, where the client knows it) and reserved;
    afterwards the reported cost takes its place. A call
    whose cost stays unknown keeps its reservation, so that unknown is never taken for free. What
    has no known price reserves nothing: the limit can then be passed by the calls in flight, but
    not by more.

    Args:
        usd: dollars that may be spent.
        max_calls: how many billable calls may be made.

    Attributes:
        spent: USD reported for finished calls.
        assumed: USD reserved for calls whose cost stayed unknown; ``unknown_calls`` counts them.
    """

    def __init__(
        self, usd: Decimal | float | str | None = None, *, max_calls: int | None = None
    ) -> None:
        self.usd = None if usd is None else as_number(usd)
        self.max_calls = max_calls
        if usd is not None and (self.usd is None or self.usd < 0):
            raise ConfigurationError(f"a Budget's usd is a number from 0 on, not {usd!r}")
        if max_calls is not None and max_calls < 0:
            raise ConfigurationError(f"a Budget's max_calls is from 0 on, not {max_calls!r}")
        if usd is None and max_calls is None:
            raise ConfigurationError("a Budget needs usd=…, max_calls=… or both")
        self.spent = Decimal(0)
        self.assumed = Decimal(0)
        self.calls = 0
        self.unknown_calls = 0
        self._reserved = Decimal(0)
        self._lock = _lock()

    @property
    def remaining_usd(self) -> Decimal | None:
        """Dollars left, less what is reserved for calls in flight; ``None`` without a limit."""
        return None if self.usd is None else max(self.usd - self._committed, Decimal(0))

    @property
    def _committed(self) -> Decimal:
        return self.spent + self.assumed + self._reserved

    def reserve(self, estimate: Decimal = Decimal(0)) -> None:
        """Set the estimated dollars of one call aside.

        Raises:
            BudgetExceededError: nothing is left for it.
        """
        with self._lock:
            if self.max_calls is not None and self.calls >= self.max_calls:
                raise BudgetExceededError(
                    f"the budget of {self.max_calls} calls is used up; nothing was sent"
                )
            held = self._committed
            if self.usd is not None and (held >= self.usd or held + estimate > self.usd):
                raise BudgetExceededError(
                    f"the budget of {self.usd} USD does not allow this call: {self.spent} spent, "
                    f"{self.assumed} assumed, {self._reserved} reserved for calls in flight, "
                    f"{estimate} estimated for it; nothing was sent"
                )
            self.calls += 1
            self._reserved += estimate

    def settle(self, estimate: Decimal, cost: Decimal | None) -> None:
        """Replace a reservation by what the call cost (``None``: unknown)."""
        with self._lock:
            self._reserved -= estimate
            self.spent += cost or 0
            if cost is None:
                self.unknown_calls += 1
                self.assumed += estimate

    def correct(
        self, difference: Decimal, *, unknown: bool, estimate: Decimal | None = None
    ) -> None:
        """Add what a finished call cost more (or less, below 0) than it was settled with.

        ``unknown``: it was settled without a cost, so that its ``estimate`` was assumed till now.
        """
        with self._lock:
            self.spent += difference
            if unknown:
                self.assumed = max(self.assumed - (estimate or 0), Decimal(0))
                self.unknown_calls = max(self.unknown_calls - 1, 0)

    def __repr__(self) -> str:
        return f"<Budget: {self.spent} of {self.usd} USD, {self.calls} of {self.max_calls} calls>"

    def __getstate__(self) -> dict[str, Any]:
        # Another process has none of the calls that are in flight here.
        return {k: v for k, v in self.__dict__.items() if k != "_lock"} | {"_reserved": Decimal(0)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=_lock())
