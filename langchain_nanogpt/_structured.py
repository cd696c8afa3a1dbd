"""Structured output: the options that request it, and the parsers of the response.

One request, one bill: an invalid response is an error (or ``parsing_error``), never a second try.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any, get_args

from langchain_core import exceptions
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import BaseCumulativeTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from langchain_nanogpt._to_wire import (
    Method,
    function_of,
    json_schema_of,
    response_format_to_wire,
)
from nanogpt_client import InvalidArgumentError, messages
from nanogpt_client._adapters.json_in_text import NoObjectError, find_object, partial_object
from nanogpt_client._adapters.schema_check import fits
from nanogpt_client.types.json_schemas import allowed_name, tool_parameters

__all__ = [
    "StructuredOutputParser",
    "bind_options",
    "output_parser",
    "supported_method",
    "with_raw",
]


def supported_method(method: Method, schema: Any) -> Method:
    """Return the method to use: pydantic v1 classes are sent as functions, not as JSON schemas.

    Raises:
        InvalidArgumentError: the method is unknown.
    """
    if method not in get_args(Method):
        msg = f"method={method!r} is unknown; use one of {', '.join(get_args(Method))}"
        raise InvalidArgumentError(msg, param="method")
    old = isinstance(schema, type) and is_basemodel_subclass(schema)
    old = old and not issubclass(schema, BaseModel)
    return "function_calling" if old and method == "json_schema" else method


def bind_options(schema: Any, method: Method, strict: bool | None) -> dict[str, Any]:
    """Return the arguments of `ChatNanoGPT.bind_tools` that request structured output.

    Raises:
        InvalidArgumentError: the schema of a function does not describe an object, or ``strict`` is
            on and strict mode cannot express the schema.
    """
    traced = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
    options: dict[str, Any] = {"tools": [], "ls_structured_output_format": traced}
    if method == "function_calling":
        tool = _tool(schema, strict)
        options |= {"tools": [tool], "tool_choice": tool["function"]["name"]}
    elif method == "json_schema":
        options["response_format"] = response_format_to_wire(schema, strict=strict)
    else:
        options["response_format"] = {"type": "json_object"}
    return options


def output_parser(schema: Any, method: Method) -> Runnable[AIMessage, Any]:
    """Return a parser of the response: to an object (of a pydantic class) or a dict."""
    expected = {} if schema is None else json_schema_of(schema)
    if method == "function_calling":
        name = _tool(schema, None)["function"]["name"]
    else:
        name = allowed_name(str(expected.get("title") or ""))
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return StructuredOutputParser(make=partial(_build_object, schema), made=schema, tool=name)
    if not isinstance(schema, dict):
        expected = _with_nulls(expected)
    return StructuredOutputParser(make=partial(_check_value, expected), made=dict, tool=name)


def with_raw(
    llm: Runnable[LanguageModelInput, AIMessage], parser: Runnable[AIMessage, Any]
) -> Runnable[LanguageModelInput, Any]:
    """Return a chain that returns ``raw``, ``parsed`` and ``parsing_error`` and does not raise."""
    parse = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    give_up = RunnablePassthrough.assign(parsed=lambda _: None)
    whole = parse.with_fallbacks([give_up], exception_key="parsing_error")
    # Not streamed: a fallback decides by the first chunk, and errors come with the last.
    return RunnableMap(raw=llm) | RunnableLambda(whole.invoke, whole.ainvoke)


def _tool(schema: Any, strict: bool | None) -> dict[str, Any]:
    """Return the function to call, with an allowed name: a class may be called ``Page[int]``.

    Raises:
        InvalidArgumentError: its arguments are not an object, or cannot be strict.
    """
    function = function_of(schema) or {}
    parameters = tool_parameters(function.get("parameters"))
    if (
        "parameters" not in function or parameters.get("type") != "object"
    ):  # e.g. an array: the model would get no schema at all
        msg = "a function's arguments are an object with properties; use method='json_schema'"
        raise InvalidArgumentError(msg, param="schema")
    return messages.function_tool(
        allowed_name(function["name"]),
        function.get("description"),
        parameters,
        strict=function.get("strict") if strict is None else strict,
    )


def _build_object(cls: Any, value: Any) -> Any:
    """Return an object of a class of pydantic, v2 or v1."""
    return cls.model_validate(value) if issubclass(cls, BaseModel) else cls.parse_obj(value)


def _check_value(schema: dict[str, Any], value: Any) -> Any:
    """Return a value that fits a JSON schema, unchanged."""
    if not schema and not isinstance(value, dict | list):
        raise ValueError("it is neither an object nor a list")
    if not fits(value, schema):
        raise ValueError("it is not what the schema asks for")
    return value


def _with_nulls(schema: Any) -> Any:
    """Return the schema of a TypedDict with the nulls that LangChain omits."""
    if isinstance(schema, list):
        return [_with_nulls(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {
            name: {"anyOf": [_with_nulls(each), {"type": "null"}]} for name, each in value.items()
        }
        if key == "properties"
        else _with_nulls(value)
        for key, value in schema.items()
    }


class StructuredOutputParser(BaseCumulativeTransformOutputParser[Any]):
    """Parses a response into the requested type, or says why it cannot.

    Reads tool calls and text, whichever was requested, so that a model that responds in the other
    way costs no second call. During a stream it returns what has arrived as far as that fits; at
    the end, half a response is an error.

    Attributes:
        make: builds the object from a JSON value; raises `ValueError` for one that does not fit.
        made: the class of the object.
        tool: the name of the tool to call, or of the schema; calls of other tools are ignored.
    """

    make: Callable[[Any], Any]
    made: Any
    tool: str

    @property
    def OutputType(self) -> Any:  # noqa: N802 - LangChain's name
        """The class of the parsed object."""
        return self.made

    @property
    def _type(self) -> str:
        return "nanogpt-structured-output"

    def parse(self, text: str) -> Any:
        """Parse the text of a whole response."""
        return self.parse_result([Generation(text=text)])

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse a response, or the part that has arrived.

        Raises:
            OutputParserException: the model refused, responded in prose, was cut off, or returned
                several objects; ``llm_output`` is its response.
        """
        message = _message(result)
        text = result[0].text if message is None else str(message.text)
        if partial and _finish_reason(message) is None:
            return self._partial(message, text)
        _raise_if_refused(message)
        found, reason = self._tool_arguments(message), _finish_reason(message)
        if found is None:
            found = text
        elif isinstance(found, dict):
            found, reason = json.dumps(found), None  # complete, whatever the finish reason
        try:
            return find_object(found, self.make, finish_reason=reason)
        except NoObjectError as error:
            msg = f"the model returned no structured output: {_describe(error, message)}"
            raise OutputParserException(msg, llm_output=error.text) from error

    def _partial(self, message: AIMessage | None, text: str) -> Any:
        found = self._tool_arguments(message)
        value = found if isinstance(found, dict) else partial_object(found or text)
        try:
            return None if value is None else self.make(value)
        except ValueError:
            return value if self.made is dict and isinstance(value, dict) else None

    def _tool_arguments(self, message: AIMessage | None) -> dict[str, Any] | str | None:
        """Return the arguments of the tool call, as text if they are not valid; else ``None``."""
        if message is None:
            return None
        for call in message.tool_calls:
            if call["name"] == self.tool:
                return call["args"]
        for broken in message.invalid_tool_calls:
            if broken["name"] == self.tool:
                return broken["args"] or ""
        return None


def _message(result: list[Generation]) -> AIMessage | None:
    generation = result[0]
    message = generation.message if isinstance(generation, ChatGeneration) else None
    return message if isinstance(message, AIMessage) else None


def _finish_reason(message: AIMessage | None) -> str | None:
    return None if message is None else message.response_metadata.get("finish_reason")


def _raise_if_refused(message: AIMessage | None) -> None:
    refusal = message.additional_kwargs.get("refusal") if message is not None else None
    if _finish_reason(message) == "content_filter":
        refusal = refusal or "a content filter stopped the response"
    if not refusal:
        return
    refusal_error = getattr(exceptions, "ModelRefusalError", None)  # since langchain-core 1.7.5
    if refusal_error is not None:
        raise refusal_error(refusal, raw_message=message)
    raise OutputParserException(f"the model refused: {refusal}", llm_output=refusal)


def _describe(error: NoObjectError, message: AIMessage | None) -> str:
    if message is not None and message.invalid_tool_calls:
        cut = ", because max_tokens cut it off" if _finish_reason(message) == "length" else ""
        return f"the arguments of its tool call are not a valid JSON object{cut}"
    if not error.text.strip():
        return "it called no tool" if error.reason == "none" else f"it is empty: {error}"
    return f"{error}; it returned: {error.text[:200]!r}"
