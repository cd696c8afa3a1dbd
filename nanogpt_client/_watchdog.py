"""Ends blocking reads that take too long, by shutting their socket down.

One daemon thread serves all streams of the process. A read that comes back in time costs a clock
reading and two assignments; the thread wakes only when the earliest deadline has passed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any


class Guard:
    """The deadline of one stream's current read; ``fired`` once it has been ended."""

    __slots__ = ("__weakref__", "deadline", "fired", "socket")

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.deadline: float | None = None
        self.fired = False

    def fire(self) -> None:
        """End the read: it comes back at once, with an error or with nothing."""
        self.fired = True
        self.deadline = None
        with contextlib.suppress(OSError):  # the other side may have closed it meanwhile
            self.socket.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Looks after the guards of all reads in progress."""

    def __init__(self) -> None:
        self._guards: set[Guard] = set()
        self._wake = threading.Condition()
        self._sleeps_until = float("inf")
        self._running = False

    @contextlib.contextmanager
    def guarding(self, guard: Guard, limit: float | None) -> Iterator[None]:
        """End the block's read if it takes longer than ``limit`` seconds."""
        if limit is None or guard.socket is None:
            yield
            return
        self._watch(guard, time.monotonic() + limit)
        try:
            yield
        finally:
            guard.deadline = None
            self._guards.discard(guard)

    def _watch(self, guard: Guard, deadline: float) -> None:
        guard.deadline = deadline
        self._guards.add(guard)
        if not self._running or deadline < self._sleeps_until:
            with self._wake:
                if not self._running:
                    self._running = True
                    threading.Thread(target=self._run, name="nanogpt-watchdog", daemon=True).start()
                self._wake.notify()

    def _run(self) -> None:
        with self._wake:
            while True:
                self._sleeps_until = float("inf")  # who begins during the look around must wake us
                now = time.monotonic()
                earliest = float("inf")
                for guard in tuple(self._guards):
                    deadline = guard.deadline
                    if deadline is not None and deadline <= now:
                        guard.fire()
                    elif deadline is not None:
                        earliest = min(earliest, deadline)
                self._sleeps_until = earliest
                self._wake.wait(None if earliest == float("inf") else earliest - now)


watchdog = Watchdog()
# Threads do not survive a fork, and a lock may be held at that moment: a child starts afresh.
os.register_at_fork(after_in_child=watchdog.__init__)  # type: ignore[misc]
