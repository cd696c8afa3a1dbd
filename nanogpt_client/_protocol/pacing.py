"""How fast a client may send: a pace that is set, or one that is found from refusals.

NanoGPT takes 25 requests a second from an account and refuses more with 429, free of charge. All
calls of a client share one `Pace`: each takes a place in its line, and waits until the line has
come to it. A refusal stops the line for as long as NanoGPT asks; afterwards it moves at the rate
that was accepted before the refusal, and a little faster with each request that is accepted.

Follows https://docs.nano-gpt.com/api-reference/miscellaneous/rate-limits
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 1.0  # seconds; NanoGPT counts requests by the second
FIRST_PAUSE = 0.5  # seconds, where NanoGPT does not say how long; each further one is twice that
SLOWEST = 0.5  # requests a second; a client that is always refused still asks now and then
BACKED_OFF = 0.9  # of the rate that was accepted, as clocks and networks are not exact
HALVED = 0.5  # at most, by one refusal after the pace was found: windows begin at any moment
RECOVERY = 0.05  # requests a second, gained with each accepted request below the last limit met
PROBING = 0.01  # and above it at first; the longer all goes well, the more
FIRST_START = 0.25  # seconds that the very first request may take to load libraries and connect
LONGEST_NAP = 1.0  # seconds; then a caller looks whether the line moves faster by now


@dataclass(slots=True)
class Slot:
    """A place in the line, and when its request was sent."""

    place: float
    waited: bool = False
    refused: bool = False
    sent_at: float = -math.inf


class Pace:
    """The line that the calls of a client stand in; safe to share between threads and loops.

    Args:
        per_second: never send faster than that; ``None`` for no limit until NanoGPT refuses.
    """

    def __init__(
        self,
        per_second: float | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._fastest = per_second or math.inf
        self.now = now
        self._jitter = jitter
        self._lock = threading.RLock()  # a stream that is collected may end its call at any moment
        self._rate = self._fastest
        self._limit = math.inf  # the rate at which NanoGPT refused last
        self._line = 0.0  # how far it has come; a place in it is a whole number, more or less
        self._next_place = 0.0
        self._lead = max(FIRST_START * per_second, 1.0) if per_second else 1.0
        self._moved_at = now()
        self._stands_until = -math.inf
        self._slowed_at = -math.inf
        self._accepted_since = 0  # requests, since then
        self._in_first_second = 0  # accepted before NanoGPT refused for the first time
        self._refusals = 0  # in a row
        self._sent: deque[Slot] = deque()  # in the last second
        self.accepted_at = -math.inf

    @property
    def is_asked_to_wait(self) -> bool:
        """Whether NanoGPT, not the caller's own setting, decides how fast calls may be sent."""
        return self._rate < self._fastest or self.now() < self._stands_until

    def next_slot(self) -> Slot:
        """Take the next place in the line."""
        with self._lock:
            self._move()
            if self._rate == math.inf:
                return Slot(self._line)
            place = max(self._line, self._next_place)
            self._next_place, self._lead = place + self._lead, 1.0
            return Slot(place)

    def wait(self, slot: Slot) -> float:
        """Return seconds until a slot comes; 0 if it has come: then send, and say what became."""
        with self._lock:
            self._move()
            now = self.now()
            stands = max(self._stands_until - now, 0.0)
            missing = max(slot.place - self._line, 0.0)
            if stands or missing > 1e-9:
                slot.waited = True
                return stands + missing / self._rate
            self._line = min(self._line, slot.place)  # who is late makes all behind it late
            self._remember(slot, now)
            return 0.0

    def accepted(self, slot: Slot) -> None:
        """Note that NanoGPT let a request in, whatever it answered then."""
        with self._lock:
            self.accepted_at = self.now()
            self._refusals = 0
            if slot.waited and self._rate < self._fastest:
                self._move()
                self._accepted_since += 1
                below = self._rate < BACKED_OFF * self._limit
                gain = RECOVERY if below else PROBING * (1 + self._accepted_since / 50)
                self._rate = min(self._rate + gain, self._fastest)

    def back_off(self) -> float:
        """Return the seconds to wait where NanoGPT refuses and does not say for how long."""
        return FIRST_PAUSE * 2.0 ** min(self._refusals, 4)

    def refused(self, slot: Slot, seconds: float) -> None:
        """Stop the line for the seconds that NanoGPT asks to wait, and slow it down."""
        with self._lock:
            self._move()
            slot.refused = True
            if slot.sent_at > self._slowed_at:
                self._slow_down()
            elif self._in_first_second:
                self._find(self._in_first_second - 1)
            self._refusals += 1
            # Other clients of the account are told the same, and should not all come back at once.
            seconds += self._jitter() * min(0.1 * seconds, 1 / self._rate)
            self._stands_until = max(self._stands_until, self.now() + seconds)

    def _slow_down(self) -> None:
        """Answer the first refusal of a request that was sent after the line had last slowed."""
        self._slowed_at = self.now()
        self._accepted_since = 0
        accepted = self._accepted_in_a_second()
        if self._limit == math.inf:
            self._find(accepted)
        else:
            # Windows begin at any moment, so what came through since the last pause says little.
            self._in_first_second = 0
            self._limit = self._rate
            kept = min(max(accepted / WINDOW / self._limit, HALVED), BACKED_OFF)
            self._rate = max(kept * self._limit, SLOWEST)

    def _find(self, accepted: int) -> None:
        """Take for the limit what was accepted in the second before the first refusals came.

        While these still come in, that is less with each.
        """
        self._in_first_second = accepted
        self._limit = min(max(accepted / WINDOW, SLOWEST), self._fastest)
        self._rate = max(BACKED_OFF * self._limit, SLOWEST)

    def _accepted_in_a_second(self) -> int:
        first = self.now() - WINDOW
        return sum(not slot.refused and slot.sent_at > first for slot in self._sent)

    def _move(self) -> None:
        """Let the line move on by the time that has passed."""
        now = self.now()
        since = max(self._moved_at, self._stands_until)
        if now > since and self._rate < math.inf:
            self._line += (now - since) * self._rate
        self._moved_at = now

    def _remember(self, slot: Slot, now: float) -> None:
        slot.sent_at = now
        self._sent.append(slot)
        while self._sent[0].sent_at < now - WINDOW:
            self._sent.popleft()
