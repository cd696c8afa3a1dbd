"""The record of what was spent (`Ledger`); `Budget` limits it.

Every call of a client leaves one entry, also failed and abandoned ones. Costs are exact USD
(`Decimal`), or ``None`` where NanoGPT did not report one: never a guess. Threads, tasks and clients
may share a ledger, and an exception of a signal handler leaves it consistent.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, overload
from weakref import WeakSet

from nanogpt_client._ledger_file import LedgerFile
from nanogpt_client.budget import Budget
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.extras import needs
from nanogpt_client.hooks import AccountingWarning, EntrySink, OnEntry, warn
from nanogpt_client.types._atomic import Step
from nanogpt_client.types.display import Table
from nanogpt_client.types.ledger_entry import LedgerEntry, Totals

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["AccountingWarning", "Budget", "Ledger", "LedgerEntry", "Totals"]

_scope: ContextVar[tuple[str, ...]] = ContextVar("nanogpt_ledger_scope", default=())

# Sums are stored for each combination of these fields; beyond this many combinations, those that
# differ in scope are merged, and beyond twice as many, all further ones.
_GROUPED: Final = ("kind", "model", "outcome", "scope")
_MAX_GROUPS = 10_000
_MERGED: Final = object()
# Number of new entries after which the sums of the groups are updated.
_UPDATE_AFTER = 1_000


_COLUMNS: Final = ("kind", "model", "calls", "free", "unknown", "tokens in", "tokens out", "USD")

_Groups = dict[tuple[Any, ...], Totals]


_NOTHING: Final = Totals()
_NO_ENTRY: Final = LedgerEntry("", None, "", None)


class _Recorded(Step):
    """One entry in a ledger, and the sum of all entries up to it."""

    __slots__ = ("entry", "totals")

    def __init__(self, entry: LedgerEntry, totals: Totals) -> None:
        super().__init__()
        self.entry = entry
        self.totals = totals

    def later(self) -> Iterator[_Recorded]:
        """Yield what was recorded after this."""
        step = self
        while (following := step.following) is not None:
            yield following
            step = following


def current_scope() -> tuple[str, ...]:
    """Return the names of the `Ledger.scope` blocks around, outermost first."""
    return _scope.get()


class Posting:
    """Adds one entry to a ledger exactly once, however often `finish` is called."""

    __slots__ = ("_after", "_is_reported", "_ledger", "_recorded")

    def __init__(self, ledger: Ledger, entry: LedgerEntry) -> None:
        scope = _scope.get()
        self._is_reported = False
        self._ledger = ledger
        self._after = ledger._last()  # noqa: SLF001 - its other half
        self._recorded = _Recorded(
            entry if entry.scope == scope else replace(entry, scope=scope), _NOTHING
        )

    def finish(self) -> None:
        """Record the entry; after an exception of a signal handler, do what is still missing."""
        recorded, step = self._recorded, self._after
        while step is not recorded:
            following = step.following
            if following is None:
                recorded.totals = step.totals.plus(recorded.entry)
                step.follow_with(recorded)
            else:
                step = following
        self._ledger._tidy(recorded)  # noqa: SLF001 - its other half
        if not self._is_reported:
            self._is_reported = True
            self._ledger._report(recorded.entry)  # noqa: SLF001 - its other half


class _OwnPosting:
    """The same for a subclass with its own `record`, which is called at most once."""

    def __init__(self, ledger: Ledger, entry: LedgerEntry) -> None:
        self._left = iter([(ledger, entry)])

    def finish(self) -> None:
        for ledger, entry in self._left:
            ledger.record(entry)


def posting(ledger: Ledger, entry: LedgerEntry) -> Posting | _OwnPosting:
    """Return what adds an entry to a ledger exactly once."""
    usual = getattr(type(ledger), "record", None) is Ledger.record
    return Posting(ledger, entry) if usual else _OwnPosting(ledger, entry)


class Ledger:
    """The record of all calls: ``list(ledger)``, `rows`, `totals`; a table in notebooks.

    `totals` covers all calls and is O(1). The last ``keep`` entries stay in memory; all of them are
    in the file, if there is one. An error in writing it, such as a full disk, loses no response:
    entries wait in memory, an `AccountingWarning` reports it, `write_errors` counts, and once the
    file works again they are written, in order.

    A copy or a pickle, also one inside a model, has the settings and no history: it appends to the
    same file, and its sums cover what it records itself. ``on_entry`` is one of the settings: a
    ledger with a function that cannot be pickled, such as a lambda, cannot be either.

    Args:
        path: a file for all entries, one line of JSON each. Entries in it are added to the sums
            first, and each new one is appended at once, so a killed process loses none. Several
            ledgers and processes may share it; each sums up what it found and what it recorded.
        keep: number of entries in memory; ``None`` for all.
        on_entry: called with each new entry once it is recorded, in the thread and context of its
            call, outside of all locks: for tracers, metrics, databases. Its exceptions become an
            `AccountingWarning`, because the call is billed already. The entry of a stream that
            Python's garbage collector ends is reported with the next one.
            `nanogpt_client.tracing` has one for OpenTelemetry.

    Attributes:
        write_errors: how often writing the file failed.

    Raises:
        ConfigurationError: the file cannot be read and appended to, or ``keep`` is negative.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        keep: int | None = 1_000,
        on_entry: OnEntry | None = None,
    ) -> None:
        if keep is not None and keep < 0:
            raise ConfigurationError(
                f"a Ledger's keep must be 0 or more, not {keep!r}", param="keep"
            )
        file = None if path is None else LedgerFile(path)
        self._set_up(file, keep, on_entry)
        if file is not None:
            file.check()
            self._load(file)

    def _set_up(self, file: LedgerFile | None, keep: int | None, on_entry: OnEntry | None) -> None:
        self._file, self._keep = file, keep
        self._sink = None if on_entry is None else EntrySink(on_entry)
        self.write_errors = 0
        self._failing = self._writing = False
        self._lock = threading.RLock()  # for the file only
        self._start_with({})
        if file is not None:
            _with_files.add(self)

    def _start_with(self, groups: _Groups) -> None:
        """Start with the sums of old entries."""
        before = _Recorded(_NO_ENTRY, sum(groups.values(), Totals()))
        # The last entry, the one before those in memory, and the last one in the file. Each may lag
        # behind for a moment.
        self._latest = self._oldest = self._written = before
        self._grouped = before, groups

    def _load(self, file: LedgerFile) -> None:
        """Sum up the entries of the file and keep the last ones in memory."""
        groups: _Groups = {}
        kept: deque[LedgerEntry] = deque()
        for entry in filter(None, map(LedgerEntry.from_json, file.lines())):
            kept.append(entry)
            if self._keep is not None and len(kept) > self._keep:
                _add_to(groups, kept.popleft())
        self._start_with(groups)
        for entry in kept:
            recorded = _Recorded(entry, self._latest.totals.plus(entry))
            self._latest.follow_with(recorded)
            self._latest = self._written = recorded

    def record(self, entry: LedgerEntry) -> None:
        """Record one call, with the current scopes."""
        posting = Posting(self, entry)
        try:
            posting.finish()
        except BaseException:  # of a signal handler: record the entry all the same
            posting.finish()
            raise

    def _tidy(self, recorded: _Recorded) -> None:
        """Write what is not in the file yet, and forget entries beyond ``keep``."""
        if self._file is None:
            self._written = recorded
        else:
            self._write(self._file)
        number = recorded.totals.calls
        if self._keep is not None:
            oldest = self._oldest
            while number - oldest.totals.calls > self._keep and oldest.following is not None:
                oldest = oldest.following
            self._oldest = oldest
        since, _ = self._grouped
        if number - since.totals.calls >= _UPDATE_AFTER:
            self._grouped = recorded, self._groups(recorded)

    def _report(self, entry: LedgerEntry) -> None:
        if self._sink is not None:
            self._sink.report(entry)

    def _last(self) -> _Recorded:
        step = self._latest
        while (following := step.following) is not None:
            step = following
        self._latest = step
        return step

    def _write(self, file: LedgerFile) -> None:
        error: OSError | None = None
        while self._written.following is not None and error is None:
            with self._lock:
                if self._writing:  # by this thread, while it garbage collects a stream
                    return
                self._writing = True
                try:
                    self._write_rest(file)
                except OSError as raised:
                    error = raised
                    self.write_errors += 1
                finally:
                    self._writing = False
        if error is not None and not self._failing:
            self._failing = True
            warn(
                f"the ledger's file {str(file.path)!r} cannot be written: {error}. Entries stay "
                "in memory until it can."
            )
        elif error is None:
            self._failing = False

    def _write_rest(self, file: LedgerFile) -> None:
        while (step := self._written.following) is not None:
            file.append(step, step.entry.to_json())
            self._written = step

    def _forked(self) -> None:
        """In a forked child: the parent writes what is not in the file yet."""
        self._lock, self._writing = threading.RLock(), False
        self._written = self._last()

    @property
    def entries(self) -> Sequence[LedgerEntry]:
        """A copy of the entries in memory, oldest first: the last ``keep``, or all."""
        kept = [step.entry for step in self._oldest.later()]
        return tuple(kept if self._keep is None else kept[max(len(kept) - self._keep, 0) :])

    def __iter__(self) -> Iterator[LedgerEntry]:
        """Yield all entries in the file, also those of others; without a file, `entries`.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        if self._file is None:
            if (missing := len(self) - len(kept := self.entries)) > 0:
                warn(f"the ledger has only the last {len(kept)} entries; {missing} are missing")
            return iter(kept)
        return self._on_file(self._file)

    def has_charge(self, kind: str, run_id: str) -> bool:
        """Whether it has what a job cost that was charged at its end, in the file or in memory.

        The job's requests have its id, too, but were sent.
        """
        entries = self.entries if self._file is None else self
        return any(
            not entry.sends and (entry.kind, entry.request_id) == (kind, run_id)
            for entry in entries
        )

    def _on_file(self, file: LedgerFile) -> Iterator[LedgerEntry]:
        self._write(file)
        with self._lock:
            waiting = [step.entry for step in self._written.later()]
            size = file.size()
        yield from filter(None, map(LedgerEntry.from_json, file.lines(size)))
        yield from waiting

    def __len__(self) -> int:
        """Return the number of calls in `totals`."""
        return self.totals.calls

    def __repr__(self) -> str:
        return f"<Ledger: {self.totals}>"

    @property
    def totals(self) -> Totals:
        """The sums of all calls, also those whose entries are no longer in memory."""
        return self._last().totals

    @property
    def spent(self) -> Decimal:
        """USD spent, as reported by NanoGPT."""
        return self.totals.cost

    @overload
    def totals_by(self, field: str, /) -> dict[str, Totals]: ...
    @overload
    def totals_by(
        self, field: str, second: str, /, *more: str
    ) -> dict[tuple[str, ...], Totals]: ...
    def totals_by(self, *fields: str) -> Any:
        """Return sums by one field, such as ``"model"``, or by several, in order of appearance.

        The keys are the field's values, or tuples of them. Sums by kind, model, outcome and scope
        cover all calls and are stored. Sums by other fields are computed from the entries in the
        file, or in memory.

        Raises:
            ConfigurationError: entries that are needed are neither in the file nor in memory.
        """
        sums: dict[Any, Totals] = {}
        for values, totals in self._sums_of(fields):
            key = values if len(values) > 1 else values[0]
            sums[key] = sums.get(key, _NOTHING) + totals
        return sums

    def _sums_of(self, fields: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Totals]]:
        if set(fields) <= set(_GROUPED):
            at = [_GROUPED.index(field) for field in fields]
            groups = self._groups(self._last())
            if not any(key[index] is _MERGED for key in groups for index in at):
                for key, totals in groups.items():
                    yield tuple(str(key[index] or "") for index in at), totals
                return
        if self._file is None and len(self) > len(self.entries):
            raise ConfigurationError(
                f"sums by {', '.join(fields)} need every entry, but only the last {self._keep} are "
                "in memory: use Ledger(path) or keep=None"
            )
        for entry in self:
            yield tuple(str(getattr(entry, field) or "") for field in fields), _NOTHING.plus(entry)

    def _groups(self, last: _Recorded) -> _Groups:
        """Return the sums of all groups up to an entry."""
        since, sums = self._grouped
        groups = sums.copy()
        for step in since.later():
            if step.totals.calls > last.totals.calls:
                break
            _add_to(groups, step.entry)
        return groups

    def open_payments(self) -> list[str]:
        """Return the ids of payments that were begun and are not completed, the oldest first.

        A client without an account records a payment before it is made. So a process that was
        killed leaves its id in the file, and ``client.complete_payment(id)`` continues. Payments of
        calls that are still running are in the list, too.
        """
        found: dict[str, None] = {}
        for entry in self:
            if entry.payment_id is not None:
                found[entry.payment_id] = None
                if entry.outcome == "ok":
                    del found[entry.payment_id]
        return list(found)

    def rows(self) -> list[dict[str, Any]]:
        """Return all entries in the file, or in memory, as dicts; USD are exact `Decimal`."""
        return [asdict(entry) for entry in self]

    def to_frame(self) -> DataFrame:
        """Return all entries as a pandas data frame, one row each.

        ``cost`` is in USD as float, NaN where it is unknown; ``started_at`` is a time in UTC.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        with needs(None, "Ledger.to_frame"):
            import pandas as pd  # noqa: PLC0415 - not a dependency
        frame = pd.DataFrame(self.rows(), columns=[each.name for each in fields(LedgerEntry)])
        started = frame["started_at"].astype(float)
        tokens = ["prompt_tokens", "completion_tokens"]
        return frame.assign(
            cost=frame["cost"].astype(float),
            started_at=pd.to_datetime(started.where(started > 0), unit="s", utc=True),
            **{name: frame[name].astype("Int64") for name in tokens},
        )

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write all entries of the file, or in memory, to another file; ``Ledger(path)`` reads it.

        The file is readable by its owner only, and appears complete or not at all; a link at its
        path is replaced. If entries are missing, an `AccountingWarning` says how many.
        """
        target = Path(path)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".ledger-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(f"{entry.to_json()}\n" for entry in self)
            Path(temporary).replace(target)
        finally:
            Path(temporary).unlink(missing_ok=True)

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Mark the calls made inside the block, e.g. ``with ledger.scope("ingest"):``."""
        token = _scope.set((*_scope.get(), name))
        try:
            yield
        finally:
            _scope.reset(token)

    def __str__(self) -> str:
        """Return calls, tokens and USD by kind and model, as a table."""
        return str(self._table())

    def _repr_html_(self) -> str:
        """Show the same in notebooks."""
        return self._table()._repr_html_()

    def _table(self) -> Table:
        groups = [*self.totals_by("kind", "model").items(), (("all", ""), self.totals)]
        rows = (
            (kind, model, each.calls, each.free or None, each.unknown_costs or None,
             each.prompt_tokens or None, each.completion_tokens or None, each.cost)
            for (kind, model), each in groups
        )  # fmt: skip
        return Table(_COLUMNS, rows)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "path": None if self._file is None else self._file.path,
            "keep": self._keep,
            "on_entry": None if self._sink is None else self._sink.on_entry,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        path = state["path"]
        file = None if path is None else LedgerFile(path)
        self._set_up(file, state["keep"], state["on_entry"])


def _add_to(groups: _Groups, entry: LedgerEntry) -> None:
    key: tuple[Any, ...] = (entry.kind, entry.model, entry.outcome, entry.scope)
    if key not in groups and len(groups) >= _MAX_GROUPS:
        key = (*key[:3], _MERGED)
        if key not in groups and len(groups) >= 2 * _MAX_GROUPS:
            key = (_MERGED,) * len(_GROUPED)
    groups[key] = groups.get(key, _NOTHING).plus(entry)


_with_files: WeakSet[Ledger] = WeakSet()


def _in_new_process() -> None:
    for ledger in _with_files:
        ledger._forked()  # noqa: SLF001 - the same module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_new_process)
