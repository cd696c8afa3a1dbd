"""LangChain's messages, tools and options as NanoGPT accepts them: pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import isfunction, ismethod
from typing import Any, Literal

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolMessage,
)
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from langchain_nanogpt._content_blocks import PROVIDER, assistant_parts, calls_within, input_parts
from langchain_nanogpt._stream_state import without_invalid_ending
from nanogpt_client import InvalidArgumentError
from nanogpt_client import messages as wire
from nanogpt_client._adapters.conversation import conversation_for
from nanogpt_client._adapters.history import Kept, Recipient, fields_of
from nanogpt_client._adapters.migration import own_options
from nanogpt_client._adapters.tool_history import PROBLEM
from nanogpt_client.types.json_schemas import class_schema, json_schema_format

__all__ = [
    "Method",
    "function_of",
    "json_schema_of",
    "messages_to_wire",
    "options_to_wire",
    "response_format_to_wire",
    "split_web_search",
    "tool_choice_to_wire",
    "tools_to_wire",
]

Method = Literal["function_calling", "json_schema", "json_mode"]
"""How to ask for structured output."""

_FRAMEWORK_OPTIONS = frozenset({"stream", "strict"})


_ANY_MODEL = Recipient()


def messages_to_wire(
    messages: Sequence[BaseMessage], to: Recipient = _ANY_MODEL
) -> list[dict[str, Any]]:
    """Return a conversation as it is sent to the model ``to``.

    Content of tools, models and earlier turns that cannot be sent is replaced by a text.

    Raises:
        InvalidArgumentError: the instructions or the user's last message have content that cannot
            be sent.
    """
    requests = (m for m in reversed(messages) if isinstance(m, HumanMessage | ChatMessage))
    current = next(requests, None)
    built = [
        entry for each in messages for entry in _message(each, to, is_past=each is not current)
    ]
    return conversation_for(to, built)


def _message(message: BaseMessage, to: Recipient, *, is_past: bool) -> Iterator[dict[str, Any]]:
    match message:
        case AIMessage():
            yield _assistant(message, to)
        case HumanMessage():
            yield from _human(message, to, is_past=is_past)
        case ToolMessage():
            content = input_parts(message.content, "tool", is_past=True)
            extra = _further_fields(message, to)
            yield wire.tool_message(content, message.tool_call_id, name=message.name, extra=extra)
        case SystemMessage() | FunctionMessage() | ChatMessage():
            role = _role(message)
            parts = input_parts(
                message.content, role, is_past=is_past and role not in _INSTRUCTION_ROLES
            )
            extra = _further_fields(message, to)
            yield wire.message(role, parts, name=message.name, extra=extra)
        case _:
            msg = f"a {type(message).__name__} cannot be sent to a model"
            raise InvalidArgumentError(msg, param="messages")


_INSTRUCTION_ROLES = {"system", "developer"}


def _role(message: SystemMessage | FunctionMessage | ChatMessage) -> str:
    match message:
        case ChatMessage():
            return message.role
        case FunctionMessage():
            return "function"
    return str(message.additional_kwargs.get("__openai_role__", "system"))


def _further_fields(message: BaseMessage, to: Recipient) -> dict[str, Any]:
    """Return the fields that the user added to a message."""
    extra = message.additional_kwargs
    return {**fields_of(extra), **to.kept(extra).fields} if extra else {}


def _human(message: HumanMessage, to: Recipient, *, is_past: bool) -> Iterator[dict[str, Any]]:
    """Yield a user's message; results of tools inside it (Anthropic's form) become their own."""
    content = message.content
    if isinstance(content, list):
        results = [b for b in content if isinstance(b, dict) and b.get("type") == "tool_result"]
        for result in results:
            parts = input_parts(result.get("content") or "", "tool", is_past=True)
            yield wire.tool_message(parts, result["tool_use_id"])
        content = [block for block in content if block not in results]
        if results and not content:
            return
    parts = input_parts(content, "user", is_past=is_past)
    yield wire.message("user", parts, name=message.name, extra=_further_fields(message, to))


def _assistant(message: AIMessage, to: Recipient) -> dict[str, Any]:
    kept = to.kept(message.additional_kwargs)
    calls = [
        wire.tool_call(
            call["id"] or "",
            call["name"],
            call["args"],
            extra=kept.tool_calls.get(call["id"] or ""),
        )
        for call in message.tool_calls
    ]
    calls += [_invalid_call(call, kept) for call in message.invalid_tool_calls]
    calls = calls or [
        wire.tool_call(call_id or "", name, args or {})
        for call_id, name, args in calls_within(message.content)
    ]
    content = assistant_parts(message.content, message.additional_kwargs.get("images") or ())
    wanted = to.wants_reasoning(beside_calls=bool(calls))
    built = wire.assistant_message(
        content or _fallback_text(message.additional_kwargs),
        tool_calls=calls,
        reasoning=_own_reasoning(message) if wanted else None,
        name=message.name,
        extra=kept.fields,
    )
    # The deprecated function call, whose result is a function message.
    legacy = None if calls else message.additional_kwargs.get("function_call")
    return built | {"function_call": legacy} if legacy else built


def _fallback_text(extra: Mapping[str, Any]) -> str:
    """Return the text of a response without content: its refusal, or its audio's transcript."""
    audio = extra.get("audio")
    transcript = audio.get("transcript") if isinstance(audio, Mapping) else None
    return str(extra.get("refusal") or transcript or "")


def _invalid_call(call: InvalidToolCall, kept: Kept) -> dict[str, Any]:
    """Return a call that was not run, with the reason, which becomes its result."""
    call_id = call["id"] or ""
    arguments = without_invalid_ending(call["args"])
    extra = kept.tool_calls.get(call_id)
    built = wire.tool_call(call_id, call["name"] or "", arguments, extra=extra)
    return built | {PROBLEM: f"The call is invalid: {call.get('error') or 'it cannot be read'}."}


def _own_reasoning(message: AIMessage) -> str | None:
    """Return the reasoning of a message, which some models need to go on.

    Only reasoning that came from NanoGPT: other providers sign theirs, and refuse foreign ones.
    """
    if message.response_metadata.get("model_provider") != PROVIDER:
        return None
    if reasoning := message.additional_kwargs.get("reasoning_content"):
        return str(reasoning)
    blocks = message.content if isinstance(message.content, list) else ()
    texts = [b.get("reasoning") for b in blocks if isinstance(b, dict)]
    return "".join(filter(None, texts)) or None


def options_to_wire(
    defaults: Mapping[str, Any], given: Mapping[str, Any], stop: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return the core's options: the constructor's, overridden by those of the call.

    ``extra_body`` is merged key by key. Other integrations' names of options are accepted.

    Raises:
        InvalidArgumentError: an option was given under two names.
    """
    given = own_options(given)
    options = {**defaults, **{k: v for k, v in given.items() if k not in _FRAMEWORK_OPTIONS}}
    if given.get("extra_body") and defaults.get("extra_body"):
        options["extra_body"] = defaults["extra_body"] | given["extra_body"]
    if stop:
        options["stop"] = stop
    if tools := options.get("tools"):
        options["tools"] = tools_to_wire(tools)
        options["tool_choice"] = tool_choice_to_wire(options.get("tool_choice"), options["tools"])
    if (response_format := options.get("response_format")) is not None:
        options["response_format"] = response_format_to_wire(response_format)
    return options


def tools_to_wire(tools: Sequence[Any], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """Return function tools; function tools and unknown kinds stay as they are.

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
    return wire.function_tool(
        function["name"],
        function.get("description"),
        function.get("parameters"),
        strict=function.get("strict") if strict is None else strict,
    )


def function_of(tool: Any) -> dict[str, Any] | None:
    """Return name, description and parameters of any tool that LangChain accepts.

    Like LangChain's own conversion, but with the schema's references, which LangChain inlines; it
    drops those of a recursive class. ``None`` means a provider's own kind of tool.
    """
    if isinstance(tool, Mapping) and tool.get("type") == "function":
        converted: Mapping[str, Any] = tool
    elif (described := _described(tool)) is not None:
        cls, fields = described
        title, description, schema = class_schema(cls)
        schema_fields = {"name": title, "description": description, "parameters": schema}
        return schema_fields | {key: value for key, value in fields.items() if value}
    else:
        converted = _converted(tool)
    function = converted.get("function")
    return dict(function) if isinstance(function, Mapping) else None


def _converted(tool: Any) -> dict[str, Any]:
    try:
        return dict(convert_to_openai_tool(tool))
    except (RecursionError, TypeError, ValueError) as error:  # NotRequired, unions, list[…]
        why = "it is recursive" if isinstance(error, RecursionError) else error
        msg = f"LangChain cannot describe {tool!r} to a model: {why}; use a pydantic class"
        raise InvalidArgumentError(msg, param="schema") from error


def _described(tool: Any) -> tuple[type[BaseModel], dict[str, str]] | None:
    """Return the class of a tool's arguments, and the tool's own name and description."""
    cls, fields = tool, {}
    if isfunction(tool) or ismethod(tool):
        cls, fields = _arguments_of(tool), {"name": tool.__name__}
    elif not isinstance(tool, type | Mapping):
        from langchain_core.tools import BaseTool, Tool  # noqa: PLC0415 - only if there is one

        # LangChain's `Tool` has one text argument, and by default no class for it.
        if isinstance(tool, BaseTool) and (not isinstance(tool, Tool) or tool.args_schema):
            fields = {"name": tool.name, "description": tool.description}
            cls = tool.tool_call_schema
    return (cls, fields) if isinstance(cls, type) and issubclass(cls, BaseModel) else None


def _arguments_of(function: Callable[..., Any]) -> Any:
    """Return a class of a function's arguments, with the descriptions of its docstring."""
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
    """Remove built-in web search tools of any provider; return their settings, or ``None``.

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
    """Return a tool choice for the wire: from a mode, a tool's name, a bool or a provider's dict.

    Raises:
        InvalidArgumentError: the named tool is not among ``tools``.
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
    return wire.tool_choice(choice, tools)


def response_format_to_wire(schema: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Return the ``response_format`` for a class or a JSON schema; a complete one stays as it is.

    By default it is strict where the schema allows that.

    Raises:
        InvalidArgumentError: ``strict`` is on, and strict mode cannot express the schema.
    """
    if isinstance(schema, Mapping) and schema.get("type") in _READY_FORMATS:
        return dict(schema)
    if isinstance(schema, Mapping) and {"name", "schema"} <= schema.keys():  # as OpenAI nests it
        if strict is None:
            return {"type": "json_schema", "json_schema": dict(schema)}
        built = json_schema_format(schema["name"], schema["schema"], strict=strict)
        return built | {"json_schema": {**schema, **built["json_schema"]}}
    json_schema = json_schema_of(schema)
    return json_schema_format(str(json_schema.get("title") or ""), json_schema, strict=strict)


_READY_FORMATS = ("json_schema", "json_object", "text")


_FUNCTION_KEYS = frozenset({"name", "function", "input_schema", "toolSpec"})  # of all providers


def json_schema_of(schema: Any) -> dict[str, Any]:
    """Return the JSON schema of a class, a function, or anything that LangChain accepts as one."""
    if isinstance(schema, Mapping):
        nested = schema.get("json_schema")
        nested = (nested if isinstance(nested, Mapping) else schema).get("schema")
        if isinstance(nested, Mapping):
            return dict(nested)
        if not schema.keys() & _FUNCTION_KEYS:
            return {} if schema.get("type") in _READY_FORMATS else dict(schema)
    function = function_of(schema) or {}
    head: dict[str, Any] = {"title": function.get("name")}
    if "description" in function:
        head["description"] = function["description"]
    return {**head, **function.get("parameters", {})}
