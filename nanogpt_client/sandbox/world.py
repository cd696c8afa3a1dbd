"""The state of one sandbox account: balance, jobs, stored media, request rate, prompt cache.

It is driven by an injected clock, so that time can be moved by hand. Ids are counted, not random:
the same requests get the same ids.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from nanogpt_client.sandbox.answers.turn import Model
from nanogpt_client.sandbox.http import Refusal
from nanogpt_client.sandbox.money import Account

MEDIA_LIFETIME = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class Stored:
    """A generated file that is served for an hour."""

    content: bytes
    mime: str
    until: float


@dataclass(slots=True)
class Job:
    """A queued generation: it advances with each poll and with time, whichever is faster."""

    id: str
    kind: str
    model: str
    cost: Decimal
    created: float
    result: dict[str, Any]
    outcome: str = "completed"  # or failed, or stuck
    stages: int = 2
    polls: int = 0
    refunded: bool = False

    def reached(self, now: float, pace: float) -> int:
        """Return the stage: 0 queued, 1 in progress, 2 finished; `pace` is seconds a stage."""
        by_time = int((now - self.created) / pace) if pace > 0 else self.stages
        limit = self.stages - 1 if self.outcome == "stuck" else self.stages
        return min(max(self.polls, by_time), limit)


@dataclass(kw_only=True, eq=False, repr=False)
class Settings:
    """What an emulated account is opened with; `SandboxApp` describes it."""

    model: Model | None = None
    balance: InitVar[Decimal | str] = "5.00"
    clock: Callable[[], float] = time.time
    rate: int | None = 25
    job_pace: float = 2.0
    strict_models: bool = False
    pages: Mapping[str, str | None] | None = None


@dataclass(slots=True)
class World:
    """Everything that a request can change; what changes in several steps is behind `lock`."""

    settings: Settings
    account: Account
    lock: threading.Lock = field(default_factory=threading.Lock)
    prompts: dict[str, float] = field(default_factory=dict)
    deposits: dict[str, Any] = field(default_factory=dict)
    payments: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Stored] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: dict[str, Any] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=partial(itertools.count, 1))
    _latest: deque[float] = field(default_factory=deque)

    def clock(self) -> float:
        """Return the seconds since the epoch, by the clock of the settings."""
        return self.settings.clock()

    def page(self, url: str, default: str | None) -> str | None:
        """Return the text that is behind a URL, None for one that fails."""
        return (self.settings.pages or {}).get(url, default)

    def new_id(self, prefix: str) -> str:
        """Return the next id, `prefix` and 16 hexadecimal digits."""
        return prefix + hashlib.sha256(f"{prefix}{next(self._ids)}".encode()).hexdigest()[:16]

    def count_request(self) -> None:
        """Count one request of this second. Raises `Refusal` (429, with Retry-After)."""
        rate = self.settings.rate
        if rate is None:
            return
        with self.lock:
            now = self.clock()
            while self._latest and self._latest[0] <= now - 1:
                self._latest.popleft()
            if len(self._latest) >= rate:
                message = f"Rate limit exceeded: {rate} requests per second."
                headers = {"retry-after": "1"}
                raise Refusal(429, message, code="rate_limit_exceeded", headers=headers)
            self._latest.append(now)

    def file(self, name: str) -> Stored | None:
        """Return a generated file, None when it is unknown or its URL has expired."""
        found = self.files.get(name)
        return found if found and found.until > self.clock() else None

    def poll(self, kind: str, name: str, unknown: Refusal) -> tuple[Job, int]:
        """Return the job and its stage. Raises `unknown` when there is no such job.

        What a failed job had cost is given back, once.
        """
        with self.lock:
            job = self.jobs.get(name)
            if job is None or job.kind != kind:
                raise unknown
            stage = job.reached(self.clock(), self.settings.job_pace)
            job.polls += 1
            if job.outcome == "failed" and stage == job.stages and not job.refunded:
                job.refunded = True
                self.account.refund(job.model, job.cost)
            return job, stage
