"""`NanoGPT`: every chat model of NanoGPT as a LlamaIndex LLM.

Thin: the shared client talks to NanoGPT, `_to_wire` and `_from_wire` translate. The public methods
call private ones, never each other, so that LlamaIndex sees each call as one event.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from llama_index.core.base.llms.generic_utils import (
    achat_to_completion_decorator,
    astream_chat_to_completion_decorator,
    chat_to_completion_decorator,
    stream_chat_to_completion_decorator,
)
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool
from pydantic import Field, field_validator
from typing_extensions import override

from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt._from_wire import (
    StreamState,
    chunk_from_wire,
    completion_from_wire,
    first_call_only,
    tool_selections,
    unusable_calls,
)
from llama_index_nanogpt._structured import StructuredPrediction
from llama_index_nanogpt._to_wire import messages_to_wire, options_to_wire, tool_options
from llama_index_nanogpt.callbacks import report_failures
from llama_index_nanogpt.moderation import NanoGPTModerator
from nanogpt_client import (
    AsyncStream,
    ChatChunk,
    ChatOptions,
    InvalidArgumentError,
    Model,
    ModelId,
    Stream,
    bundled_models,
)
from nanogpt_client._adapters.history import Recipient, takes
from nanogpt_client._adapters.migration import hide_key, own_options
from nanogpt_client._adapters.references import schemas_for
from nanogpt_client._adapters.settings import ChatSettings, ClientSettings
from nanogpt_client.endpoints.chat import validate_chat_options
from nanogpt_client.hooks import logger

__all__ = ["NanoGPT"]

_Method = TypeVar("_Method", bound=Callable[..., Any])

# For models that the catalogue does not list: nine tenths of those it lists have at least this.
_UNKNOWN_WINDOW = 24_000


@lru_cache(maxsize=1000)  # once per model
def _log_unknown_window(model: str) -> None:
    """Say what is assumed; logged, not warned, because `metadata` must never raise."""
    logger.warning(
        "the context window of %r is not in the bundled catalogue: %s tokens are assumed, "
        "pass context_window=… for its own",
        model,
        f"{_UNKNOWN_WINDOW:,}",
    )


def _chat_events(method: _Method) -> _Method:
    """Let a chat method dispatch LlamaIndex's events, and keep its type."""
    return cast("_Method", llm_chat_callback()(method))


def _completion_events(method: _Method) -> _Method:
    """Let a completion method dispatch LlamaIndex's events, and keep its type."""
    return cast("_Method", llm_completion_callback()(method))


class NanoGPT(ChatSettings, ClientSettings, StructuredPrediction):
    """A chat model of NanoGPT, with tools, reasoning, citations, images and costs.

    A response's reasoning is its first block, a ``ThinkingBlock``; citations are in
    ``additional_kwargs["annotations"]``; ``raw`` is a dict with ``usage`` (integers), ``cost``
    (USD; ``None`` if NanoGPT did not report it), ``finish_reason`` and further fields. Each
    streamed response contains all that has arrived; the last one is complete. ``ledger`` records
    every call, also those abandoned halfway.

    Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion

    Setup:
        Install ``nanogpt-integrations[llama-index]``, and set the variable ``NANOGPT_API_KEY``.

    Key arguments:
        ``model`` is any id of NanoGPT's list, with or without suffixes such as ``:online``.
        ``temperature``, ``max_tokens``, ``reasoning_effort``, ``web_search``, ``provider`` and the
        other options of a call; each may also be passed per call, which overrides the setting.
        ``api_key``, ``timeout`` (seconds), ``max_retries``, ``budget`` and ``ledger``, or a
        ``client`` to share them with other classes.

    Instantiate:
        >>> from llama_index_nanogpt import NanoGPT
        >>> llm = NanoGPT(model="openai/gpt-5.2", temperature=0, max_tokens=500)

    Invoke:
        >>> from llama_index.core.llms import ChatMessage
        >>> response = llm.chat([ChatMessage("What is Nano?")])
        >>> response.message.content
        >>> llm.complete("What is Nano?").text

    Stream:
        >>> for item in llm.stream_chat([ChatMessage("What is Nano?")]):
        ...     print(item.delta, end="")

        ``achat``, ``acomplete``, ``astream_chat`` and ``astream_complete`` work likewise.

    Tools:
        >>> from llama_index.core.tools import FunctionTool
        >>> def population(city: str) -> int:
        ...     '''Return how many people live in a city.'''
        ...     return 545_000
        >>> tool = FunctionTool.from_defaults(population)
        >>> answer = llm.chat_with_tools([tool], "How many people live in Lisbon?")
        >>> llm.get_tool_calls_from_response(answer)

    Structured output:
        >>> from pydantic import BaseModel
        >>> class City(BaseModel):
        ...     name: str
        ...     people: int
        >>> llm.as_structured_llm(City).complete("Lisbon has 545000 people.").raw

    Images:
        >>> from llama_index.core.llms import ImageBlock, TextBlock
        >>> blocks = [TextBlock(text="What is this?"), ImageBlock(path="fox.png")]
        >>> llm.chat([ChatMessage(blocks=blocks)]).message.content

    Usage:
        >>> response.raw["usage"]["prompt_tokens"], response.raw["usage"]["completion_tokens"]

    Cost:
        >>> response.raw["cost"]  # USD; None if NanoGPT reported none
        >>> llm.ledger.spent  # USD of all calls, exact

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    model: str = Field(description="id of the model, with or without suffixes such as :online")
    context_window: int | None = Field(default=None, gt=0)
    """Tokens that fit into the context; by default from NanoGPT's catalogue."""
    is_function_calling_model: bool | None = None
    """Whether the model supports tools; by default yes: the catalogue wrongly denies it to many."""
    citation_blocks: bool = False
    """Add a ``CitationBlock`` per citation to whole responses; other integrations may refuse it."""
    check_inputs: bool = True
    """Replace media in tools' results, and a model's own images, by texts, for models that do not
    support images according to NanoGPT's catalogue."""
    send_reasoning: bool | None = None
    """Send the model's reasoning back with the conversation: always, never, or (``None``) that of
    tool calls, and of every message where the model requires it (DeepSeek V4), and none where it
    is refused (Mistral)."""
    moderator: NanoGPTModerator | None = None
    """Checks the input of each call before the call; see `NanoGPTModerator`."""
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    """Further options for every call; other keys are added to the JSON body unchanged."""

    if not TYPE_CHECKING:  # type checkers read the arguments from the fields

        def __init__(self, *args: Any, **settings: Any) -> None:
            """Check the settings; nothing is sent.

            Raises:
                ConfigurationError: no key was found, or a setting is invalid.
                InvalidArgumentError: options contradict each other, or ``model`` is not a model id.
                ValidationError: a setting is unknown or its value out of range.
            """
            hide_key(settings)
            super().__init__(*args, **settings)
            validate_chat_options(*self._options({}))

    @field_validator("model")
    @classmethod
    def _check_model(cls, model: str) -> str:
        return str(ModelId.parse(model))

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this class."""
        return "NanoGPT_LLM"

    @property
    def metadata(self) -> LLMMetadata:
        """The model's limits and capabilities: the settings, else the bundled catalogue.

        ``num_output`` is ``max_tokens``, not the model's maximum, because LlamaIndex subtracts it
        from the context window before it fills a prompt.
        """
        entry = self._catalog_entry()
        window = self.context_window or (entry.context_length if entry else None)
        if window is None:
            _log_unknown_window(self.model)
        return LLMMetadata(
            context_window=window or _UNKNOWN_WINDOW,
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=self.is_function_calling_model is not False,
            model_name=self.model,
            system_role=MessageRole.SYSTEM,
        )

    def to_payload(self) -> dict[str, Any]:
        """Return the description of this model for events."""
        return super().to_payload() | {"model": self.model, "temperature": self.temperature}

    @override
    @_chat_events
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Respond to a conversation; ``kwargs`` are options of the client's ``chat``."""
        return self._chat(messages, **kwargs)

    @override
    @_completion_events
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Respond to a text."""
        return chat_to_completion_decorator(self._chat)(prompt, **kwargs)

    @override
    @_chat_events
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Stream the response to a conversation; it is sent when the first item is requested."""
        return self._stream_chat(messages, **kwargs)

    @override
    @_completion_events
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Stream the response to a text; it is sent when the first item is requested."""
        return stream_chat_to_completion_decorator(self._stream_chat)(prompt, **kwargs)

    @override
    @_chat_events
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Respond to a conversation; ``kwargs`` are options of the client's ``chat``."""
        return await self._achat(messages, **kwargs)

    @override
    @_completion_events
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Respond to a text."""
        return await achat_to_completion_decorator(self._achat)(prompt, **kwargs)

    @override
    @_chat_events
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Stream the response to a conversation; it is sent when the first item is requested."""
        return await self._astream_chat(messages, **kwargs)

    @override
    @_completion_events
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Stream the response to a text; it is sent when the first item is requested."""
        return await astream_chat_to_completion_decorator(self._astream_chat)(prompt, **kwargs)

    @override
    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """Return the tool calls of a response, whole or streamed.

        Raises:
            ValueError: ``error_on_no_tool_call`` is on, and there are no calls, or one cannot be
                run (its arguments were cut off, or it names no tool).
        """
        calls = tool_selections(response)
        if not calls and error_on_no_tool_call:
            text = (response.message.content or "")[:200]
            raise ValueError(f"the model called no tool; it returned: {text!r}")
        if error_on_no_tool_call and (problems := unusable_calls(response)):
            raise ValueError(f"the model's tool call cannot be run: {'; '.join(problems)}")
        return calls

    @override
    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: str | dict[str, Any] | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = list(chat_history or ())
        if user_msg is not None:
            messages.append(ChatMessage(user_msg) if isinstance(user_msg, str) else user_msg)
        options = tool_options(
            tools,
            parallel=allow_parallel_tool_calls,
            required=tool_required,
            choice=tool_choice,
            strict=strict,
        )
        return {"messages": messages, **options, **kwargs}

    @override
    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],
        allow_parallel_tool_calls: bool = False,
        **kwargs: Any,
    ) -> ChatResponse:
        return response if allow_parallel_tool_calls else first_call_only(response)

    def _supports_schemas(self) -> bool:
        entry = self._catalog_entry()
        return entry is not None and "structured_output" in entry.capabilities

    def _catalog_entry(self, model: str | None = None) -> Model | None:
        try:
            return bundled_models.find(model or self.model)
        except InvalidArgumentError:  # an invalid id, assigned later: the call will raise it
            return None

    def _options(self, kwargs: dict[str, Any]) -> tuple[str, ChatOptions]:
        """Return the model and the options of one call."""
        more = dict(self.additional_kwargs)
        body = {name: more.pop(name) for name in more.keys() - ChatOptions.__annotations__.keys()}
        kwargs = own_options(kwargs)
        model = kwargs.pop("model", None) or self.model
        options = options_to_wire(self._given(), {"extra_body": body} if body else {}, more, kwargs)
        if (options.get("n") or 1) > 1:
            msg = "a LlamaIndex response has one choice: use n=1, and call several times"
            raise InvalidArgumentError(msg, param="n")
        return model, cast("ChatOptions", schemas_for(model, options))

    def _recipient(self, model: str) -> Recipient:
        """Return the model that a conversation is sent to, which decides what of it is sent."""
        supported = takes(self._catalog_entry(model)) if self.check_inputs else {}
        return Recipient(model, supported, self.send_reasoning)

    def _moderate(self, conversation: list[dict[str, Any]]) -> None:
        if self.moderator is not None:
            self.moderator.check_wire(conversation)

    async def _amoderate(self, conversation: list[dict[str, Any]]) -> None:
        if self.moderator is not None:
            await self.moderator.acheck_wire(conversation)

    def _chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        model, options = self._options(kwargs)
        with map_errors(), report_failures("chat", model):
            conversation = messages_to_wire(messages, self._recipient(model))
            self._moderate(conversation)
            completion = self._client().chat(conversation, model=model, **options)
        return completion_from_wire(completion, model, citation_blocks=self.citation_blocks)

    async def _achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        model, options = self._options(kwargs)
        with map_errors(), report_failures("chat", model):
            conversation = messages_to_wire(messages, self._recipient(model))
            await self._amoderate(conversation)
            completion = await self._async_client().chat(conversation, model=model, **options)
        return completion_from_wire(completion, model, citation_blocks=self.citation_blocks)

    def _stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        model, options = self._options(kwargs)
        with map_errors():
            conversation = messages_to_wire(messages, self._recipient(model))
            chunks = self._client().stream_chat(conversation, model=model, **options)
        return self._items(chunks, model, conversation)

    async def _astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        model, options = self._options(kwargs)
        with map_errors():
            conversation = messages_to_wire(messages, self._recipient(model))
            chunks = self._async_client().stream_chat(conversation, model=model, **options)
        return self._aitems(chunks, model, conversation)

    def _items(
        self, chunks: Stream[ChatChunk], model: str, conversation: list[dict[str, Any]]
    ) -> Generator[ChatResponse, None, None]:
        state, blocks = StreamState(chunks, model), self.citation_blocks
        with map_errors(), chunks:
            self._moderate(conversation)
            for chunk in chunks:
                yield chunk_from_wire(chunk, state, citation_blocks=blocks)

    async def _aitems(
        self, chunks: AsyncStream[ChatChunk], model: str, conversation: list[dict[str, Any]]
    ) -> AsyncGenerator[ChatResponse, None]:
        state, blocks = StreamState(chunks, model), self.citation_blocks
        with map_errors():
            await self._amoderate(conversation)
            async with chunks:
                async for chunk in chunks:
                    yield chunk_from_wire(chunk, state, citation_blocks=blocks)
