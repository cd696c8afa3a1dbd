"""HTTP clients that carry one call at a time, each with one connection.

The HTTP library looks at every connection of a client before and after each request, with a system
call for each that is idle. Where dozens of calls run at once that takes longer than the calls
themselves, so each call has a client of its own and leaves it, connected, to the next one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["Clients", "Injected"]

Client = TypeVar("Client")

# Clients of a rush hour are not kept open for ever.
IDLE_SECONDS = 60.0


class Clients(Generic[Client]):
    """Lends clients; makes another one where all are lent."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._lent: set[Client] = set()
        self._idle: deque[tuple[Client, float]] = deque()  # the one that was used last comes last
        # Taken again by its own thread where a stream that nobody holds any more is collected.
        self._lock = threading.RLock()

    def take(self) -> Client:
        """Return a client that nobody else uses until it is given back."""
        with self._lock:
            client = self._idle.pop()[0] if self._idle else self._make()
            self._lent.add(client)
        return client

    def give(self, client: Client) -> None:
        """Take a client back; a second time does nothing."""
        with self._lock:
            if client in self._lent:
                self._lent.remove(client)
                self._idle.append((client, time.monotonic()))

    def expired(self) -> Sequence[Client]:
        """Let go of the clients that nobody has used for a minute, for the caller to close."""
        oldest_kept = time.monotonic() - IDLE_SECONDS
        found = []
        with self._lock:
            while self._idle and self._idle[0][1] < oldest_kept:
                found.append(self._idle.popleft()[0])
        return found

    def all(self) -> list[Client]:
        """Return every client, also those that are lent."""
        with self._lock:
            return [*self._lent, *(client for client, _ in self._idle)]


class Injected(Generic[Client]):
    """The caller's own client, which carries all calls and stays open."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def take(self) -> Client:
        return self._client

    def give(self, client: Client) -> None: ...

    def expired(self) -> Sequence[Client]:
        return ()
