"""What the ledger holds of jobs, so that a job's final cost can replace its ticket's.

A submission is recorded at once, with what its ticket says: a crash loses nothing. The final cost
comes with a status (page video-status: "final cost"), and may be more, less, or nothing where the
job failed, which is refunded. The entry of the question that was answered so takes the difference,
so that `Ledger.spent` and `Budget.spent` end at what NanoGPT charged. A job that another process
submitted is in that one's ledger, and is not corrected here.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from nanogpt_client.budget import Budget
from nanogpt_client.types.billing import Billing

MOST_JOBS = 10_000


class Submitted(NamedTuple):
    """Tell the client's books that a job was submitted, and what its ticket said."""

    kind: str
    run_id: str
    ticket: Billing
    estimate: Decimal | None
    """USD that a `Budget` set aside for it, and keeps where the ticket names no cost."""


class JobStatus(Protocol):
    """What a status says of a job's money."""

    @property
    def billing(self) -> Billing: ...
    @property
    def is_finished(self) -> bool: ...
    @property
    def is_refunded(self) -> bool: ...


@dataclass(slots=True)
class _Job:
    ticket: Billing
    recorded: Decimal | None
    estimate: Decimal | None


class JobCosts:
    """The jobs that a client's calls submitted, by kind and run id; the oldest are forgotten."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._lock = threading.Lock()  # two threads may hear of one job's end at the same time

    def submitted(self, job: Submitted) -> None:
        """Remember what the ledger holds of a job."""
        self._jobs[job.kind, job.run_id] = _Job(job.ticket, job.ticket.cost, job.estimate)
        while len(self._jobs) > MOST_JOBS:
            self._jobs.pop(next(iter(self._jobs)), None)

    def correction(
        self, kind: str, run_id: str | None, status: JobStatus, budget: Budget | None
    ) -> Decimal:
        """Return what a status adds, in USD, to what is recorded of its job; tell the budget.

        Asked again of the same job, that is nothing.
        """
        job = self._jobs.get((kind, run_id)) if run_id is not None else None
        if job is None or not status.is_finished:
            return Decimal(0)
        final = job.ticket.settled(status.billing, refunded=status.is_refunded).cost
        if final is None:
            return Decimal(0)
        with self._lock:
            unknown, difference = job.recorded is None, final - (job.recorded or 0)
            job.recorded = final
        if budget is not None and (unknown or difference):
            budget.correct(difference, unknown=unknown, estimate=job.estimate)
        return difference or Decimal(0)
