"""HTTP clients that carry one call at a time, each with one connection.

The HTTP library looks at every connection of a client before and after each request, with a system
call for each that is idle. Where dozens of calls run at once that takes longer than the calls
themselves, so each call has a client of its own and leaves it, connected, to the next one.

A client is lent again only after a call that came to its regular end; any other one is thrown
away with its connection. Connections are closed by their sockets: the library's locks may be held
for ever by a call that was interrupted in the middle.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable
from functools import cache
from typing import Any, Generic, TypeVar

from nanogpt_client._transport.connection_queue import ProcessQueue, Slot
from nanogpt_client._transport.stall_timer import Alarm, stall_timer

__all__ = [
    "AsyncClientPool",
    "ClientPool",
    "ExternalClient",
    "IdlePolicy",
    "Lease",
    "PooledClient",
    "closed_with_loop",
    "idle_policy_of",
]

Client = TypeVar("Client")

# Many servers close idle connections after 5 seconds, some after 2: below that, hardly any call
# meets one that is just being closed.
IDLE_SECONDS = 1.5
# A server that was seen to close them sooner is given half of that time, for so long.
POLICY_SECONDS = 60.0
# A call that fails later than that was under way, and its connection was not closed as idle.
AT_ONCE_SECONDS = 1.0


class PooledClient(Generic[Client]):
    """An HTTP client, and the connection that it has, as far as that is known."""

    __slots__ = ("client", "idle_for", "idle_since", "shared", "stream")

    def __init__(self, client: Client) -> None:
        self.client = client
        self.stream: Any = None
        self.shared = False
        self.idle_since = 0.0
        self.idle_for: float | None = None
        """Seconds that the connection had been idle when it was lent; ``None`` for a new one."""

    def has_ended(self) -> bool:
        """Whether there is something to read between two calls: its end, or nothing good."""
        return self.stream is not None and bool(self.stream.get_extra_info("is_readable"))

    def close(self) -> None:
        """Close the connection at once, unless others' streams are on it, too (HTTP/2)."""
        if self.stream is not None and not self.shared:
            with contextlib.suppress(OSError):
                self.stream.close()


class AsyncPooledClient(PooledClient[Client]):
    """The same on an event loop, in whose thread it is closed."""

    __slots__ = ()

    def close(self) -> None:
        if self.stream is not None and not self.shared:
            closing = self.stream.aclose()
            # The first step closes; the rest waits for nothing but the loop's next round.
            with contextlib.suppress(StopIteration, RuntimeError, OSError):
                closing.send(None)
            closing.close()


class IdlePolicy:
    """For how long connections to a server may be idle and still be used; learned from it."""

    def __init__(self) -> None:
        self._seconds = IDLE_SECONDS
        self._learned = -math.inf

    def learn(self, seconds: float) -> None:
        """Note that it has closed one that was idle for so long, or less."""
        self._seconds = min(self.seconds(time.monotonic()), seconds / 2)
        self._learned = time.monotonic()

    def seconds(self, now: float) -> float:
        """Return what it is at a time of the monotonic clock."""
        return self._seconds if now - self._learned < POLICY_SECONDS else IDLE_SECONDS


@cache
def idle_policy_of(origin: str) -> IdlePolicy:  # noqa: ARG001 - the cache's key
    """Return what all clients of the process have learned of a server."""
    return IdlePolicy()


class ClientPool(Generic[Client]):
    """Lends clients to turns; makes another one where all are lent."""

    def __init__(self, make: Callable[[], Client], idle_policy: IdlePolicy | None = None) -> None:
        self._make = make
        # All of these are C operations: none is half done after an interrupt, and none needs a lock
        # against other threads.
        self._in_use: dict[weakref.ref[Slot], PooledClient[Client]] = {}
        self._idle: deque[PooledClient[Client]] = deque()  # the one that was used last comes last
        self._alarm: Alarm | asyncio.TimerHandle | None = None
        self._idle_policy = idle_policy or IdlePolicy()

    def acquire(self, slot: Slot) -> PooledClient[Client]:
        """Return a client that nobody else uses before the slot's `end`."""
        pooled = self._newest() or self._new()
        self._in_use[weakref.ref(slot, self._lost)] = pooled
        return pooled

    def release(self, slot: Slot, *, reusable: bool) -> None:
        """Take back what the slot was lent, or throw it away; a second time does nothing."""
        pooled = self._in_use.pop(weakref.ref(slot), None)
        if pooled is None:
            return
        if not reusable:
            pooled.close()
            return
        pooled.idle_since = time.monotonic()
        self._idle.append(pooled)
        if self._alarm is None:
            self._alarm = self._wake_in(IDLE_SECONDS)

    def closed_after(self, seconds: float | None) -> None:
        """Learn that the server closes connections that are idle for so long."""
        if seconds is not None:
            self._idle_policy.learn(seconds)

    def close_idle(self, older_than: float = 0.0) -> None:
        """Close the connections that have been idle for that many seconds."""
        latest = time.monotonic() - older_than
        with contextlib.suppress(IndexError):
            while True:
                pooled = self._idle.popleft()
                if pooled.idle_since > latest:
                    self._idle.appendleft(pooled)
                    return
                pooled.close()

    def close(self) -> None:
        """Close every connection, also those in use."""
        while self._in_use:
            with contextlib.suppress(KeyError):
                self._in_use.popitem()[1].close()
        self.close_idle()
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.cancel()

    def __len__(self) -> int:
        return len(self._in_use) + len(self._idle)

    def _new(self) -> PooledClient[Client]:
        return PooledClient(self._make())

    def _newest(self) -> PooledClient[Client] | None:
        now = time.monotonic()
        with contextlib.suppress(IndexError):
            while True:
                pooled = self._idle.pop()
                pooled.idle_for = now - pooled.idle_since
                if pooled.has_ended():
                    self.closed_after(pooled.idle_for)
                elif pooled.idle_for <= self._idle_policy.seconds(now):
                    return pooled
                pooled.close()
        return None

    def _lost(self, slot: weakref.ref[Slot]) -> None:
        """Throw away what a call was lent that was interrupted before it could say so."""
        pooled = self._in_use.pop(slot, None)
        if pooled is not None:
            pooled.close()

    def _wake_in(self, seconds: float) -> Alarm | asyncio.TimerHandle:
        return stall_timer.alarm(seconds, self._close_expired)

    def _close_expired(self) -> None:
        self.close_idle(IDLE_SECONDS)
        self._alarm = None
        if self._idle:
            oldest = IDLE_SECONDS + self._idle[0].idle_since - time.monotonic()
            self._alarm = self._wake_in(max(oldest, 0.0) + 0.01)


class AsyncClientPool(ClientPool[Client]):
    """The same for one event loop, which they do not outlive."""

    def __init__(
        self,
        make: Callable[[], Client],
        loop: asyncio.AbstractEventLoop,
        idle_policy: IdlePolicy | None = None,
    ) -> None:
        super().__init__(make, idle_policy)
        self._loop = loop

    def close_soon(self) -> None:
        """Close everything, called from whatever thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed, and they with it
            self._loop.call_soon_threadsafe(self.forget)

    def forget(self) -> None:
        """Close everything, in the loop's thread."""
        self.close()
        opened = _opened.get(self._loop)
        if opened is not None:
            opened[1].discard(self)

    def _new(self) -> PooledClient[Client]:
        return AsyncPooledClient(self._make())

    def _lost(self, slot: weakref.ref[Slot]) -> None:
        pooled = self._in_use.pop(slot, None)
        if pooled is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(pooled.close)

    def _wake_in(self, seconds: float) -> asyncio.TimerHandle:
        return self._loop.call_later(seconds, self._close_expired)


_Opened = tuple[AsyncGenerator[None, None], set[AsyncClientPool[Any]]]

# What is open on which loop. Stored here, connections are never part of what the garbage collector
# finds: it would close their sockets under a loop that still watches the descriptors, which are
# other connections' by then.
_opened: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Opened] = weakref.WeakKeyDictionary()


async def closed_with_loop(clients: AsyncClientPool[Any]) -> None:
    """See to it that the clients are closed when their loop, the running one, ends."""
    loop = asyncio.get_running_loop()
    if loop not in _opened:
        for ended in [known for known in _opened if known.is_closed()]:
            del _opened[ended]
        open_here: set[AsyncClientPool[Any]] = set()
        keeper = _until_the_loop_ends(open_here)
        _opened[loop] = keeper, open_here
        await anext(keeper)
    _opened[loop][1].add(clients)


async def _until_the_loop_ends(open_here: set[AsyncClientPool[Any]]) -> AsyncGenerator[None, None]:
    """Loops finalise their async generators when they end."""
    try:
        yield
    finally:
        _opened.pop(asyncio.get_running_loop(), None)
        for clients in open_here:
            clients.close()
        await asyncio.sleep(0)  # in which the loop closes the sockets


class ExternalClient(Generic[Client]):
    """The caller's own client, which carries all calls and stays open."""

    def __init__(self, client: Client, pooled_class: type[PooledClient[Client]]) -> None:
        self._client = client
        self._pooled_class = pooled_class
        self._in_use: weakref.WeakKeyDictionary[Slot, PooledClient[Client]] = (
            weakref.WeakKeyDictionary()
        )

    def acquire(self, slot: Slot) -> PooledClient[Client]:
        """Return the client, and a place to note which of its connections is used."""
        pooled = self._in_use[slot] = self._pooled_class(self._client)
        return pooled

    def release(self, slot: Slot, *, reusable: bool) -> None:
        """Close the connection that was used if it cannot be used again."""
        pooled = self._in_use.pop(slot, None)
        if pooled is not None and not reusable:
            pooled.close()

    def closed_after(self, seconds: float | None) -> None:
        """Learn nothing: its pool is the caller's."""

    def close_idle(self) -> None:
        """Do nothing: they are the caller's."""


class Lease(Generic[Client]):
    """What one call holds: its slot in the queue and the client that it is lent."""

    def __init__(
        self, queue: ProcessQueue, clients: ClientPool[Client] | ExternalClient[Client]
    ) -> None:
        self.slot = Slot()
        self.queue = queue
        self.clients = clients
        self.reusable = False

    def acquire(self) -> PooledClient[Client]:
        """Return a client; one that was lent before is thrown away."""
        self.clients.release(self.slot, reusable=False)
        return self.clients.acquire(self.slot)

    def failed(self, pooled: PooledClient[Client], response: Any, seconds: float) -> None:
        """Note that no (whole) answer came, perhaps because the connection had been idle."""
        self.reusable = False
        if response is None and seconds < AT_ONCE_SECONDS:
            self.clients.closed_after(pooled.idle_for)

    def release(self) -> None:
        """Give everything back; a second time does nothing."""
        self.clients.release(self.slot, reusable=self.reusable)
        self.queue.release(self.slot)
