"""Work that is paid once: `PaidStore` has the answers, by what was asked for.

Before a request is sent, its intent is written: which items it asks for, and a lease that its
worker renews. The answer replaces the intent as soon as it comes. So another worker waits for it
instead of asking for the same, and a request whose worker died stays on record.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from nanogpt_client.account.urls import checked_url, file_of, without_secrets
from nanogpt_client.errors import ConfigurationError, StoreUnavailableError
from nanogpt_client.hooks import logger, warn
from nanogpt_client.jobs._backend import Backend, Claim, UnknownRequest

__all__ = ["PaidStore", "UnknownRequest"]

T = TypeVar("T")

_LEASE_SECONDS = 30.0
_RENEWALS = 3  # during one lease


class PaidStore:
    """Answers that were paid for, shared by threads, processes and machines.

    >>> from nanogpt_client.jobs import EmbedTexts, PaidStore
    >>> store = PaidStore("sqlite:///paid.db")
    >>> embed = EmbedTexts("text-embedding-3-small", store=store)
    >>> embed({"text": ["a", "b"]})["vector"].shape  # the second time from the store, unbilled
    (2, 1536)

    ``sqlite:///paid.db`` is a file, for the processes of one machine (``sqlite:////abs/paid.db``
    for an absolute path); ``redis://host:6379/0`` is a Redis or Valkey server, for a cluster, which
    must persist its data (extra ``redis``). A pickle has the URL, also its password if it has one.

    While the database is out of reach, nothing is sent. An answer that comes meanwhile is returned,
    stays in memory, and is written when the database is back.

    Args:
        url: the address of the database.
        lease: seconds after which a worker that no longer renews its requests counts as gone;
            others wait for its answers until then.

    Raises:
        ConfigurationError: the URL is of no supported kind, its folder does not exist, or ``lease``
            is not above 0.
        StoreUnavailableError: from its methods; the database is out of reach.
    """

    def __init__(self, url: str, *, lease: float = _LEASE_SECONDS) -> None:
        if not 0 < lease < float("inf"):
            raise ConfigurationError(f"lease must be seconds above 0, not {lease!r}", param="lease")
        self._url = checked_url(url, "a store", "store")
        self._lease = float(lease)
        self._set_up()

    @classmethod
    def of(cls, store: PaidStore | str | None) -> PaidStore | None:
        """Return a store that is given as such, or by its URL."""
        return store if store is None or isinstance(store, PaidStore) else cls(store)

    def _set_up(self) -> None:
        self._process = _Process(self._url, self._lease)
        self._closing = weakref.finalize(
            self, self._process.close
        )  # at the latest when Python ends

    def __repr__(self) -> str:
        return f"PaidStore({without_secrets(self._url)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"_url": self._url, "_lease": self._lease}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._set_up()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what could not be written before, and close the connections.

        A later call opens new ones.
        """
        self._here().close()

    def unknown(self) -> list[UnknownRequest]:
        """Return the requests that may have been billed without an answer, oldest first.

        Their workers died, or got no response. Requests in flight are not among them.
        """
        return self._here().run(lambda backend: backend.unknown())

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the stored answers, by key."""
        return self._here().run(lambda backend: backend.get(keys))

    def claim(self, keys: Sequence[str], *, model: str, take_over: bool) -> Claim:
        """Write the intent to ask for those keys that no living worker asks for.

        Args:
            keys: the keys of a request's items.
            model: the model that is asked.
            take_over: also ask for the items of requests whose outcome is unknown.
        """
        worker = f"{socket.gethostname()}:{os.getpid()}"
        request = UnknownRequest(uuid.uuid4().hex, model, len(keys), time.time(), worker)
        claim = Claim(request)
        here = self._here()
        here.keep(claim)  # first, as an exception of a signal handler may follow
        claim.states = here.run(
            lambda backend: backend.claim(request, keys, self._lease, take_over=take_over)
        )
        return claim

    def put(self, claim: Claim, answers: Mapping[str, bytes]) -> None:
        """Store the answers of a request; in memory if the database is out of reach."""
        self._here().put(claim.request.id, answers)

    def release(self, claim: Claim, *, unknown: bool) -> None:
        """End a request without an answer; if its outcome is ``unknown``, it stays on record."""
        here, keys = self._here(), claim.states.mine
        try:
            here.run(lambda backend: backend.release(claim.request.id, keys, unknown=unknown))
        except StoreUnavailableError as error:  # its lease ends by itself
            logger.warning("a request could not be released: %s", error)

    def drop(self, claim: Claim) -> None:
        """Renew the lease of a request no longer."""
        self._here().in_flight.discard(claim)

    def _here(self) -> _Process:
        """Return what this process has open; a forked child begins anew."""
        if self._process.pid != os.getpid():
            _of_parents.append(self._process)  # whose connections must not be closed here
            self._closing.detach()
            self._set_up()
        return self._process


_of_parents: list[_Process] = []
_JOIN_SECONDS = 10.0


class _Process:
    """The connections of one process, its requests in flight, and answers not written yet."""

    def __init__(self, url: str, lease: float) -> None:
        self.pid = os.getpid()
        self.in_flight: weakref.WeakSet[Claim] = weakref.WeakSet()
        self._unwritten: list[tuple[str, Mapping[str, bytes]]] = []
        self._url, self._lease = url, lease
        self._backend: Backend | None = None
        self._lock = threading.RLock()
        self._keeper: threading.Thread | None = None
        self._stop = threading.Event()

    def run(self, action: Callable[[Backend], T]) -> T:
        """Do something with the database, after writing what could not be written before.

        Raises:
            StoreUnavailableError: the database is out of reach.
        """
        self._write_rest()
        return self._try(action)

    def _try(self, action: Callable[[Backend], T]) -> T:
        with self._lock:
            backend = self._backend = self._backend or _opened(self._url)
        try:
            return action(backend)
        except backend.errors as error:
            raise _unavailable(self._url, error) from error

    def put(self, request: str, answers: Mapping[str, bytes]) -> None:
        """Store answers, or keep them until that works."""
        with self._lock:
            self._unwritten.append((request, answers))
        try:
            self._write_rest()
        except StoreUnavailableError as error:
            warn(f"{error}; {len(answers)} paid answers stay in memory until it is back")
            self._watch()

    def _write_rest(self) -> None:
        with self._lock:
            while self._unwritten:
                request, answers = self._unwritten[0]
                self._try(lambda backend, r=request, a=answers: backend.put(r, a))  # type: ignore[misc]
                del self._unwritten[0]

    def keep(self, claim: Claim) -> None:
        """Renew the lease of a request for as long as its claim is in use."""
        self.in_flight.add(claim)
        self._watch()

    def _watch(self) -> None:
        with self._lock:
            if self._keeper is None:
                self._stop = threading.Event()
                self._keeper = threading.Thread(target=self._work, args=[self._stop], daemon=True)
                self._keeper.start()

    def _work(self, stop: threading.Event) -> None:
        """Renew leases and write what is left, until there is nothing to do."""
        while not stop.wait(self._lease / _RENEWALS):
            requests = [claim.request.id for claim in list(self.in_flight)]
            with self._lock:
                if not requests and not self._unwritten:
                    self._keeper = None
                    return
            try:
                self.run(lambda backend, r=requests: backend.renew(r, self._lease))  # type: ignore[misc]
            except StoreUnavailableError as error:
                logger.warning("leases could not be renewed: %s", error)

    def close(self) -> None:
        """Write what is left and close the connection."""
        with self._lock:
            self._stop.set()
            keeper, self._keeper = self._keeper, None
        if keeper is not None and keeper is not threading.current_thread():
            keeper.join(_JOIN_SECONDS)  # it must not use a connection that is being closed
        try:
            self._write_rest()
        except StoreUnavailableError as error:
            missing = sum(len(answers) for _, answers in self._unwritten)
            warn(f"{missing} paid answers are not in the store: {error}")
        with self._lock:
            backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()


def _opened(url: str) -> Backend:
    """Return a connection to the database."""
    if (path := file_of(url)) is None:
        from nanogpt_client.jobs._redis import RedisBackend  # noqa: PLC0415 - an optional dependency

        return RedisBackend(url)
    from nanogpt_client.jobs._sqlite import SQLiteBackend  # noqa: PLC0415 - like the other one

    return SQLiteBackend(path)


def _unavailable(url: str, error: Exception) -> StoreUnavailableError:
    name = file_of(url) or without_secrets(url)
    return StoreUnavailableError(f"the store of paid work {name!r} is out of reach: {error}")
