"""Structured prediction: how a pydantic object is asked for, and how it is read from the answer.

Three ways, chosen by what the model can: the answer itself held to a JSON schema; a tool that the
model must call; the schema described in the prompt. Whichever was asked for, the object is taken
from wherever the one answer has it, so that a model that answers in another way than it was told
costs no second call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, TextBlock, ToolCallBlock
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.program.utils import create_flexible_model
from llama_index.core.types import Model, PydanticProgramMode
from pydantic import ValidationError
from pydantic_core import from_json

from llama_index_nanogpt._tools import tool_selections, unusable_calls, without_titles
from nanogpt_client import messages

__all__ = ["Method", "PartialObject", "choose_method", "read_object", "structured_request"]

Method = Literal["json_schema", "tool", "text"]

_FENCE = re.compile(r"```(?:json)?\s*\n?(.*?)(?:```|\Z)", re.DOTALL)
_JSON = json.JSONDecoder()
# What LlamaIndex's programs take out of ``llm_kwargs``, for they decide it themselves.
_DECIDED = frozenset({"tool_required", "tool_choice", "allow_parallel_tool_calls"})


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
    """Return the messages and options that ask for an object; the caller's ``words`` win."""
    given = {word: value for word, value in (words or {}).items() if word not in _DECIDED}
    schema = _object_schema(output_cls)
    name = schema.get("title", output_cls.__name__)
    words_for_it = {"title": name, "description": schema.pop("description", "")}
    schema = without_titles(schema)
    if method == "json_schema":
        response_format = messages.json_schema_format(name, words_for_it | schema)
        return list(conversation), {"response_format": response_format, **given}
    if method == "tool":
        name = re.sub(r"[^A-Za-z0-9_-]", "_", name)
        tool = messages.function_tool(name, words_for_it["description"], schema)
        choice = {"type": "function", "function": {"name": name}}
        offer = {"tools": [tool], "tool_choice": choice, "parallel_tool_calls": False}
        return list(conversation), offer | given
    return _described(conversation, output_cls), given


def _object_schema(output_cls: type[Model]) -> dict[str, Any]:
    """Return the JSON schema of a class, with the object itself at its root.

    Of a class that holds itself pydantic makes a mere reference there, which providers refuse.
    """
    schema = output_cls.model_json_schema()
    reference = schema.pop("$ref", "").rpartition("/")[2]
    return {**schema["$defs"][reference], **schema} if reference else schema


def _described(conversation: Sequence[ChatMessage], output_cls: type[Model]) -> list[ChatMessage]:
    """Append the schema to the last message, in a copy."""
    parser: PydanticOutputParser[Model] = PydanticOutputParser(output_cls)
    *before, last = conversation
    block = TextBlock(text=parser.get_format_string(escape_json=False).strip())
    return [*before, last.model_copy(update={"blocks": [*last.blocks, block]})]


def read_object(response: ChatResponse, output_cls: type[Model]) -> Model:
    """Return the object that a whole answer holds.

    Raises:
        ValueError: it holds none that fits; the message says what the model answered instead.
    """
    value = _value(response, partial=False)
    try:
        return output_cls.model_validate(value)
    except ValidationError as error:
        reason = (response.raw or {}).get("finish_reason")
        msg = (
            f"the model's answer is no {output_cls.__name__} (finish reason: {reason}): "
            f"{error.error_count()} errors, the first: {error.errors()[0]['msg']}; "
            f"it said: {_said(response.message)[:200]!r}"
        )
        raise ValueError(msg) from error


def _said(message: ChatMessage) -> str:
    calls = [str(b.tool_kwargs) for b in message.blocks if isinstance(b, ToolCallBlock)]
    return message.additional_kwargs.get("refusal") or message.content or "".join(calls)


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
        value = _value(response, partial=True)
        if not isinstance(value, dict) or value in (self._last, {}):
            return None
        self._last = value
        try:
            return self._output_cls.model_validate(value)
        except ValidationError:
            return self._flexible.model_validate(value)


def _value(response: ChatResponse, *, partial: bool) -> Any:
    """Return the JSON value in an answer: a call's arguments, or else its text, fenced or not."""
    calls = tool_selections(response)
    if calls:
        return calls[0].tool_kwargs or (None if unusable_calls(response) else {})
    text = response.message.content or ""
    if (fence := _FENCE.search(text)) and not text.lstrip().startswith("{"):
        text = fence[1]
    text = text.strip()
    start = 0 if text.startswith("[") else max(text.find("{"), 0)
    try:
        if partial:
            return from_json(text[start:], allow_partial="trailing-strings")
        return _JSON.raw_decode(text, start)[0]  # words around it are left out
    except ValueError:
        return None
