"""NanoGPT's completions and chunks as LlamaIndex's types: pure functions.

A whole response and the end of a streamed one go through the same code, so they cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
from llama_index.core.llms.llm import ToolSelection
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from nanogpt_client import (
    AsyncStream,
    ChatChunk,
    ChatCompletion,
    Citation,
    Message,
    Stream,
    ToolCall,
    Usage,
)
from nanogpt_client import messages as wire
from nanogpt_client._adapters.fast_model import Prototype
from nanogpt_client._adapters.history import keep
from nanogpt_client._adapters.moderation import moderation_metadata
from nanogpt_client.types.tool_arguments import read_arguments

__all__ = [
    "StreamState",
    "chunk_from_wire",
    "completion_from_wire",
    "first_call_only",
    "tool_calls",
    "tool_selections",
    "unusable_calls",
    "usage_from_wire",
]

_MESSAGE = Prototype(ChatMessage(role=MessageRole.ASSISTANT, blocks=[], additional_kwargs={}))
_TEXT = Prototype(TextBlock(text=""))
_REASONING = Prototype(ThinkingBlock(content=""))
_CALL = Prototype(ToolCallBlock(tool_call_id=None, tool_name="", tool_kwargs=""))


_RESPONSE = Prototype(
    ChatResponse(message=ChatMessage(), delta="", raw={}, logprobs=None, additional_kwargs={})
)


def completion_from_wire(
    completion: ChatCompletion, model: str = "", *, citation_blocks: bool = False
) -> ChatResponse:
    """Return a model's whole response: blocks, tool calls, citations, usage and cost."""
    message = completion.message
    usage = usage_from_wire(completion.usage)
    billing = completion.billing
    metadata: dict[str, Any] = {
        "finish_reason": completion.finish_reason,
        "cost": None if billing.cost is None else float(billing.cost),
        "cost_source": billing.source,
        "balance": None if billing.balance is None else float(billing.balance),
        "request_id": billing.request_id,
    }
    if checked := moderation_metadata(billing):
        metadata["moderation"] = checked
    raw = {key: value for key, value in completion.raw.items() if key != "usage"} | metadata
    extra: dict[str, Any] = usage | metadata
    if usage:
        raw["usage"], extra["usage"] = dict(usage), dict(usage)
    if message.citations:
        extra["annotations"] = [_annotation(citation) for citation in message.citations]
    if completion.leaked_tool_markup:
        extra["leaked_tool_markup"] = True
    built = _message(message)
    built.additional_kwargs |= keep(message, model or completion.model)
    if citation_blocks:
        built.blocks += [_citation_block(citation) for citation in message.citations]
    logprobs = completion.choices[0].logprobs if completion.choices else None
    return ChatResponse(
        message=built, raw=raw, logprobs=_logprobs(logprobs), additional_kwargs=extra
    )


def chunk_from_wire(
    chunk: ChatChunk, state: StreamState, *, citation_blocks: bool = False
) -> ChatResponse:
    """Return what has arrived of a stream, including a chunk, as LlamaIndex streams it.

    The last one is the whole response, with usage and cost.
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
    """The message so far of a stream; while it is only text, no snapshots are needed."""

    def __init__(self, stream: Stream[ChatChunk] | AsyncStream[ChatChunk], model: str = "") -> None:
        self.stream = stream
        self.model = model
        self._text: str | None = ""

    def message(self, chunk: ChatChunk) -> ChatMessage:
        """Return the message including the next chunk; later ones do not change it."""
        if chunk.reasoning or chunk.tool_calls or chunk.citations or chunk.images or chunk.refusal:
            self._text = None
        if self._text is None:
            return _message(self.stream.snapshot.message, is_whole=False)
        self._text += chunk.text
        return _MESSAGE.copy_with(blocks=[_TEXT.copy_with(text=self._text)], additional_kwargs={})


def usage_from_wire(usage: Usage | None) -> dict[str, int]:
    """Return the counts of tokens that NanoGPT reported, as integers; empty if it reported none.

    LlamaIndex's token counter reads the first two and cannot handle nulls.
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


def _message(message: Message, *, is_whole: bool = True) -> ChatMessage:
    """Return a message as blocks: the reasoning first, one text, then the rest.

    Incomplete audio cannot be played, so audio is in whole messages only.
    """
    blocks: list[Any] = []
    if message.reasoning:
        blocks.append(_REASONING.copy_with(content=message.reasoning, additional_information={}))
    if message.text or not (message.images or message.tool_calls):
        blocks.append(_TEXT.copy_with(text=message.text))
    blocks += [_image(url) for url in message.images]
    extra: dict[str, Any] = {}
    if is_whole and message.audio and isinstance(data := message.audio.get("data"), str) and data:
        format_ = message.audio.get("format")
        blocks.append(
            AudioBlock(audio=data.encode(), format=format_ if isinstance(format_, str) else None)
        )
    if message.tool_calls:
        calls = message.tool_calls
        blocks += [
            _CALL.copy_with(tool_call_id=c.id or None, tool_name=c.name, tool_kwargs=c.arguments)
            for c in calls
        ]
        # LlamaIndex's streamed structured prediction looks for calls here.
        extra["tool_calls"] = [wire.tool_call(c.id, c.name, c.arguments) for c in calls]
    if message.citations:
        extra["annotations"] = [_annotation(citation) for citation in message.citations]
    if message.refusal:
        extra["refusal"] = message.refusal
    return _MESSAGE.copy_with(blocks=blocks, additional_kwargs=extra)


def _image(url: str) -> ImageBlock | TextBlock:
    """Return an image; as text if LlamaIndex refuses its URL, e.g. a relative one."""
    head, _, data = url.partition(";base64,")
    if data and head.startswith("data:"):
        return ImageBlock(image=data.encode(), image_mimetype=head.removeprefix("data:"))
    try:
        return ImageBlock(url=url)
    except ValidationError:
        return TextBlock(text=url)


def _annotation(citation: Citation) -> dict[str, Any]:
    """Return a citation in the flat form, whichever of the two NanoGPT used."""
    fields = {
        "url": citation.url,
        "title": citation.title,
        "start_index": citation.start_index,
        "end_index": citation.end_index,
        "content": citation.content,
    }
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    return {"type": "url_citation", **given}


def _citation_block(citation: Citation) -> CitationBlock:
    offsets = {"start_index": citation.start_index, "end_index": citation.end_index}
    return CitationBlock(
        cited_content=TextBlock(text=citation.content),
        source=citation.url,
        title=citation.title or citation.url,
        additional_location_info={k: v for k, v in offsets.items() if v is not None},
    )


def _logprobs(logprobs: Mapping[str, Any] | None) -> list[list[LogProb]] | None:
    """Return the likeliest alternatives of each token, or the token itself if there are none."""
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


_NOT_RUN = " (not run: {})"


def tool_calls(message: ChatMessage) -> list[ToolCallBlock]:
    """Return the tool calls, including those that are only in ``additional_kwargs``."""
    found = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if found:
        return found
    legacy = message.additional_kwargs.get("tool_calls") or ()
    as_dicts = (call.model_dump() if isinstance(call, BaseModel) else call for call in legacy)
    return [_legacy_call(call) for call in as_dicts if isinstance(call, Mapping)]


_ARGUMENTS = ("arguments", "input", "args")  # of OpenAI's form, Anthropic's and Google's


def _legacy_call(fields: Mapping[str, Any]) -> ToolCallBlock:
    """Return a call that an integration put into ``additional_kwargs``."""
    function = fields.get("function") or fields
    return ToolCallBlock(
        tool_call_id=fields.get("id"),
        tool_name=function.get("name") or "",
        tool_kwargs=next((function[key] for key in _ARGUMENTS if function.get(key)), ""),
    )


def tool_selections(response: ChatResponse) -> list[ToolSelection]:
    """Return the tool calls of a response, whole or streamed.

    While it is arriving, the arguments are the part that can be read. Once it has ended, a call
    without a name, or with arguments that are not a JSON object, must not be run: its name is
    replaced by one that no tool has and that gives the reason. Agents report that name back.
    """
    select = _arriving if _is_arriving(response) else _whole
    return [select(block, at) for at, block in enumerate(tool_calls(response.message))]


def unusable_calls(response: ChatResponse) -> list[str]:
    """Return the problems of the calls of a whole response that cannot be run."""
    if _is_arriving(response):
        return []
    calls = map(_call, tool_calls(response.message))
    return [problem for call in calls if (problem := call.problem)]


def first_call_only(response: ChatResponse) -> ChatResponse:
    """Return a copy of the response with its first call only."""
    message = response.message
    calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if len(calls) < 2:
        return response
    blocks = [b for b in message.blocks if not isinstance(b, ToolCallBlock) or b is calls[0]]
    extra = message.additional_kwargs
    if legacy := extra.get("tool_calls"):
        extra = extra | {"tool_calls": legacy[:1]}
    trimmed = message.model_copy(update={"blocks": blocks, "additional_kwargs": dict(extra)})
    return response.model_copy(update={"message": trimmed})


def _is_arriving(response: ChatResponse) -> bool:
    return isinstance(response.raw, Mapping) and "finish_reason" not in response.raw


def _whole(block: ToolCallBlock, at: int) -> ToolSelection:
    call = _call(block)
    name = call.name
    if not name:
        name = _NOT_RUN.format("the call names no tool").strip()
    elif call.problem is not None:
        name += _NOT_RUN.format(
            "its arguments are not a JSON object; call it again with all of them"
        )
    return _selection(block, at, name, _arguments(block.tool_kwargs))


def _arriving(block: ToolCallBlock, at: int) -> ToolSelection:
    given = block.tool_kwargs
    if isinstance(given, str):
        try:
            given = from_json(given, allow_partial="trailing-strings")
        except ValueError:
            given = {}
    return _selection(block, at, block.tool_name, given if isinstance(given, Mapping) else {})


def _selection(
    block: ToolCallBlock, at: int, name: str, arguments: Mapping[str, Any]
) -> ToolSelection:
    return ToolSelection(
        tool_id=block.tool_call_id or f"call_{at}", tool_name=name, tool_kwargs=dict(arguments)
    )


def _call(block: ToolCallBlock) -> ToolCall:
    given = block.tool_kwargs
    return ToolCall("", block.tool_name, given if isinstance(given, str) else "{}")


def _arguments(arguments: Mapping[str, Any] | str) -> Mapping[str, Any]:
    if not isinstance(arguments, str):
        return arguments
    try:
        return read_arguments(arguments)
    except ValueError:
        return {}
