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

from nanogpt_client._transport.connection_queue import Line, Turn
from nanogpt_client._transport.stall_timer import Alarm, watchdog

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
REMEMBER_SECONDS = 60.0
# A call that fails later than that was under way, and its connection was not closed as idle.
AT_ONCE_SECONDS = 1.0


class PooledClient(Generic[Client]):
    """An HTTP client, and the connection that it has, as far as that is known."""

    __slots__ = ("client", "idle_since", "rested", "shared", "stream")

    def __init__(self, client: Client) -> None:
        self.client = client
        self.stream: Any = None
        self.shared = False
        self.idle_since = 0.0
        self.rested: float | None = None
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
        return self._seconds if now - self._learned < REMEMBER_SECONDS else IDLE_SECONDS


@cache
def idle_policy_of(origin: str) -> IdlePolicy:  # noqa: ARG001 - the cache's key
    """Return what all clients of the process have learned of a server."""
    return IdlePolicy()


class ClientPool(Generic[Client]):
    """Lends clients to turns; makes another one where all are lent."""

    def __init__(self, make: Callable[[], Client], patience: IdlePolicy | None = None) -> None:
        self._make = make
        # All of these are C operations: none is half done after an interrupt, and none needs a lock
        # against other threads.
        self._lent: dict[weakref.ref[Turn], PooledClient[Client]] = {}
        self._idle: deque[PooledClient[Client]] = deque()  # the one that was used last comes last
        self._alarm: Alarm | asyncio.TimerHandle | None = None
        self._patience = patience or IdlePolicy()

    def lend(self, turn: Turn) -> PooledClient[Client]:
        """Return a client that nobody else uses before the turn's `end`."""
        carrier = self._newest() or self._new()
        self._lent[weakref.ref(turn, self._lost)] = carrier
        return carrier

    def end(self, turn: Turn, *, reusable: bool) -> None:
        """Take back what the turn was lent, or throw it away; a second time does nothing."""
        carrier = self._lent.pop(weakref.ref(turn), None)
        if carrier is None:
            return
        if not reusable:
            carrier.close()
            return
        carrier.idle_since = time.monotonic()
        self._idle.append(carrier)
        if self._alarm is None:
            self._alarm = self._wake_in(IDLE_SECONDS)

    def closed_after(self, seconds: float | None) -> None:
        """Learn that the server closes connections that are idle for so long."""
        if seconds is not None:
            self._patience.learn(seconds)

    def close_idle(self, older_than: float = 0.0) -> None:
        """Close the connections that have been idle for that many seconds."""
        latest = time.monotonic() - older_than
        with contextlib.suppress(IndexError):
            while True:
                carrier = self._idle.popleft()
                if carrier.idle_since > latest:
                    self._idle.appendleft(carrier)
                    return
                carrier.close()

    def close(self) -> None:
        """Close every connection, also those in use."""
        while self._lent:
            with contextlib.suppress(KeyError):
                self._lent.popitem()[1].close()
        self.close_idle()
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.cancel()

    def __len__(self) -> int:
        return len(self._lent) + len(self._idle)

    def _new(self) -> PooledClient[Client]:
        return PooledClient(self._make())

    def _newest(self) -> PooledClient[Client] | None:
        now = time.monotonic()
        with contextlib.suppress(IndexError):
            while True:
                carrier = self._idle.pop()
                carrier.rested = now - carrier.idle_since
                if carrier.has_ended():
                    self.closed_after(carrier.rested)
                elif carrier.rested <= self._patience.seconds(now):
                    return carrier
                carrier.close()
        return None

    def _lost(self, turn: weakref.ref[Turn]) -> None:
        """Throw away what a call was lent that was interrupted before it could say so."""
        carrier = self._lent.pop(turn, None)
        if carrier is not None:
            carrier.close()

    def _wake_in(self, seconds: float) -> Alarm | asyncio.TimerHandle:
        return watchdog.alarm(seconds, self._close_expired)

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
        patience: IdlePolicy | None = None,
    ) -> None:
        super().__init__(make, patience)
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

    def _lost(self, turn: weakref.ref[Turn]) -> None:
        carrier = self._lent.pop(turn, None)
        if carrier is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(carrier.close)

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

    def __init__(self, client: Client, carrier: type[PooledClient[Client]]) -> None:
        self._client = client
        self._carrier = carrier
        self._lent: weakref.WeakKeyDictionary[Turn, PooledClient[Client]] = (
            weakref.WeakKeyDictionary()
        )

    def lend(self, turn: Turn) -> PooledClient[Client]:
        """Return the client, and a place to note which of its connections is used."""
        carrier = self._lent[turn] = self._carrier(self._client)
        return carrier

    def end(self, turn: Turn, *, reusable: bool) -> None:
        """Close the connection that was used if it cannot be used again."""
        carrier = self._lent.pop(turn, None)
        if carrier is not None and not reusable:
            carrier.close()

    def closed_after(self, seconds: float | None) -> None:
        """Learn nothing: its pool is the caller's."""

    def close_idle(self) -> None:
        """Do nothing: they are the caller's."""


class Lease(Generic[Client]):
    """What one call holds: its turn in the queue and the client that it is lent."""

    def __init__(self, line: Line, clients: ClientPool[Client] | ExternalClient[Client]) -> None:
        self.turn = Turn()
        self.line = line
        self.clients = clients
        self.reusable = False

    def lend(self) -> PooledClient[Client]:
        """Return a client; one that was lent before is thrown away."""
        self.clients.end(self.turn, reusable=False)
        return self.clients.lend(self.turn)

    def failed(self, carrier: PooledClient[Client], response: Any, seconds: float) -> None:
        """Note that no (whole) answer came, perhaps because the connection had been idle."""
        self.reusable = False
        if response is None and seconds < AT_ONCE_SECONDS:
            self.clients.closed_after(carrier.rested)

    def end(self) -> None:
        """Give everything back; a second time does nothing."""
        self.clients.end(self.turn, reusable=self.reusable)
        self.line.end(self.turn)
