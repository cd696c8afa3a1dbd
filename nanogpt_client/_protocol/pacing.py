"""The rate at which a client sends: a fixed rate, or one that is found from 429 responses.

NanoGPT accepts 25 requests a second from an account and refuses more with 429, unbilled. All calls
of a client share one `Pace`: each takes a slot, a position in a queue, and waits until the queue
has advanced to it. A 429 stops the queue for as long as NanoGPT asks. Then it advances at the rate
that was accepted before, and a little faster with each accepted request.

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
REMEMBERED = 10.0  # seconds; the response to a request that was refused may take as long
FIRST_PAUSE = 0.5  # seconds, if NanoGPT does not say how long; doubled by each further 429
SLOWEST = 0.5  # requests a second, however often NanoGPT refuses
BACKED_OFF = 0.9  # times the accepted rate, as clocks and networks are not exact
HALVED = 0.5  # lower limit for one 429 after a rate was found: windows begin at any moment
RECOVERY = 0.05  # requests a second gained with each accepted request below the last limit
PROBING = 0.01  # the same above it, at first; grows while requests are accepted
FIRST_START = 0.25  # seconds that the very first request may take to load libraries and connect
SHORTEST_SLEEP = 1e-6  # seconds; a clock may not advance in less, and waiting would never end
MAX_SLEEP = 1.0  # seconds; then a caller checks whether the queue advances faster by now


@dataclass(slots=True)
class Slot:
    """A position in the queue, and when its request was sent."""

    place: float
    waited: bool = False
    refused: bool = False
    sent_at: float = -math.inf


class Pace:
    """The queue that all calls of a client wait in; shared by threads and event loops.

    Args:
        per_second: the highest rate; ``None`` for no limit until NanoGPT refuses requests.
        adapts: whether to slow down after a 429; not where an account has one rate for all clients,
            of which each sees only its own share.
    """

    def __init__(
        self,
        per_second: float | None = None,
        *,
        adapts: bool = True,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._fastest = per_second or math.inf
        self._adapts = adapts
        self.now = now
        self._jitter = jitter
        self._lock = (
            threading.RLock()
        )  # reentrant: garbage collecting a stream may end its call here
        self._rate = self._fastest
        self._limit = math.inf  # the rate at which NanoGPT last refused
        self._position = (
            0.0  # how far the queue has advanced; a slot's place is about a whole number
        )
        self._next_place = 0.0
        self._lead = max(FIRST_START * per_second, 1.0) if per_second else 1.0
        self._advanced_at = now()
        self._stopped_until = -math.inf
        self._slowed_at = -math.inf
        self._accepted_since = 0  # requests, since then
        self._in_first_second = 0  # accepted before NanoGPT refused for the first time
        self._refusals = 0  # in a row
        self._sent: deque[Slot] = deque()  # in the last ten seconds
        self.accepted_at = -math.inf

    @property
    def is_asked_to_wait(self) -> bool:
        """Whether NanoGPT, not the caller's setting, limits the rate now."""
        return self._rate < self._fastest or self.now() < self._stopped_until

    def next_slot(self) -> Slot:
        """Take the next slot."""
        with self._lock:
            self._advance()
            if self._rate == math.inf:
                return Slot(self._position)
            place = max(self._position, self._next_place)
            self._next_place, self._lead = place + self._lead, 1.0
            return Slot(place)

    def wait(self, slot: Slot) -> float:
        """Return the seconds until a slot is due; 0 if it is: then send, and report the outcome."""
        with self._lock:
            self._advance()
            now = self.now()
            stopped = max(self._stopped_until - now, 0.0)
            seconds = stopped + max(slot.place - self._position, 0.0) / self._rate
            if seconds > SHORTEST_SLEEP:
                slot.waited = True
                return seconds
            self._position = min(self._position, slot.place)  # a late request delays all behind it
            self._remember(slot, now)
            return 0.0

    def accepted(self, slot: Slot) -> None:
        """Note that NanoGPT did not refuse a request for its rate."""
        with self._lock:
            self.accepted_at = self.now()
            self._refusals = 0
            if slot.waited and self._rate < self._fastest:
                self._advance()
                self._accepted_since += 1
                below = self._rate < BACKED_OFF * self._limit
                gain = RECOVERY if below else PROBING * (1 + self._accepted_since / 50)
                self._rate = min(self._rate + gain, self._fastest)

    def back_off(self) -> float:
        """Return the seconds to wait after a 429 that does not say how long."""
        return FIRST_PAUSE * 2.0 ** min(self._refusals, 4)

    def refused(self, slot: Slot, seconds: float) -> None:
        """Stop the queue for the seconds that NanoGPT asks to wait, and lower the rate."""
        with self._lock:
            self._advance()
            slot.refused = True
            if not self._adapts:
                pass
            elif slot.sent_at > self._slowed_at:
                self._slow_down(slot)
            elif self._in_first_second:
                self._set_limit(self._in_first_second - 1)
            self._refusals += 1
            # Other clients of the account got the same response; jitter keeps them apart.
            seconds += self._jitter() * min(0.1 * seconds, 1 / self._rate)
            self._stopped_until = max(self._stopped_until, self.now() + seconds)

    def _slow_down(self, slot: Slot) -> None:
        """Lower the rate, after a 429 for a request that was sent since it was last lowered."""
        self._slowed_at = self.now()
        self._accepted_since = 0
        accepted = self._not_refused_about(slot.sent_at)
        if self._limit == math.inf:
            self._set_limit(accepted)
        else:
            # Windows begin at any moment, so what was accepted since the last pause says little.
            self._in_first_second = 0
            self._limit = self._rate
            factor = min(max(accepted / WINDOW / self._limit, HALVED), BACKED_OFF)
            self._rate = max(factor * self._limit, SLOWEST)

    def _set_limit(self, accepted: int) -> None:
        """Set the limit to what was accepted in the second before the first 429 responses.

        Each further one of these lowers it by one.
        """
        self._in_first_second = accepted
        self._limit = min(max(accepted / WINDOW, SLOWEST), self._fastest)
        self._rate = max(BACKED_OFF * self._limit, SLOWEST)

    def _not_refused_about(self, moment: float) -> int:
        return sum(not slot.refused and abs(slot.sent_at - moment) < WINDOW for slot in self._sent)

    def _advance(self) -> None:
        """Advance the queue by the time that has passed."""
        now = self.now()
        since = max(self._advanced_at, self._stopped_until)
        if now > since and self._rate < math.inf:
            self._position += (now - since) * self._rate
        self._advanced_at = now

    def _remember(self, slot: Slot, now: float) -> None:
        slot.sent_at = now
        self._sent.append(slot)
        while self._sent[0].sent_at < now - REMEMBERED:
            self._sent.popleft()
