"""Ends blocking calls that take too long, by shutting their socket down.

One daemon thread serves all calls of the process. A call that comes back in time costs a clock
reading and a few assignments; the thread wakes only when the earliest deadline has passed.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any


class Alarm:
    """Calls a function once, in the watchdog's thread."""

    __slots__ = ("__weakref__", "_execute", "deadline")

    def __init__(self, act: Callable[[], None]) -> None:
        self._execute = act
        self.deadline: float | None = None

    def fire(self) -> None:
        self.deadline = None
        self._execute()

    def cancel(self) -> None:
        """Keep it from being called."""
        watchdog.let_go(self)


class Deadline:
    """The deadline of a call, or of a stream's current read; ``fired`` once it has been ended."""

    __slots__ = ("__weakref__", "deadline", "fired", "socket")

    def __init__(self, socket: Any = None) -> None:
        self.socket = socket
        self.deadline: float | None = None
        self.fired = False

    def fire(self) -> None:
        """End what is being waited for: it comes back at once, with an error or with nothing."""
        self.fired = True
        self.deadline = None
        if self.socket is not None:
            with contextlib.suppress(OSError):  # the other side may have closed it meanwhile
                self.socket.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Looks after the guards of all calls in progress."""

    def __init__(self) -> None:
        self._guards: set[Deadline | Alarm] = set()
        # In C, unlike a condition: an exception of a signal handler cannot leave its lock taken.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._sleeps_until = float("inf")
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def guarding(self, guard: Deadline, limit: float | None) -> Iterator[None]:
        """End what the block waits for if it takes longer than ``limit`` seconds."""
        if limit is not None:
            self.watch(guard, limit)
        try:
            yield
        finally:
            self.let_go(guard)

    def alarm(self, seconds: float, act: Callable[[], None]) -> Alarm:
        """Have a function called that neither blocks nor raises."""
        alarm = Alarm(act)
        self.watch(alarm, seconds)
        return alarm

    def let_go(self, guard: Deadline | Alarm) -> None:
        """Forget a guard."""
        guard.deadline = None
        self._guards.discard(guard)

    def watch(self, guard: Deadline | Alarm, seconds: float) -> None:
        """Have a guard fire in so many seconds, unless it is let go before."""
        guard.deadline = deadline = time.monotonic() + seconds
        self._guards.add(guard)
        if self._thread is None:
            self._start()
        if deadline < self._sleeps_until:
            self._wake.put(None)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="nanogpt-watchdog", daemon=True)
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        while True:
            self._sleeps_until = float("inf")  # who begins during the look around must wake us
            now = time.monotonic()
            earliest = float("inf")
            for guard in tuple(self._guards):
                deadline = guard.deadline
                if deadline is not None and deadline <= now:
                    self._guards.discard(guard)
                    guard.fire()
                elif deadline is not None:
                    earliest = min(earliest, deadline)
            self._sleeps_until = earliest
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=None if earliest == float("inf") else max(earliest - now, 0))


watchdog = Watchdog()
# Threads do not survive a fork, and a lock may be held at that moment: a child starts afresh.
os.register_at_fork(after_in_child=watchdog.__init__)  # type: ignore[misc]
