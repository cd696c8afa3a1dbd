"""LlamaIndex's messages, tools and options as NanoGPT accepts them: pure functions.

The ten kinds of content blocks are sent as follows:

    text       a text part; empty ones are left out
    image, audio, video
               their part, by URL or as data; in assistant messages only images (which
               `messages.media_behind_tools` moves into a user message after it)
    document   a file part; texts (``text/*``, JSON) as text, which every model reads
    cache      marks the part before it as the end of a prefix to cache; left out if it is first
    citable    its title and source as text, then its content
    citation   like citable; left out of assistant messages, whose text has the citation
    thinking, tool_call
               no parts: they belong to the assistant's message as a whole; left out of others

A block of a tool, a model or an earlier turn that cannot be sent is replaced by a text: its URL, or
a note, with a warning.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import IOBase
from pathlib import Path
from typing import Any, cast

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    VideoBlock,
)
from llama_index.core.tools.types import BaseTool, ToolMetadata

from llama_index_nanogpt._from_wire import tool_calls
from nanogpt_client import ChatOptions, InvalidArgumentError
from nanogpt_client import messages as wire
from nanogpt_client._adapters.conversation import conversation_for
from nanogpt_client._adapters.history import Recipient, fields_of
from nanogpt_client.messages import Part
from nanogpt_client.types.json_schemas import class_schema, without_titles

__all__ = ["messages_to_wire", "options_to_wire", "tool_options"]

_ASSISTANT = {MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL}
_INSTRUCTING = {MessageRole.SYSTEM, MessageRole.DEVELOPER}
_ANY_MODEL = Recipient()
_MERGED = ("extra_body", "extra_headers")


def messages_to_wire(
    messages: Sequence[ChatMessage], to: Recipient = _ANY_MODEL
) -> list[dict[str, Any]]:
    """Return a conversation as it is sent to the model ``to``.

    Blocks of tools, models and earlier turns that cannot be sent are replaced by a text.

    Raises:
        InvalidArgumentError: a block of the instructions, or of the user's last message, cannot be
            sent; the error names it.
    """
    current = next((m for m in reversed(messages) if m.role == MessageRole.USER), None)
    built = [
        _message(message, to, is_past=message is not current and message.role not in _INSTRUCTING)
        for message in messages
    ]
    return conversation_for(to, built)


def _message(message: ChatMessage, to: Recipient, *, is_past: bool) -> dict[str, Any]:
    extra = message.additional_kwargs
    name = extra.get("name")
    if message.role in _ASSISTANT:
        return _assistant_message(message, name, to)
    parts = input_parts(without_not_found(message.blocks), is_past=is_past)
    more = {**fields_of(extra), **to.kept(extra).fields} if extra else {}
    call_id = extra.get("tool_call_id")
    if message.role == MessageRole.TOOL or (call_id and message.role == MessageRole.FUNCTION):
        return wire.tool_message(parts, str(call_id or ""), name=name, extra=more)
    return wire.message(message.role.value, parts, name=name, extra=more)


def _assistant_message(message: ChatMessage, name: str | None, to: Recipient) -> dict[str, Any]:
    """Return the assistant's text and calls, and its reasoning if the model needs it."""
    kept = to.kept(message.additional_kwargs)
    calls = [
        wire.tool_call(
            block.tool_call_id or f"call_{at}",
            block.tool_name,
            block.tool_kwargs,
            extra=kept.tool_calls.get(block.tool_call_id or ""),
        )
        for at, block in enumerate(tool_calls(message))
    ]
    return wire.assistant_message(
        assistant_parts(message.blocks) or message.additional_kwargs.get("refusal") or "",
        tool_calls=calls,
        reasoning=_reasoning(message) if to.wants_reasoning(beside_calls=bool(calls)) else None,
        name=name,
        extra=kept.fields,
    )


def _reasoning(message: ChatMessage) -> str:
    """Return the reasoning of a message, which some models need to go on.

    Reasoning with a signature or the like is left out: only the provider that signed it accepts it.
    """
    return "".join(
        block.content or ""
        for block in message.blocks
        if isinstance(block, ThinkingBlock) and not block.additional_information
    )


def options_to_wire(*layers: Mapping[str, Any]) -> ChatOptions:
    """Return the options of a call: later layers override earlier ones, ``None`` unsets an option.

    ``extra_body`` and ``extra_headers`` are merged key by key.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        both = {
            name: merged[name] | layer[name]
            for name in _MERGED
            if merged.get(name) is not None and layer.get(name) is not None
        }
        merged |= {**layer, **both}
    return cast("ChatOptions", {name: value for name, value in merged.items() if value is not None})


_CHOICES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}


def tool_options(
    tools: Sequence[BaseTool],
    *,
    parallel: bool,
    required: bool,
    choice: Any = None,
    strict: bool | None = None,
) -> dict[str, Any]:
    """Return the options that offer tools; without tools they are all ``None``, i.e. not sent.

    ``choice`` is ``"auto"``, ``"required"``, ``"none"``, a tool's name, or a provider's dict.

    Raises:
        InvalidArgumentError: ``choice`` names none of the tools, or ``strict`` is on and strict
            mode cannot express a tool's schema.
    """
    if not tools:
        return {"tools": None, "tool_choice": None, "parallel_tool_calls": None}
    offered = [_function(tool.metadata, strict) for tool in tools]
    if isinstance(choice, str):
        choice = _CHOICES.get(choice) or wire.tool_choice(choice, offered)
    return {
        "tools": offered,
        "tool_choice": choice or ("required" if required else "auto"),
        "parallel_tool_calls": parallel,
    }


def _function(tool: ToolMetadata, strict: bool | None) -> dict[str, Any]:
    """Return a tool under its own name, by which LlamaIndex finds it when the model calls it."""
    if type(tool).get_parameters_dict is ToolMetadata.get_parameters_dict and tool.fn_schema:
        parameters = class_schema(tool.fn_schema).schema
    else:  # no schema, or that of a subclass
        parameters = without_titles(tool.get_parameters_dict())
    return wire.function_tool(tool.get_name(), tool.description, parameters, strict=strict)


# How LlamaIndex's agents respond to a call of a tool that they do not have.
_NOT_FOUND = re.compile(r"Tool (.*\(not run: .*\)) not found\. Please select .*", re.DOTALL)


def without_not_found(blocks: Sequence[Any]) -> list[Any]:
    """Return the result of a call that was not run: the reason, not that the tool is unknown."""
    return [
        TextBlock(text=found[1].strip())
        if isinstance(block, TextBlock) and (found := _NOT_FOUND.fullmatch(block.text))
        else block
        for block in blocks
    ]


def input_parts(blocks: Iterable[Any], *, is_past: bool = False) -> list[Part]:
    """Return the parts of a system, user or tool message.

    Raises:
        InvalidArgumentError: a block cannot be sent, and it is not a tool's or of an earlier turn
            (``is_past``).
    """
    build = _past_parts if is_past else _parts
    parts: list[Part] = []
    for block in blocks:
        if isinstance(block, CachePoint):
            _mark_last(parts, block)
        else:
            parts += build(block)
    return parts


def assistant_parts(blocks: Iterable[Any]) -> list[Part]:
    """Return the text and the images of an assistant's message."""
    sent = (block for block in blocks if isinstance(block, TextBlock | CachePoint | ImageBlock))
    return input_parts(sent, is_past=True)


def _past_parts(block: Any) -> list[Part]:
    url = getattr(block, "url", None)
    try:
        if not (isinstance(block, DocumentBlock) and _is_mere_link(block)):
            return list(_parts(block))
    except InvalidArgumentError as error:
        if not url:
            wire.warn_of_loss(str(error))
            note = f"[a block of type {block.block_type!r} was here, which cannot be sent]"
            return [wire.text_part(note)]
    title = getattr(block, "title", None) or block.block_type
    return [wire.text_part(f"[{title}: {url}]")]


def _is_mere_link(block: DocumentBlock) -> bool:
    """Return whether a block is a URL of a document that models cannot read by URL."""
    is_other = block.document_mimetype not in {None, "application/pdf"}
    return is_other and block.url is not None and block.data is None and block.path is None


def _mark_last(parts: list[Part], point: CachePoint) -> None:
    if parts:
        control = point.cache_control.model_dump(exclude_unset=True, include={"type", "ttl"})
        parts[-1] |= {"cache_control": control}


def _parts(block: Any) -> Iterator[Part]:
    match block:
        case TextBlock():
            if block.text:
                yield wire.text_part(block.text)
        case ImageBlock():
            source = _source(block, block.image)
            mime_type = block.image_mimetype
            yield wire.image_part(source, mime_type=mime_type, detail=block.detail)
        case AudioBlock():
            yield _audio(block)
        case VideoBlock():
            source = _source(block, block.video)
            mime_type = block.video_mimetype
            yield wire.video_part(source, mime_type=mime_type, detail=block.detail)
        case DocumentBlock():
            yield _document(block)
        case CitableBlock():
            yield from _cited(block.title, block.source, block.content)
        case CitationBlock():
            yield from _cited(block.title, block.source, [block.cited_content])


def _cited(title: str, source: str, content: Iterable[Any]) -> Iterator[Part]:
    """Yield title and source as lines above the texts, then other content."""
    parts = input_parts(content)
    texts = [part["text"] for part in parts if part["type"] == "text"]
    yield wire.text_part("\n".join(line for line in (title, source, *texts) if line))
    yield from (part for part in parts if part["type"] != "text")


def _audio(block: AudioBlock) -> Part:
    source = _source(block, block.audio)
    if isinstance(source, str):
        head, _, data = source.partition(";base64,")
        if not data or not head.startswith("data:"):
            msg = "NanoGPT accepts audio as data, not by URL: download it, or transcribe its URL"
            raise InvalidArgumentError(msg, param="messages")
        return wire.audio_part(data, format=block.format, mime_type=head.removeprefix("data:"))
    suffix = Path(block.path).suffix.lstrip(".") if block.path else None
    return wire.audio_part(source, format=block.format or suffix or None)


def _document(block: DocumentBlock) -> Part:
    source, mime_type = _source(block, block.data), block.document_mimetype
    suffix = Path(str(block.path or block.title or "")).suffix.lower()
    textual = (mime_type or "").startswith("text/") or mime_type == "application/json"
    if isinstance(source, bytes) and (textual or suffix in {".txt", ".md", ".csv", ".json"}):
        return wire.text_part(source.decode("utf-8", "replace"))
    return wire.file_part(source, filename=block.title, mime_type=mime_type)


def _source(block: Any, data: bytes | IOBase | None) -> str | bytes:
    """Return a medium's URL or bytes; nothing is downloaded."""
    if isinstance(data, IOBase):
        position = data.tell()
        data.seek(0)
        read: bytes = data.read()
        data.seek(position)
        return read
    if data is not None:
        return base64.b64decode(data)  # blocks keep bytes as base64
    if block.path:
        try:
            return Path(block.path).read_bytes()
        except OSError as error:
            msg = f"the {block.block_type} block's file cannot be read: {error}"
            raise InvalidArgumentError(msg, param="messages") from error
    if block.url:
        return str(block.url)
    msg = f"the {block.block_type} block has neither data nor a path nor a URL"
    raise InvalidArgumentError(msg, param="messages")
