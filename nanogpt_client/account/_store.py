"""The store that a URL names: opened once in each process, and shared by all accounts with it."""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet, WeakValueDictionary

from nanogpt_client.account._backend import Backend
from nanogpt_client.account._outbox import Outbox
from nanogpt_client.account.sqlite_file import MEMORY
from nanogpt_client.account.urls import file_of
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.ledger import Ledger

__all__ = ["MEMORY_URL", "Store", "opened"]

MEMORY_URL = "memory:"


class _ForkableBackend(Backend, Protocol):
    def forked(self) -> None:
        """In a forked child: leave connections to the parent."""


class Store:
    """A backend, the outcomes on their way to it, and the ledger of this process's calls."""

    def __init__(self, url: str) -> None:
        self._process = os.getpid()
        self._backend = _backend(url)
        self._is_memory = url == MEMORY_URL
        self.outbox = Outbox(self._backend.finish)
        self.ledger = Ledger()
        _stores.add(self)

    @property
    def backend(self) -> Backend:
        """The backend.

        Raises:
            ConfigurationError: it is the memory of another process.
        """
        if self._is_memory and self._process != os.getpid():
            raise ConfigurationError(
                "an account in memory cannot be used in a forked process, which would have its own "
                "limits: use Account('sqlite:///spent.db')",
                param="account",
            )
        return self._backend

    def forked(self) -> None:
        """In a forked child: leave connections, and what waits, to the parent."""
        self._backend.forked()
        self.outbox.forked()


def opened(url: str) -> Store:
    """Return the store of a checked URL; memory is a new one each time."""
    if url == MEMORY_URL:
        return Store(url)
    with _lock:
        store = _shared.get(url)
        if store is None:
            store = _shared[url] = Store(url)
        return store


def _backend(url: str) -> _ForkableBackend:
    path = MEMORY if url == MEMORY_URL else file_of(url)
    if path is not None:
        from nanogpt_client.account._sqlite import SqliteBackend  # noqa: PLC0415 - if used

        return SqliteBackend(path)
    if url.startswith("ray:"):
        from nanogpt_client.account._ray import RayBackend  # noqa: PLC0415 - an extra

        return RayBackend(url)
    from nanogpt_client.account._redis import RedisBackend  # noqa: PLC0415 - an extra

    return RedisBackend(url)


_lock = threading.Lock()
_shared: WeakValueDictionary[str, Store] = WeakValueDictionary()
_stores: WeakSet[Store] = WeakSet()


def _in_forked_child() -> None:
    global _lock  # noqa: PLW0603 - another thread of the parent may have it
    _lock = threading.Lock()
    for store in _stores:
        store.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
