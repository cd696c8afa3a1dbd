"""A pool of HTTP clients, each with one connection and one call at a time.

The HTTP library checks every connection of a client before and after each request, with a system
call for each idle one. With dozens of concurrent calls that takes longer than the calls themselves,
so each call gets a client of its own and leaves it, connected, to the next call.

A client is reused only after a call that completed; any other is discarded with its connection.
Connections are closed through their sockets, because a call that was interrupted may have left the
library's locks taken for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable
from functools import cache
from typing import Any, Generic, TypeVar

from nanogpt_client._transport.connection_queue import ProcessQueue, Slot
from nanogpt_client._transport.http2_log import redact_http2_log
from nanogpt_client._transport.stall_timer import Alarm, stall_timer

__all__ = [
    "AsyncClientPool",
    "ClientPool",
    "ExternalClient",
    "IdlePolicy",
    "Lease",
    "PooledClient",
    "close_with_loop",
    "idle_policy_of",
    "make_interruptible",
    "network_stream_of",
]

Client = TypeVar("Client")

# Many servers close idle connections after 5 seconds, some after 2. A shorter time avoids most
# connections that are being closed just as they are used.
IDLE_SECONDS = 1.5
# Behind a relay, a request that was on its way when the server closed the connection cannot be
# proved unread, and must not be sent again. So an idle connection is reused only once those of its
# server have stayed open for so many times as long in all, each counted from when the news that it
# was closed would have arrived; and after one was found closed, none is for a minute. The price is
# a few connections more at the start.
OBSERVED_TIMES = 16
NEWS_SECONDS = 0.05
DISTRUST_SECONDS = 60.0
# A call that fails later than this did not fail because its connection had been idle.
AT_ONCE_SECONDS = 1.0


class PooledClient(Generic[Client]):
    """An HTTP client and its connection (``stream``), once it has one."""

    __slots__ = ("client", "idle_since", "is_reused", "shared", "stream")

    def __init__(self, client: Client) -> None:
        self.client = client
        self.stream: Any = None
        self.shared = False
        self.idle_since = 0.0
        self.is_reused = False

    def has_ended(self) -> bool:
        """Whether the connection is readable between two calls: closed, or out of step."""
        return self.stream is not None and bool(self.stream.get_extra_info("is_readable"))

    def close(self) -> None:
        """Close the connection at once, unless other streams share it (HTTP/2)."""
        if self.stream is not None and not self.shared:
            with contextlib.suppress(OSError):
                self.stream.close()


class AsyncPooledClient(PooledClient[Client]):
    """The same for an event loop; closed in its thread."""

    __slots__ = ()

    def close(self) -> None:
        if self.stream is not None and not self.shared:
            closing = self.stream.aclose()
            # The first step closes the socket; the rest only waits for the loop's next iteration.
            with contextlib.suppress(StopIteration, RuntimeError, OSError):
                closing.send(None)
            closing.close()


class IdlePolicy:
    """Whether a connection that was idle may be used again; learned from what its server does."""

    def __init__(self) -> None:
        self._open_seconds = 0.0
        self._closed_at = -math.inf

    def found_open(self, seconds: float) -> None:
        """Note that a connection was still open after it had been idle for this long."""
        self._open_seconds += _observed(seconds)

    def found_closed(self) -> None:
        """Note that the server closed an idle connection sooner than we do."""
        self._open_seconds = 0.0
        self._closed_at = time.monotonic()

    def distrusts(self, now: float) -> bool:
        """Whether the server closes idle connections, at a time of the monotonic clock."""
        return now - self._closed_at < DISTRUST_SECONDS

    def allows(self, seconds: float, others: float = 0.0) -> bool:
        """Whether one that was idle for this long may be used.

        ``others``: seconds for which those that are idle now have been observed.
        """
        needed = (seconds + NEWS_SECONDS) * OBSERVED_TIMES
        return seconds <= IDLE_SECONDS and needed <= self._open_seconds + others


def _observed(seconds: float) -> float:
    return max(0.0, seconds - NEWS_SECONDS)


@cache
def idle_policy_of(origin: str) -> IdlePolicy:  # noqa: ARG001 - the cache's key
    """Return the policy for a server, shared by all clients of the process."""
    return IdlePolicy()


class ClientPool(Generic[Client]):
    """Hands out clients, one for each slot; makes a new one when all are in use."""

    def __init__(self, make: Callable[[], Client], idle_policy: IdlePolicy | None = None) -> None:
        self._make = make
        # Each change of these is one C operation: atomic, for other threads and for an exception
        # raised by a signal handler.
        self._in_use: dict[weakref.ref[Slot], PooledClient[Client]] = {}
        self._idle: deque[PooledClient[Client]] = deque()  # most recently used last
        self._alarm: Alarm | asyncio.TimerHandle | None = None
        self._idle_policy = idle_policy or IdlePolicy()

    def acquire(self, slot: Slot) -> PooledClient[Client]:
        """Return a client for exclusive use until the slot is released."""
        pooled = self._newest() or self._new()
        self._in_use[weakref.ref(slot, self._lost)] = pooled
        return pooled

    def release(self, slot: Slot, *, reusable: bool) -> None:
        """Take the slot's client back, or discard it; a second time does nothing."""
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

    def found_closed(self) -> None:
        """Learn that the server closes idle connections."""
        self._idle_policy.found_closed()

    def close_idle(self, older_than: float = 0.0) -> None:
        """Close the connections that have been idle for this many seconds."""
        now = time.monotonic()
        with contextlib.suppress(IndexError):
            while True:
                pooled = self._idle.popleft()
                if (idle_for := now - pooled.idle_since) < older_than:
                    self._idle.appendleft(pooled)
                    return
                if not pooled.has_ended():
                    self._idle_policy.found_open(idle_for)
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
        """Return the newest idle client if it may be used; else it stays, to be observed."""
        policy = self._idle_policy
        with contextlib.suppress(IndexError):
            while True:
                pooled = self._idle.pop()
                now = time.monotonic()
                idle_for = now - pooled.idle_since
                if pooled.has_ended():
                    policy.found_closed()
                elif not policy.distrusts(now):
                    if policy.allows(idle_for) or policy.allows(idle_for, self._idle_observed(now)):
                        policy.found_open(idle_for)
                        pooled.is_reused = True
                        return pooled
                    self._idle.append(pooled)
                    return None
                pooled.close()
        return None

    def _idle_observed(self, now: float) -> float:
        """Return for how long the idle connections have been observed in all, if all are open."""
        idle = self._idle.copy()
        ended = [pooled for pooled in idle if pooled.has_ended()]
        if any(pooled in self._idle for pooled in ended):  # and not used meanwhile
            self._idle_policy.found_closed()
            return -math.inf
        return sum(_observed(now - pooled.idle_since) for pooled in idle)

    def _lost(self, slot: weakref.ref[Slot]) -> None:
        """Discard the client of a call that was interrupted before it could release it."""
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
    """The pool of one event loop; its clients do not outlive the loop."""

    def __init__(
        self,
        make: Callable[[], Client],
        loop: asyncio.AbstractEventLoop,
        idle_policy: IdlePolicy | None = None,
    ) -> None:
        super().__init__(make, idle_policy)
        self._loop = loop

    def close_soon(self) -> None:
        """Close everything; may be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed, and the connections with it
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

# The open pools of each loop. This reference keeps the garbage collector away from connections: it
# would close sockets under a loop that still watches their descriptors.
_opened: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Opened] = weakref.WeakKeyDictionary()


async def close_with_loop(clients: AsyncClientPool[Any]) -> None:
    """Have the pool closed when its loop, the running one, ends."""
    loop = asyncio.get_running_loop()
    if loop not in _opened:
        for ended in [other for other in _opened if other.is_closed()]:
            del _opened[ended]
        open_here: set[AsyncClientPool[Any]] = set()
        keeper = _until_the_loop_ends(open_here)
        _opened[loop] = keeper, open_here
        await anext(keeper)
    _opened[loop][1].add(clients)


async def _until_the_loop_ends(open_here: set[AsyncClientPool[Any]]) -> AsyncGenerator[None, None]:
    """Close the pools when the loop finalises its async generators, at its end."""
    try:
        yield
    finally:
        _opened.pop(asyncio.get_running_loop(), None)
        for clients in open_here:
            clients.close()
        await asyncio.sleep(0)  # in which the loop closes the sockets


class ExternalClient(Generic[Client]):
    """The caller's own HTTP client: used for all calls, never closed here."""

    def __init__(self, client: Client, pooled_class: type[PooledClient[Client]]) -> None:
        redact_http2_log()  # no client but a caller's speaks HTTP/2
        self._client = client
        self._pooled_class = pooled_class
        self._in_use: weakref.WeakKeyDictionary[Slot, PooledClient[Client]] = (
            weakref.WeakKeyDictionary()
        )

    def acquire(self, slot: Slot) -> PooledClient[Client]:
        """Return the client, with a record of the connection that this call uses."""
        pooled = self._in_use[slot] = self._pooled_class(self._client)
        return pooled

    def release(self, slot: Slot, *, reusable: bool) -> None:
        """Close the connection that was used if it cannot be reused."""
        pooled = self._in_use.pop(slot, None)
        if pooled is not None and not reusable:
            pooled.close()

    def found_closed(self) -> None:
        """Do nothing: the connections are the caller's."""

    def close_idle(self) -> None:
        """Do nothing: the connections are the caller's."""


class Lease(Generic[Client]):
    """What one call occupies: a slot in the queue and a client."""

    def __init__(
        self, queue: ProcessQueue, clients: ClientPool[Client] | ExternalClient[Client]
    ) -> None:
        self.slot = Slot()
        self.queue = queue
        self.clients = clients
        self.reusable = False

    def acquire(self) -> PooledClient[Client]:
        """Return a client, after discarding the one of an earlier attempt."""
        self.clients.release(self.slot, reusable=False)
        return self.clients.acquire(self.slot)

    def failed(self, pooled: PooledClient[Client], response: Any, seconds: float) -> None:
        """Note that no complete response came, perhaps because the connection had been idle."""
        self.reusable = False
        if response is None and seconds < AT_ONCE_SECONDS and pooled.is_reused:
            self.clients.found_closed()

    def release(self) -> None:
        """Release the client and the slot; a second time does nothing."""
        self.clients.release(self.slot, reusable=self.reusable)
        self.queue.release(self.slot)


def make_interruptible(client: Any) -> None:
    """Replace the locks of a blocking client's pools by ones that an interrupt cannot leave taken.

    Entering the library's own lock is Python code: an exception of a signal handler can come
    between taking it and entering its block, and every later call would wait for it.
    """
    for pool in _pools_of(client):
        if hasattr(pool, "_optional_thread_lock"):
            pool._optional_thread_lock = threading.RLock()  # noqa: SLF001 - no public way


def network_stream_of(client: Any, request: Any) -> Any:
    """Return the network stream that carries a request of the library's core; ``None`` if unknown.

    Reads private attributes of the HTTP library.
    """
    for pool in _pools_of(client):
        for pending in tuple(getattr(pool, "_requests", ())):
            if getattr(pending, "request", None) is request:
                connection = getattr(pending, "connection", None)
                while connection is not None and not hasattr(connection, "_network_stream"):
                    connection = getattr(connection, "_connection", None)
                return getattr(connection, "_network_stream", None)
    return None


def _pools_of(client: Any) -> list[Any]:
    transports = [getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()]
    return [transport._pool for transport in transports if hasattr(transport, "_pool")]  # noqa: SLF001
