"""`NanoGPT`: LlamaIndex's LLM over the shared client.

Each public method is a thin shell: `_to_wire` turns messages and options into the wire's form,
the core client sends them, `_from_wire` turns the answer back. Calls that LlamaIndex makes of one
public method through another go through a private one here, so that each call is one event.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
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
from nanogpt_client._adapters.settings import ChatSettings, ClientSettings, hide_key
from nanogpt_client.endpoints.chat import validate_chat_options

__all__ = ["NanoGPT"]

_Method = TypeVar("_Method", bound=Callable[..., Any])

# The smallest window of nine tenths of the models that the catalogue lists, for those it does not.
_UNKNOWN_WINDOW = 24_000


def _chat_events(method: _Method) -> _Method:
    """Yield LlamaIndex's events around a chat method, and keep its type."""
    return cast("_Method", llm_chat_callback()(method))


def _completion_events(method: _Method) -> _Method:
    """Yield LlamaIndex's events around a completion method, and keep its type."""
    return cast("_Method", llm_completion_callback()(method))


class NanoGPT(ChatSettings, ClientSettings, StructuredPrediction):
    """Any of NanoGPT's text models, with tools, thoughts, sources, pictures and costs.

    >>> llm = NanoGPT(model="openai/gpt-5.2", web_search=True)  # reads NANOGPT_API_KEY
    >>> answer = llm.chat([ChatMessage("What is Nano?")])
    >>> print(answer.message.content, answer.raw["cost"], answer.raw["usage"])

    An answer's thoughts are its first block, a ``ThinkingBlock``; sources are in
    ``additional_kwargs["annotations"]``; ``raw`` is a plain dict with ``usage`` (integers),
    ``cost`` (USD; ``None`` if NanoGPT did not say), ``finish_reason`` and what else came. Streamed
    items hold all that has arrived; the last one is the whole answer. ``ledger`` books every call,
    also those abandoned halfway.

    All words of `ChatSettings` and `ClientSettings` can be given, and all options of the core's
    ``chat`` per call, where they win, e.g. ``llm.chat(messages, temperature=0, model="…")``.

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    model: str = Field(description="id of the model, with suffixes such as :online if wanted")
    context_window: int | None = Field(default=None, gt=0)
    """Tokens that fit in; by default what NanoGPT's catalogue says."""
    is_function_calling_model: bool | None = None
    """Whether the model takes tools; by default all do, for the catalogue denies it to many."""
    citation_blocks: bool = False
    """Add a ``CitationBlock`` per source to whole answers; other integrations may refuse these."""
    check_inputs: bool = True
    """Put texts in place of media in tools' results, and of a model's own images, where NanoGPT's
    catalogue says that the model does not see."""
    send_reasoning: bool | None = None
    """Give the model its reasoning back with the conversation: always, never, or (``None``) behind
    tool calls, and behind every answer where the model wants that (DeepSeek V4)."""
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    """More options for every call; what the core does not know goes into the body as it is."""

    if not TYPE_CHECKING:  # checkers read the arguments from the fields

        def __init__(self, *args: Any, **arguments: Any) -> None:
            """Check the arguments; nothing is sent.

            Raises:
                InvalidArgumentError: options contradict each other, or ``model`` is not a model id.
                ValidationError: an argument is unknown or its value out of bounds.
            """
            hide_key(arguments)
            super().__init__(*args, **arguments)
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
        """What LlamaIndex plans with: from the constructor, else the catalogue that ships with us.

        ``num_output`` is ``max_tokens``, never the most that the model could put out, because
        LlamaIndex takes it off the window before it fills in a prompt.
        """
        known = self._catalog_entry()
        window = self.context_window or (known.context_length if known else None)
        return LLMMetadata(
            context_window=window or _UNKNOWN_WINDOW,
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=self.is_function_calling_model is not False,
            model_name=self.model,
            system_role=MessageRole.SYSTEM,
        )

    def to_payload(self) -> dict[str, Any]:
        """Return what events may show of this model."""
        return super().to_payload() | {"model": self.model, "temperature": self.temperature}

    @override
    @_chat_events
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation; ``kwargs`` are options of the core's ``chat``."""
        return self._chat(messages, **kwargs)

    @override
    @_completion_events
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a text."""
        return chat_to_completion_decorator(self._chat)(prompt, **kwargs)

    @override
    @_chat_events
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation in pieces; sent when the first is asked for."""
        return self._stream_chat(messages, **kwargs)

    @override
    @_completion_events
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Answer a text in pieces; sent when the first is asked for."""
        return stream_chat_to_completion_decorator(self._stream_chat)(prompt, **kwargs)

    @override
    @_chat_events
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation; ``kwargs`` are options of the core's ``chat``."""
        return await self._achat(messages, **kwargs)

    @override
    @_completion_events
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Answer a text."""
        return await achat_to_completion_decorator(self._achat)(prompt, **kwargs)

    @override
    @_chat_events
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Answer a conversation in pieces; sent when the first is asked for."""
        return await self._astream_chat(messages, **kwargs)

    @override
    @_completion_events
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Answer a text in pieces; sent when the first is asked for."""
        return await astream_chat_to_completion_decorator(self._astream_chat)(prompt, **kwargs)

    @override
    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """Return the calls in an answer, or in a piece of a streamed one.

        Raises:
            ValueError: there are none, or one cannot be carried out (its arguments were cut off,
                or it names no tool), and ``error_on_no_tool_call`` is on.
        """
        calls = tool_selections(response)
        if not calls and error_on_no_tool_call:
            said = (response.message.content or "")[:200]
            raise ValueError(f"the model was to call a tool and called none; it said: {said!r}")
        if error_on_no_tool_call and (problems := unusable_calls(response)):
            raise ValueError(f"the model called a tool in vain: {'; '.join(problems)}")
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
        words = tool_options(
            tools,
            parallel=allow_parallel_tool_calls,
            required=tool_required,
            choice=tool_choice,
            strict=strict,
        )
        return {"messages": messages, **words, **kwargs}

    @override
    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],
        allow_parallel_tool_calls: bool = False,
        **kwargs: Any,
    ) -> ChatResponse:
        return response if allow_parallel_tool_calls else first_call_only(response)

    def _follows_schemas(self) -> bool:
        known = self._catalog_entry()
        return known is not None and "structured_output" in known.capabilities

    def _catalog_entry(self, model: str | None = None) -> Model | None:
        try:
            return bundled_models.find(model or self.model)
        except InvalidArgumentError:  # assigned later and malformed: the call will say so
            return None

    def _options(self, kwargs: dict[str, Any]) -> tuple[str, ChatOptions]:
        """Return the model and the options of one call."""
        more = dict(self.additional_kwargs)
        body = {word: more.pop(word) for word in more.keys() - ChatOptions.__annotations__.keys()}
        words = dict(kwargs)
        model = words.pop("model", None) or self.model
        options = options_to_wire(self._given(), {"extra_body": body} if body else {}, more, words)
        if (options.get("n") or 1) > 1:
            msg = "LlamaIndex's answers hold one text: ask for n=1, or several times"
            raise InvalidArgumentError(msg, param="n")
        return model, options

    def _recipient(self, model: str) -> Recipient:
        """Return to whom a conversation goes: what of its history it gets follows from that."""
        known = takes(self._catalog_entry(model)) if self.check_inputs else {}
        return Recipient(model, known, self.send_reasoning)

    def _chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        model, options = self._options(kwargs)
        with map_errors(), report_failures("chat", model):
            conversation = messages_to_wire(messages, self._recipient(model))
            answer = self._client().chat(conversation, model=model, **options)
        return completion_from_wire(answer, model, citation_blocks=self.citation_blocks)

    async def _achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        model, options = self._options(kwargs)
        with map_errors(), report_failures("chat", model):
            conversation = messages_to_wire(messages, self._recipient(model))
            answer = await self._async_client().chat(conversation, model=model, **options)
        return completion_from_wire(answer, model, citation_blocks=self.citation_blocks)

    def _stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        model, options = self._options(kwargs)
        with map_errors():
            conversation = messages_to_wire(messages, self._recipient(model))
            chunks = self._client().stream_chat(conversation, model=model, **options)
        return self._items(chunks, model)

    async def _astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        model, options = self._options(kwargs)
        with map_errors():
            conversation = messages_to_wire(messages, self._recipient(model))
            chunks = self._async_client().stream_chat(conversation, model=model, **options)
        return self._aitems(chunks, model)

    def _items(self, chunks: Stream[ChatChunk], model: str) -> Generator[ChatResponse, None, None]:
        state, blocks = StreamState(chunks, model), self.citation_blocks
        with map_errors(), chunks:
            for chunk in chunks:
                yield chunk_from_wire(chunk, state, citation_blocks=blocks)

    async def _aitems(
        self, chunks: AsyncStream[ChatChunk], model: str
    ) -> AsyncGenerator[ChatResponse, None]:
        state, blocks = StreamState(chunks, model), self.citation_blocks
        with map_errors():
            async with chunks:
                async for chunk in chunks:
                    yield chunk_from_wire(chunk, state, citation_blocks=blocks)
