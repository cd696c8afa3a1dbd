"""The rules of an account, as a value: the queue of requests, pauses, and the sums of money.

The queue has a time of its own, which stands still during a pause. A request takes the next slot,
one interval after the one before (the algorithm GCRA without bursts), and learns how long to wait.
The Redis scripts follow the same rules, and the same tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nanogpt_client.account._backend import (
    Admission,
    FinishedCall,
    Limits,
    NewCall,
    Sums,
)

__all__ = ["LATE", "MARGIN", "START", "State", "WINDOW"]

# Of the rate: clocks, networks and sleeping processes are not exact, and NanoGPT counts strictly.
MARGIN = 0.97
WINDOW = 1.0  # seconds, by which NanoGPT counts
START = 0.03  # seconds that the first request after a quiet second may be late, as it connects
# Seconds by which a request may be late for its slot. Beyond that, those behind it are delayed as
# well, or there would be too many within a second.
LATE = 0.015


@dataclass(slots=True)
class State:
    """What an account's store holds besides calls in flight and ledger entries.

    ``id`` is given at the first change; data that was lost and begun anew has another.
    """

    id: str = ""
    spent: int = 0
    assumed: int = 0
    reserved: int = 0
    calls: int = 0
    unknown: int = 0
    next_slot: float = 0.0
    paused_until: float = 0.0
    delay: float = 0.0  # by which pauses have delayed the queue, in total
    reason: str = ""
    seen: float = 0.0  # the time of the last slot or pause
    usd: int | None = None
    max_calls: int | None = None
    per_second: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what is stored: the arguments of another state that is equal."""
        return {name: getattr(self, name) for name in self.__slots__}

    def tick(self, now: float) -> None:
        """If the clock was set back, set the queue back with it."""
        if now < self.seen:
            self.next_slot -= self.seen - now
            self.paused_until -= self.seen - now
            self.seen = now

    def admit(self, now: float, limits: Limits, call: NewCall | None) -> Admission:
        """Reserve a call's amount and a slot; ``call`` is ``None`` if the amount is reserved."""
        self.usd, self.max_calls, self.per_second = limits
        if (paused := self._paused(now)) == "daily":
            return Admission(self.paused_until - now, paused=paused)
        if call is not None:
            if self._is_over(limits, call.usd):
                return Admission(0.0, refused=self.sums(now))
            self.reserved += call.usd
            self.calls += 1
        self.seen = now
        slot = max(self.next_slot, self._queue_time(now))
        if limits.per_second is not None:
            start = START if slot - self.next_slot > WINDOW else 0.0
            self.next_slot = slot + 1 / (limits.per_second * MARGIN) + start
        return self._wait(now, slot)

    def confirm(self, now: float, slot: float) -> Admission:
        """Return how long a slot still has to wait; if it is used late, delay all behind it."""
        late = self._queue_time(now) - slot - LATE
        if late > 0:
            self.delay += min(late, WINDOW)
        return self._wait(now, slot)

    def _wait(self, now: float, slot: float) -> Admission:
        pause = max(self.paused_until - now, 0.0)
        return Admission(max(slot - self._queue_time(now), 0.0) + pause, slot, self._paused(now))

    def pause(self, now: float, seconds: float, reason: str) -> None:
        """Stop the queue, unless it stops for longer already."""
        self.seen = now
        until = now + seconds
        if until > self.paused_until:
            self.delay += until - max(now, self.paused_until)
            self.paused_until, self.reason = until, reason

    def lose(self, reserved: int, if_unknown: int) -> None:
        """Count a call whose worker did not report in time as unknown."""
        self.reserved -= reserved
        self.assumed += if_unknown
        self.unknown += 1

    def find(self, if_unknown: int) -> None:
        """Undo `lose`, as the worker reports after all."""
        self.assumed -= if_unknown
        self.unknown -= 1

    def finish(self, call: FinishedCall, *, is_found: bool = False) -> None:
        """Count the outcome of a call; its reservation was released, or what was assumed found."""
        if call.cost is None:
            self.assumed += call.if_unknown
            self.unknown += 1
        else:
            self.spent += call.cost
        if call.corrects is not None and not is_found:
            self.find(call.corrects)

    def sums(self, now: float) -> Sums:
        """Return the sums."""
        queued = self._wait(now, max(self.next_slot, self._queue_time(now))).seconds
        limits = Limits(self.usd, self.max_calls, self.per_second)
        return Sums(
            self.spent, self.assumed, self.reserved, self.calls, self.unknown,
            queued, self._paused(now), limits,
        )  # fmt: skip

    def _is_over(self, limits: Limits, usd: int) -> bool:
        if limits.max_calls is not None and self.calls >= limits.max_calls:
            return True
        committed = self.spent + self.assumed + self.reserved
        return limits.usd is not None and (committed >= limits.usd or committed + usd > limits.usd)

    def _queue_time(self, now: float) -> float:
        return max(now, self.paused_until) - self.delay

    def _paused(self, now: float) -> str:
        return self.reason if now < self.paused_until else ""
