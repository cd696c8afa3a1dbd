"""Ends blocking calls that take too long by shutting down their socket.

One daemon thread serves all calls of the process. A call that returns in time costs one clock
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
    """Calls a function once, in the timer's thread."""

    __slots__ = ("__weakref__", "_function", "ends_at")

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self.ends_at: float | None = None

    def fire(self) -> None:
        self.ends_at = None
        self._function()

    def cancel(self) -> None:
        """Do not call it."""
        stall_timer.forget(self)


class Deadline:
    """The deadline of a call, or of a stream's current read; ``fired`` once it has passed."""

    __slots__ = ("__weakref__", "ends_at", "fired", "socket")

    def __init__(self, socket: Any = None) -> None:
        self.socket = socket
        self.ends_at: float | None = None
        self.fired = False

    def fire(self) -> None:
        """End the blocking call: it returns at once, with an error or without data."""
        self.fired = True
        self.ends_at = None
        if self.socket is not None:
            with contextlib.suppress(OSError):  # the server may have closed it meanwhile
                self.socket.shutdown(socket.SHUT_RDWR)


class StallTimer:
    """Watches the deadlines of all calls in progress."""

    def __init__(self) -> None:
        self._deadlines: set[Deadline | Alarm] = set()
        self._wake: queue.SimpleQueue[None] | None = None
        self._unstarted = [True]  # emptied by whoever starts the thread: no lock, as for the queue
        self._sleeps_until = float("inf")
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def limiting(self, deadline: Deadline, limit: float | None) -> Iterator[None]:
        """End the blocking call inside the block after ``limit`` seconds."""
        if limit is not None:
            self.watch(deadline, limit)
        try:
            yield
        finally:
            self.forget(deadline)

    def alarm(self, seconds: float, function: Callable[[], None]) -> Alarm:
        """Call a function, which must neither block nor raise, in that many seconds."""
        alarm = Alarm(function)
        self.watch(alarm, seconds)
        return alarm

    def forget(self, deadline: Deadline | Alarm) -> None:
        """Forget a deadline."""
        deadline.ends_at = None
        self._deadlines.discard(deadline)

    def watch(self, deadline: Deadline | Alarm, seconds: float) -> None:
        """Have a deadline fire in that many seconds, unless it is forgotten before."""
        deadline.ends_at = ends_at = time.monotonic() + seconds
        self._deadlines.add(deadline)
        if self._thread is None:
            self._start()
        if self._wake is not None and ends_at < self._sleeps_until:
            self._wake.put(None)

    def _start(self) -> None:
        """Start the thread, unless another one does so; it then sees all deadlines so far.

        The queue is made with the thread and not at import, because gevent may patch both in
        between: its "thread" would stop all others if it waited in a queue of Python's own.
        """
        try:
            self._unstarted.pop()
        except IndexError:
            return
        try:
            # In C, unlike `threading.Condition`: a signal handler cannot leave its lock taken.
            wake: queue.SimpleQueue[None] = queue.SimpleQueue()
            self._wake, name = wake, "nanogpt-stall-timer"
            thread = threading.Thread(target=self._run, args=(wake,), name=name, daemon=True)
            thread.start()
        except BaseException:  # there are too many threads, or Ctrl-C
            self._unstarted.append(True)
            raise
        self._thread = thread

    def _run(self, wake: queue.SimpleQueue[None]) -> None:
        while True:
            self._sleeps_until = float("inf")  # a call that begins during this pass must wake us
            now = time.monotonic()
            earliest = float("inf")
            for deadline in tuple(self._deadlines):
                ends_at = deadline.ends_at
                if ends_at is not None and ends_at <= now:
                    self._deadlines.discard(deadline)
                    deadline.fire()
                elif ends_at is not None:
                    earliest = min(earliest, ends_at)
            self._sleeps_until = earliest
            with contextlib.suppress(queue.Empty):
                wake.get(timeout=None if earliest == float("inf") else max(earliest - now, 0))


stall_timer = StallTimer()
# Threads do not survive a fork, and a lock may be taken at that moment, so a child starts afresh.
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=stall_timer.__init__)  # type: ignore[misc]
