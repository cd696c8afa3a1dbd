"""Tools: what is asked of the model, and the calls read from its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool, ToolMetadata
from pydantic_core import from_json

from nanogpt_client import ToolCall, messages
from nanogpt_client.types.json_schemas import class_schema, without_titles
from nanogpt_client.types.tool_arguments import read_arguments

__all__ = [
    "first_call_only",
    "tool_calls",
    "tool_selections",
    "tool_words",
    "unusable_calls",
    "without_agents_words",
]

_CHOICES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


def tool_words(
    tools: Sequence[BaseTool],
    *,
    parallel: bool,
    required: bool,
    choice: Any = None,
    strict: bool | None = None,
) -> dict[str, Any]:
    """Return the options that offer tools; without tools they are all ``None``: not sent.

    ``choice`` is a word (``"auto"``, ``"required"``, ``"none"``), a tool's name, or as it is sent.

    Raises:
        InvalidArgumentError: ``choice`` is the name of none of the tools, or ``strict`` is on and
            strict mode cannot express a tool's schema.
    """
    if not tools:
        return {"tools": None, "tool_choice": None, "parallel_tool_calls": None}
    offered = [_function(tool.metadata, strict) for tool in tools]
    if isinstance(choice, str):
        choice = _CHOICES.get(choice) or messages.tool_choice(choice, offered)
    return {
        "tools": offered,
        "tool_choice": choice or ("required" if required else "auto"),
        "parallel_tool_calls": parallel,
    }


def _function(tool: ToolMetadata, strict: bool | None) -> dict[str, Any]:
    """Return a tool under its own name, by which LlamaIndex looks up what the model calls."""
    if type(tool).get_parameters_dict is ToolMetadata.get_parameters_dict and tool.fn_schema:
        parameters = class_schema(tool.fn_schema).schema
    else:  # a text, or what a subclass makes of its own
        parameters = without_titles(tool.get_parameters_dict())
    return messages.function_tool(tool.get_name(), tool.description, parameters, strict=strict)


def tool_selections(response: ChatResponse) -> list[ToolSelection]:
    """Return the calls in a whole answer, or in a piece of a streamed one.

    While the answer is arriving, the arguments are what can be read of them so far. Once it has
    ended, a call without a name or a readable JSON object (cut off, or never one) is not run: it
    is given the name of no tool, which says why. Agents answer it with that name.
    """
    select = _arriving if _is_arriving(response) else _whole
    return [select(block, at) for at, block in enumerate(tool_calls(response.message))]


def unusable_calls(response: ChatResponse) -> list[str]:
    """Return what is wrong with the calls of a whole answer that cannot be carried out."""
    if _is_arriving(response):
        return []
    calls = map(_call, tool_calls(response.message))
    return [problem for call in calls if (problem := call.problem)]


def _is_arriving(response: ChatResponse) -> bool:
    return isinstance(response.raw, Mapping) and "finish_reason" not in response.raw


_NOT_RUN = " (not run: {})"
# How LlamaIndex's agents answer a call of a tool that they do not have.
_AGENTS_WORDS = re.compile(r"Tool (.*\(not run: .*\)) not found\. Please select .*", re.DOTALL)


def without_agents_words(blocks: Sequence[Any]) -> list[Any]:
    """Return a tool's result without the words that the tool does not exist, where it does."""
    return [
        TextBlock(text=found[1].strip())
        if isinstance(block, TextBlock) and (found := _AGENTS_WORDS.fullmatch(block.text))
        else block
        for block in blocks
    ]


def _whole(block: ToolCallBlock, at: int) -> ToolSelection:
    call = _call(block)
    name = call.name
    if not name:
        name = _NOT_RUN.format("the call names no tool").strip()
    elif call.problem is not None:
        name += _NOT_RUN.format("its arguments are no JSON object; call it again with all of them")
    return _selection(block, at, name, _arguments(block.tool_kwargs))


def _arriving(block: ToolCallBlock, at: int) -> ToolSelection:
    given = block.tool_kwargs
    if isinstance(given, str):
        try:
            given = from_json(given, allow_partial="trailing-strings")
        except ValueError:
            given = {}
    return _selection(block, at, block.tool_name, given if isinstance(given, Mapping) else {})


def _selection(
    block: ToolCallBlock, at: int, name: str, arguments: Mapping[str, Any]
) -> ToolSelection:
    return ToolSelection(
        tool_id=block.tool_call_id or f"call_{at}", tool_name=name, tool_kwargs=dict(arguments)
    )


def _call(block: ToolCallBlock) -> ToolCall:
    given = block.tool_kwargs
    return ToolCall("", block.tool_name, given if isinstance(given, str) else "{}")


def _arguments(arguments: Mapping[str, Any] | str) -> Mapping[str, Any]:
    if not isinstance(arguments, str):
        return arguments
    try:
        return read_arguments(arguments)
    except ValueError:
        return {}


def tool_calls(message: ChatMessage) -> list[ToolCallBlock]:
    """Return the calls, also of messages that have them in ``additional_kwargs`` only."""
    found = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if found:
        return found
    legacy = message.additional_kwargs.get("tool_calls") or ()
    return [
        ToolCallBlock(
            tool_call_id=call.get("id"),
            tool_name=call["function"].get("name") or "",
            tool_kwargs=call["function"].get("arguments") or "",
        )
        for call in legacy
        if isinstance(call, Mapping) and isinstance(call.get("function"), Mapping)
    ]


def first_call_only(response: ChatResponse) -> ChatResponse:
    """Return a copy of the answer without its second and later calls."""
    message = response.message
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if len(calls) < 2:
        return response
    blocks = [b for b in message.blocks if not isinstance(b, ToolCallBlock) or b is calls[0]]
    extra = message.additional_kwargs
    if legacy := extra.get("tool_calls"):
        extra = extra | {"tool_calls": legacy[:1]}
    trimmed = message.model_copy(update={"blocks": blocks, "additional_kwargs": dict(extra)})
    return response.model_copy(update={"message": trimmed})
