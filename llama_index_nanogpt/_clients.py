"""The constructor words that LLM and embeddings share, and the clients made of them.

Clients are made at the first call, so that objects can be built, stored and sent to other processes
where no key is known. They are kept in a holder of their own, because sockets can be neither copied
nor pickled: a copy begins with an empty holder.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any, Self
from weakref import WeakKeyDictionary

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)

from nanogpt_client import AsyncNanoGPTClient, Budget, ConfigurationError, Ledger, NanoGPTClient

__all__ = ["ClientFields"]

_OF_THE_CLIENT = ("api_key", "base_url", "http_client", "default_headers", "budget", "ledger")


def _hidden(key: SecretStr | str | None) -> SecretStr | None:
    return SecretStr(key) if isinstance(key, str) else key


def _ledger(ledger: Ledger | None) -> Ledger:
    return Ledger() if ledger is None else ledger


class _Clients:
    """Clients once they are needed; copies of it are empty."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blocking: NanoGPTClient | None = None
        self.asynchronous: AsyncNanoGPTClient | None = None
        self.slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )

    def __reduce__(self) -> tuple[type[_Clients], tuple[()]]:
        return _Clients, ()  # what pickle and copy do


class ClientFields(BaseModel):
    """How to reach NanoGPT; the words of `nanogpt_client.NanoGPTClient`, and ``client`` itself."""

    # A complaint about one word must not print the key that was passed beside it.
    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        extra="forbid",
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    api_key: Annotated[SecretStr | str | None, AfterValidator(_hidden)] = Field(
        default=None, exclude=True, repr=False
    )
    """NanoGPT's key; by default the variable ``NANOGPT_API_KEY``. Pickles hold it, dicts do not."""
    base_url: str | None = None
    """By default the variable ``NANOGPT_BASE_URL``, or NanoGPT itself."""
    timeout: float | None = 600.0
    """Seconds to wait for a whole answer."""
    max_retries: int = 2
    """How often a call may be sent again when that cannot bill twice."""
    stream_idle_timeout: float | None = 180.0
    """Seconds of silence allowed between a stream's events."""
    first_event_timeout: float | None = 600.0
    """Seconds allowed until a stream's first event."""
    http_client: Any = Field(default=None, exclude=True, repr=False)
    """An ``httpx.Client`` to send with; it stays yours to close."""
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    """An ``httpx.AsyncClient`` for the async methods; it stays yours to close."""
    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Headers for every request."""
    budget: Budget | None = Field(default=None, exclude=True, repr=False)
    """Refuses calls once its limit is reached; share one between models."""
    ledger: Annotated[Ledger, BeforeValidator(_ledger)] = Field(
        default_factory=Ledger, exclude=True, repr=False
    )
    """Where calls are booked; share one between models."""
    client: NanoGPTClient | None = Field(default=None, exclude=True, repr=False)
    """A client to share, with its key, address, limits and books, in place of the words above."""

    _clients: _Clients = PrivateAttr(default_factory=_Clients)

    @model_validator(mode="after")
    def _take_books(self) -> Self:
        """Use an injected client's books; refuse words that it has decided already."""
        if self.client is None:
            return self
        books = {"budget": self.client.budget, "ledger": self.client.ledger}
        for word in _OF_THE_CLIENT:
            given = getattr(self, word) if word in self.model_fields_set else None
            if given is not None and given is not books.get(word):
                msg = f"client= brings its own {word}; leave one of them out"
                raise ConfigurationError(msg, param=word)
        self.budget, self.ledger = self.client.budget, self.client.ledger
        return self

    def _client(self) -> NanoGPTClient:
        """Return the blocking client.

        Raises:
            ConfigurationError: no key is to be found, or a setting makes no sense.
        """
        if self.client is not None:
            return self.client
        with self._clients.lock:
            if self._clients.blocking is None:
                self._clients.blocking = NanoGPTClient(
                    self.api_key,
                    base_url=self.base_url,
                    timeout=self.timeout,
                    max_retries=self.max_retries,
                    stream_idle_timeout=self.stream_idle_timeout,
                    first_event_timeout=self.first_event_timeout,
                    http_client=self.http_client,
                    default_headers=self.default_headers,
                    budget=self.budget,
                    ledger=self.ledger,
                )
            return self._clients.blocking

    def _async_client(self) -> AsyncNanoGPTClient:
        """Return the client for asyncio, which has its connections per event loop."""
        blocking = self._client()
        with self._clients.lock:
            if self._clients.asynchronous is None:
                self._clients.asynchronous = AsyncNanoGPTClient.sharing(
                    blocking, http_client=self.http_async_client
                )
            return self._clients.asynchronous

    def _slots(self, number: int) -> asyncio.Semaphore:
        """Return the running loop's semaphore, which lets so many requests out at a time."""
        return self._clients.slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(number))

    def close(self) -> None:
        """Free the connections of the blocking methods; injected clients stay open."""
        if self._clients.blocking is not None:
            self._clients.blocking.close()

    async def aclose(self) -> None:
        """Free the connections that the async methods opened on this event loop."""
        if self._clients.asynchronous is not None:
            await self._clients.asynchronous.aclose()

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied._clients = _Clients()  # noqa: SLF001 - the same class; its settings may change
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Sockets cannot be copied, and a copied budget would allow its sum twice.
        memo = {} if memo is None else memo
        for shared in (
            self.http_client,
            self.http_async_client,
            self.client,
            self.budget,
            self.ledger,
        ):
            memo[id(shared)] = shared
        return super().__deepcopy__(memo)
