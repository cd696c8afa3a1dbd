"""Chat: whole and streamed.

Both build the body in one place, so that they cannot differ. NanoGPT may answer a streaming request
with a whole response; `_chat_stream` then returns it as chunks.

Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

from nanogpt_client._protocol.accumulator import ChatAccumulator
from nanogpt_client._protocol.call import (
    Call,
    DecoderInUse,
    Reply,
    Request,
    RetrySafety,
    StreamCall,
)
from nanogpt_client._protocol.retry import RETRYABLE_STATUSES
from nanogpt_client.endpoints import _checks
from nanogpt_client.endpoints._chat_estimate import estimated_usd
from nanogpt_client.endpoints._chat_stream import ChatDecoder, check_answer
from nanogpt_client.endpoints._requests import post, read_object
from nanogpt_client.errors import InvalidArgumentError, NanoGPTError, error_from_reply
from nanogpt_client.model_id import ModelId
from nanogpt_client.types._coerce import as_count
from nanogpt_client.types.chat import ChatChunk, ChatCompletion, MessageDict
from nanogpt_client.types.json_schemas import sendable_format
from nanogpt_client.types.options import ChatOptions

PATH = "/chat/completions"

# Keys of the body that are no options: what instead says the same.
_ARGUMENTS = {
    "messages": "pass the messages",
    "model": "pass model=…",
    "stream": "call the method that streams, or the one that does not",
}


def chat(
    messages: str | Sequence[MessageDict], *, model: str, **options: Unpack[ChatOptions]
) -> Call[ChatCompletion]:
    """Request a whole response."""
    body = chat_body(messages, model, options)
    # Without this some routes omit the usage.
    body.setdefault("include_usage", True)
    request = _request(body, options)
    return Call(
        request, read_completion, "chat", model, RetrySafety.IF_REJECTED, billable=True,
        estimate=lambda: estimated_usd(body), refusal=_of_phases if body.get("advisor") else None,
    )  # fmt: skip


def _of_phases(reply: Reply) -> NanoGPTError:
    """Return the error of a chat with an advisor, which is several calls, one after another.

    Those before the one that failed are billed (page advisor), so NanoGPT's own failures, which
    cost nothing otherwise, may have cost something.
    """
    error = error_from_reply(reply)
    error.maybe_billed = reply.status_code in RETRYABLE_STATUSES
    return error


def stream_chat(
    messages: str | Sequence[MessageDict], *, model: str, **options: Unpack[ChatOptions]
) -> StreamCall[ChatChunk]:
    """Request a response as a stream of chunks."""
    body = chat_body(messages, model, options)
    body["stream"] = True
    body["stream_options"] = {"include_usage": True, **(body.get("stream_options") or {})}
    choices = as_count(body.get("n")) or 1
    return StreamCall(
        _request(body, options), lambda headers: ChatDecoder(headers, choices), "chat", model,
        estimate=lambda: estimated_usd(body),
    )  # fmt: skip


def validate_chat_options(model: str, options: Mapping[str, Any]) -> None:
    """Raise for options that no chat supports, before there are messages.

    Raises:
        InvalidArgumentError: an option is unknown, out of its bounds, or contradicts another one or
            the model's suffixes; or ``extra_body`` is not JSON, or has what an argument says.
    """
    _request(_options_body(model, options), options)


def _request(body: Mapping[str, Any], options: Mapping[str, Any]) -> Request:
    """Return the request of a body that has all options, ``extra_body`` among them."""
    return post(PATH, body, {**options, "extra_body": None}, root="chat")


def chat_body(
    messages: str | Sequence[MessageDict], model: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the checked JSON body, with our options in NanoGPT's form."""
    checked_messages = _checks.check_messages(messages)
    body = _options_body(model, options)
    return {"model": body.pop("model"), "messages": checked_messages} | body


def _options_body(model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body without its messages."""
    given = _checks.body_options(options, ChatOptions)
    search, memory = given.pop("web_search", None), given.pop("memory", None)
    if given.get("tools"):
        given["tools"] = _checks.check_tools(given["tools"])
    else:  # some routes refuse an empty list, or a choice without tools
        for option in ("tools", "tool_choice", "parallel_tool_calls"):
            given.pop(option, None)
    if given.get("response_format"):
        given["response_format"] = sendable_format(given["response_format"])
    model_id = _with_memory(ModelId.parse(_checks.check_model(model)), memory)
    model_id, body_search = _with_search(model_id, search)
    model_id.check_provider(_provider(given, options), caching=bool(given.get("caching")))
    return {"model": str(model_id), **given, **body_search, **_extra_body(options)}


def _extra_body(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``extra_body``; it may not say what an argument says, which prices and limits use."""
    extra: Mapping[str, Any] = options.get("extra_body") or {}
    for name, instead in _ARGUMENTS.items():
        if name in extra:
            msg = f"extra_body must not have {name!r}: {instead}"
            raise InvalidArgumentError(msg, param="extra_body")
    return extra


def _provider(given: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    headers = {name.lower(): value for name, value in (options.get("extra_headers") or {}).items()}
    return given.get("provider") or headers.get("x-provider")


def _with_memory(model: ModelId, memory: bool | int | None) -> ModelId:
    if memory is None:
        return model
    if memory is False:
        return model.without_memory()
    return model.with_memory(None if memory is True else memory)


def _with_search(model: ModelId, search: Any) -> tuple[ModelId, dict[str, Any]]:
    """Turn web search on by a suffix, or in the body if there are more options than a backend.

    A request may have both; then NanoGPT uses the body.
    """
    if search is None:
        return model, {}
    if search is False:
        return model.without_web_search(), {}
    if isinstance(search, Mapping):
        return model, {"webSearch": {"enabled": True, **search}}
    return model.with_web_search(None if search is True else search), {}


def read_completion(reply: Reply) -> ChatCompletion:
    """Read a whole response; a proxy may have answered with a stream, which is as good."""
    if reply.content_type == "text/event-stream":
        stream = DecoderInUse(ChatDecoder)
        decoder = stream(reply.headers)
        list(decoder.feed(reply.body))  # it is lazy
        decoder.eof()
        decoder.end()
        completion: ChatCompletion = stream.final()
        return completion
    return completion_of(read_object(reply), reply.headers)


def completion_of(body: dict[str, Any], headers: Mapping[str, str]) -> ChatCompletion:
    """Read the JSON of a whole response.

    Raises:
        NanoGPTError: it contains no answer.
    """
    partial = ChatAccumulator(headers)
    partial.add(body)
    completion = replace(partial.completion(), raw=body)
    check_answer(completion, body)
    return completion
