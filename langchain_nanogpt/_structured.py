"""Structured answers: which request asks for them, and who parses them.

One request, one bill: a broken answer is an error (or ``parsing_error``), never a second try.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any, Literal, get_args

from langchain_core import exceptions
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import BaseCumulativeTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from langchain_nanogpt._tools import function_of, json_schema_of, response_format_to_wire
from nanogpt_client import InvalidArgumentError, messages
from nanogpt_client._adapters.json_in_text import NoObjectError, find_object, partial_object
from nanogpt_client._adapters.schema_check import fits
from nanogpt_client.types.json_schemas import allowed_name, tool_parameters

__all__ = [
    "AnswerParser",
    "Method",
    "binding",
    "output_parser",
    "parsed_beside_raw",
    "suited_method",
]

Method = Literal["function_calling", "json_schema", "json_mode"]


def suited_method(method: Method, schema: Any) -> Method:
    """Return the method to use: classes of pydantic v1 have no JSON schema to send.

    Raises:
        InvalidArgumentError: there is no such method.
    """
    if method not in get_args(Method):
        msg = f"method={method!r}: known are {', '.join(get_args(Method))}"
        raise InvalidArgumentError(msg, param="method")
    old = isinstance(schema, type) and is_basemodel_subclass(schema)
    old = old and not issubclass(schema, BaseModel)
    return "function_calling" if old and method == "json_schema" else method


def binding(schema: Any, method: Method, strict: bool | None) -> dict[str, Any]:
    """Return the words that ask for a structured answer, for `ChatNanoGPT.bind_tools`.

    Raises:
        InvalidArgumentError: the schema does not describe the arguments of the function to call, or
            ``strict`` is on and strict mode cannot express the schema.
    """
    traced = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
    words: dict[str, Any] = {"tools": [], "ls_structured_output_format": traced}
    if method == "function_calling":
        tool = _tool(schema, strict)
        words |= {"tools": [tool], "tool_choice": tool["function"]["name"]}
    elif method == "json_schema":
        words["response_format"] = response_format_to_wire(schema, strict=strict)
    else:
        words["response_format"] = {"type": "json_object"}
    return words


def output_parser(schema: Any, method: Method) -> Runnable[AIMessage, Any]:
    """Return what makes an object (for a pydantic class) or a dict of the answer."""
    expected = {} if schema is None else json_schema_of(schema)
    if method == "function_calling":
        name = _tool(schema, None)["function"]["name"]
    else:
        name = allowed_name(str(expected.get("title") or ""))
    if isinstance(schema, type) and is_basemodel_subclass(schema):
        return AnswerParser(make=partial(_object, schema), made=schema, tool=name)
    if not isinstance(schema, dict):
        expected = _with_nulls(expected)
    return AnswerParser(make=partial(_container, expected), made=dict, tool=name)


def parsed_beside_raw(
    llm: Runnable[LanguageModelInput, AIMessage], parser: Runnable[AIMessage, Any]
) -> Runnable[LanguageModelInput, Any]:
    """Return a chain that gives ``raw``, ``parsed`` and ``parsing_error`` and does not raise."""
    parse = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    give_up = RunnablePassthrough.assign(parsed=lambda _: None)
    whole = parse.with_fallbacks([give_up], exception_key="parsing_error")
    # As a stream it would give up for good after its first piece, and errors come with the last.
    return RunnableMap(raw=llm) | RunnableLambda(whole.invoke, whole.ainvoke)


def _tool(schema: Any, strict: bool | None) -> dict[str, Any]:
    """Return the function to call, whose name is ours: it may be of a class such as ``Page[int]``.

    Raises:
        InvalidArgumentError: its arguments are no object, or cannot be strict.
    """
    function = function_of(schema) or {}
    parameters = tool_parameters(function.get("parameters"))
    if (
        "parameters" not in function or parameters.get("type") != "object"
    ):  # an array, say: the model would be told of no schema at all
        msg = "a function's arguments are an object with properties; use method='json_schema'"
        raise InvalidArgumentError(msg, param="schema")
    return messages.function_tool(
        allowed_name(function["name"]),
        function.get("description"),
        parameters,
        strict=function.get("strict") if strict is None else strict,
    )


def _object(cls: Any, value: Any) -> Any:
    """Return an object of a class of pydantic, v2 or v1."""
    return cls.model_validate(value) if issubclass(cls, BaseModel) else cls.parse_obj(value)


def _container(schema: dict[str, Any], value: Any) -> Any:
    """Return a value that fits a JSON schema."""
    if not schema and not isinstance(value, dict | list):
        raise ValueError("it is neither an object nor a list")
    if not fits(value, schema):
        raise ValueError("it is not what the schema asks for")
    return value


def _with_nulls(schema: Any) -> Any:
    """Return the schema of a TypedDict with the nulls that LangChain leaves out of it."""
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


class AnswerParser(BaseCumulativeTransformOutputParser[Any]):
    """Makes of an answer what was asked for, or says why there is nothing to make it of.

    The answer may be a tool call or text, whichever was asked for, so that a model that answers in
    the other way costs no second call. While it streams, what has come is shown as far as it fits;
    once it has ended, half an answer must not pass for a whole one.

    Attributes:
        make: makes it of a JSON value; raises a `ValueError` for one that does not fit.
        made: the class of what it makes.
        tool: the name of the tool to call, or of the schema; calls of other tools are no answer.
    """

    make: Callable[[Any], Any]
    made: Any
    tool: str

    @property
    def OutputType(self) -> Any:  # noqa: N802 - LangChain's name
        """The class of what it makes."""
        return self.made

    @property
    def _type(self) -> str:
        return "nanogpt-answer"

    def parse(self, text: str) -> Any:
        """Parse the text of a whole answer."""
        return self.parse_result([Generation(text=text)])

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer, or what has come of it.

        Raises:
            OutputParserException: the model refused, answered in prose, was cut off, or gave
                several objects; ``llm_output`` is what it said.
        """
        message = _message(result)
        text = result[0].text if message is None else str(message.text)
        if partial and _finish_reason(message) is None:
            return self._so_far(message, text)
        _raise_if_refused(message)
        said, reason = self._said(message), _finish_reason(message)
        if said is None:
            said = text
        elif isinstance(said, dict):
            said, reason = json.dumps(said), None  # whole, wherever the answer ended
        try:
            return find_object(said, self.make, finish_reason=reason)
        except NoObjectError as error:
            msg = f"the model gave no structured answer: {_why(error, message)}"
            raise OutputParserException(msg, llm_output=error.text) from error

    def _so_far(self, message: AIMessage | None, text: str) -> Any:
        said = self._said(message)
        value = said if isinstance(said, dict) else partial_object(said or text)
        try:
            return None if value is None else self.make(value)
        except ValueError:
            return value if self.made is dict and isinstance(value, dict) else None

    def _said(self, message: AIMessage | None) -> dict[str, Any] | str | None:
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
        refusal = refusal or "a content filter stopped the answer"
    if not refusal:
        return
    known = getattr(exceptions, "ModelRefusalError", None)  # since langchain-core 1.7.5
    if known is not None:
        raise known(refusal, raw_message=message)
    raise OutputParserException(f"the model refused: {refusal}", llm_output=refusal)


def _why(error: NoObjectError, message: AIMessage | None) -> str:
    if message is not None and message.invalid_tool_calls:
        cut = ", because max_tokens cut it off" if _finish_reason(message) == "length" else ""
        return f"the arguments of its tool call are no valid JSON object{cut}"
    if not error.text.strip():
        return "it called no tool" if error.reason == "none" else f"it is empty: {error}"
    return f"{error}; it said: {error.text[:200]!r}"
