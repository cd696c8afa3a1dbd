"""The state of one sandbox account: balance, jobs, stored media, request rate, prompt cache.

Everything here is guarded by its own lock and driven by an injected clock, so that time can be
moved by hand. Ids are counted, not random: the same requests get the same ids.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.answers.turn import ChatRequest, Model, Turn, turn_of
from nanogpt_client.sandbox.failures import Refusal
from nanogpt_client.sandbox.messages import Request
from nanogpt_client.sandbox.money import Account, Bill, Charge

_MEDIA_LIFETIME = 3600.0


@dataclass(slots=True)
class Ids:
    """Counted ids that look like NanoGPT's."""

    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def new(self, prefix: str) -> str:
        """Return the next id, `prefix` and 16 hexadecimal digits."""
        with self._lock:
            self._count += 1
            digest = hashlib.sha256(f"{prefix}{self._count}".encode()).hexdigest()
        return prefix + digest[:16]


@dataclass(slots=True)
class RateWindow:
    """At most `limit` requests in any second; None means no limit."""

    limit: int | None
    clock: Callable[[], float]
    _seen: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self) -> None:
        """Count one request. Raises `Refusal` (429, with Retry-After)."""
        if self.limit is None:
            return
        with self._lock:
            now = self.clock()
            while self._seen and self._seen[0] <= now - 1:
                self._seen.popleft()
            if len(self._seen) >= self.limit:
                message = f"Rate limit exceeded: {self.limit} requests per second."
                headers = {"retry-after": "1"}
                raise Refusal(429, message, code="rate_limit_exceeded", headers=headers)
            self._seen.append(now)


@dataclass(frozen=True, slots=True)
class Stored:
    """A generated file that is served for an hour."""

    content: bytes
    mime: str
    until: float


@dataclass(slots=True)
class Media:
    """Generated files, served back under a URL of the sandbox's own origin."""

    clock: Callable[[], float]
    _files: dict[str, Stored] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, content: bytes, mime: str, suffix: str, origin: str) -> str:
        """Store a file and return its URL."""
        name = f"{hashlib.sha256(content).hexdigest()[:32]}.{suffix}"
        with self._lock:
            self._files[name] = Stored(content, mime, self.clock() + _MEDIA_LIFETIME)
        return f"{origin}/media/{name}"

    def get(self, name: str) -> Stored | None:
        """Return the file, or None when it is unknown or its URL has expired."""
        with self._lock:
            found = self._files.get(name)
        return found if found and found.until > self.clock() else None


@dataclass(slots=True)
class Job:
    """A queued generation: it advances with each poll and with time, whichever is faster.

    Its outcome is completed, failed or stuck.
    """

    id: str
    kind: str
    model: str
    cost: Decimal
    created: float
    result: dict[str, Any]
    outcome: str = "completed"
    stages: int = 2
    polls: int = 0
    refunded: bool = False

    def reached(self, now: float, pace: float) -> int:
        """Return the stage: 0 queued, 1 in progress, 2 finished; `pace` is seconds a stage."""
        by_time = int((now - self.created) / pace) if pace > 0 else self.stages
        limit = self.stages - 1 if self.outcome == "stuck" else self.stages
        return min(max(self.polls, by_time), limit)


@dataclass(slots=True)
class Jobs:
    """All jobs of the account by id; what a failed one had cost is given back, once."""

    clock: Callable[[], float]
    pace: float
    refund: Callable[[str, Decimal], None]
    _jobs: dict[str, Job] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, job: Job) -> None:
        """Queue a job."""
        with self._lock:
            self._jobs[job.id] = job

    def poll(self, kind: str, name: str) -> tuple[Job, int] | None:
        """Return the job and its stage, or None when there is no such job."""
        with self._lock:
            job = self._jobs.get(name)
            if job is None or job.kind != kind:
                return None
            stage = job.reached(self.clock(), self.pace)
            job.polls += 1
            if job.outcome == "failed" and stage == job.stages and not job.refunded:
                job.refunded = True
                self.refund(job.model, job.cost)
            return job, stage

    def listed(self, kind: str) -> list[Job]:
        """Return the jobs of a kind, newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.kind == kind]


@dataclass(slots=True)
class World:
    """Everything that a request can change."""

    account: Account
    clock: Callable[[], float]
    media: Media
    jobs: Jobs
    rate: RateWindow
    model: Model
    prompts: dict[str, float] = field(default_factory=dict)
    prompts_lock: threading.Lock = field(default_factory=threading.Lock)
    deposits: dict[str, Any] = field(default_factory=dict)
    ids: Ids = field(default_factory=Ids)
    strict_models: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on its way through a route.

    `variant` names the root it came by: "" (/api, /api/v1), subscription, paid, legacy or
    thinking; `params` are the values of the placeholders in the route's path.
    """

    world: World
    request: Request
    id: str
    variant: str = ""
    params: dict[str, str] = field(default_factory=dict)

    def ask_model(self, body: dict[str, Any], **given: Any) -> Turn:
        """Ask the sandbox's model; `given` are the other fields of the `ChatRequest`."""
        headers = self.request.redacted_headers
        return turn_of(self.world.model(ChatRequest(body, headers, **given)))

    def bill(self, model: catalog.Model, usd: Decimal, input_tokens: int = 0) -> Bill:
        """Charge the account for this request. Raises `Refusal` (402)."""
        charge = Charge(model.facts["name"], usd, input_tokens)
        return Bill(usd, self.world.account.charge(charge))

    def queue(self, kind: str, model: str, usd: Decimal, result: dict[str, Any]) -> Job:
        """Queue a generation that is paid for; its id starts with the kind's prefix."""
        world = self.world
        name = world.ids.new("vid_" if kind == "video" else "run_")
        outcome = self.params.get("outcome", "completed")
        job = Job(name, kind, model, usd, world.clock(), result, outcome=outcome)
        world.jobs.add(job)
        return job

    def store(self, content: bytes, mime: str, suffix: str) -> str:
        """Store a generated file and return its URL."""
        return self.world.media.put(content, mime, suffix, self.request.origin)

    def stored(self, url: str) -> Stored | None:
        """Return the file behind a URL of the sandbox's own origin."""
        prefix = f"{self.request.origin}/media/"
        return self.world.media.get(url.removeprefix(prefix)) if url.startswith(prefix) else None
