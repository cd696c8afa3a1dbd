"""The constructor words that chat and embeddings share, and the clients made of them.

The clients open no connection before the first request, so making them costs nothing; they know
how to be copied, pickled and used on several event loops.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr

from nanogpt_client import AsyncNanoGPTClient, Budget, ConfigurationError, Ledger, NanoGPTClient

__all__ = ["ClientFields"]

_OF_THE_CLIENT = ("api_key", "base_url", "http_client", "default_headers", "budget", "ledger")


def _hidden(key: Any) -> Any:
    return SecretStr(key) if isinstance(key, str) else key


class ClientFields(BaseModel):
    """How to reach NanoGPT; the words of `nanogpt_client.NanoGPTClient`, and ``client`` itself."""

    # A complaint about one word must not print the key that was passed beside it.
    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        extra="forbid",
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    api_key: Annotated[SecretStr | str | None, BeforeValidator(_hidden)] = None
    """NanoGPT's key; by default the variable ``NANOGPT_API_KEY``."""
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
    default_headers: Mapping[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Headers for every request."""
    budget: Budget | None = Field(default=None, exclude=True, repr=False)
    """Refuses calls once its limit is reached; share one between models."""
    ledger: Ledger | None = Field(default=None, exclude=True, repr=False)
    """Where calls are booked; share one between models."""
    client: NanoGPTClient | None = Field(default=None, exclude=True, repr=False)
    """A client to share, with its key, address, limits and books, in place of the words above."""

    _client: NanoGPTClient = PrivateAttr()
    _async_client: AsyncNanoGPTClient = PrivateAttr()

    if not TYPE_CHECKING:  # checkers read the words from the fields

        def __init__(self, *args: Any, **words: Any) -> None:
            """Check the words and make the clients; nothing is sent.

            Raises:
                ConfigurationError: no key is to be found, or a setting makes no sense.
                ValidationError: a word is unknown or its value out of bounds.
            """
            if isinstance(words.get("api_key"), str):
                words["api_key"] = SecretStr(words["api_key"])
            super().__init__(*args, **words)
            self._connect()

    def _connect(self) -> None:
        self._client = self._own_client() if self.client is None else self._shared_client()
        self._async_client = AsyncNanoGPTClient.sharing(
            self._client, http_client=self.http_async_client
        )
        config = self._client.config
        self.api_key, self.base_url = config.api_key, config.chat_root
        self.budget, self.ledger = self._client.budget, self._client.ledger

    def _own_client(self) -> NanoGPTClient:
        return NanoGPTClient(
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

    def _shared_client(self) -> NanoGPTClient:
        """Return the injected client if nothing that it decides was also said here."""
        client = self.client
        assert client is not None  # noqa: S101 - the caller looked
        known = {
            "api_key": client.config.api_key,
            "base_url": client.config.chat_root,
            "budget": client.budget,
            "ledger": client.ledger,
        }
        for word in _OF_THE_CLIENT:
            given = getattr(self, word)
            if given is not None and given != known.get(word):
                msg = f"client= brings its own {word}; leave one of them out"
                raise ConfigurationError(msg, param=word)
        return client

    def close(self) -> None:
        """Free the connections of the blocking methods; injected clients stay open."""
        if self.client is None:
            self._client.close()

    async def aclose(self) -> None:
        """Free the connections that the async methods opened on this event loop."""
        await self._async_client.aclose()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; where the way to NanoGPT is changed, it has clients of its own."""
        copied = super().model_copy(update=update, deep=deep)
        if update and not ClientFields.model_fields.keys().isdisjoint(update):
            copied._connect()  # noqa: SLF001 - the same class
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

    def __getstate__(self) -> dict[Any, Any]:
        """Return what another process needs; connections stay here."""
        state = super().__getstate__()
        unsendable = {"http_client": None, "http_async_client": None}
        return state | {"__dict__": state["__dict__"] | unsendable}
