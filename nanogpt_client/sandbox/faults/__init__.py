"""Faults on demand: by the model name `sandbox/fault/<name>`, or by a scenario for the account.

The page "Sandbox" of the reference lists them. Faults that replace the reply cost nothing; faults
that change a reply are charged like it.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field, replace

from nanogpt_client.sandbox.bodies import plain_body
from nanogpt_client.sandbox.exchange import Exchange, Handler
from nanogpt_client.sandbox.faults.changes import CHANGES
from nanogpt_client.sandbox.faults.replies import REPLIES
from nanogpt_client.sandbox.http import Reply, Request, unknown_model

__all__ = ["NAMES", "SCENARIOS", "Scenario"]

_MODEL = re.compile(rb'(?:"model"\s*:\s*"|name="?model"?\r\n\r\n)sandbox/fault/([\w-]+)')
_JOBS = {"job-failed": "failed", "job-stuck": "stuck"}
NAMES = frozenset({*REPLIES, *CHANGES, *_JOBS})


@dataclass(frozen=True, slots=True)
class Scenario:
    """Faults for the account's requests, one after the other.

    The first matching request gets `faults[0]` and so on; None is an ordinary answer. After the
    last one all is well again, or with `repeat` it starts over. `path` limits the scenario to
    requests whose path contains it.
    """

    faults: tuple[str | None, ...] = ()
    repeat: bool = False
    path: str = ""

    def __post_init__(self) -> None:
        """Refuse names that do not exist."""
        unknown = [name for name in self.faults if name is not None and name not in NAMES]
        if unknown:
            raise ValueError(
                f"there is no {unknown[0]!r}; choose a scenario ({', '.join(sorted(SCENARIOS))}) "
                f"or a fault ({', '.join(sorted(NAMES))})"
            )

    @classmethod
    def of(cls, given: Scenario | str | None) -> Scenario:
        """Return a scenario given by value, by the name of one, or by the name of a fault."""
        if isinstance(given, Scenario | None):
            return given or cls()
        return SCENARIOS.get(given) or cls((given,), repeat=True)


SCENARIOS = {
    "rate-limited": Scenario(("429", "429")),
    "outage": Scenario(("503", "503")),
    "flaky": Scenario(("cut-before", None, "cut-mid-frame", None), repeat=True),
    "broke": Scenario(("402-legacy",), repeat=True),
    "daily-limit": Scenario(("429-daily",), repeat=True),
}


@dataclass(slots=True)
class Injector:
    """Applies the scenario, or the fault that a request's model names."""

    scenario: Scenario
    stall: float
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def around(self, exchange: Exchange, handler: Handler) -> Reply:
        """Answer the request, with its fault if it has one."""
        name = self._next(exchange.request)
        if name is None and (match := _MODEL.search(plain_body(exchange.request))):
            name = match[1].decode()
        if name is None:
            return handler(exchange)
        if name in _JOBS:
            return handler(replace(exchange, job_outcome=_JOBS[name]))
        if name in REPLIES:
            return REPLIES[name](exchange)
        if name in CHANGES:
            reply = handler(exchange)
            return replace(reply, body=tuple(CHANGES[name](reply, self.stall)))
        raise unknown_model(f"sandbox/fault/{name}")

    def _next(self, request: Request) -> str | None:
        faults = self.scenario.faults
        if not faults or self.scenario.path not in request.path:
            return None
        with self._lock:
            turn = self._count
            self._count += 1
        if turn >= len(faults) and not self.scenario.repeat:
            return None
        return faults[turn % len(faults)]
