"""Structured answers: which request asks for them, and who parses them.

One request, one bill: a broken answer is an error (or ``parsing_error``), never a second try.
"""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any, Literal, get_args

from langchain_core import exceptions
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.base import BaseGenerationOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.json import parse_json_markdown
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from langchain_nanogpt._tools import response_format_to_wire
from nanogpt_client import ConfigurationError

__all__ = ["Method", "binding", "output_parser", "parsed_beside_raw", "suited_method"]

Method = Literal["function_calling", "json_schema", "json_mode"]


def suited_method(method: Method, schema: Any) -> Method:
    """Return the method to use: classes of pydantic v1 have no JSON schema to send.

    Raises:
        ConfigurationError: there is no such method.
    """
    if method not in get_args(Method):
        msg = f"method={method!r}: known are {', '.join(get_args(Method))}"
        raise ConfigurationError(msg, param="method")
    old = isinstance(schema, type) and is_basemodel_subclass(schema)
    old = old and not issubclass(schema, BaseModel)
    return "function_calling" if old and method == "json_schema" else method


def binding(schema: Any, method: Method, strict: bool | None) -> dict[str, Any]:
    """Return the words that ask for a structured answer, for `ChatNanoGPT.bind_tools`.

    Raises:
        ConfigurationError: a function is to be called whose arguments the schema does not describe.
    """
    traced = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
    words: dict[str, Any] = {"tools": [], "ls_structured_output_format": traced}
    if method == "function_calling":
        words |= {"tools": [schema], "tool_choice": _tool_name(schema), "strict": strict}
    elif method == "json_schema":
        words["response_format"] = response_format_to_wire(schema, strict=strict)
    else:
        words["response_format"] = {"type": "json_object"}
    return words


def output_parser(schema: Any, method: Method) -> Runnable[AIMessage, Any]:
    """Return what makes an object (for a pydantic class) or a dict of the answer."""
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    if method == "function_calling":
        if is_class:
            return _ToolToObject(tools=[schema], first_tool_only=True)
        return _ToolToDict(key_name=_tool_name(schema), first_tool_only=True)
    return _TextToObject(pydantic_object=schema) if is_class else _TextToDict()


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


def _tool_name(schema: Any) -> str:
    function = convert_to_openai_tool(schema)["function"]
    if "parameters" not in function:  # an array, say: the model would be told of no schema at all
        msg = "a function's arguments are an object with properties; use method='json_schema'"
        raise ConfigurationError(msg, param="schema")
    name: str = function["name"]
    return name


class _Checked(BaseGenerationOutputParser[Any]):
    """Parsers that say why there is nothing to parse, where LangChain's own return ``None``.

    LangChain's also mend what was cut off, which helps while an answer streams; once it has ended,
    half an answer must not pass for a whole one.
    """

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer, or what has come of it.

        Raises:
            OutputParserException: the model refused, answered in prose, or was cut off.
        """
        message = _message(result)
        ended = not partial or _finish_reason(message) is not None
        if ended:
            _raise_if_refused(message)
        parsed = super().parse_result(result, partial=not ended)  # type: ignore[safe-super]
        if ended and (parsed is None or not self._is_whole(result[0].text)):
            raise OutputParserException(_why_nothing(result), llm_output=result[0].text)
        return parsed

    def _is_whole(self, text: str) -> bool:  # noqa: ARG002 - a hook
        """Whether nothing had to be mended."""
        return True


class _CheckedText(_Checked):
    """Parsers of JSON in an answer's text."""

    def _is_whole(self, text: str) -> bool:
        try:
            parse_json_markdown(text, parser=_json)
        except ValueError:
            return False
        return True


def _json(text: str) -> Any:
    return json.loads(text, strict=False)


class _ToolToObject(_Checked, PydanticToolsParser):
    """A tool call as an object."""


class _ToolToDict(_Checked, JsonOutputKeyToolsParser):
    """A tool call as a dict."""


class _TextToObject(_CheckedText, PydanticOutputParser[Any]):
    """JSON text as an object."""


class _TextToDict(_CheckedText, JsonOutputParser):
    """JSON text as a dict."""


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


def _why_nothing(result: list[Generation]) -> str:
    message = _message(result)
    if message is not None and message.invalid_tool_calls:
        reason = "the arguments of its tool call are no valid JSON object"
    elif result[0].text.lstrip().startswith(("{", "[", "`")):
        reason = "its JSON is not whole"
    else:
        reason = "it called no tool" if not result[0].text else "it answered in prose"
    if _finish_reason(message) == "length":
        reason += ", because max_tokens cut it off"
    return f"the model gave no structured answer: {reason}"
