"""Tools and structured formats: what LangChain hands over, in the wire's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool

from nanogpt_client import messages

__all__ = ["response_format_to_wire", "split_web_search", "tool_choice_to_wire", "tools_to_wire"]


def tools_to_wire(tools: Sequence[Any], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Return function tools; what already is one, or is unknown, goes on as it is."""
    return [_tool(tool, strict) for tool in tools]


def _tool(tool: Any, strict: bool | None) -> dict[str, Any]:
    if isinstance(tool, Mapping) and tool.get("type") == "function" and strict is None:
        return dict(tool)
    converted = convert_to_openai_tool(tool, strict=strict)
    function = converted.get("function")
    if not isinstance(function, Mapping):
        return converted
    return messages.function_tool(
        function["name"],
        function.get("description"),
        function.get("parameters"),
        strict=function.get("strict"),
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
        ConfigurationError: it names a tool that is not among ``tools``.
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
    """
    if isinstance(schema, Mapping) and schema.get("type") in {"json_schema", "json_object", "text"}:
        return dict(schema)
    if isinstance(schema, Mapping) and {"name", "schema"} <= schema.keys():  # as OpenAI nests it
        held = {} if strict is None else {"strict": strict}
        return {"type": "json_schema", "json_schema": {**schema, **held}}
    json_schema = _json_schema(schema, strict)
    name = str(json_schema.get("title") or "answer")
    built = messages.json_schema_format(name, json_schema)
    if strict is not None:
        built["json_schema"] |= {"strict": strict, "schema": json_schema}
    return built


def _json_schema(schema: Any, strict: bool | None) -> dict[str, Any]:
    """Return a JSON schema whole; LangChain keeps but the title of one without properties."""
    functions = {"properties", "parameters", "input_schema"}
    if isinstance(schema, Mapping) and "title" in schema and not functions & schema.keys():
        return dict(schema)
    return convert_to_json_schema(schema, strict=strict)
