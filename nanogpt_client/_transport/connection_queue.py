"""The queue for a client's connections: so many are open at once, the other calls wait, unsent.

One queue serves all threads and event loops of a client in one process, in the order of arrival.
It is safe by construction against exceptions that a signal handler raises at any moment: what is
counted are the turns that live, and a slot that its owner has lost ends by being collected.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from collections import OrderedDict

__all__ = ["ProcessQueue", "ConnectionQueue", "Slot"]

# A wake-up can be lost only with the call that owed it, in the middle of an interrupt.
RECHECK_SECONDS = 1.0


class Slot:
    """One call's slot on a connection; `ConnectionQueue.end` ends it, and so does losing it."""

    __slots__ = ("__weakref__", "_lock", "_loop", "_woken", "ref")

    def __init__(self) -> None:
        self.ref: weakref.ref[Slot] | None = None
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


class ConnectionQueue:
    """Lets ``limit`` calls have a connection at the same time, first come, first served."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._queues: dict[int, ProcessQueue] = {}

    @property
    def of_process(self) -> ProcessQueue:
        """The queue of this process; a forked child begins with an empty one."""
        process = os.getpid()
        return self._queues.get(process) or self._queues.setdefault(
            process, ProcessQueue(self._limit)
        )


class ProcessQueue:
    """The queue of one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # A slot that is collected leaves at once and atomically: the callback is C code.
        self._in_use: set[weakref.ref[Slot]] = set()
        self._waiting: OrderedDict[Slot, None] = OrderedDict()
        # Taken again by its own thread where a stream that nobody holds any more is collected.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._in_use)

    def acquire(self, slot: Slot) -> None:
        """Block until the slot comes."""
        if not self._acquired_at_once(slot):
            came = False
            try:
                while slot.ref not in self._in_use:
                    slot.block(RECHECK_SECONDS)
                    self._serve()
                came = True
            finally:
                self._leave(slot, came=came)

    async def acquire_async(self, slot: Slot) -> None:
        """Wait until the slot comes; a waiter that is cancelled leaves the queue."""
        if not self._acquired_at_once(slot):
            came = False
            try:
                while slot.ref not in self._in_use:
                    await slot.sleep(RECHECK_SECONDS)
                    self._serve()
                came = True
            finally:
                self._leave(slot, came=came)

    def release(self, slot: Slot) -> None:
        """Give the slot on; a second time does nothing."""
        if slot.ref is not None:
            self._in_use.discard(slot.ref)
            if self._waiting:
                self._serve()

    def _leave(self, slot: Slot, *, came: bool) -> None:
        self._waiting.pop(slot, None)
        if not came:
            self.release(slot)

    def _acquired_at_once(self, slot: Slot) -> bool:
        slot.ref = weakref.ref(slot, self._in_use.discard)
        hash(slot.ref)  # which a dead one could not tell any more
        with self._lock:
            if not self._waiting and len(self._in_use) < self._limit:
                self._in_use.add(slot.ref)
                return True
            slot.prepare()
            self._waiting[slot] = None
        return False

    def _serve(self) -> None:
        """Let in as many as there is room for; each step may be the last, or be done twice."""
        with self._lock:
            while self._waiting and len(self._in_use) < self._limit:
                slot = next(iter(self._waiting))
                if slot.ref is not None:
                    self._in_use.add(slot.ref)
                self._waiting.pop(slot, None)
                if not slot.wake() and slot.ref is not None:
                    self._in_use.discard(slot.ref)
