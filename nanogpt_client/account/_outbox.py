"""Outcomes of calls on their way to an account's store.

A call is paid once its response has come, so its outcome must reach the store, whatever happens to
the call or to the store. It waits here until it has. Adding one is a single operation without a
lock, as Python may end a lost stream in the middle of anything.
"""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable, Sequence
from weakref import WeakSet

from nanogpt_client.account._backend import FinishedCall
from nanogpt_client.errors import AccountUnavailableError
from nanogpt_client.hooks import logger, warn

__all__ = ["Outbox"]

_BATCH = 500
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds between two tries


class Outbox:
    """Sends outcomes, in order, as soon as the store can be reached."""

    def __init__(self, send: Callable[[Sequence[FinishedCall]], None]) -> None:
        self._send = send
        self._set_up()
        _outboxes.add(self)

    def _set_up(self) -> None:
        self._waiting: deque[FinishedCall] = deque()
        self._lock = threading.Lock()
        self._retrying: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, call: FinishedCall) -> None:
        """Add an outcome; `flush` sends it."""
        self._waiting.append(call)

    def flush(self) -> None:
        """Send what waits. If the store cannot be reached, warn, and try again in a thread."""
        if self._retrying is None and (error := self._try()) is not None:
            warn(
                f"{error}. Outcomes of {len(self)} calls wait in memory until it can be; further "
                "calls are refused"
            )
            self._retrying = threading.Thread(target=self._retry, daemon=True)
            self._retrying.start()

    def flush_in_thread(self) -> None:
        """Do it without blocking, e.g. when a call is abandoned."""
        try:
            threading.Thread(target=self.flush).start()
        except RuntimeError:  # Python is exiting
            self.flush()

    def forked(self) -> None:
        """In a forked child: the parent sends what waits."""
        self._set_up()

    def last_try(self) -> None:
        """Send what waits before Python exits; log how many are lost."""
        if self._waiting and (error := self._try()) is not None:
            logger.error("outcomes of %d calls are lost: %s", len(self), error)

    def _try(self) -> AccountUnavailableError | None:
        with self._lock:
            while self._waiting:
                batch = [self._waiting[at] for at in range(min(len(self._waiting), _BATCH))]
                try:
                    self._send(batch)
                except AccountUnavailableError as error:
                    return error
                for _ in batch:
                    self._waiting.popleft()
        return None

    def _retry(self) -> None:
        pause = _FIRST_PAUSE
        wait = threading.Event().wait
        while self._try() is not None:
            wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        self._retrying = None
        self.flush()  # what came since


_outboxes: WeakSet[Outbox] = WeakSet()


def _last_tries() -> None:
    for outbox in list(_outboxes):
        outbox.last_try()


atexit.register(_last_tries)
