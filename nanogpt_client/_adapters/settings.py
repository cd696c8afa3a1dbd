"""The constructor arguments of both adapters as pydantic fields, and the clients made from them.

LangChain's and LlamaIndex's models are pydantic models; both inherit their settings from here, so
that a setting means the same in either. Imports no framework.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    StrictBool,
)

from nanogpt_client._adapters.documented import DocumentedModel
from nanogpt_client._adapters.migration import hide_key, own_arguments
from nanogpt_client._methods.base_client import check_types, shared_account
from nanogpt_client.account import Account
from nanogpt_client.async_client import AsyncNanoGPTClient
from nanogpt_client.client import NanoGPTClient
from nanogpt_client.config import (
    NONE_IS_NO_LIMIT,
    PAY_IN_PICKLE,
    Config,
    check_http_client,
    hidden,
    keeps_key,
    send_key_to_children,
)
from nanogpt_client.errors import ConfigurationError, InvalidArgumentError
from nanogpt_client.ledger import Budget, Ledger
from nanogpt_client.types._pickling import check_travels
from nanogpt_client.types.options import (
    ChatOptions,
    ContextLimit,
    Count,
    Day,
    Fraction,
    MemoryDays,
    Moderate,
    Penalty,
    ProviderRouting,
    ReasoningEffort,
    SearchProvider,
    ServiceTier,
    TranscriptSplit,
    WebSearch,
    WebSearchOptions,
    transcription_options,
)
from nanogpt_client.types.payments import Pay, Payer

__all__ = [
    "CHAT_OPTIONS",
    "ChatSettings",
    "ClientSettings",
    "TranscriptionSettings",
    "WebSearchSettings",
]


def _ledger(ledger: Ledger | None) -> Ledger:
    return Ledger() if ledger is None else ledger


class _Clients:
    """The clients, made when they are first needed; a copy starts without any."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blocking: NanoGPTClient | None = None
        self.asynchronous: AsyncNanoGPTClient | None = None

    def __reduce__(self) -> tuple[type[_Clients], tuple[()]]:
        return _Clients, ()  # what pickle and copy do


class ClientSettings(DocumentedModel):
    """How to reach NanoGPT: the arguments of `nanogpt_client.NanoGPTClient`, or a ``client``."""

    # An error about one argument must not print the key that was passed with it.
    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        extra="forbid",
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    api_key: Annotated[SecretStr | str | None, AfterValidator(hidden)] = Field(
        default=None, exclude=True, repr=False
    )
    """NanoGPT's key; by default the variable ``NANOGPT_API_KEY``. Neither dicts nor checkpoints
    contain it, pickles only with ``pickle_api_key``."""
    base_url: str | None = None
    """By default the variable ``NANOGPT_BASE_URL``, or NanoGPT itself."""
    timeout: float | None = Config.timeout
    """Seconds to wait for a whole response."""
    max_retries: int = Config.max_retries
    """How often a call may be sent again; only where that cannot bill twice."""
    max_connections: int | None = None
    """Connections open at the same time; by default 1,000, or half of the file descriptors."""
    requests_per_second: float | None = Config.requests_per_second
    """Limit for all calls; by default the client slows down when NanoGPT asks it to."""
    rate_limit_wait: float | None = Config.rate_limit_wait
    """Seconds that a call may wait because NanoGPT asks it to; by default its timeout, counted from
    when NanoGPT last accepted a call of the client."""
    stream_idle_timeout: float | None = Config.stream_idle_timeout
    """Seconds of silence allowed between a stream's events."""
    first_event_timeout: float | None = Config.first_event_timeout
    """Seconds allowed until a stream's first event."""
    http_client: Any = Field(default=None, exclude=True, repr=False)
    """An ``httpx.Client`` to send with, which stays yours to close; or a function that makes it."""
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    """The same for the async methods: an ``httpx.AsyncClient``, or a function that makes one."""
    default_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    """Headers for every request."""
    compress_above: int | None = Config.compress_above
    """Bytes; larger bodies of chats are sent gzipped, which helps only on slow connections."""
    pickle_api_key: bool = Field(default=Config.pickle_api_key, exclude=True, repr=False)
    """Let every pickle contain the key, in clear; one that `multiprocessing` sends always does."""
    budget: Budget | None = Field(default=None, exclude=True, repr=False)
    """Refuses calls once its limit is reached; share one between models."""
    ledger: Annotated[Ledger, BeforeValidator(_ledger)] = Field(
        default_factory=Ledger, exclude=True, repr=False
    )
    """Records the calls; share one between models."""
    pay: Pay | Payer | None = Field(default=None, exclude=True, repr=False)
    """Pays for each call by itself, without an account: a function, or a `Payer` with limits. There
    is no key then; neither dumps nor pickles can contain it."""
    account: Account | None = Field(default=None, exclude=True, repr=False)
    """Limits, budget and ledger that workers share, in place of ``budget`` and ``ledger``."""
    client: NanoGPTClient | None = Field(default=None, exclude=True, repr=False)
    """A client to share; the settings above are then the client's, and may not differ."""

    _clients: _Clients = PrivateAttr(default_factory=_Clients)

    if not TYPE_CHECKING:  # type checkers read the arguments from the fields

        def __init__(self, *args: Any, **arguments: Any) -> None:
            """Check the settings; nothing is sent.

            Raises:
                ConfigurationError: no key was found, a setting is unknown or invalid, or it
                    differs from that of ``client``.
                ValidationError: the value of a setting is of a wrong type or out of range.
            """
            hide_key(arguments)
            if args:
                name, fields = type(self).__name__, type(self).model_fields
                first = next((key for key in fields if fields[key].is_required()), "model")
                raise ConfigurationError(f"{name} takes its arguments by name: {name}({first}=…)")
            own = self._own_arguments(arguments)
            check_types(**{name: own.get(name) for name in ("account", "budget", "ledger")})
            super().__init__(**own)
            check_http_client(self.http_client, "Client")
            check_http_client(self.http_async_client, "AsyncClient", "http_async_client")
            if self.client is not None:
                self._take_settings(self.client)
            else:
                self._take_account()
                self._check_settings()

    @classmethod
    def _own_arguments(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments, those named as in other integrations under this class's names."""
        if cls.model_config.get("extra") != "forbid":
            return given
        names = {name: field.is_required() for name, field in cls.model_fields.items()}
        of_calls = ChatOptions.__annotations__ if issubclass(cls, ChatSettings) else ()
        return own_arguments(cls.__name__, given, names, of_calls)

    def _take_account(self) -> None:
        """Check the account, and take its ledger."""
        given = self.ledger if "ledger" in self.model_fields_set else None
        shared_account(self.account, self.budget, given)
        self._take_ledger()

    def _take_ledger(self) -> None:
        account = shared_account(self.account, self.budget, None)
        if account is not None:
            self.__dict__["ledger"] = account.ledger

    def _check_settings(self) -> None:
        """Check the settings without a client, which is made at the first call."""
        settings = {name: getattr(self, name) for name in _CONFIGURED}
        settings["default_headers"] = self.default_headers or {}
        accountless = Payer.of(self.pay) is not None
        Config.resolve(base_url=self.base_url, accountless=accountless, **settings)

    def _take_settings(self, client: NanoGPTClient) -> None:
        """Take over an injected client's settings; refuse any that was passed and differs."""
        settings = _settings_of(client)
        for name, value in settings.items():
            own = getattr(self, name)
            is_set = name in self.model_fields_set and (own is not None or name in NONE_IS_NO_LIMIT)
            if is_set and own != value:
                msg = f"{name} differs from that of client=; pass only one of them"
                raise ConfigurationError(msg, param=name)
        self.__dict__.update(settings)

    def _client(self) -> NanoGPTClient:
        """Return the client for blocking calls.

        Raises:
            ConfigurationError: no key was found, a setting is invalid, or only an
                ``http_async_client`` was passed.
        """
        client = self._shared_client()
        if self.http_async_client is not None and client.http_client is None:
            msg = (
                "http_async_client serves async calls only, and a blocking call would bypass it: "
                "pass http_client=… for blocking calls as well"
            )
            raise ConfigurationError(msg, param="http_client")
        return client

    def _shared_client(self) -> NanoGPTClient:
        """Return the client whose settings, ledger and limits all calls share."""
        if self.client is not None:
            return self.client
        with self._clients.lock:
            if self._clients.blocking is None:
                settings = {name: getattr(self, name) for name in _SETTINGS}
                self._clients.blocking = NanoGPTClient(**settings)
            return self._clients.blocking

    def _async_client(self) -> AsyncNanoGPTClient:
        """Return the client for asyncio, which has connections per event loop."""
        blocking = self._shared_client()
        with self._clients.lock:
            if self._clients.asynchronous is None:
                self._clients.asynchronous = AsyncNanoGPTClient.sharing(
                    blocking, http_client=self.http_async_client
                )
            return self._clients.asynchronous

    def _calling(self, client: Any) -> Self:
        """Return a copy whose blocking methods call this client, without connections of its own."""
        copied = self.model_copy(update={"client": None, "http_async_client": None})
        copied._clients = _Clients()  # noqa: SLF001 - the same class
        copied._clients.blocking = client  # noqa: SLF001 - the same class
        return copied

    def close(self) -> None:
        """Close the connections of the blocking methods; injected clients stay open."""
        if self._clients.blocking is not None:
            self._clients.blocking.close()

    async def aclose(self) -> None:
        """Close the connections that the async methods opened on this event loop."""
        if self._clients.asynchronous is not None:
            await self._clients.asynchronous.aclose()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; it has clients of its own if a setting of the client is changed."""
        copied = super().model_copy(update=update, deep=deep)
        if update and not ClientSettings.model_fields.keys().isdisjoint(update):
            copied._clients = _Clients()  # noqa: SLF001 - the same class
            copied._take_ledger()  # noqa: SLF001 - the same class
        return copied

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        send_key_to_children(cls)

    def __getstate__(self) -> dict[Any, Any]:
        """Return the state for another process: no key unless `keeps_key`.

        Raises:
            ConfigurationError: a setting cannot be pickled that a call must not do without.
        """
        if self.pay is not None:
            raise ConfigurationError(PAY_IN_PICKLE, param="pay")
        kept = {name: vars(self)[name] for name in _TRAVELLING if name in vars(self)}
        for name, value in kept.items():
            check_travels(name, value)
        # LlamaIndex deletes what it cannot pickle from the object itself. It must stay there, and
        # a ledger whose `on_entry` is a lambda must be an error.
        before = dict(self.__dict__)
        state = super().__getstate__()
        picklable = dict(state["__dict__"])
        self.__dict__.update(before)
        kept["ledger"] = self.ledger if self.account is None else picklable.get("ledger")
        if not keeps_key(self.pickle_api_key):
            kept["api_key"] = None
        return state | {"__dict__": picklable | kept}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Set the state of a pickle; a key is needed at the first call, not here."""
        # LlamaIndex's own method calls the constructor. What it could not pickle gets its default.
        defaults = {
            name: field.get_default(call_default_factory=True)
            for name, field in type(self).model_fields.items()
            if name not in state["__dict__"]
        }
        BaseModel.__setstate__(self, state | {"__dict__": state["__dict__"] | defaults})
        self._take_ledger()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Sockets cannot be copied, and a copied budget would allow its limit twice.
        memo = {} if memo is None else memo
        for shared in (
            self.http_client,
            self.http_async_client,
            self.client,
            self.budget,
            self.ledger,
            self.pay,
            self.account,
        ):
            memo[id(shared)] = shared
        return super().__deepcopy__(memo)


# What must not be missing in another process: connections through a proxy, limits, caches.
_TRAVELLING = (
    "http_client", "http_async_client", "client", "account", "budget", "rate_limiter",
    "embeddings_cache",
)  # fmt: skip
_CONFIGURED = [name for name in Config.__dataclass_fields__ if name in ClientSettings.model_fields]
_SETTINGS = [*_CONFIGURED, "base_url", "http_client", "budget", "ledger", "account", "pay"]


def _settings_of(client: NanoGPTClient) -> dict[str, Any]:
    """Return a client's settings under the names of the fields."""
    config = client.config
    return {name: getattr(config, name) for name in _CONFIGURED} | {
        "base_url": config.chat_root,
        "default_headers": dict(config.default_headers) or None,
        "http_client": client.http_client,
        "budget": client.budget,
        "ledger": client.ledger,
        "pay": client.pay,
        "account": client.account,
    }


class ChatSettings(DocumentedModel):
    """Sampling, search, memory, routing: the options of `ChatOptions` that a constructor takes.

    Type checkers and editors read a class's own lines, so names, types and docstrings are repeated
    here; a test compares them. Rarer options are passed per call, or in ``extra_body``.
    """

    # An error about one argument must not print the key that was passed with it.
    model_config = ConfigDict(hide_input_in_errors=True, protected_namespaces=())

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """0 to 2: sampling temperature; by default the model's own."""
    top_p: Fraction | None = None
    """0 to 1: choose among the likeliest tokens that together have this probability."""
    top_k: int | None = None
    """Choose among this many of the likeliest tokens."""
    min_p: Fraction | None = None
    """0 to 1: the least probability of a token."""
    max_tokens: Count | None = None
    """Tokens to generate, at most."""
    min_tokens: Annotated[int, Field(ge=0)] | None = None
    """Tokens before a stop sequence counts; few providers support it."""
    stop: str | Sequence[str] | None = None
    """Texts that end the response."""
    stop_token_ids: Sequence[int] | None = None
    """Token ids that end the response; few providers support it."""
    frequency_penalty: Penalty | None = None
    """-2 to 2: lowers tokens the more, the more often they have appeared."""
    presence_penalty: Penalty | None = None
    """-2 to 2: lowers tokens that have appeared."""
    repetition_penalty: Penalty | None = None
    """-2 to 2: above 1, repetition is discouraged."""
    no_repeat_ngram_size: Annotated[int, Field(ge=0)] | None = None
    """Tokens in a row that may not repeat; few providers support it."""
    logit_bias: Mapping[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    """Token ids, and what is added to their logits, -100 to 100."""
    logprobs: StrictBool | Annotated[int, Field(ge=0)] | None = None
    """Return the log probability of each token: ``True``, or of how many alternatives (up to 5)."""
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    """0 to 20: alternatives of each token to return with ``logprobs=True``."""
    seed: int | None = None
    """Make sampling repeatable, as far as the model supports it."""
    user: str | None = None
    """An id for your end user."""

    reasoning_effort: ReasoningEffort | None = None
    """How much to reason: ``"none"`` to ``"xhigh"``, or ``"max"``, as far as the model lists it."""
    reasoning: Mapping[str, Any] | None = None
    """E.g. ``{"exclude": True}``, which hides the reasoning (it is still billed)."""
    web_search: StrictBool | str | WebSearch | None = None
    """``True`` for the default search, a backend such as ``"linkup-deep"``, or a `WebSearch`."""
    memory: StrictBool | MemoryDays | None = None
    """NanoGPT's context memory: ``True``, or the days to keep it, which are clamped to 1 to 365."""
    model_context_limit: ContextLimit | None = None
    """Tokens that context memory may fill; below 10,000 counts as 10,000."""
    provider: str | ProviderRouting | None = None
    """Which upstream providers may serve the call; choosing one bills pay-as-you-go."""
    caching: bool | None = None
    """Use only a provider that caches prompts; the call fails where there is none."""
    stickyprovider: bool | None = None
    """With ``caching``: prefer the provider of earlier calls."""
    prompt_caching: StrictBool | Mapping[str, Any] | None = None
    """Mark leading messages for the prompt cache (Claude): ``True``, or its settings."""
    moderation: Moderate | None = None
    """Check the input first, for a price: ``True``, or the id of a moderation model."""
    service_tier: ServiceTier | None = None
    """``"flex"`` is cheaper and may wait, ``"priority"`` costs more and is faster."""
    billing_mode: str | None = None
    """``"paygo"`` bills pay-as-you-go even what a subscription includes."""
    scraping: bool | None = None
    """Read the web pages whose addresses are in the messages."""
    youtube_transcripts: bool | None = None
    """Read the transcripts of the YouTube videos whose addresses are in the messages."""
    extra_body: Mapping[str, Any] | None = None
    """Keys added to the JSON body unchanged; they override our own."""

    def _given(self) -> dict[str, Any]:
        """Return the options that are set; an empty list of stop sequences counts as unset."""
        values = self.__dict__
        return {name: values[name] for name in CHAT_OPTIONS if values[name] not in (None, [], ())}


CHAT_OPTIONS = tuple(
    name for name in ChatOptions.__annotations__ if name in ChatSettings.model_fields
)


class WebSearchSettings(DocumentedModel):
    """What a retriever of either framework asks NanoGPT's web search for."""

    k: Annotated[int, Field(ge=1)] = 5
    """How many pages, at most."""
    provider: SearchProvider | None = None
    """E.g. ``"linkup"``; by default NanoGPT's choice."""
    depth: str | None = None
    """``"standard"``, ``"deep"``, or another depth of the provider's."""
    from_date: Day | None = None
    """Only pages since this day, ``YYYY-MM-DD``; likewise ``to_date``."""
    to_date: Day | None = None
    include_domains: list[str] | None = None
    """Only these sites; ``exclude_domains``: none of these."""
    exclude_domains: list[str] | None = None

    def _search_options(self, **given: Any) -> tuple[int, WebSearchOptions]:
        """Return ``k`` and the options; those of a call override the retriever's."""
        merged = {name: getattr(self, name) for name in WebSearchSettings.model_fields} | given
        k = merged.pop("k")
        if not isinstance(k, int) or k < 1:
            raise InvalidArgumentError(f"k must be a whole number from 1 on, not {k!r}", param="k")
        options: Any = {**merged, "max_results": k, "output_type": "searchResults"}
        return k, options


class TranscriptionSettings(DocumentedModel):
    """How a loader of recordings of either framework has them transcribed."""

    model: str = "Whisper-Large-V3"
    """The transcription model's id."""
    split: TranscriptSplit | None = None
    """One document per segment, or per turn of a speaker; by default one for the recording.

    A model that reports no times gives one document in any case.
    """
    language: str | None = None
    """The language as a code, e.g. ``"en"``; by default the model detects it."""

    def _transcription_options(self) -> dict[str, Any]:
        return {"model": self.model, "language": self.language, **transcription_options(self.split)}
