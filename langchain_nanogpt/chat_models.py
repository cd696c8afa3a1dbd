"""`ChatNanoGPT`: every chat model of NanoGPT as a LangChain chat model.

Thin: the shared client talks to NanoGPT, `_to_wire` and `_from_wire` translate, and LangChain does
the rest. Retries are the client's, because only the client knows whether a call was billed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGenerationChunk, ChatResult, LLMResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import BaseModel, field_validator, model_validator

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._content_blocks import PROVIDER
from langchain_nanogpt._errors import map_errors
from langchain_nanogpt._from_wire import chunk_from_wire, completion_from_wire
from langchain_nanogpt._profile import (
    ResolvedProfile,
    check_parts,
    resolved_profile,
    supported_parts,
)
from langchain_nanogpt._stream_state import StreamState
from langchain_nanogpt._to_wire import (
    Method,
    messages_to_wire,
    options_to_wire,
    split_web_search,
    tool_choice_to_wire,
    tools_to_wire,
)
from nanogpt_client import (
    InvalidArgumentError,
    ModelId,
    ModelKind,
    ModelList,
    ModelScope,
    NotFoundError,
    __version__,
    bundled_models,
)
from nanogpt_client._adapters.history import Recipient
from nanogpt_client._adapters.migration import hide_key
from nanogpt_client._adapters.references import schemas_for
from nanogpt_client._adapters.settings import ChatSettings
from nanogpt_client.endpoints.chat import validate_chat_options
from nanogpt_client.types.options import Count

__all__ = ["ChatNanoGPT"]

_CHARACTERS_PER_TOKEN = 4


class ChatNanoGPT(BaseChatModel, ChatSettings, LangChainSettings):
    """A chat model of NanoGPT, e.g. ``ChatNanoGPT(model="openai/gpt-5.2")``.

    Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion

    Setup:
        Install ``nanogpt-integrations[langchain]``, and set the variable ``NANOGPT_API_KEY``.

    Key arguments:
        ``model`` is any id of NanoGPT's list, with or without suffixes such as ``:online``.
        ``temperature``, ``max_tokens``, ``reasoning_effort``, ``web_search``, ``provider`` and the
        other options of a call; each may also be passed per call or with ``bind``.
        ``api_key``, ``timeout`` (seconds), ``max_retries``, ``budget`` and ``ledger``, or a
        ``client`` to share them with other classes.

    Instantiate:
        >>> from langchain_nanogpt import ChatNanoGPT
        >>> model = ChatNanoGPT(model="openai/gpt-5.2", temperature=0, max_tokens=500)

    Invoke:
        >>> answer = model.invoke([("system", "Be brief."), ("human", "What is Nano?")])
        >>> answer.text
        >>> answer.content_blocks  # also reasoning, citations and images

    Stream:
        >>> for chunk in model.stream("What is Nano?"):
        ...     print(chunk.text, end="")

        ``ainvoke``, ``astream``, ``batch`` and ``abatch`` work likewise.

    Tools:
        >>> def population(city: str) -> int:
        ...     '''Return how many people live in a city.'''
        ...     return 545_000
        >>> model.bind_tools([population]).invoke("How many people live in Lisbon?").tool_calls

    Structured output:
        >>> from pydantic import BaseModel
        >>> class City(BaseModel):
        ...     name: str
        ...     people: int
        >>> model.with_structured_output(City).invoke("Lisbon has 545000 people.")

    Images:
        >>> from base64 import b64encode
        >>> from pathlib import Path
        >>> data = b64encode(Path("fox.png").read_bytes()).decode()
        >>> image = {"type": "image", "base64": data, "mime_type": "image/png"}
        >>> question = {"type": "text", "text": "What is this?"}
        >>> model.invoke([{"role": "user", "content": [question, image]}]).text

    Usage:
        >>> answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]

    Cost:
        >>> answer.response_metadata["cost"]  # USD; missing if NanoGPT reported none
        >>> model.ledger.spent  # USD of all calls, exact

    Raises:
        ModelError: of `langchain_core.exceptions`, from every call; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """

    model: str
    """The model's id, with or without suffixes such as ``:online/linkup-deep``."""
    n: Count | None = None
    """Number of choices; more than one cannot be streamed."""
    streaming: bool = False
    """Stream internally in ``invoke``, too."""
    check_inputs: bool = True
    """Refuse media that your own ``profile`` denies; log those that the catalogue denies."""
    send_reasoning: bool | None = None
    """Send the model's reasoning back with the conversation: always, never, or (``None``) that of
    tool calls, and of every message where the model requires it (DeepSeek V4), and none where it
    is refused (Mistral)."""

    if not TYPE_CHECKING:  # type checkers read the arguments from the fields

        def __init__(self, *args: Any, **settings: Any) -> None:
            """Check the settings; nothing is sent.

            Raises:
                ConfigurationError: no key was found, or a setting is invalid.
                InvalidArgumentError: options contradict each other, or ``model`` is not a model id.
                ValidationError: a setting is unknown or its value out of range.
            """
            hide_key(settings)
            profile = settings.get("profile")
            if isinstance(profile, ResolvedProfile) and profile.model != settings.get("model"):
                del settings["profile"]  # LangChain's configurable copies pass it to another model
            super().__init__(*args, **settings)
            validate_chat_options(self.model, self._given())

    @field_validator("model")
    @classmethod
    def _check_suffixes(cls, model: str) -> str:
        return str(ModelId.parse(model))

    @model_validator(mode="after")
    def _set_nanogpt_version(self) -> Self:
        self._add_version("nanogpt-integrations", __version__)
        return self

    def _resolve_model_profile(self) -> ModelProfile | None:
        """Look the model up in the bundled catalogue, offline."""
        return resolved_profile(self.model, bundled_models.find(self.model))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; one of another model has that model's profile."""
        copied = super().model_copy(update=update, deep=deep)
        copied._clear_serialized()  # noqa: SLF001 - the same class
        is_ours = self.profile is None or isinstance(self.profile, ResolvedProfile)
        if is_ours and self.model != copied.model:
            copied.profile = (update or {}).get("profile") or copied._resolve_model_profile()  # noqa: SLF001 - the same class
        return copied

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a setting; LangChain's caches then see another model."""
        super().__setattr__(name, value)
        self._clear_serialized()

    def _clear_serialized(self) -> None:
        """Drop the description that LangChain caches for cache keys and traces."""
        self.__dict__.pop("_serialized", None)

    def list_models(self, kind: ModelKind = "text", *, scope: ModelScope = "all") -> ModelList:
        """Return NanoGPT's models of a kind, with prices (USD) and capabilities.

        ``scope`` limits text models to those in the subscription, or to those outside it.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/models
        """
        with map_errors():
            return self._client().list_models(kind, scope=scope)

    async def alist_models(
        self, kind: ModelKind = "text", *, scope: ModelScope = "all"
    ) -> ModelList:
        """Return NanoGPT's models of a kind, with prices (USD) and capabilities."""
        with map_errors():
            return await self._async_client().list_models(kind, scope=scope)

    def refresh_profile(self) -> ModelProfile:
        """Update ``profile`` from NanoGPT's live catalogue, and return it.

        At first ``profile`` is from the bundled catalogue, which may be older than the model. Free.

        Raises:
            NotFoundError: the catalogue does not list the model (a class of `nanogpt_client`).
        """
        return self._set_profile(self.list_models())

    async def arefresh_profile(self) -> ModelProfile:
        """Update ``profile`` from NanoGPT's live catalogue, and return it."""
        return self._set_profile(await self.alist_models())

    def _set_profile(self, models: ModelList) -> ModelProfile:
        profile = resolved_profile(self.model, models.find(self.model))
        if profile is None:
            with map_errors():
                raise NotFoundError(f"NanoGPT's catalogue does not list {self.model!r}")
        self.profile = profile
        return profile

    @property
    def model_name(self) -> str:
        """The model's id, under the name that other packages use."""
        return self.model

    @property
    def _llm_type(self) -> str:
        return "nanogpt-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """The settings that identify the model in traces and caches; nothing secret."""
        return {"model": self.model, "base_url": self.base_url, **self._given()}

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return that LangChain may serialise it (without key, headers and clients)."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Return the environment variables of secret settings."""
        return {"api_key": "NANOGPT_API_KEY"}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = PROVIDER
        stops = stop or kwargs.get("stop") or self.stop
        if stops:
            params["ls_stop"] = [stops] if isinstance(stops, str) else list(stops)
        return params

    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        kwargs.pop("extra_headers", None)  # headers carry secrets, and these go into traces
        return super()._get_invocation_params(stop=stop, **kwargs)

    # A callback must not turn a call for n choices into a stream, which has one.

    def _should_stream(self, **kwargs: Any) -> bool:
        asked = kwargs.get("stream") or self._choice_count(kwargs) == 1
        return bool(asked) and super()._should_stream(**kwargs)

    def _should_use_protocol_streaming(self, **kwargs: Any) -> bool:
        return self._choice_count(kwargs) == 1 and super()._should_use_protocol_streaming(**kwargs)

    def _given(self) -> dict[str, Any]:
        return super()._given() | ({} if self.n is None else {"n": self.n})

    def _choice_count(self, kwargs: dict[str, Any]) -> int:
        return int(kwargs.get("n", self.n) or 1)

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        options = options_to_wire({"model": self.model, **self._given()}, kwargs, stop)
        model = options["model"]
        supported = supported_parts(self._profile_for(model)) if self.check_inputs else {}
        conversation = messages_to_wire(messages, Recipient(model, supported, self.send_reasoning))
        if self.check_inputs:
            check_parts(conversation, model, self._profile_for(model))
        return {"messages": conversation, **schemas_for(model, options)}

    def _profile_for(self, model: str) -> Mapping[str, Any] | None:
        """Return the profile of the model of a call, which may be another than ``self.model``."""
        if ModelId.parse(model).base == ModelId.parse(self.model).base:
            return self.profile
        return resolved_profile(model, bundled_models.find(model))

    def _stream_request(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        if self._choice_count(kwargs) > 1:
            msg = "several choices (n) cannot be streamed into one message; use generate()"
            raise InvalidArgumentError(msg, param="n")
        return self._request(messages, stop, kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        with map_errors():
            request = self._request(messages, stop, kwargs)
            return completion_from_wire(self._client().chat(**request), request["model"])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> ChatResult:
        with map_errors():
            request = self._request(messages, stop, kwargs)
            completion = await self._async_client().chat(**request)
            return completion_from_wire(completion, request["model"])

    async def _agenerate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Report a cancellation to the run's handlers, which LangChain does not."""
        try:
            return await super()._agenerate_with_cache(messages, stop, run_manager, **kwargs)
        except asyncio.CancelledError as error:
            if run_manager is not None:
                await run_manager.on_llm_error(error, response=LLMResult(generations=[]))
            raise

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with map_errors():
            request = self._stream_request(messages, stop, kwargs)
            state = StreamState(request["model"])
            with self._client().stream_chat(**request) as stream:
                for delta in stream:
                    whole = stream.snapshot if delta.billing is not None else None
                    chunk = chunk_from_wire(delta, state, whole)
                    if run_manager:
                        run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with map_errors():
            request = self._stream_request(messages, stop, kwargs)
            state = StreamState(request["model"])
            async with self._async_client().stream_chat(**request) as stream:
                async for delta in stream:
                    whole = stream.snapshot if delta.billing is not None else None
                    chunk = chunk_from_wire(delta, state, whole)
                    if run_manager:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None], /) -> dict[str, Any]:
        combined: dict[str, Any] = {}
        for output in llm_outputs:
            combined |= output or {}
        return combined

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Let the model call tools; ``{"type": "web_search"}`` among them turns web search on.

        Args:
            tools: functions, LangChain tools, pydantic classes, or tools in OpenAI's or
                Anthropic's form; may be empty.
            tool_choice: a tool's name, ``"auto"``, ``"none"``, ``"any"`` or ``"required"`` (as
                ``True``), or a provider's dict.
            strict: ask for arguments that match the schema exactly.
            **kwargs: further options, e.g. ``parallel_tool_calls`` and ``response_format``.

        Raises:
            InvalidArgumentError: ``tool_choice`` names none of the tools, or one cannot be strict.
        """
        functions, search = split_web_search(tools)
        if search or (search is not None and not self._has_web_search):
            kwargs.setdefault("web_search", search or True)
        if functions:
            kwargs["tools"] = tools_to_wire(functions, strict=strict)
            choice = tool_choice_to_wire(tool_choice, kwargs["tools"])
            if choice is not None:
                kwargs["tool_choice"] = choice
        return self.bind(**kwargs)

    @property
    def _has_web_search(self) -> bool:
        return bool(self.web_search) or ModelId.parse(self.model).web_search is not None

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        method: Method | None = None,
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Return a chain whose output fits a schema: one request, and an error if it does not.

        Args:
            schema: a pydantic class (v1 or v2), a TypedDict, or a JSON or OpenAI schema.
            method: ``"json_schema"``, ``"function_calling"`` or ``"json_mode"`` (then the prompt
                must ask for JSON); by default what the model's profile supports.
            include_raw: return ``{"raw", "parsed", "parsing_error"}`` and do not raise.
            strict: require the provider to enforce the schema, or raise if the schema does not
                allow that; by default ``"json_schema"`` does so where the schema allows it.
            **kwargs: further options of the call.
        """
        # Loads LangChain's output parsers, which no other method needs.
        from langchain_nanogpt import _structured  # noqa: PLC0415

        if method is None:
            can = bool(self.profile and self.profile.get("structured_output"))
            method = "json_schema" if can else "function_calling"
        method = _structured.supported_method(method, schema)
        llm = self.bind_tools(**(_structured.bind_options(schema, method, strict) | kwargs))
        parser = _structured.output_parser(schema, method)
        return _structured.with_raw(llm, parser) if include_raw else llm | parser

    def get_num_tokens(self, text: str) -> int:
        """Estimate the tokens of a text, offline; exact if ``custom_get_token_ids`` is set."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens(text)
        return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)

    def get_token_ids(self, text: str) -> list[int]:
        """Return a text's tokens, if ``custom_get_token_ids`` is set.

        Raises:
            NotImplementedError: it is not; NanoGPT's models use many tokenizers.
        """
        if self.custom_get_token_ids is None:
            msg = "NanoGPT's models use many tokenizers; pass custom_get_token_ids=…"
            raise NotImplementedError(msg)
        return super().get_token_ids(text)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None, **kwargs: Any
    ) -> int:
        """Estimate the tokens of a conversation and its tools, offline."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages, tools=tools, **kwargs)
        schemas: list[BaseTool | dict[str, Any]] = [*tools_to_wire(tools or [])]
        return count_tokens_approximately(messages, tools=schemas or None, **kwargs)
