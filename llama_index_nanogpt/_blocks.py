"""The content blocks of LlamaIndex's messages, as parts of a wire message.

What becomes of each of the ten kinds:

    text       a text part; empty ones are left out
    image, audio, video
               their part, by URL or as data; of what the assistant said, images alone (which
               `messages.media_behind_tools` puts into a user message behind it)
    document   a file part; texts (``text/*``, JSON) as text, which every model reads
    cache      marks the part before it as the end of a prefix to cache; left out if it stands first
    citable    its title and source as text, then its content
    citation   like citable; left out of what the assistant said, whose text holds the citing words
    thinking, tool_call
               no parts: they belong to the assistant's message as a whole; left out of others

Where one that a tool, a model or an earlier turn left cannot be sent, a text takes its place: its
address, or a note, with a warning.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from io import IOBase
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    CachePoint,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    VideoBlock,
)

from nanogpt_client import InvalidArgumentError, messages
from nanogpt_client.messages import Part

__all__ = ["assistant_parts", "input_parts"]


def input_parts(blocks: Iterable[Any], *, is_past: bool = False) -> list[Part]:
    """Return what a system, user or tool message holds.

    Raises:
        InvalidArgumentError: a block cannot be read, and is not of what tools returned or of
            earlier turns (``is_past``).
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
    said = (block for block in blocks if isinstance(block, TextBlock | CachePoint | ImageBlock))
    return input_parts(said, is_past=True)


def _past_parts(block: Any) -> list[Part]:
    url = getattr(block, "url", None)
    try:
        if not (isinstance(block, DocumentBlock) and _is_mere_link(block)):
            return list(_parts(block))
    except InvalidArgumentError as error:
        if not url:
            messages.warn_of_loss(str(error))
            note = f"[a block of type {block.block_type!r} was here, which cannot be sent]"
            return [messages.text_part(note)]
    title = getattr(block, "title", None) or block.block_type
    return [messages.text_part(f"[{title}: {url}]")]


def _is_mere_link(block: DocumentBlock) -> bool:
    """Whether a block is the address of a document that models do not read by its address."""
    known = block.document_mimetype not in {None, "application/pdf"}
    return known and block.url is not None and block.data is None and block.path is None


def _mark_last(parts: list[Part], point: CachePoint) -> None:
    if parts:
        control = point.cache_control.model_dump(exclude_unset=True, include={"type", "ttl"})
        parts[-1] |= {"cache_control": control}


def _parts(block: Any) -> Iterator[Part]:
    match block:
        case TextBlock():
            if block.text:
                yield messages.text_part(block.text)
        case ImageBlock():
            source = _source(block, block.image)
            mime_type = block.image_mimetype
            yield messages.image_part(source, mime_type=mime_type, detail=block.detail)
        case AudioBlock():
            yield _sound(block)
        case VideoBlock():
            source = _source(block, block.video)
            mime_type = block.video_mimetype
            yield messages.video_part(source, mime_type=mime_type, detail=block.detail)
        case DocumentBlock():
            yield _document(block)
        case CitableBlock():
            yield from _cited(block.title, block.source, block.content)
        case CitationBlock():
            yield from _cited(block.title, block.source, [block.cited_content])


def _cited(title: str, source: str, content: Iterable[Any]) -> Iterator[Part]:
    """Give title and source as lines above the texts; other content follows."""
    parts = input_parts(content)
    texts = [part["text"] for part in parts if part["type"] == "text"]
    yield messages.text_part("\n".join(line for line in (title, source, *texts) if line))
    yield from (part for part in parts if part["type"] != "text")


def _sound(block: AudioBlock) -> Part:
    source = _source(block, block.audio)
    if isinstance(source, str):
        head, _, data = source.partition(";base64,")
        if not data or not head.startswith("data:"):
            msg = (
                "NanoGPT takes sound as data, not by URL: download it, or transcribe it by its URL"
            )
            raise InvalidArgumentError(msg, param="messages")
        return messages.audio_part(data, format=block.format, mime_type=head.removeprefix("data:"))
    suffix = Path(block.path).suffix.lstrip(".") if block.path else None
    return messages.audio_part(source, format=block.format or suffix or None)


def _document(block: DocumentBlock) -> Part:
    source, mime_type = _source(block, block.data), block.document_mimetype
    suffix = Path(str(block.path or block.title or "")).suffix.lower()
    textual = (mime_type or "").startswith("text/") or mime_type == "application/json"
    if isinstance(source, bytes) and (textual or suffix in {".txt", ".md", ".csv", ".json"}):
        return messages.text_part(source.decode("utf-8", "replace"))
    return messages.file_part(source, filename=block.title, mime_type=mime_type)


def _source(block: Any, data: bytes | IOBase | None) -> str | bytes:
    """Return a medium as the URL it is given by, or as its bytes; nothing is downloaded."""
    if isinstance(data, IOBase):
        place = data.tell()
        data.seek(0)
        read: bytes = data.read()
        data.seek(place)
        return read
    if data is not None:
        return base64.b64decode(data)  # blocks keep bytes as base64
    if block.path:
        try:
            return Path(block.path).read_bytes()
        except OSError as error:
            msg = f"a {block.block_type} block's file cannot be read: {error}"
            raise InvalidArgumentError(msg, param="messages") from error
    if block.url:
        return str(block.url)
    msg = f"a {block.block_type} block holds neither data nor a path nor a URL"
    raise InvalidArgumentError(msg, param="messages")
