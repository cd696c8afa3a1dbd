"""Structured prediction: the request for a pydantic object, and how it is read from the response.

There are three methods, chosen by what the model supports: a JSON schema for the response; a tool
that the model must call; the schema in the prompt. Whichever was requested, the object is read from
wherever the response has it, so that a model that responds in another way costs no second call.

This replaces LlamaIndex's programs, which drop the system prompt in their async form, do not force
the tool in their streamed form, and fail on JSON in a fence or within text.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from typing import Any, Literal, cast

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.program.utils import create_flexible_model
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import Model, PydanticProgramMode
from llama_index_instrumentation import get_dispatcher
from pydantic import ValidationError

from llama_index_nanogpt._from_wire import tool_calls
from nanogpt_client import messages
from nanogpt_client._adapters.json_in_text import NoObjectError, find_object, partial_object
from nanogpt_client.types.json_schemas import allowed_name, class_schema, json_schema_format

__all__ = ["StructuredPrediction", "choose_method"]

_dispatcher = get_dispatcher(__name__)
Method = Literal["json_schema", "tool", "text"]


# The arguments that LlamaIndex's programs remove from ``llm_kwargs`` and set themselves.
_SET_HERE = frozenset({"tool_required", "tool_choice", "allow_parallel_tool_calls", "strict"})


class StructuredPrediction(FunctionCallingLLM):
    """A mixin for a chat model that supports ``response_format`` and ``tools``."""

    @abstractmethod
    def _supports_schemas(self) -> bool:
        """Return whether the model can be made to follow a JSON schema."""

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Return an object of the class, with one call.

        Raises:
            ValueError: the response contains no such object.
            NanoGPTError: see `nanogpt_client.errors`.
        """
        method = self._method()
        if method is None:
            result = super().structured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
            return cast("Model", result)
        _announce(output_cls, prompt, prompt_args)
        messages, options = self._request(method, output_cls, prompt, llm_kwargs, prompt_args)
        result = read_object(self.chat(messages, **options), output_cls)
        _dispatcher.event(LLMStructuredPredictEndEvent(output=result))
        return result

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Return an object of the class, with one call; see `structured_predict`."""
        method = self._method()
        if method is None:
            result = await super().astructured_predict(
                output_cls, prompt, llm_kwargs, **prompt_args
            )
            return cast("Model", result)
        _announce(output_cls, prompt, prompt_args)
        messages, options = self._request(method, output_cls, prompt, llm_kwargs, prompt_args)
        result = read_object(await self.achat(messages, **options), output_cls)
        _dispatcher.event(LLMStructuredPredictEndEvent(output=result))
        return result

    def _structured_stream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        method = self._method()
        if method is None:
            return super()._structured_stream_call(output_cls, prompt, llm_kwargs, **prompt_args)
        messages, options = self._request(method, output_cls, prompt, llm_kwargs, prompt_args)
        return _objects(self.stream_chat(messages, **options), output_cls)

    async def _structured_astream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        method = self._method()
        if method is None:
            return await super()._structured_astream_call(
                output_cls, prompt, llm_kwargs, **prompt_args
            )
        messages, options = self._request(method, output_cls, prompt, llm_kwargs, prompt_args)
        return _aobjects(await self.astream_chat(messages, **options), output_cls)

    def _method(self) -> Method | None:
        return choose_method(
            self.pydantic_program_mode,
            schemas=self._supports_schemas(),
            tools=self.metadata.is_function_calling_model,
        )

    def _request(
        self,
        method: Method,
        output_cls: type[Model],
        prompt: PromptTemplate,
        options: dict[str, Any] | None,
        prompt_args: dict[str, Any],
    ) -> tuple[list[ChatMessage], dict[str, Any]]:
        conversation = self._extend_messages(prompt.format_messages(llm=self, **prompt_args))
        return structured_request(method, output_cls, conversation, options)


def _announce(output_cls: type[Model], prompt: PromptTemplate, prompt_args: dict[str, Any]) -> None:
    event = LLMStructuredPredictStartEvent(
        output_cls=output_cls, template=prompt, template_args=prompt_args
    )
    _dispatcher.event(event)


def _objects(
    responses: Generator[ChatResponse, None, None], output_cls: type[Model]
) -> Generator[Any, None, None]:
    """Yield the object as it grows, and finally the complete one."""
    partial, response = PartialObject(output_cls), None
    for response in responses:
        if (found := partial.read(response)) is not None:
            yield found
    if response is not None:
        yield read_object(response, output_cls)


async def _aobjects(
    responses: AsyncGenerator[ChatResponse, None], output_cls: type[Model]
) -> AsyncGenerator[Any, None]:
    """Yield the object as it grows, and finally the complete one."""
    partial, response = PartialObject(output_cls), None
    async for response in responses:
        if (found := partial.read(response)) is not None:
            yield found
    if response is not None:
        yield read_object(response, output_cls)


def choose_method(mode: PydanticProgramMode, *, schemas: bool, tools: bool) -> Method | None:
    """Return the method for a model that does (not) support ``schemas`` and ``tools``.

    ``None`` means that the user chose one of LlamaIndex's own programs.
    """
    match mode:
        case PydanticProgramMode.DEFAULT:
            return "json_schema" if schemas else "tool" if tools else "text"
        case PydanticProgramMode.FUNCTION:
            return "tool"
        case PydanticProgramMode.LLM:
            return "text"
    return None


def structured_request(
    method: Method,
    output_cls: type[Model],
    conversation: Sequence[ChatMessage],
    options: dict[str, Any] | None,
) -> tuple[list[ChatMessage], dict[str, Any]]:
    """Return the messages and options that request an object; the caller's ``options`` override.

    Raises:
        InvalidArgumentError: the option ``strict`` is on, and strict mode cannot express the class.
    """
    given = {name: value for name, value in (options or {}).items() if name not in _SET_HERE}
    strict = (options or {}).get("strict")
    described = class_schema(output_cls)
    if method == "json_schema":
        response_format = json_schema_format(described.title, described.titled, strict=strict)
        return list(conversation), {"response_format": response_format, **given}
    if method == "tool" and described.schema.get("type") == "object":  # as arguments must be
        name = allowed_name(described.title)
        tool = messages.function_tool(name, described.description, described.schema, strict=strict)
        choice = {"type": "function", "function": {"name": name}}
        offer = {"tools": [tool], "tool_choice": choice, "parallel_tool_calls": False}
        return list(conversation), offer | given
    return _described(conversation, output_cls), given


def _described(conversation: Sequence[ChatMessage], output_cls: type[Model]) -> list[ChatMessage]:
    """Append the schema to the last message, in a copy."""
    parser: PydanticOutputParser[Model] = PydanticOutputParser(output_cls)
    *before, last = conversation
    block = TextBlock(text=parser.get_format_string(escape_json=False).strip())
    return [*before, last.model_copy(update={"blocks": [*last.blocks, block]})]


def read_object(response: ChatResponse, output_cls: type[Model]) -> Model:
    """Return the object in a whole response.

    Raises:
        NoObjectError: it contains none that fits, or several (a `ValueError`); the message quotes
            the response, and ``text`` is all of it.
    """
    finish_reason = (response.raw or {}).get("finish_reason")
    try:
        return _find(response.message, output_cls, finish_reason)
    except NoObjectError as error:
        msg = (
            f"the model returned no {output_cls.__name__} (finish reason: {finish_reason}): "
            f"{_describe(error)}; it returned: {error.text[:200]!r}"
        )
        raise NoObjectError(msg, error.reason, error.text) from error


def _find(message: ChatMessage, output_cls: type[Model], finish_reason: str | None) -> Model:
    if refusal := message.additional_kwargs.get("refusal"):
        raise NoObjectError("it refused", "none", refusal)
    content = _content(message)
    if isinstance(content, dict):
        content, finish_reason = json.dumps(content), None  # complete, whatever the finish reason
    return find_object(content, output_cls.model_validate, finish_reason=finish_reason)


def _describe(error: NoObjectError) -> str:
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return str(error)
    return f"{cause.error_count()} errors, the first: {cause.errors()[0]['msg']}"


def _content(message: ChatMessage) -> dict[str, Any] | str:
    """Return the arguments of a message's tool call, or else its text."""
    for call in tool_calls(message)[:1]:
        arguments: Any = call.tool_kwargs
        return dict(arguments) if isinstance(arguments, Mapping) else str(arguments or "{}")
    return message.content or ""


class PartialObject:
    """The object in a streamed response, as it grows."""

    def __init__(self, output_cls: type[Model]) -> None:
        self._output_cls: type[Any] = output_cls
        self._flexible = create_flexible_model(output_cls)
        self._last: Any = None

    def read(self, response: ChatResponse) -> Any:
        """Return the object so far if it has grown, else ``None``.

        It is of the requested class as soon as it fits; before that, of one with optional fields.
        """
        content = _content(response.message)
        value = content if isinstance(content, dict) else partial_object(content)
        if not isinstance(value, dict) or value in (self._last, {}):
            return None
        self._last = value
        try:
            return self._output_cls.model_validate(value)
        except ValidationError:
            pass
        try:
            return self._flexible.model_validate(value)
        except ValidationError:  # e.g. an example of another form
            return None
