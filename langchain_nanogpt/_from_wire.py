"""NanoGPT's completions and chunks as LangChain's messages: pure functions.

LangChain adds chunks up by its own rules (texts are joined, numbers added, in some paths lists
replaced), so what must arrive once, such as cost, citations and finish reason, is on the last chunk
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    InvalidToolCall,
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
from langchain_nanogpt._content_blocks import PROVIDER
from langchain_nanogpt._stream_state import StreamState
from nanogpt_client._adapters.fast_model import Prototype
from nanogpt_client._adapters.history import keep
from nanogpt_client._adapters.moderation import moderation_metadata

__all__ = [
    "billing_metadata",
    "chunk_from_wire",
    "completion_from_wire",
    "usage_from_wire",
]


def completion_from_wire(completion: core.ChatCompletion, model: str = "") -> ChatResult:
    """Return all choices; usage and cost are on the first alone, because they are for all."""
    generations = []
    for at, choice in enumerate(completion.choices):
        metadata = _choice_metadata(completion, choice)
        message = _message(choice.message, model or completion.model)
        message.response_metadata = metadata if at else metadata | _call_metadata(completion)
        message.usage_metadata = None if at else usage_from_wire(completion.usage)
        generations.append(ChatGeneration(message=message))
    output = {"model_provider": PROVIDER, "model_name": completion.model}
    return ChatResult(generations=generations, llm_output=output)


def _choice_metadata(completion: core.ChatCompletion, choice: core.Choice) -> dict[str, Any]:
    """Return the metadata of one choice."""
    metadata = model_metadata(completion.id, completion.model, choice.finish_reason)
    return metadata | ({"logprobs": choice.logprobs} if choice.logprobs else {})


def _call_metadata(completion: core.ChatCompletion) -> dict[str, Any]:
    """Return the metadata of the call, for its first choice alone."""
    metadata = billing_metadata(completion.billing, completion.usage, completion.raw)
    return metadata | ({"leaked_tool_markup": True} if completion.leaked_tool_markup else {})


def _additional_kwargs(message: core.Message, model: str) -> dict[str, Any]:
    """Return the fields of a message without a place of their own, but reasoning and images."""
    extra: dict[str, Any] = {
        "annotations": [citation_block(citation) for citation in message.citations],
        "refusal": message.refusal,
        "audio": message.audio,
    }
    return {name: value for name, value in extra.items() if value} | keep(message, model)


def _message(message: core.Message, model: str) -> AIMessage:
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
    extra = _additional_kwargs(message, model)
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
    chunk: core.ChatChunk, state: StreamState, whole: core.ChatCompletion | None = None
) -> ChatGenerationChunk:
    """Return a chunk of a stream; the last one has the metadata of the ``whole`` completion.

    ``state`` is the stream's own; pass a new one for each stream.
    """
    extra: dict[str, Any] = {}
    calls: list[ToolCallChunk] = []
    if chunk.reasoning:
        extra["reasoning_content"] = chunk.reasoning
    if chunk.tool_calls:
        calls = [state.tool_call(delta) for delta in chunk.tool_calls]
    if chunk.images:
        first = state.count_images(len(chunk.images))
        extra["images"] = [image_block(url, at) for at, url in enumerate(chunk.images, first)]
    if whole is None:
        message = _message_chunk(chunk.text, extra, calls)
    else:
        message = AIMessageChunk(
            content=chunk.text,
            additional_kwargs=extra | _additional_kwargs(whole.message, state.model or whole.model),
            response_metadata=_choice_metadata(whole, whole.choices[0]) | _call_metadata(whole),
            tool_call_chunks=calls + state.endings(),
            usage_metadata=usage_from_wire(whole.usage),
        )
    return _GENERATION_CHUNK.copy_with(text=chunk.text, message=message)


_MESSAGE_CHUNK = Prototype(AIMessageChunk(
    content="", additional_kwargs={}, response_metadata={}, tool_call_chunks=[], usage_metadata=None
))  # fmt: skip


_GENERATION_CHUNK = Prototype(ChatGenerationChunk(message=AIMessageChunk(content="")))


def _message_chunk(text: str, extra: dict[str, Any], calls: list[ToolCallChunk]) -> AIMessageChunk:
    """Return an `AIMessageChunk` as if validated, without the cost of validation."""
    complete: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        args = call["args"] or ""
        if not args:
            complete.append(tool_call(name=call["name"] or "", args={}, id=call["id"]))
        elif not args.lstrip().startswith("{"):  # in the middle of the arguments
            invalid.append(
                invalid_tool_call(name=call["name"], args=args, id=call["id"], error=None)
            )
        else:  # at their beginning, which LangChain parses as far as possible
            return AIMessageChunk(
                content=text,
                additional_kwargs=extra,
                response_metadata={"model_provider": PROVIDER},
                tool_call_chunks=calls,
                usage_metadata=None,
            )
    return _MESSAGE_CHUNK.copy_with(
        content=text,
        additional_kwargs=extra,
        response_metadata={"model_provider": PROVIDER},
        tool_calls=complete,
        invalid_tool_calls=invalid,
        tool_call_chunks=calls,
    )


def usage_from_wire(usage: core.Usage | None) -> UsageMetadata | None:
    """Return the tokens of a call; ``None`` if NanoGPT did not report them."""
    if usage is None or (usage.prompt_tokens is None and usage.completion_tokens is None):
        return None
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    total = prompt + completion if usage.total_tokens is None else usage.total_tokens
    metadata = UsageMetadata(input_tokens=prompt, output_tokens=completion, total_tokens=total)
    input_details = InputTokenDetails()
    if usage.cache_read_tokens is not None:
        input_details["cache_read"] = usage.cache_read_tokens
    if usage.cache_creation_tokens is not None:
        input_details["cache_creation"] = usage.cache_creation_tokens
    if usage.prompt_audio_tokens is not None:
        input_details["audio"] = usage.prompt_audio_tokens
    output_details = OutputTokenDetails()
    if usage.reasoning_tokens is not None:
        output_details["reasoning"] = usage.reasoning_tokens
    if usage.completion_audio_tokens is not None:
        output_details["audio"] = usage.completion_audio_tokens
    if input_details:
        metadata["input_token_details"] = input_details
    if output_details:
        metadata["output_token_details"] = output_details
    return metadata


_TOP_LEVEL_KEYS = ("provider", "service_tier", "system_fingerprint")
# Fields of a response that are read, or that say nothing about it.
_READ = frozenset(
    """id object created model choices usage error x_nanogpt_pricing nanoGPT cost currency
    paymentSource remainingBalance metadata""".split()
).union(_TOP_LEVEL_KEYS)


# The words for finish reasons that langchain-core 1.8.4 reads, and turns into "refusal" itself.
# Its protocol has further ones in no release yet.
_NORMALIZED = {"stop": "stop", "tool_calls": "tool_call", "function_call": "tool_call"}


def model_metadata(completion_id: str, model: str, finish_reason: str | None) -> dict[str, Any]:
    """Return model, completion id and finish reason, as reported and in LangChain's terms."""
    fields = {
        "id": completion_id,
        "model_name": model,
        "finish_reason": finish_reason,
        "normalized_finish_reason": _NORMALIZED.get(finish_reason or ""),
    }
    return {"model_provider": PROVIDER} | {name: v for name, v in fields.items() if v}


def billing_metadata(
    billing: core.Billing, usage: core.Usage | None, raw: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the call cost (floats, USD) and who served it, as far as NanoGPT reports it.

    It has no place in the usage, where LangChain allows whole numbers only. A missing cost is
    unknown; 0 was covered by the subscription. ``extra`` has the response's undocumented fields.
    """
    fields = {
        "cost": None if billing.cost is None else float(billing.cost),
        "cost_source": billing.source,
        "balance": None if billing.balance is None else float(billing.balance),
        "payment_source": billing.payment_source,
        "request_id": billing.request_id,
        "moderation": moderation_metadata(billing),
        "pricing": billing.pricing or None,
        "search_queries": None if usage is None else usage.search_queries,
        **{key: raw.get(key) for key in _TOP_LEVEL_KEYS},
        "extra": {key: value for key, value in raw.items() if key not in _READ} or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def citation_block(citation: core.Citation) -> dict[str, Any]:
    """Return LangChain's ``Citation``; its offsets count characters of the text."""
    fields = {
        "url": citation.url,
        "title": citation.title or None,
        "start_index": citation.start_index,
        "end_index": citation.end_index,
        "cited_text": citation.content or None,
    }
    return {"type": "citation"} | {name: v for name, v in fields.items() if v is not None}


def image_block(url: str, position: int) -> dict[str, Any]:
    """Return LangChain's image block for a URL, usually a ``data:`` URL."""
    index = f"lc_img_{position}"
    head, _, data = url.partition(";base64,")
    if head.startswith("data:") and data:
        mime_type = head.removeprefix("data:")
        return {"type": "image", "base64": data, "mime_type": mime_type, "index": index}
    return {"type": "image", "url": url, "index": index}
