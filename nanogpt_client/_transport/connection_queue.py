"""The queue for a client's connections: a limited number is open, further calls wait, unsent.

One queue serves all threads and event loops of a client in one process, first come, first served.
An exception that a signal handler raises at any moment cannot lose a connection: only slots that
are alive count, and a slot that its owner has lost is released when it is garbage collected.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from collections import OrderedDict

__all__ = ["ConnectionQueue", "ProcessQueue", "Slot"]

# A wake-up is lost only if the call that owed it was interrupted; waiters then find out themselves.
RECHECK_SECONDS = 1.0


class Slot:
    """The right of one call to a connection; given up by `ProcessQueue.release` or by losing it."""

    __slots__ = ("__weakref__", "_lock", "_loop", "_woken", "ref")

    def __init__(self) -> None:
        self.ref: weakref.ref[Slot] | None = None
        self._lock: threading.Lock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Future[None] | None = None

    def prepare(self) -> None:
        """Prepare to be woken in this thread, or in this task of the running loop."""
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
        """Wake the owner, in any thread; ``False`` if the owner's event loop is closed."""
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
    """Lets at most ``limit`` calls have a connection at the same time, in each process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._queues: dict[int, ProcessQueue] = {}

    @property
    def of_process(self) -> ProcessQueue:
        """The queue of this process; a forked child starts with an empty one."""
        process = os.getpid()
        return self._queues.get(process) or self._queues.setdefault(
            process, ProcessQueue(self._limit)
        )


class ProcessQueue:
    """The queue of one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # The callback is C code: a slot that is garbage collected leaves atomically.
        self._in_use: set[weakref.ref[Slot]] = set()
        self._waiting: OrderedDict[Slot, None] = OrderedDict()
        # Reentrant: its own thread may garbage collect a lost stream, which releases its slot.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._in_use)

    def acquire(self, slot: Slot) -> None:
        """Block until a connection is free."""
        if not self._acquired_at_once(slot):
            admitted = False
            try:
                while slot.ref not in self._in_use:
                    slot.block(RECHECK_SECONDS)
                    self._serve()
                admitted = True
            finally:
                self._leave(slot, admitted=admitted)

    async def acquire_async(self, slot: Slot) -> None:
        """Wait until a connection is free; a waiter that is cancelled leaves the queue."""
        if not self._acquired_at_once(slot):
            admitted = False
            try:
                while slot.ref not in self._in_use:
                    await slot.sleep(RECHECK_SECONDS)
                    self._serve()
                admitted = True
            finally:
                self._leave(slot, admitted=admitted)

    def release(self, slot: Slot) -> None:
        """Pass the connection on to the next call; a second time does nothing."""
        if slot.ref is not None:
            self._in_use.discard(slot.ref)
            if self._waiting:
                self._serve()

    def _leave(self, slot: Slot, *, admitted: bool) -> None:
        self._waiting.pop(slot, None)
        if not admitted:
            self.release(slot)

    def _acquired_at_once(self, slot: Slot) -> bool:
        slot.ref = weakref.ref(slot, self._in_use.discard)
        hash(slot.ref)  # cached now: the hash of a dead reference is an error
        with self._lock:
            if not self._waiting and len(self._in_use) < self._limit:
                self._in_use.add(slot.ref)
                return True
            slot.prepare()
            self._waiting[slot] = None
        return False

    def _serve(self) -> None:
        """Admit as many as the limit allows; safe if interrupted at any step and repeated."""
        with self._lock:
            while self._waiting and len(self._in_use) < self._limit:
                slot = next(iter(self._waiting))
                if slot.ref is not None:
                    self._in_use.add(slot.ref)
                self._waiting.pop(slot, None)
                if not slot.wake() and slot.ref is not None:
                    self._in_use.discard(slot.ref)
