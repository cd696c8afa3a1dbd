"""Between LlamaIndex's types and the wire's: pure functions, named as in the other adapter.

A whole answer and the end of a streamed one go through the same code, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    ChatResponse,
    CitationBlock,
    ImageBlock,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from pydantic import ValidationError

from llama_index_nanogpt._blocks import assistant_parts, input_parts
from llama_index_nanogpt._tools import without_agents_words
from nanogpt_client import (
    AsyncStream,
    ChatChunk,
    ChatCompletion,
    ChatOptions,
    Citation,
    Message,
    Stream,
    Usage,
)
from nanogpt_client import messages as wire
from nanogpt_client._adapters.fast_model import Prototype
from nanogpt_client._adapters.history import Recipient, fields_of, keep
from nanogpt_client._adapters.tool_history import sendable

__all__ = [
    "StreamState",
    "chunk_from_wire",
    "completion_from_wire",
    "messages_to_wire",
    "options_to_wire",
    "usage_from_wire",
]

_ASSISTANT = {MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL}
_MERGED = ("extra_body", "extra_headers")


_ANY_MODEL = Recipient()
_INSTRUCTING = {MessageRole.SYSTEM, MessageRole.DEVELOPER}


def messages_to_wire(
    messages: Sequence[ChatMessage], to: Recipient = _ANY_MODEL
) -> list[dict[str, Any]]:
    """Return a conversation as it is sent to a model; the messages stay as they are.

    Of what tools, models and earlier turns left in it, what cannot be sent is replaced by a text.

    Raises:
        InvalidArgumentError: a block of the instructions, or of the user's last message, cannot be
            sent; the message names it.
    """
    asked = next((m for m in reversed(messages) if m.role == MessageRole.USER), None)
    built = [
        _message(message, to, is_past=message is not asked and message.role not in _INSTRUCTING)
        for message in messages
    ]
    return wire.media_behind_tools(sendable(built), to.takes)


def options_to_wire(*layers: Mapping[str, Any]) -> ChatOptions:
    """Return the options of a call: later layers win, ``None`` takes a word back.

    ``extra_body`` and ``extra_headers`` are merged key by key.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        both = {
            word: merged[word] | layer[word]
            for word in _MERGED
            if merged.get(word) is not None and layer.get(word) is not None
        }
        merged |= {**layer, **both}
    return cast("ChatOptions", {word: value for word, value in merged.items() if value is not None})


def completion_from_wire(
    completion: ChatCompletion, model: str = "", *, citation_blocks: bool = False
) -> ChatResponse:
    """Return a model's whole answer: blocks, tool calls, sources, usage and cost."""
    said = completion.message
    usage = usage_from_wire(completion.usage)
    billing = completion.billing
    facts = {
        "finish_reason": completion.finish_reason,
        "cost": None if billing.cost is None else float(billing.cost),
        "cost_source": billing.source,
        "balance": None if billing.balance is None else float(billing.balance),
        "request_id": billing.request_id,
    }
    raw = {key: value for key, value in completion.raw.items() if key != "usage"} | facts
    extra: dict[str, Any] = usage | facts
    if usage:
        raw["usage"], extra["usage"] = dict(usage), dict(usage)
    if said.citations:
        extra["annotations"] = [_annotation(citation) for citation in said.citations]
    if completion.leaked_tool_markup:
        extra["leaked_tool_markup"] = True
    message = _answer(said)
    message.additional_kwargs |= keep(said, model or completion.model)
    if citation_blocks:
        message.blocks += [_citation_block(citation) for citation in said.citations]
    logprobs = completion.choices[0].logprobs if completion.choices else None
    return ChatResponse(
        message=message, raw=raw, logprobs=_logprobs(logprobs), additional_kwargs=extra
    )


def chunk_from_wire(
    chunk: ChatChunk, state: StreamState, *, citation_blocks: bool = False
) -> ChatResponse:
    """Return what has arrived of a stream with a chunk, as LlamaIndex streams it.

    The last one is the whole answer, with usage and cost.
    """
    if chunk.billing is not None:
        whole = completion_from_wire(
            state.stream.snapshot, state.model, citation_blocks=citation_blocks
        )
        whole.delta = chunk.text
        return whole
    return _RESPONSE.copy_with(
        message=state.message(chunk),
        delta=chunk.text,
        raw={"choices": [chunk.raw]},
        logprobs=_logprobs(chunk.logprobs) if chunk.logprobs else None,
        additional_kwargs={"thinking_delta": chunk.reasoning} if chunk.reasoning else {},
    )


class StreamState:
    """A stream of a model's answer: while that is text alone, adding it up takes no snapshots."""

    def __init__(self, stream: Stream[ChatChunk] | AsyncStream[ChatChunk], model: str = "") -> None:
        self.stream = stream
        self.model = model
        self._text: str | None = ""

    def message(self, chunk: ChatChunk) -> ChatMessage:
        """Return what has arrived with the next chunk; later ones do not change it."""
        if chunk.reasoning or chunk.tool_calls or chunk.citations or chunk.images or chunk.refusal:
            self._text = None
        if self._text is None:
            return _answer(self.stream.snapshot.message, is_whole=False)
        self._text += chunk.text
        return _MESSAGE.copy_with(blocks=[_TEXT.copy_with(text=self._text)], additional_kwargs={})


_MESSAGE = Prototype(ChatMessage(role=MessageRole.ASSISTANT, blocks=[], additional_kwargs={}))
_TEXT = Prototype(TextBlock(text=""))
_THOUGHTS = Prototype(ThinkingBlock(content=""))
_CALL = Prototype(ToolCallBlock(tool_call_id=None, tool_name="", tool_kwargs=""))
_RESPONSE = Prototype(
    ChatResponse(message=ChatMessage(), delta="", raw={}, logprobs=None, additional_kwargs={})
)


def usage_from_wire(usage: Usage | None) -> dict[str, int]:
    """Return the tokens that NanoGPT told, each an integer; empty if it told none.

    Token counting in LlamaIndex reads the first two and cannot take nulls.
    """
    if usage is None:
        return {}
    counts = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_creation_tokens": usage.cache_creation_tokens,
        "prompt_audio_tokens": usage.prompt_audio_tokens,
        "completion_audio_tokens": usage.completion_audio_tokens,
        "search_queries": usage.search_queries,
    }
    return {name: count for name, count in counts.items() if count is not None}


def _message(message: ChatMessage, to: Recipient, *, is_past: bool) -> dict[str, Any]:
    extra = message.additional_kwargs
    name = extra.get("name")
    if message.role in _ASSISTANT:
        return _assistant_message(message, name, to)
    parts = input_parts(without_agents_words(message.blocks), is_past=is_past)
    more = {**fields_of(extra), **to.kept(extra).fields} if extra else {}
    call_id = extra.get("tool_call_id")
    if message.role == MessageRole.TOOL or (call_id and message.role == MessageRole.FUNCTION):
        return wire.tool_message(parts, str(call_id or ""), name=name, extra=more)
    return wire.message(message.role.value, parts, name=name, extra=more)


def _assistant_message(message: ChatMessage, name: str | None, to: Recipient) -> dict[str, Any]:
    """Return the assistant's words and calls, and where wanted its thoughts: see `_thoughts`."""
    kept = to.kept(message.additional_kwargs)
    calls = [
        wire.tool_call(
            block.tool_call_id or f"call_{at}",
            block.tool_name,
            block.tool_kwargs,
            extra=kept.tool_calls.get(block.tool_call_id or ""),
        )
        for at, block in enumerate(b for b in message.blocks if isinstance(b, ToolCallBlock))
    ]
    calls = calls or [
        _legacy_call(call) for call in message.additional_kwargs.get("tool_calls") or ()
    ]
    return wire.assistant_message(
        assistant_parts(message.blocks) or message.additional_kwargs.get("refusal") or "",
        tool_calls=calls,
        reasoning=_thoughts(message) if to.wants_reasoning(beside_calls=bool(calls)) else None,
        name=name,
        extra=kept.fields,
    )


def _thoughts(message: ChatMessage) -> str:
    """Return what many models need to go on after tool calls, and some after every answer.

    Thoughts with a signature or the like are bound to the provider that signed them: left out.
    """
    return "".join(
        block.content or ""
        for block in message.blocks
        if isinstance(block, ThinkingBlock) and not block.additional_information
    )


def _legacy_call(call: Any) -> dict[str, Any]:
    """Read a call that another integration left in ``additional_kwargs``, as dict or object."""
    fields = call if isinstance(call, Mapping) else call.model_dump()
    function = fields.get("function") or fields
    arguments = function.get("arguments", function.get("input"))
    call_id = str(fields.get("id") or "")
    return wire.tool_call(call_id, function["name"], "" if arguments is None else arguments)


def _answer(said: Message, *, is_whole: bool = True) -> ChatMessage:
    """Return what the model said as blocks: its thoughts first, one text, then the rest.

    Half a sound is of no use, so it comes with the whole answer.
    """
    blocks: list[Any] = []
    if said.reasoning:
        blocks.append(_THOUGHTS.copy_with(content=said.reasoning, additional_information={}))
    if said.text or not (said.images or said.tool_calls):
        blocks.append(_TEXT.copy_with(text=said.text))
    blocks += [_image(url) for url in said.images]
    extra: dict[str, Any] = {}
    if is_whole and said.audio and isinstance(data := said.audio.get("data"), str) and data:
        form = said.audio.get("format")
        blocks.append(
            AudioBlock(audio=data.encode(), format=form if isinstance(form, str) else None)
        )
    if said.tool_calls:
        calls = said.tool_calls
        blocks += [
            _CALL.copy_with(tool_call_id=c.id or None, tool_name=c.name, tool_kwargs=c.arguments)
            for c in calls
        ]
        # LlamaIndex's streamed structured prediction looks for calls here.
        extra["tool_calls"] = [wire.tool_call(c.id, c.name, c.arguments) for c in calls]
    if said.citations:
        extra["annotations"] = [_annotation(citation) for citation in said.citations]
    if said.refusal:
        extra["refusal"] = said.refusal
    return _MESSAGE.copy_with(blocks=blocks, additional_kwargs=extra)


def _image(url: str) -> ImageBlock | TextBlock:
    """Return a picture; one whose address LlamaIndex refuses, such as a relative one, as text."""
    head, _, data = url.partition(";base64,")
    if data and head.startswith("data:"):
        return ImageBlock(image=data.encode(), image_mimetype=head.removeprefix("data:"))
    try:
        return ImageBlock(url=url)
    except ValidationError:
        return TextBlock(text=url)


def _annotation(citation: Citation) -> dict[str, Any]:
    """Return a source in the flat form, whichever of the two NanoGPT used."""
    fields = {
        "url": citation.url,
        "title": citation.title,
        "start_index": citation.start_index,
        "end_index": citation.end_index,
        "content": citation.content,
    }
    known = {name: value for name, value in fields.items() if value not in (None, "")}
    return {"type": "url_citation", **known}


def _citation_block(citation: Citation) -> CitationBlock:
    offsets = {"start_index": citation.start_index, "end_index": citation.end_index}
    return CitationBlock(
        cited_content=TextBlock(text=citation.content),
        source=citation.url,
        title=citation.title or citation.url,
        additional_location_info={k: v for k, v in offsets.items() if v is not None},
    )


def _logprobs(logprobs: Mapping[str, Any] | None) -> list[list[LogProb]] | None:
    """Return per token its likeliest alternatives, or the token itself where none came."""
    tokens = (logprobs or {}).get("content")
    if not tokens:
        return None
    return [
        [
            LogProb(token=t["token"], logprob=t["logprob"], bytes=t.get("bytes") or [])
            for t in token.get("top_logprobs") or [token]
        ]
        for token in tokens
    ]
