"""Checks of a call's arguments before anything is sent; messages say what is wrong, and where."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from nanogpt_client import types
from nanogpt_client.config import check_headers
from nanogpt_client.errors import ConfigurationError, InvalidArgumentError
from nanogpt_client.types.json_schemas import (
    allowed_name,
    closed_if_possible,
    is_allowed_name,
    tool_parameters,
    without_alternatives,
)
from nanogpt_client.types.options import ProgressOptions

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
MAX_TOOLS_BYTES = 200 * 1024
_NOT_IN_BODY = frozenset({*ProgressOptions.__annotations__, "moderation"})


# Options of OpenAI that are close to none of ours, or to another than they mean.
_OPENAIS_NAMES = {
    "function_call": "tool_choice",
    "functions": "tools",
    "max_completion_tokens": "max_tokens",
    "web_search_options": "web_search",
}


def checked(options: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Check options against their TypedDict and return those that were given (not ``None``).

    Raises:
        InvalidArgumentError: an unknown option, a wrong type, or a value out of range.
    """
    given = {name: value for name, value in options.items() if value is not None}
    unknown = given.keys() - _annotations(kind)
    if unknown:
        name = min(unknown)
        raise InvalidArgumentError(f"unknown option {name!r}; {_hint(name, kind)}", param=name)
    try:
        checked_values: dict[str, Any] = _adapter(kind).validate_python(given)
    except ValidationError as error:
        last = error.errors(include_url=False)[-1]  # of a union, its most specific member
        where = str(last["loc"][0])
        msg = f"{where}={given.get(where)!r}: {last['msg'].lower()}"
        raise InvalidArgumentError(msg, param=where) from None
    try:
        check_headers(checked_values.get("extra_headers", {}))
        check_headers({"moderation": str(checked_values.get("moderation", ""))})
    except ConfigurationError as error:
        raise InvalidArgumentError(error.message, param="extra_headers") from None
    return checked_values


def _hint(name: str, kind: type) -> str:
    if name == "stream":
        return "the methods whose names begin with stream_ stream"
    near = difflib.get_close_matches(name, _annotations(kind), n=1)
    if (ours := _OPENAIS_NAMES.get(name)) in _annotations(kind):
        near = [ours]
    return f"did you mean {near[0]!r}?" if near else "pass it through extra_body={…}"


def body_options(options: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Check options against their TypedDict and return those that belong in the request's body."""
    given = checked(options, kind)
    return {name: value for name, value in given.items() if name not in _NOT_IN_BODY}


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def _annotations(kind: type) -> frozenset[str]:
    return frozenset(kind.__annotations__)


def check_model(model: Any) -> str:
    """Return the model's id; raise if it is not a text, or is blank."""
    if not isinstance(model, str) or not model.strip():
        raise InvalidArgumentError(
            f"model must be a model id such as 'openai/gpt-5.2', not {model!r}", param="model"
        )
    return model


def check_text(name: str, value: Any) -> str:
    """Return a text; raise if it is not one, or is blank."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidArgumentError(f"{name} must be a non-empty string, not {value!r}", param=name)
    return value


def check_prompt(prompt: Any, *, instead: object) -> str:
    """Return a prompt; it may be empty where another input replaces it.

    Upscalers and some image-to-video models take no prompt (page video-generation: "conditional").
    """
    return "" if instead and prompt in ("", None) else check_text("prompt", prompt)


def check_messages(messages: Any) -> list[dict[str, Any]]:
    """Return the messages as a list of dicts; raise for those that NanoGPT would refuse."""
    if isinstance(messages, str):
        return [{"role": "user", "content": check_text("messages", messages)}]
    if not isinstance(messages, Sequence) or not messages:
        raise InvalidArgumentError(
            "messages must be a list of at least one message", param="messages"
        )
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        if not isinstance(message, Mapping):
            raise InvalidArgumentError(f"{where} must be a dict with a role", param="messages")
        role = message.get("role")
        if not isinstance(role, str) or role not in ROLES:
            msg = f"{where} has the role {role!r}; use one of {', '.join(sorted(ROLES))}"
            raise InvalidArgumentError(msg, param="messages")
        if role == "tool" and not message.get("tool_call_id"):
            msg = f"{where} is a tool result and needs the tool_call_id of the call it answers"
            raise InvalidArgumentError(msg, param="messages")
        is_empty = message.get("content") is None and "configuration_update" not in message
        if is_empty and role in {"user", "system", "developer"}:
            raise InvalidArgumentError(
                f"{where} ({role}) has no content; pass a text or parts", param="messages"
            )
    return [dict(message) for message in messages]


def check_tools(tools: Any) -> list[dict[str, Any]]:
    """Return tools with an object schema of arguments; raise if a name or the size is not allowed.

    The names come back in tool calls, so one that is not allowed raises instead of being changed.
    Providers follow OpenAI's rule: up to 64 letters, digits, underscores and dashes.
    """
    if not isinstance(tools, Sequence) or isinstance(tools, str):
        raise InvalidArgumentError("tools must be a list", param="tools")
    checked_tools = [_tool(tool, at) for at, tool in enumerate(tools)]
    try:
        size = len(json.dumps(tools, ensure_ascii=False).encode("utf-8", "replace"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"tools cannot be encoded as JSON: {error}") from error
    if size > MAX_TOOLS_BYTES:
        largest = max(tools, key=lambda tool: len(json.dumps(tool)))["function"]["name"]
        msg = (
            f"tools have {size} bytes; NanoGPT accepts at most {MAX_TOOLS_BYTES} (200 KB); "
            f"the largest is {largest!r}"
        )
        raise InvalidArgumentError(msg, param="tools")
    return checked_tools


def _tool(tool: Any, at: int) -> dict[str, Any]:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    if not isinstance(function, Mapping) or not function.get("name"):
        msg = f'tools[{at}] must be {{"type": "function", "function": {{"name": …}}}}'
        raise InvalidArgumentError(msg, param="tools")
    name = function["name"]
    if not isinstance(name, str) or not is_allowed_name(name):
        msg = (
            f"tools[{at}] is named {name!r}, which providers refuse: a tool's name is up to 64 "
            f"letters, digits, _ and -, such as {allowed_name(str(name))!r}"
        )
        raise InvalidArgumentError(msg, param="tools")
    parameters = tool_parameters(function.get("parameters"))
    if function.get("strict") is True:
        parameters = closed_if_possible(parameters)
    elif not parameters.keys().isdisjoint({"anyOf", "oneOf", "allOf"}):
        parameters = without_alternatives(parameters)
    return {**tool, "function": {**function, "parameters": parameters}}


def read_file(source: types.FileSource, what: str) -> tuple[str, bytes]:
    """Return name and content of a file given as a path or as bytes.

    Raises:
        InvalidArgumentError: the file is missing, unreadable or empty.
    """
    if isinstance(source, bytes):
        name, data = what, source
    else:
        try:
            path = Path(source)
            name, data = path.name, path.read_bytes()
        except (OSError, ValueError, TypeError) as error:
            raise InvalidArgumentError(
                f"{what}: cannot read {str(source)[:200]!r}: {error}"
            ) from error
    if not data:
        raise InvalidArgumentError(f"{what} is empty: {name}")
    return name, data


def is_url(source: Any) -> bool:
    """Whether a source is given by its http(s) or ``data:`` URL."""
    return isinstance(source, str) and source.startswith(("http://", "https://", "data:"))
