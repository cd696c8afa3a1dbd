"""Tools: what is asked of the model, and the calls read from its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool, ToolMetadata
from pydantic_core import from_json

from nanogpt_client import ToolCall, messages
from nanogpt_client.schemas import class_schema, without_titles

__all__ = ["first_call_only", "tool_calls", "tool_selections", "tool_words"]

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
        ConfigurationError: ``choice`` is the name of none of the tools, or ``strict`` is on and
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
    ended, arguments that are no JSON object (cut off, or never one) are empty instead of partial:
    no tool is run on half of what the model meant.
    """
    ended = isinstance(response.raw, Mapping) and response.raw.get("finish_reason") is not None
    return [
        ToolSelection(
            tool_id=block.tool_call_id or f"call_{at}",
            tool_name=block.tool_name,
            tool_kwargs=_arguments(block.tool_kwargs, partial=not ended),
        )
        for at, block in enumerate(tool_calls(response.message))
    ]


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


def _arguments(arguments: Mapping[str, Any] | str, *, partial: bool) -> dict[str, Any]:
    if isinstance(arguments, Mapping):
        return dict(arguments)
    try:
        if partial:
            value = from_json(arguments, allow_partial="trailing-strings")
        else:
            value = ToolCall("", "", arguments).parse()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


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
