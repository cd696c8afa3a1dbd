"""Standard content blocks of NanoGPT's messages: registered with LangChain on import.

A message's ``content`` stays plain text; thoughts, citations, images, sound and refusals travel in
``additional_kwargs`` and become blocks here. Blocks of a stream carry string indices, because
LangChain merges by index and would fold a text and a tool call that both have 0 into one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages import content as blocks
from langchain_core.messages.block_translators import register_translator

from langchain_nanogpt._invalid_calls import unspoiled
from nanogpt_client import ToolCall

__all__ = ["PROVIDER", "translate_content", "translate_content_chunk"]

PROVIDER = "nanogpt"
"""What ``response_metadata["model_provider"]`` and ``ls_provider`` say."""

_REFUSALS_ARE_STANDARD = hasattr(blocks, "RefusalContentBlock")  # since langchain-core 1.7.5


def translate_content(message: AIMessage) -> list[blocks.ContentBlock]:
    """Return a whole message as blocks: thoughts, text, images, sound, refusal, tool calls."""
    return _whole([*_said(message), *message.tool_calls, *_invalid(message)])


def translate_content_chunk(message: AIMessageChunk) -> list[blocks.ContentBlock]:
    """Return what a chunk brings as blocks; a chunk that is the sum of all has whole calls."""
    if message.chunk_position == "last":
        return _whole([*_said(message), *message.tool_calls, *_invalid(message)])
    calls = [call | {"index": f"lc_tc_{call['index'] or 0}"} for call in message.tool_call_chunks]
    return cast("list[blocks.ContentBlock]", [*_said(message), *calls])


def _whole(found: Sequence[Mapping[str, Any]]) -> list[blocks.ContentBlock]:
    """Return blocks to which nothing will be added, so that they need no index."""
    plain = [{key: block[key] for key in block if key != "index"} for block in found]
    return cast("list[blocks.ContentBlock]", plain)


def _invalid(message: AIMessage) -> Sequence[Mapping[str, Any]]:
    """Return the calls that nobody must carry out, the same of whole and of streamed messages."""
    invalid = []
    for call in message.invalid_tool_calls:
        args = unspoiled(call["args"])
        error = call.get("error") or ToolCall(call["id"] or "", call["name"] or "", args).problem
        invalid.append(call | {"args": args, "error": error})
    return invalid


def _said(message: AIMessage) -> list[dict[str, Any]]:
    """Return everything but tool calls."""
    if not isinstance(message.content, str):
        # Content that somebody else wrote into a message: LangChain's best effort fits it better.
        raise NotImplementedError
    said: list[dict[str, Any]] = []
    if not message.additional_kwargs:
        if message.content:
            said.append({"type": "text", "text": message.content, "index": "lc_txt_0"})
        return said
    extra = message.additional_kwargs
    if thoughts := extra.get("reasoning_content"):
        said.append({"type": "reasoning", "reasoning": thoughts, "index": "lc_rs_0"})
    if message.content or extra.get("annotations"):
        said.append(_text(message.content, extra.get("annotations")))
    said += [dict(image) for image in extra.get("images", ())]
    if audio := extra.get("audio"):
        said.append(_audio(audio))
    if refusal := extra.get("refusal"):
        said.append(_refusal(refusal))
    return said


def _text(text: str, annotations: list[Any] | None) -> dict[str, Any]:
    block = {"type": "text", "text": text, "index": "lc_txt_0"}
    return block | {"annotations": list(annotations)} if annotations else block


def _audio(audio: dict[str, Any]) -> dict[str, Any]:
    extras = {key: value for key, value in audio.items() if key not in {"data", "mime_type"}}
    block = {"type": "audio", "base64": audio.get("data") or "", "index": "lc_au_0"}
    if mime_type := audio.get("mime_type"):
        block["mime_type"] = mime_type
    return block | {"extras": extras} if extras else block


def _refusal(refusal: str) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "refusal", "refusal": refusal}
    if not _REFUSALS_ARE_STANDARD:
        block = {"type": "non_standard", "value": block}
    return block | {"index": "lc_rf_0"}


register_translator(PROVIDER, translate_content, translate_content_chunk)
