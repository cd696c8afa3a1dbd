"""`ChatNanoGPT`: every chat model of NanoGPT as a LangChain chat model.

Thin: the shared client talks to NanoGPT, `_translate` changes the shapes, and LangChain does the
rest. Its retries belong to the client, because only that knows what was billed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGenerationChunk, ChatResult, LLMResult
from langchain_core.runnables import Runnable
from pydantic import BaseModel, field_validator, model_validator

from langchain_nanogpt._base import CheckedClientFields
from langchain_nanogpt._content_blocks import PROVIDER
from langchain_nanogpt._errors import map_errors
from langchain_nanogpt._profile import ResolvedProfile, check_parts, profile_of, takes
from langchain_nanogpt._stream_state import StreamState
from langchain_nanogpt._tools import split_web_search, tool_choice_to_wire, tools_to_wire
from langchain_nanogpt._translate import (
    chunk_from_wire,
    completion_from_wire,
    messages_to_wire,
    options_to_wire,
)
from nanogpt_client import (
    InvalidArgumentError,
    Model,
    ModelId,
    ModelKind,
    ModelList,
    ModelScope,
    NotFoundError,
    __version__,
    bundled_models,
)
from nanogpt_client._adapters.history import Recipient
from nanogpt_client._adapters.settings import ChatSettings, hide_key
from nanogpt_client.endpoints.chat import validate_chat_options
from nanogpt_client.types.options import Count

if TYPE_CHECKING:  # as in BaseChatModel: who binds no tools need not load them
    from langchain_core.tools import BaseTool

    from langchain_nanogpt._structured import Method

__all__ = ["ChatNanoGPT"]

_CHARACTERS_PER_TOKEN = 4


class ChatNanoGPT(BaseChatModel, ChatSettings, CheckedClientFields):
    """A chat model of NanoGPT, e.g. ``ChatNanoGPT(model="openai/gpt-5.2")``.

    Every word of the constructor may also be given per call or with ``bind``, and wins there. What
    a call cost (USD) is in ``response_metadata["cost"]``; its thoughts, citations and images are
    in ``content_blocks``. Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion

    Raises:
        ModelError: of `langchain_core.exceptions`, from every call; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """

    model: str
    """The model's id, with or without suffixes such as ``:online/linkup-deep``."""
    n: Count | None = None
    """How many answers; more than one cannot be streamed."""
    streaming: bool = False
    """Stream also behind ``invoke``."""
    check_inputs: bool = True
    """Refuse media that a ``profile`` given here denies; what the catalogue denies is logged."""
    send_reasoning: bool | None = None
    """Give the model its reasoning back with the conversation: always, never, or (``None``) behind
    tool calls, and behind every answer where the model wants that (DeepSeek V4)."""

    if not TYPE_CHECKING:  # checkers read the words from the fields

        def __init__(self, *args: Any, **words: Any) -> None:
            """Check the words; nothing is sent.

            Raises:
                ConfigurationError: no key is found, or a setting is wrong.
                InvalidArgumentError: options contradict each other, or ``model`` is not a model id.
                ValidationError: an argument is unknown or its value out of bounds.
            """
            hide_key(words)
            known = words.get("profile")
            if isinstance(known, ResolvedProfile) and known.model != words.get("model"):
                del words["profile"]  # LangChain's configurable copies hand it to another model
            super().__init__(*args, **words)
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
        """Look the model up in the bundled snapshot, without asking anybody."""
        return self._looked_up(bundled_models.find(self.model))

    def _looked_up(self, facts: Model | None) -> ModelProfile | None:
        profile = None if facts is None else ResolvedProfile(self.model, profile_of(facts))
        return cast("ModelProfile | None", profile)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; one of another model has that model's profile."""
        copied = super().model_copy(update=update, deep=deep)
        copied._forget_description()  # noqa: SLF001 - the same class
        if isinstance(self.profile, ResolvedProfile) and self.profile.model != copied.model:
            copied.profile = (update or {}).get("profile") or copied._resolve_model_profile()  # noqa: SLF001 - the same class
        return copied

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a word; caches tell the model from the one it was."""
        super().__setattr__(name, value)
        self._forget_description()

    def _forget_description(self) -> None:
        """Drop LangChain's memory of the words, by which caches find answers, and traces tell."""
        self.__dict__.pop("_serialized", None)

    def list_models(self, kind: ModelKind = "text", *, scope: ModelScope = "all") -> ModelList:
        """Ask NanoGPT for its models of a kind, with prices (USD) and capabilities.

        ``scope`` narrows text models to those in the subscription, or to those outside it.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/models
        """
        with map_errors():
            return self._client().list_models(kind, scope=scope)

    async def alist_models(
        self, kind: ModelKind = "text", *, scope: ModelScope = "all"
    ) -> ModelList:
        """Ask NanoGPT for its models of a kind, with prices (USD) and capabilities."""
        with map_errors():
            return await self._async_client().list_models(kind, scope=scope)

    def refresh_profile(self) -> ModelProfile:
        """Take the model's profile from NanoGPT's live catalogue, and return it.

        ``profile`` is of a snapshot at first, which may be older than the model. Costs nothing.

        Raises:
            NotFoundError: the catalogue does not list the model (of `nanogpt_client`).
        """
        return self._take_profile(self.list_models())

    async def arefresh_profile(self) -> ModelProfile:
        """Take the model's profile from NanoGPT's live catalogue, and return it."""
        return self._take_profile(await self.alist_models())

    def _take_profile(self, models: ModelList) -> ModelProfile:
        profile = self._looked_up(models.find(self.model))
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
        """What tells two models apart, in traces and caches; nothing secret."""
        return {"model": self.model, "base_url": self.base_url, **self._given()}

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Return that LangChain may write it down (without key, headers and clients)."""
        return True

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Return which word stands for which variable."""
        return {"api_key": "NANOGPT_API_KEY"}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = PROVIDER
        words = stop or kwargs.get("stop") or self.stop
        if words:
            params["ls_stop"] = [words] if isinstance(words, str) else list(words)
        return params

    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        kwargs.pop("extra_headers", None)  # headers carry secrets, and these go into traces
        return super()._get_invocation_params(stop=stop, **kwargs)

    # A listener must not turn n answers into a stream, which can carry one alone.

    def _should_stream(self, **kwargs: Any) -> bool:
        asked = kwargs.get("stream") or self._answers(kwargs) == 1
        return bool(asked) and super()._should_stream(**kwargs)

    def _should_use_protocol_streaming(self, **kwargs: Any) -> bool:
        return self._answers(kwargs) == 1 and super()._should_use_protocol_streaming(**kwargs)

    def _given(self) -> dict[str, Any]:
        return super()._given() | ({} if self.n is None else {"n": self.n})

    def _answers(self, kwargs: dict[str, Any]) -> int:
        return int(kwargs.get("n", self.n) or 1)

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        options = options_to_wire({"model": self.model, **self._given()}, kwargs, stop)
        model = options["model"]
        known = takes(self._profile_for(model)) if self.check_inputs else {}
        conversation = messages_to_wire(messages, Recipient(model, known, self.send_reasoning))
        if self.check_inputs:
            check_parts(conversation, model, self._profile_for(model))
        return {"messages": conversation, **options}

    def _profile_for(self, model: str) -> Mapping[str, Any] | None:
        """Return the profile of the model that a call is for; a call may name its own."""
        if ModelId.parse(model).base == ModelId.parse(self.model).base:
            return self.profile
        facts = bundled_models.find(model)
        return None if facts is None else ResolvedProfile(model, profile_of(facts))

    def _stream_request(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        if self._answers(kwargs) > 1:
            msg = "several answers (n) cannot be streamed into one message; use generate()"
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
            answer = await self._async_client().chat(**request)
            return completion_from_wire(answer, request["model"])

    async def _agenerate_with_cache(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Report a cancellation to the run's handlers, from which LangChain keeps it."""
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
            held = StreamState(request["model"])
            with self._client().stream_chat(**request) as stream:
                for piece in stream:
                    whole = stream.snapshot if piece.billing is not None else None
                    chunk = chunk_from_wire(piece, held, whole)
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
            held = StreamState(request["model"])
            async with self._async_client().stream_chat(**request) as stream:
                async for piece in stream:
                    whole = stream.snapshot if piece.billing is not None else None
                    chunk = chunk_from_wire(piece, held, whole)
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
                Anthropic's form; none at all is fine too.
            tool_choice: a tool's name, ``"auto"``, ``"none"``, ``"any"`` or ``"required"`` (as
                ``True``), or a provider's dict.
            strict: ask for arguments that match the schema exactly.
            **kwargs: any word of a call, e.g. ``parallel_tool_calls`` and ``response_format``.

        Raises:
            InvalidArgumentError: ``tool_choice`` names no tool of these, or one cannot be strict.
        """
        functions, search = split_web_search(tools)
        if search or (search is not None and not self._searches):
            kwargs.setdefault("web_search", search or True)
        if functions:
            kwargs["tools"] = tools_to_wire(functions, strict=strict)
            choice = tool_choice_to_wire(tool_choice, kwargs["tools"])
            if choice is not None:
                kwargs["tool_choice"] = choice
        return self.bind(**kwargs)

    @property
    def _searches(self) -> bool:
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
        """Return a chain whose answers fit a schema: one request, and an error if they do not.

        Args:
            schema: a pydantic class (v1 or v2), a TypedDict, or a JSON or OpenAI schema.
            method: ``"json_schema"``, ``"function_calling"`` or ``"json_mode"`` (then the prompt
                must ask for JSON); by default what the model's profile says it can do.
            include_raw: give ``{"raw", "parsed", "parsing_error"}`` and do not raise.
            strict: ask the provider to hold the model to the schema, or raise if that cannot be;
                by default ``"json_schema"`` asks for it where it can.
            **kwargs: any word of a call.
        """
        # Loads LangChain's output parsers, which no other method needs.
        from langchain_nanogpt import _structured  # noqa: PLC0415

        if method is None:
            can = bool(self.profile and self.profile.get("structured_output"))
            method = "json_schema" if can else "function_calling"
        method = _structured.suited_method(method, schema)
        llm = self.bind_tools(**(_structured.binding(schema, method, strict) | kwargs))
        parser = _structured.output_parser(schema, method)
        return _structured.parsed_beside_raw(llm, parser) if include_raw else llm | parser

    def get_num_tokens(self, text: str) -> int:
        """Estimate the tokens of a text, offline; exact if ``custom_get_token_ids`` is set."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens(text)
        return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)

    def get_token_ids(self, text: str) -> list[int]:
        """Return a text's tokens, if ``custom_get_token_ids`` says how.

        Raises:
            NotImplementedError: it does not; NanoGPT's models use many tokenizers.
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
