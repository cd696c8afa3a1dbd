"""The queue for a client's connections: so many are open at once, the other calls wait, unsent.

One queue serves all threads and event loops of a client in one process, in the order of arrival.
It is safe by construction against exceptions that a signal handler raises at any moment: what is
counted are the turns that live, and a turn that its owner has lost ends by being collected.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from collections import OrderedDict

__all__ = ["Line", "Queue", "Turn"]

# A wake-up can be lost only with the call that owed it, in the middle of an interrupt.
LOOK_AGAIN_SECONDS = 1.0


class Turn:
    """One call's turn on a connection; `Queue.end` ends it, and so does losing it."""

    __slots__ = ("__weakref__", "_lock", "_loop", "_woken", "ref")

    def __init__(self) -> None:
        self.ref: weakref.ref[Turn] | None = None
        self._lock: threading.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Future[None] | None = None

    def prepare(self) -> None:
        """Get ready to be woken in this thread, or in this task of the running loop."""
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._lock = threading.Lock()
            self._lock.acquire()
        else:
            self._woken = self._loop.create_future()

    def block(self, seconds: float) -> None:
        """Sleep until woken in this thread."""
        if self._lock is not None:
            self._lock.acquire(timeout=seconds)

    async def sleep(self, seconds: float) -> None:
        """Sleep until woken in this task."""
        if self._woken is not None:
            await asyncio.wait([self._woken], timeout=seconds)

    def wake(self) -> bool:
        """Wake its owner, of whatever thread; ``False`` if the owner's event loop is closed."""
        if self._lock is not None:
            with contextlib.suppress(RuntimeError):  # woken twice
                self._lock.release()
        elif self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._set)
            except RuntimeError:
                return False
        return True

    def _set(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


class Queue:
    """Lets ``limit`` calls have a connection at the same time, first come, first served."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._of_process: dict[int, Line] = {}

    @property
    def line(self) -> Line:
        """The queue of this process; a forked child begins with an empty one."""
        process = os.getpid()
        return self._of_process.get(process) or self._of_process.setdefault(
            process, Line(self._limit)
        )


class Line:
    """The queue of one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # A turn that is collected leaves at once and atomically: the callback is C code.
        self._held: set[weakref.ref[Turn]] = set()
        self._waiting: OrderedDict[Turn, None] = OrderedDict()
        # Taken again by its own thread where a stream that nobody holds any more is collected.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._held)

    def wait(self, turn: Turn) -> None:
        """Block until the turn comes."""
        if not self._taken_at_once(turn):
            came = False
            try:
                while turn.ref not in self._held:
                    turn.block(LOOK_AGAIN_SECONDS)
                    self._serve()
                came = True
            finally:
                self._leave(turn, came=came)

    async def wait_async(self, turn: Turn) -> None:
        """Wait until the turn comes; a waiter that is cancelled leaves the queue."""
        if not self._taken_at_once(turn):
            came = False
            try:
                while turn.ref not in self._held:
                    await turn.sleep(LOOK_AGAIN_SECONDS)
                    self._serve()
                came = True
            finally:
                self._leave(turn, came=came)

    def end(self, turn: Turn) -> None:
        """Give the turn on; a second time does nothing."""
        if turn.ref is not None:
            self._held.discard(turn.ref)
            if self._waiting:
                self._serve()

    def _leave(self, turn: Turn, *, came: bool) -> None:
        self._waiting.pop(turn, None)
        if not came:
            self.end(turn)

    def _taken_at_once(self, turn: Turn) -> bool:
        turn.ref = weakref.ref(turn, self._held.discard)
        hash(turn.ref)  # which a dead one could not tell any more
        with self._lock:
            if not self._waiting and len(self._held) < self._limit:
                self._held.add(turn.ref)
                return True
            turn.prepare()
            self._waiting[turn] = None
        return False

    def _serve(self) -> None:
        """Let in as many as there is room for; each step may be the last, or be done twice."""
        with self._lock:
            while self._waiting and len(self._held) < self._limit:
                turn = next(iter(self._waiting))
                if turn.ref is not None:
                    self._held.add(turn.ref)
                self._waiting.pop(turn, None)
                if not turn.wake() and turn.ref is not None:
                    self._held.discard(turn.ref)
