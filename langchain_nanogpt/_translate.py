"""LangChain's messages and options to the wire, NanoGPT's answers back: pure functions.

`completion_from_wire` reads whole answers, `chunk_from_wire` pieces of a stream. LangChain adds
chunks up by rules of its own (texts are joined, numbers added), so whatever must arrive once, such
as cost, citations and finish reason, is on the last chunk alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import (
    ToolCall,
    ToolCallChunk,
    invalid_tool_call,
    tool_call,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

import nanogpt_client as core
from langchain_nanogpt._content import assistant_parts, calls_within, input_parts
from langchain_nanogpt._content_blocks import PROVIDER
from langchain_nanogpt._invalid_calls import unspoiled
from langchain_nanogpt._metadata import (
    billing_metadata,
    citation_block,
    image_block,
    model_metadata,
)
from langchain_nanogpt._stream_state import StreamState
from langchain_nanogpt._tools import response_format_to_wire, tool_choice_to_wire, tools_to_wire
from nanogpt_client import messages as wire
from nanogpt_client._adapters.fast_model import Prototype
from nanogpt_client._adapters.history import Kept, Recipient, fields_of, keep
from nanogpt_client._adapters.tool_history import PROBLEM, sendable

__all__ = [
    "chunk_from_wire",
    "completion_from_wire",
    "messages_to_wire",
    "options_to_wire",
    "usage_from_wire",
]

_FRAMEWORK_WORDS = frozenset({"stream", "strict"})


_ANY_MODEL = Recipient()


def messages_to_wire(
    messages: Sequence[BaseMessage], to: Recipient = _ANY_MODEL
) -> list[dict[str, Any]]:
    """Return a conversation as it is sent to a model.

    Of what tools, models and earlier turns left in it, what cannot be sent is replaced by a text.

    Raises:
        InvalidArgumentError: the instructions, or the user's last message, hold something that no
            message on the wire can carry.
    """
    asking = (m for m in reversed(messages) if isinstance(m, HumanMessage | ChatMessage))
    asked = next(asking, None)
    built = [entry for each in messages for entry in _message(each, to, is_past=each is not asked)]
    return wire.media_behind_tools(sendable(built), to.takes)


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
            parts = input_parts(message.content, role, is_past=is_past and role not in _INSTRUCTING)
            extra = _further_fields(message, to)
            yield wire.message(role, parts, name=message.name, extra=extra)
        case _:
            msg = f"a {type(message).__name__} cannot be sent to a model"
            raise core.InvalidArgumentError(msg, param="messages")


_INSTRUCTING = {"system", "developer"}


def _role(message: SystemMessage | FunctionMessage | ChatMessage) -> str:
    match message:
        case ChatMessage():
            return message.role
        case FunctionMessage():
            return "function"
    return str(message.additional_kwargs.get("__openai_role__", "system"))


def _further_fields(message: BaseMessage, to: Recipient) -> dict[str, Any]:
    """Return the fields of a message that its writer gave it, beyond those that all have."""
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
        content or _otherwise_said(message.additional_kwargs),
        tool_calls=calls,
        reasoning=_own_reasoning(message) if wanted else None,
        name=message.name,
        extra=kept.fields,
    )
    # Calls of the kind before tools, which a function message answers.
    older = None if calls else message.additional_kwargs.get("function_call")
    return built | {"function_call": older} if older else built


def _otherwise_said(extra: Mapping[str, Any]) -> str:
    """Return the words of an answer without text: of a refusal, or of what it spoke."""
    audio = extra.get("audio")
    spoken = audio.get("transcript") if isinstance(audio, Mapping) else None
    return str(extra.get("refusal") or spoken or "")


def _invalid_call(call: InvalidToolCall, kept: Kept) -> dict[str, Any]:
    """Return a call that no agent carried out, and why, for its result."""
    call_id = call["id"] or ""
    arguments = unspoiled(call["args"])
    extra = kept.tool_calls.get(call_id)
    built = wire.tool_call(call_id, call["name"] or "", arguments, extra=extra)
    return built | {PROBLEM: f"The call is invalid: {call.get('error') or 'it cannot be read'}."}


def _own_reasoning(message: AIMessage) -> str | None:
    """Return the thoughts of a message, which some models need to go on.

    Only thoughts that came from NanoGPT: other providers sign theirs, and refuse foreign ones.
    """
    if message.response_metadata.get("model_provider") != PROVIDER:
        return None
    if thoughts := message.additional_kwargs.get("reasoning_content"):
        return str(thoughts)
    blocks = message.content if isinstance(message.content, list) else ()
    thoughts = [b.get("reasoning") for b in blocks if isinstance(b, dict)]
    return "".join(filter(None, thoughts)) or None


def options_to_wire(
    defaults: Mapping[str, Any], given: Mapping[str, Any], stop: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return the core's options: the constructor's words, and over them those of the call.

    ``extra_body`` is merged key by key.
    """
    options = {**defaults, **{k: v for k, v in given.items() if k not in _FRAMEWORK_WORDS}}
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


def completion_from_wire(completion: core.ChatCompletion, model: str = "") -> ChatResult:
    """Return all answers of a model; usage and cost are on the first, because they are for all."""
    generations = []
    for at, choice in enumerate(completion.choices):
        metadata = _choice_metadata(completion, choice)
        message = _answer(choice.message, model or completion.model)
        message.response_metadata = metadata if at else metadata | _call_metadata(completion)
        message.usage_metadata = None if at else usage_from_wire(completion.usage)
        generations.append(ChatGeneration(message=message))
    output = {"model_provider": PROVIDER, "model_name": completion.model}
    return ChatResult(generations=generations, llm_output=output)


def _choice_metadata(completion: core.ChatCompletion, choice: core.Choice) -> dict[str, Any]:
    """Return what concerns one of the answers."""
    metadata = model_metadata(completion.id, completion.model, choice.finish_reason)
    return metadata | ({"logprobs": choice.logprobs} if choice.logprobs else {})


def _call_metadata(completion: core.ChatCompletion) -> dict[str, Any]:
    """Return what concerns the call, whose first answer alone has it."""
    metadata = billing_metadata(completion.billing, completion.usage, completion.raw)
    return metadata | ({"leaked_tool_markup": True} if completion.leaked_tool_markup else {})


def _beside_text(message: core.Message, model: str) -> dict[str, Any]:
    """Return what LangChain keeps beside the content, but thoughts and pictures."""
    extra: dict[str, Any] = {
        "annotations": [citation_block(citation) for citation in message.citations],
        "refusal": message.refusal,
        "audio": message.audio,
    }
    return {name: value for name, value in extra.items() if value} | keep(message, model)


def _answer(message: core.Message, model: str) -> AIMessage:
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in message.tool_calls:
        if (problem := call.problem) is None:
            calls.append(tool_call(name=call.name, args=call.parse(), id=call.id))
        else:
            invalid.append(
                invalid_tool_call(
                    name=call.name or None, args=call.arguments, id=call.id, error=problem
                )
            )
    extra = _beside_text(message, model)
    if message.reasoning:
        extra["reasoning_content"] = message.reasoning
    if message.images:
        extra["images"] = [image_block(url, at) for at, url in enumerate(message.images)]
    return AIMessage(
        content=message.text,
        additional_kwargs=extra,
        tool_calls=calls,
        invalid_tool_calls=invalid,
    )


def chunk_from_wire(
    chunk: core.ChatChunk, held: StreamState, whole: core.ChatCompletion | None = None
) -> ChatGenerationChunk:
    """Return a chunk of the (one) answer, the last one made of the ``whole`` answer.

    ``held`` is the stream's own, empty at its start.
    """
    extra: dict[str, Any] = {}
    calls: list[ToolCallChunk] = []
    if chunk.reasoning:
        extra["reasoning_content"] = chunk.reasoning
    if chunk.tool_calls:
        calls = [held.tool_call(delta) for delta in chunk.tool_calls]
    if chunk.images:
        extra["images"] = held.images(chunk.images)
    if whole is None:
        message = _piece(chunk.text, extra, calls)
    else:
        message = AIMessageChunk(
            content=chunk.text,
            additional_kwargs=extra | _beside_text(whole.message, held.model or whole.model),
            response_metadata=_choice_metadata(whole, whole.choices[0]) | _call_metadata(whole),
            tool_call_chunks=calls + held.endings(),
            usage_metadata=usage_from_wire(whole.usage),
        )
    return _CHUNK.copy_with(text=chunk.text, message=message)


_PIECE = Prototype(AIMessageChunk(
    content="", additional_kwargs={}, response_metadata={}, tool_call_chunks=[], usage_metadata=None
))  # fmt: skip
_CHUNK = Prototype(ChatGenerationChunk(message=AIMessageChunk(content="")))


def _piece(text: str, extra: dict[str, Any], calls: list[ToolCallChunk]) -> AIMessageChunk:
    """Return what `AIMessageChunk` would make of a piece, without its validation."""
    complete: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        args = call["args"] or ""
        if not args:
            complete.append(tool_call(name=call["name"] or "", args={}, id=call["id"]))
        elif not args.lstrip().startswith("{"):  # in the middle of its arguments
            invalid.append(
                invalid_tool_call(name=call["name"], args=args, id=call["id"], error=None)
            )
        else:  # at their beginning, which LangChain reads as far as it goes
            return AIMessageChunk(
                content=text,
                additional_kwargs=extra,
                response_metadata={"model_provider": PROVIDER},
                tool_call_chunks=calls,
                usage_metadata=None,
            )
    return _PIECE.copy_with(
        content=text,
        additional_kwargs=extra,
        response_metadata={"model_provider": PROVIDER},
        tool_calls=complete,
        invalid_tool_calls=invalid,
        tool_call_chunks=calls,
    )


def usage_from_wire(usage: core.Usage | None) -> UsageMetadata | None:
    """Return the tokens of a call; ``None`` if NanoGPT did not count them."""
    if usage is None or (usage.prompt_tokens is None and usage.completion_tokens is None):
        return None
    into, out = usage.prompt_tokens or 0, usage.completion_tokens or 0
    total = into + out if usage.total_tokens is None else usage.total_tokens
    metadata = UsageMetadata(input_tokens=into, output_tokens=out, total_tokens=total)
    read = InputTokenDetails()
    if usage.cache_read_tokens is not None:
        read["cache_read"] = usage.cache_read_tokens
    if usage.cache_creation_tokens is not None:
        read["cache_creation"] = usage.cache_creation_tokens
    if usage.prompt_audio_tokens is not None:
        read["audio"] = usage.prompt_audio_tokens
    written = OutputTokenDetails()
    if usage.reasoning_tokens is not None:
        written["reasoning"] = usage.reasoning_tokens
    if usage.completion_audio_tokens is not None:
        written["audio"] = usage.completion_audio_tokens
    if read:
        metadata["input_token_details"] = read
    if written:
        metadata["output_token_details"] = written
    return metadata
