"""Structured prediction: how a pydantic object is asked for, and how it is read from the answer.

Three ways, chosen by what the model can: the answer itself held to a JSON schema; a tool that the
model must call; the schema described in the prompt. Whichever was asked for, the object is taken
from wherever the one answer has it, so that a model that answers in another way than it was told
costs no second call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.program.utils import create_flexible_model
from llama_index.core.types import Model, PydanticProgramMode
from pydantic import ValidationError

from llama_index_nanogpt._tools import tool_calls
from nanogpt_client import messages
from nanogpt_client._adapters.json_in_text import NoObjectError, find_object, partial_object
from nanogpt_client.types.json_schemas import allowed_name, class_schema, json_schema_format

__all__ = ["Method", "PartialObject", "choose_method", "read_object", "structured_request"]

Method = Literal["json_schema", "tool", "text"]

# What LlamaIndex's programs take out of ``llm_kwargs``, for they decide it themselves.
_DECIDED = frozenset({"tool_required", "tool_choice", "allow_parallel_tool_calls", "strict"})


def choose_method(mode: PydanticProgramMode, *, schemas: bool, tools: bool) -> Method | None:
    """Return the way for a model that can (or cannot) hold to schemas and call tools.

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
    words: dict[str, Any] | None,
) -> tuple[list[ChatMessage], dict[str, Any]]:
    """Return the messages and options that ask for an object; the caller's ``words`` win.

    Raises:
        InvalidArgumentError: ``strict`` is among the words and on, and strict mode cannot express
            the class.
    """
    given = {word: value for word, value in (words or {}).items() if word not in _DECIDED}
    strict = (words or {}).get("strict")
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
    """Return the object that a whole answer holds.

    Raises:
        NoObjectError: it holds none that fits, or not clearly one (a `ValueError`); the message
            says what the model answered instead, and ``text`` is all of it.
    """
    finish_reason = (response.raw or {}).get("finish_reason")
    try:
        return _find(response.message, output_cls, finish_reason)
    except NoObjectError as error:
        msg = (
            f"the model's answer is no {output_cls.__name__} (finish reason: {finish_reason}): "
            f"{_why(error)}; it said: {error.text[:200]!r}"
        )
        raise NoObjectError(msg, error.reason, error.text) from error


def _find(message: ChatMessage, output_cls: type[Model], finish_reason: str | None) -> Model:
    if refusal := message.additional_kwargs.get("refusal"):
        raise NoObjectError("it refused", "none", refusal)
    said = _said(message)
    if isinstance(said, dict):
        said, finish_reason = json.dumps(said), None  # whole, wherever the answer ended
    return find_object(said, output_cls.model_validate, finish_reason=finish_reason)


def _why(error: NoObjectError) -> str:
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return str(error)
    return f"{cause.error_count()} errors, the first: {cause.errors()[0]['msg']}"


def _said(message: ChatMessage) -> dict[str, Any] | str:
    """Return the arguments of its tool call, or else its text."""
    for call in tool_calls(message)[:1]:
        arguments: Any = call.tool_kwargs
        return dict(arguments) if isinstance(arguments, Mapping) else str(arguments or "{}")
    return message.content or ""


class PartialObject:
    """The object in a streamed answer, as it grows."""

    def __init__(self, output_cls: type[Model]) -> None:
        self._output_cls: type[Any] = output_cls
        self._flexible = create_flexible_model(output_cls)
        self._last: Any = None

    def read(self, response: ChatResponse) -> Any:
        """Return the object so far if there is something new to it, else ``None``.

        It is of the asked class as soon as it fits, before that of one with optional fields.
        """
        said = _said(response.message)
        value = said if isinstance(said, dict) else partial_object(said)
        if not isinstance(value, dict) or value in (self._last, {}):
            return None
        self._last = value
        try:
            return self._output_cls.model_validate(value)
        except ValidationError:
            pass
        try:
            return self._flexible.model_validate(value)
        except ValidationError:  # an example of another form, say
            return None
