"""What is recorded of jobs, so that a job's final cost can replace the one of its submission.

A submission is recorded at once with the cost in its response, so a crash loses nothing. The final
cost comes with the job's status (page video-status: "final cost"). It may be higher, lower, or 0
for a failed job, which is refunded. The ledger entry of the status request gets the difference, so
that `Ledger.spent` and `Budget.spent` end at what NanoGPT charged. A job that another process
submitted is in that process's ledger, and is not corrected here; a batch is, where both processes
share an `Account`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from nanogpt_client.types.billing import Billing

MAX_JOBS = 10_000


class Submitted(NamedTuple):
    """A step of a flow: report that a job was submitted, and the billing of its submission."""

    kind: str
    run_id: str
    billing: Billing
    estimate: Decimal | None
    """USD that a `Budget` reserved for it, and keeps if the submission reports no cost."""


class Settled(NamedTuple):
    """A step of a flow: report what a job cost that NanoGPT charges only at its end.

    It is recorded once: not again by another call of this client, nor where the ledger's file has
    it from another process.
    """

    kind: str
    run_id: str
    model: str | None
    cost: Decimal | None
    usage: Any = None


class Correction(NamedTuple):
    """What the status of a job adds to what is recorded of it.

    Attributes:
        usd: the difference, below 0 too; ``None`` if it is unknown.
        unknown: the submission reported no cost, so its ``estimate`` was assumed.
    """

    usd: Decimal | None = Decimal(0)
    unknown: bool = False
    estimate: Decimal | None = None


class JobStatus(Protocol):
    """The billing of a job's status."""

    @property
    def billing(self) -> Billing: ...
    @property
    def is_finished(self) -> bool: ...
    @property
    def is_refunded(self) -> bool: ...


@dataclass(slots=True)
class _Job:
    submission: Billing
    recorded: Decimal | None
    estimate: Decimal | None
    is_settled: bool = False


class JobCosts:
    """The last 10,000 jobs that a client submitted, by kind and run id."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._lock = threading.Lock()  # two threads may see the end of a job at the same time

    def submitted(self, job: Submitted) -> None:
        """Store what is recorded of a job."""
        self._jobs[job.kind, job.run_id] = _Job(job.billing, job.billing.cost, job.estimate)
        while len(self._jobs) > MAX_JOBS:
            self._jobs.pop(next(iter(self._jobs)), None)

    def correction(self, kind: str, run_id: str | None, status: JobStatus) -> Correction:
        """Return what a status adds to what is recorded of its job.

        Nothing if called again for the same job.
        """
        job = self._jobs.get((kind, run_id)) if run_id is not None else None
        if job is None or not status.is_finished:
            return Correction()
        final = job.submission.settled(status.billing, refunded=status.is_refunded).cost
        if final is None:
            return Correction()
        with self._lock:
            unknown, difference = job.recorded is None, final - (job.recorded or 0)
            job.recorded = final
        return Correction(difference or Decimal(0), unknown, job.estimate)

    def settle(self, job: Settled) -> Correction | None:
        """Return what to record of a job that has ended; ``None`` if there is nothing new.

        Also of a job that another process submitted; that one's budget reserved for it.
        """
        if job.cost is None:
            return None
        key = job.kind, job.run_id
        with self._lock:
            stored = self._jobs.setdefault(key, _Job(Billing(), Decimal(0), None))
            if stored.is_settled:
                return None
            stored.is_settled = True
            unknown, difference = stored.recorded is None, job.cost - (stored.recorded or 0)
            stored.recorded = job.cost
        return Correction(difference, unknown, stored.estimate)
