"""Tools and structured formats: what LangChain hands over, in the wire's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import isfunction, ismethod
from typing import Any

from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from nanogpt_client import InvalidArgumentError, messages
from nanogpt_client.types.json_schemas import class_schema, json_schema_format

__all__ = [
    "function_of",
    "json_schema_of",
    "response_format_to_wire",
    "split_web_search",
    "tool_choice_to_wire",
    "tools_to_wire",
]


def tools_to_wire(tools: Sequence[Any], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Return function tools; what already is one, or is unknown, goes on as it is.

    Raises:
        InvalidArgumentError: ``strict`` is on, and strict mode cannot express a tool's schema.
    """
    return [_tool(tool, strict) for tool in tools]


def _tool(tool: Any, strict: bool | None) -> dict[str, Any]:
    if isinstance(tool, Mapping) and tool.get("type") == "function" and strict is None:
        return dict(tool)
    function = function_of(tool)
    if function is None:
        return _converted(tool)
    return messages.function_tool(
        function["name"],
        function.get("description"),
        function.get("parameters"),
        strict=function.get("strict") if strict is None else strict,
    )


def function_of(tool: Any) -> dict[str, Any] | None:
    """Return name, description and parameters of what LangChain takes for a tool.

    As LangChain itself does, but with the schema's references kept: it writes them out, and drops
    those of a class that holds itself. ``None`` stands for a provider's own kind of tool.
    """
    if isinstance(tool, Mapping) and tool.get("type") == "function":
        converted: Mapping[str, Any] = tool
    elif (described := _described(tool)) is not None:
        cls, words = described
        title, description, schema = class_schema(cls)
        given = {"name": title, "description": description, "parameters": schema}
        return given | {word: value for word, value in words.items() if value}
    else:
        converted = _converted(tool)
    function = converted.get("function")
    return dict(function) if isinstance(function, Mapping) else None


def _converted(tool: Any) -> dict[str, Any]:
    try:
        return dict(convert_to_openai_tool(tool))
    except RecursionError:
        msg = f"{tool!r} holds itself, which LangChain cannot describe; use a pydantic class"
        raise InvalidArgumentError(msg, param="schema") from None


def _described(tool: Any) -> tuple[type[BaseModel], dict[str, str]] | None:
    """Return the class that describes a tool's arguments, and the tool's own name and words."""
    cls, words = tool, {}
    if isfunction(tool) or ismethod(tool):
        cls, words = _arguments_of(tool), {"name": tool.__name__}
    elif not isinstance(tool, type | Mapping):
        from langchain_core.tools import BaseTool, Tool  # noqa: PLC0415 - only if there is one

        # LangChain's oldest kind of tool takes one text, and has no class that says so.
        if isinstance(tool, BaseTool) and (not isinstance(tool, Tool) or tool.args_schema):
            words = {"name": tool.name, "description": tool.description}
            cls = tool.tool_call_schema
    return (cls, words) if isinstance(cls, type) and issubclass(cls, BaseModel) else None


def _arguments_of(function: Callable[..., Any]) -> Any:
    """Return a class of a function's arguments, described as its docstring does."""
    from langchain_core.tools import create_schema_from_function  # noqa: PLC0415

    return create_schema_from_function(
        function.__name__,
        function,
        filter_args=(),
        parse_docstring=True,
        error_on_invalid_docstring=False,
        include_injected=False,
    )


def split_web_search(tools: Sequence[Any]) -> tuple[list[Any], dict[str, Any] | None]:
    """Take built-in web search tools of any provider out; return their settings, if any was there.

    >>> split_web_search([{"type": "web_search", "search_context_size": "low"}])
    ([], {'search_context_size': 'low'})
    """
    rest: list[Any] = []
    search: dict[str, Any] | None = None
    for tool in tools:
        if isinstance(tool, Mapping) and str(tool.get("type", "")).startswith("web_search"):
            search = (search or {}) | {k: v for k, v in tool.items() if k not in {"type", "name"}}
        else:
            rest.append(tool)
    return rest, search


def tool_choice_to_wire(choice: Any, tools: Sequence[Mapping[str, Any]]) -> Any:
    """Return the wire's spelling of a choice: a word, a tool's name, a bool, or a provider's dict.

    Raises:
        InvalidArgumentError: it names a tool that is not among ``tools``.
    """
    if isinstance(choice, Mapping):
        inner = choice.get("function")
        name = inner.get("name") if isinstance(inner, Mapping) else choice.get("name")
        choice = name or choice.get("type")
    if choice is None or choice is False:
        return None
    if choice in {True, "any", "required"}:
        return "required"
    if choice in {"auto", "none"}:
        return choice
    return messages.tool_choice(choice, tools)


def response_format_to_wire(schema: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Return the ``response_format`` for a class or a JSON schema; a ready one stays as it is.

    Unless ``strict`` is said, it is strict where the schema allows that.

    Raises:
        InvalidArgumentError: ``strict`` is on, and strict mode cannot express the schema.
    """
    if isinstance(schema, Mapping) and schema.get("type") in _READY:
        return dict(schema)
    if isinstance(schema, Mapping) and {"name", "schema"} <= schema.keys():  # as OpenAI nests it
        if strict is None:
            return {"type": "json_schema", "json_schema": dict(schema)}
        built = json_schema_format(schema["name"], schema["schema"], strict=strict)
        return built | {"json_schema": {**schema, **built["json_schema"]}}
    json_schema = json_schema_of(schema)
    return json_schema_format(str(json_schema.get("title") or ""), json_schema, strict=strict)


_READY = ("json_schema", "json_object", "text")


_FUNCTIONS = frozenset({"name", "function", "input_schema", "toolSpec"})  # of all providers


def json_schema_of(schema: Any) -> dict[str, Any]:
    """Return the JSON schema of a class, a function, or what else LangChain takes for one."""
    if isinstance(schema, Mapping):
        nested = schema.get("json_schema")
        nested = (nested if isinstance(nested, Mapping) else schema).get("schema")
        if isinstance(nested, Mapping):
            return dict(nested)
        if not schema.keys() & _FUNCTIONS:
            return {} if schema.get("type") in _READY else dict(schema)
    function = function_of(schema) or {}
    words: dict[str, Any] = {"title": function.get("name")}
    if "description" in function:
        words["description"] = function["description"]
    return {**words, **function.get("parameters", {})}
