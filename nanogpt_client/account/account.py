"""`Account`: the limits, the budget and the ledger that all workers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Self

from nanogpt_client.account._backend import (
    Admission,
    FinishedCall,
    Limits,
    NewCall,
    PauseReason,
    Sums,
)
from nanogpt_client.account._store import MEMORY_URL, Store, opened
from nanogpt_client.account.urls import checked_url, without_secrets
from nanogpt_client.errors import (
    BudgetExceededError,
    ConfigurationError,
    DailyLimitError,
)
from nanogpt_client.hooks import warn
from nanogpt_client.ledger import Ledger
from nanogpt_client.types._amounts import (
    calls_used_up,
    checked_usd,
    from_pico,
    not_allowed,
    to_pico,
)
from nanogpt_client.types._coerce import as_dict, as_text, loads
from nanogpt_client.types.ledger_entry import LedgerEntry, Totals
from nanogpt_client.types.plain import exact, usd

__all__ = ["Account", "AccountStatus", "totals_of"]

# Seconds for which a refusal of NanoGPT's stops all workers. Then calls are sent again, which costs
# nothing while they are refused: a limit may be raised by then.
_LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """What an `Account` knows at one moment; amounts in USD.

    Attributes:
        spent: reported for finished calls.
        assumed: counted for calls whose cost is unknown, also those of workers that died.
        reserved: for calls in flight.
        calls: billable calls made, also those in flight.
        unknown: calls whose cost is unknown.
        queued_seconds: until the next request may be sent.
        paused: why all workers wait: ``"rate"``, ``"daily"``, ``"balance"``, or ``""``.
        usd: the limit on what may be spent, as a worker last set it; likewise ``max_calls`` and
            ``requests_per_second``.
    """

    spent: Decimal
    assumed: Decimal
    reserved: Decimal
    calls: int
    unknown: int
    queued_seconds: float
    paused: str
    usd: Decimal | None
    max_calls: int | None
    requests_per_second: float | None


class Account:
    """One NanoGPT account that threads, processes and machines share: limits, budget and ledger.

    >>> account = Account("sqlite:///spent.db", usd="20.00")
    >>> model = ChatNanoGPT(model="openai/gpt-5.2", account=account)  # in any number of workers
    >>> print(account.spent, "USD;", account.unknown, "calls of unknown cost")

    Pass it to clients and models as ``account=``. Each request then takes the next slot of one
    queue, retries too, and a 429, a daily limit or a missing balance stops all workers. Each
    billable call reserves its estimated price before it is sent, as a `Budget` does, and its cost
    replaces that. A worker that dies leaves a reservation, which counts as unknown once its lease
    has run out. If the store cannot be reached, calls are refused, and those already sent are
    recorded once it can be.

    A pickle contains the URL (with its password, if it has one) and the limits, not the history.

    Args:
        url: where the account is: ``memory:`` (this process), ``sqlite:///spent.db`` (the processes
            of this machine), ``redis://host/0`` (a cluster; also Valkey; extra ``redis``;
            ``?account=name`` keeps several apart), ``ray://name`` (an actor of a Ray cluster; extra
            ``ray``).
        usd: USD that may be spent, by all workers together; ``None`` for no limit.
        max_calls: number of billable calls that may be made.
        requests_per_second: rate limit of all workers together, by default NanoGPT's documented 25,
            of which 97 % are used; ``None`` for no limit.
        assumed_usd: see `Budget`.
        lease: seconds after which a call that no worker reports on counts as unknown. It is
            corrected if the worker reports later.

    Attributes:
        url: the URL, with an absolute path.

    Raises:
        ConfigurationError: an argument is invalid, or an extra is missing.
        AccountUnavailableError: from properties and methods: the store cannot be reached.
    """

    def __init__(
        self,
        url: str = MEMORY_URL,
        usd: Decimal | float | str | None = None,
        max_calls: int | None = None,
        requests_per_second: float | None = 25.0,
        *,
        assumed_usd: Decimal | float | str = "0.01",
        lease: float = 900.0,
    ) -> None:
        self.url = checked_url(url, "an account", "url", MEMORY_URL, "ray://NAME")
        self.usd = None if usd is None else checked_usd("an Account", "usd", usd)
        self.assumed_usd = checked_usd("an Account", "assumed_usd", assumed_usd)
        self.max_calls = max_calls
        self.requests_per_second = requests_per_second
        self.lease = lease
        _check("max_calls", "a number of 0 or more, or None", max_calls is None or max_calls >= 0)
        rate = requests_per_second
        _check("requests_per_second", "above 0, or None", rate is None or rate > 0)
        _check("lease", "a number of seconds above 0", lease > 0)
        self._connect()

    def _connect(self) -> None:
        self._store: Store = opened(self.url)
        self._has_warned = False
        usd = None if self.usd is None else to_pico(self.usd)
        self._limits = Limits(usd, self.max_calls, self.requests_per_second)

    @property
    def ledger(self) -> Ledger:
        """The calls of this process; `rows` has those of all workers."""
        return self._store.ledger

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Mark the calls made inside the block, e.g. ``with account.scope("ingest"):``."""
        return self.ledger.scope(name)

    @property
    def spent(self) -> Decimal:
        """USD spent by all workers, as reported by NanoGPT."""
        return self.status().spent

    @property
    def unknown(self) -> int:
        """Number of calls whose cost is unknown, also those of workers that died."""
        return self.status().unknown

    @property
    def remaining_usd(self) -> Decimal | None:
        """USD left, without what is reserved for calls in flight; ``None`` without a limit."""
        if self.usd is None:
            return None
        status = self.status()
        committed = status.spent + status.assumed + status.reserved
        return max(self.usd - committed, Decimal(0))

    def status(self) -> AccountStatus:
        """Return all sums and limits."""
        self.flush()
        sums = self._store.backend.sums()
        limits = sums.limits
        return AccountStatus(
            from_pico(sums.spent),
            from_pico(sums.assumed),
            from_pico(sums.reserved),
            sums.calls,
            sums.unknown,
            sums.queued,
            sums.paused,
            None if limits.usd is None else from_pico(limits.usd),
            limits.max_calls,
            limits.per_second,
        )

    def rows(self) -> list[dict[str, Any]]:
        """Return the ledger entries of all workers as dicts.

        The keys are the attributes of `LedgerEntry`, and ``worker`` (host and process id). The
        ``outcome`` of a call whose worker died is ``"lost"``.
        """
        self.flush()
        rows = []
        for text in self._store.backend.entries():
            entry = LedgerEntry.from_json(text)
            if entry is not None:
                worker = as_text(as_dict(loads(text)).get("worker"))
                rows.append(asdict(entry) | {"worker": worker})
        return rows

    def totals_by(self, field: str) -> dict[str, Totals]:
        """Return sums by ``"model"``, ``"scope"``, ``"worker"``, or another key of `rows`."""
        return totals_of(self.rows(), field)

    def close(self) -> None:
        """Close the connections of this process; they open again when they are needed."""
        self.flush()
        self._store.backend.close()

    # What clients call. Only `finish` does not block.

    def admit(self, call: NewCall | None = None) -> Admission:
        """Reserve a call's amount, the first time, and a slot in the queue.

        Raises:
            BudgetExceededError: too little is left.
            DailyLimitError: all workers pause, for NanoGPT refused a call for its daily limit.
        """
        if len(self._store.outbox):
            self.flush()
        admission = self._store.backend.admit(self._limits, call)
        if admission.refused is not None:
            raise self._over_budget(admission.refused, call)
        return _not_refused(admission)

    def confirm(self, slot: float) -> Admission:
        """Return how long a slot has to wait now; see `admit`."""
        return _not_refused(self._store.backend.confirm(slot))

    def pause(self, seconds: float, reason: PauseReason) -> None:
        """Stop all workers, as NanoGPT asked for."""
        self._store.backend.pause(min(seconds, _LONGEST_PAUSE), reason)

    def finish(self, call: FinishedCall) -> None:
        """Note the outcome of a call, which `flush` sends to the store; each token counts once."""
        self._store.outbox.add(call)

    def note_assumed(self) -> None:
        """Warn, once, that neither the price nor the cost of a call is available."""
        if self.usd is not None and not self._has_warned:
            self._has_warned = True
            warn(
                "neither the price nor the cost of a call is available: the account counts "
                f"{usd(self.assumed_usd)} for each such call; set Account(assumed_usd=…)"
            )

    def flush(self) -> None:
        """Send noted outcomes to the store. If it cannot be reached, they wait until it can be."""
        if len(self._store.outbox):
            self._store.outbox.flush()

    def flush_in_thread(self) -> None:
        """Do it without blocking."""
        self._store.outbox.flush_in_thread()

    def _over_budget(self, sums: Sums, call: NewCall | None) -> BudgetExceededError:
        if self.max_calls is not None and sums.calls >= self.max_calls:
            return calls_used_up("the account's budget", self.max_calls)
        return not_allowed(
            "the account's budget",
            self.usd or Decimal(0),
            Decimal(0) if call is None else from_pico(call.usd),
            spent=from_pico(sums.spent),
            assumed=from_pico(sums.assumed),
            reserved=from_pico(sums.reserved),
        )

    def __repr__(self) -> str:
        limits = f"usd={exact(self.usd)}, requests_per_second={self.requests_per_second}"
        return f"Account({without_secrets(self.url)!r}, {limits})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # A copy of memory would allow its limits twice.
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Return the URL and the limits.

        Raises:
            ConfigurationError: the account is in memory, which another process does not share.
        """
        if self.url == MEMORY_URL:
            raise ConfigurationError(
                "an account in memory cannot be pickled, as another process would have its own "
                "limits: use Account('sqlite:///spent.db') or Account('redis://…')",
                param="account",
            )
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._connect()


def totals_of(rows: Iterable[Mapping[str, Any]], field: str) -> dict[str, Totals]:
    """Return the sums of `Account.rows` by one of their keys."""
    sums: dict[str, Totals] = {}
    for row in rows:
        value = row[field]
        key = "/".join(value) if isinstance(value, tuple) else str(value or "")
        entry = LedgerEntry(**{name: row[name] for name in row if name != "worker"})
        sums[key] = sums.get(key, Totals()).plus(entry)
    return sums


def _check(name: str, what: str, fits: bool) -> None:
    if not fits:
        raise ConfigurationError(f"an Account's {name} must be {what}", param=name)


def _not_refused(admission: Admission) -> Admission:
    if admission.paused == "daily":
        msg = "NanoGPT refused a call of this account for its daily limit; this one was not sent"
        raise DailyLimitError(msg, retry_after=admission.seconds)
    return admission
