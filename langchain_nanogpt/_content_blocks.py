"""Content blocks: NanoGPT's messages as LangChain's standard blocks, and blocks as wire parts.

A message's ``content`` stays plain text; reasoning, citations, images, audio and refusals are in
``additional_kwargs`` and become blocks here, by a translator that is registered on import. Blocks
of a stream have string indices: LangChain merges by index, and would merge a text and a tool call
that both have 0.

Parts of wire messages are built from strings, LangChain's blocks (v0 and v1), and the blocks of
OpenAI, Anthropic, Google and MCP, because histories written by other models are sent to this one.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages import content as blocks
from langchain_core.messages.block_translators import register_translator

from langchain_nanogpt._stream_state import without_invalid_ending
from nanogpt_client import InvalidArgumentError, ToolCall, messages
from nanogpt_client.messages import Part

__all__ = [
    "PROVIDER",
    "assistant_parts",
    "calls_within",
    "input_parts",
    "translate_content",
    "translate_content_chunk",
]

PROVIDER = "nanogpt"
"""The value of ``response_metadata["model_provider"]`` and of ``ls_provider``."""


_REFUSALS_ARE_STANDARD = hasattr(blocks, "RefusalContentBlock")  # since langchain-core 1.7.5


def translate_content(message: AIMessage) -> list[blocks.ContentBlock]:
    """Return a whole message as blocks: reasoning, text, images, audio, refusal, tool calls."""
    return _whole([*_content(message), *message.tool_calls, *_invalid(message)])


def translate_content_chunk(message: AIMessageChunk) -> list[blocks.ContentBlock]:
    """Return what a chunk brings as blocks; a chunk that is the sum of all has whole calls."""
    if message.chunk_position == "last":
        return _whole([*_content(message), *message.tool_calls, *_invalid(message)])
    calls = [call | {"index": f"lc_tc_{call['index'] or 0}"} for call in message.tool_call_chunks]
    return cast("list[blocks.ContentBlock]", [*_content(message), *calls])


def _whole(found: Sequence[Mapping[str, Any]]) -> list[blocks.ContentBlock]:
    """Return blocks to which nothing will be added, so that they need no index."""
    plain = [{key: block[key] for key in block if key != "index"} for block in found]
    return cast("list[blocks.ContentBlock]", plain)


def _invalid(message: AIMessage) -> Sequence[Mapping[str, Any]]:
    """Return the calls that must not run, alike for whole and for streamed messages."""
    invalid = []
    for call in message.invalid_tool_calls:
        args = without_invalid_ending(call["args"])
        error = call.get("error") or ToolCall(call["id"] or "", call["name"] or "", args).problem
        invalid.append(call | {"args": args, "error": error})
    return invalid


def _content(message: AIMessage) -> list[dict[str, Any]]:
    """Return all blocks except tool calls."""
    if not isinstance(message.content, str):
        # Content from elsewhere: LangChain's own best effort reads it better.
        raise NotImplementedError
    found: list[dict[str, Any]] = []
    if not message.additional_kwargs:
        if message.content:
            found.append({"type": "text", "text": message.content, "index": "lc_txt_0"})
        return found
    extra = message.additional_kwargs
    if reasoning := extra.get("reasoning_content"):
        found.append({"type": "reasoning", "reasoning": reasoning, "index": "lc_rs_0"})
    if message.content or extra.get("annotations"):
        found.append(_text_block(message.content, extra.get("annotations")))
    found += [dict(image) for image in extra.get("images", ())]
    if audio := extra.get("audio"):
        found.append(_audio_block(audio))
    if refusal := extra.get("refusal"):
        found.append(_refusal_block(refusal))
    return found


def _text_block(text: str, annotations: list[Any] | None) -> dict[str, Any]:
    block = {"type": "text", "text": text, "index": "lc_txt_0"}
    return block | {"annotations": list(annotations)} if annotations else block


def _audio_block(audio: dict[str, Any]) -> dict[str, Any]:
    extras = {key: value for key, value in audio.items() if key not in {"data", "mime_type"}}
    block = {"type": "audio", "base64": audio.get("data") or "", "index": "lc_au_0"}
    if mime_type := audio.get("mime_type"):
        block["mime_type"] = mime_type
    return block | {"extras": extras} if extras else block


def _refusal_block(refusal: str) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "refusal", "refusal": refusal}
    if not _REFUSALS_ARE_STANDARD:
        block = {"type": "non_standard", "value": block}
    return block | {"index": "lc_rf_0"}


Content = str | Sequence[str | Mapping[str, Any]]
"""What LangChain allows as a message's ``content``."""


def input_parts(content: Content, role: str, *, is_past: bool = False) -> str | list[Part]:
    """Return the content of a user, system or tool message.

    In tool results and in earlier turns (``is_past``) a block that cannot be sent is replaced by a
    text: its address, or else a note, with a warning.

    Raises:
        InvalidArgumentError: a block cannot be sent; the message names it.
    """
    if isinstance(content, str):
        return content
    build = _past_part if is_past else _input_part
    return [part for item in content if (part := build(item, role)) is not None]


def assistant_parts(content: Content, images: Sequence[Mapping[str, Any]] = ()) -> str | list[Part]:
    """Return the text and the images of an assistant's message.

    ``images`` are those outside its content, which may contain the same. Tool calls are in the
    message's own fields. Other output (reasoning, calls of a provider's own tools) is left out.
    """
    if isinstance(content, str):
        content = [content] if images else content
    if isinstance(content, str):
        return content
    built = [_assistant_part(item) for item in content]
    parts = [messages.text_part(part) if isinstance(part, str) else part for part in built if part]
    if all(part["type"] != "image_url" for part in parts):
        parts += [part for image in images if (part := _past_part(image, "assistant"))]
    return parts


def calls_within(content: Content) -> list[tuple[str | None, str, Any]]:
    """Return id, name and arguments of the tool calls that are blocks of an assistant's content.

    Messages made by LangChain also have them in ``tool_calls``; those written by hand may not.
    """
    blocks = [_unwrapped(item) for item in content if isinstance(item, Mapping)]
    return [
        (
            block.get("call_id") or block.get("id"),
            str(block.get("name") or ""),
            next((block[key] for key in ("args", "input", "arguments") if key in block), None),
        )
        for block in blocks
        if block.get("type") in {"tool_call", "tool_use", "function_call", "invalid_tool_call"}
    ]


def _assistant_part(block: str | Mapping[str, Any]) -> str | Part | None:
    if isinstance(block, str):
        return block
    block = _unwrapped(block)
    match block.get("type"):
        case "image" | "image_url":
            return _past_part(block, "assistant")
        case "text" | "output_text":
            return _text(block)
        case "refusal":
            return messages.text_part(block.get("refusal") or "")
        case None if isinstance(block.get("text"), str):
            return _text(block)
    return None


def _past_part(item: str | Mapping[str, Any], role: str) -> Part | None:
    if isinstance(item, str):
        return _input_part(item, role)
    if role == "tool" and _is_data(item):
        return messages.text_part(json.dumps(item, ensure_ascii=False, default=str))
    error = ""
    try:
        if not _is_mere_link(item):
            return _input_part(item, role)
    except InvalidArgumentError as refusal:
        error = str(refusal)
    block = _unwrapped(item)
    kind, address = block.get("type"), _address(block)
    if address:
        return messages.text_part(f"[{_filename(block) or kind}: {address}]")
    messages.warn_of_loss(error)
    return messages.text_part(f"[a block of type {kind!r} was here, which cannot be sent]")


# Where a block of text has its content, and of which class that is.
_CONTENT: dict[Any, tuple[tuple[str, ...], type]] = {
    None: (("text",), str),
    "text": (("text",), str),
    "input_text": (("text",), str),
    "search_result": (("content",), list),
    "json": (("json", "output"), object),
    "custom_tool_call_output": (("output", "json"), object),
}
_MEDIA = ("image", "image_url", "document", "file")
_MEDIA_KEYS = frozenset(
    """base64 data url uri file_id file_url file_data file_uri image_url video_url input_audio
    source_type""".split()
)


def _is_data(item: Mapping[str, Any]) -> bool:
    """Whether an item of a tool's result is its own data, which only looks like a block.

    LangChain takes a list of dicts for blocks if each has one of eight words as its ``type``: the
    files of a folder, say, or documents that were found.
    """
    kind = item.get("type")
    if kind in _MEDIA:
        nested = (item.get(key) for key in ("source", "file"))
        found = [item.get(key) for key in _MEDIA_KEYS]
        return not any(found) and not any(isinstance(each, Mapping) for each in nested)
    keys, content = _CONTENT.get(kind, ((), object))
    return bool(keys) and not any(isinstance(item[key], content) for key in keys if key in item)


def _is_mere_link(item: Mapping[str, Any]) -> bool:
    """Whether a block is the URL of a document of a type that models cannot read by URL."""
    block = _unwrapped(item)
    unreadable = block.get("mime_type") not in {None, "application/pdf"}
    return block.get("type") == "file" and unreadable and bool(_address(block))


def _address(block: Mapping[str, Any]) -> str | None:
    """Return the address of a block's content, if the content is not in the block itself."""
    inner = [block.get(key) for key in ("image_url", "video_url", "source", "file")]
    for place in (block, *inner):
        found = place
        if isinstance(place, Mapping):
            keys = ("url", "uri", "file_uri", "file_url")
            found = next((place[key] for key in keys if place.get(key)), None)
        if isinstance(found, str) and "://" in found[:32]:
            return found
    return None


def _input_part(item: str | Mapping[str, Any], role: str) -> Part | None:
    if isinstance(item, str):
        return messages.text_part(item) if item else None
    block = _unwrapped(item)
    kind = block.get("type") or ("text" if isinstance(block.get("text"), str) else None)
    build = _BUILDERS.get(kind or "")
    if build is None:
        msg = f"a {role} message has a block of type {kind!r}, which cannot be sent to NanoGPT"
        raise InvalidArgumentError(msg, param="messages")
    try:
        part = build(block)
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        msg = f"a {role} message has a malformed {kind!r} block: {error!r}"
        raise InvalidArgumentError(msg, param="messages") from error
    cache_control = _cache_control(block)
    return (
        part
        if part is None or cache_control is None
        else part | {"cache_control": dict(cache_control)}
    )


def _unwrapped(block: Mapping[str, Any]) -> Mapping[str, Any]:
    value = block.get("value")
    return value if block.get("type") == "non_standard" and isinstance(value, Mapping) else block


def _cache_control(block: Mapping[str, Any]) -> Any:
    return block.get("cache_control") or (block.get("extras") or {}).get("cache_control")


def _text(block: Mapping[str, Any]) -> Part | None:
    text = block.get("text") or ""
    if not isinstance(text, str):
        raise TypeError(f"a text is a string, not {text!r}")
    cache_control = _cache_control(block)
    return messages.text_part(text, cache_control=cache_control) if text or cache_control else None


def _image_url(block: Mapping[str, Any]) -> Part:
    image = block["image_url"]
    if isinstance(image, str):
        return messages.image_part(image, detail=block.get("detail"))
    return messages.image_part(image["url"], detail=image.get("detail"))


def _image(block: Mapping[str, Any]) -> Part:
    if "image_url" in block:
        return _image_url(block)
    source, mime_type = _source(block)
    return messages.image_part(source, mime_type=mime_type)


def _input_audio(block: Mapping[str, Any]) -> Part:
    audio = block["input_audio"]
    return messages.audio_part(audio["data"], format=audio["format"])


def _audio(block: Mapping[str, Any]) -> Part:
    source, mime_type = _source(block)
    if isinstance(source, str):
        msg = "NanoGPT accepts audio as data, not by URL: download it, or transcribe it by URL"
        raise InvalidArgumentError(msg, param="messages")
    return messages.audio_part(source, mime_type=mime_type)


def _video(block: Mapping[str, Any]) -> Part:
    if isinstance(url := block.get("video_url"), str):
        return messages.video_part(url)
    if isinstance(url, Mapping):
        return messages.video_part(url["url"], detail=url.get("detail"))
    source, mime_type = _source(block)
    return messages.video_part(source, mime_type=mime_type)


def _file(block: Mapping[str, Any]) -> Part:
    """Read a document: LangChain's block, OpenAI's ``file`` and ``input_file``, Anthropic's."""
    source_of = block.get("source")
    if isinstance(source_of, Mapping) and source_of.get("type") == "text":
        return messages.text_part(source_of["data"])
    if isinstance(source_of, Mapping) and (content := source_of.get("content")):
        texts = [content] if isinstance(content, str) else [part["text"] for part in content]
        return messages.text_part("\n".join(texts))
    if block.get("source_type") == "text":
        return messages.text_part(block.get("text") or block["data"])
    source, mime_type = _source(block)
    if isinstance(source, bytes) and _is_text(mime_type):
        return messages.text_part(source.decode("utf-8", "replace"))
    return messages.file_part(source, filename=_filename(block), mime_type=mime_type)


def _is_text(mime_type: str | None) -> bool:
    return (mime_type or "").startswith("text/") or mime_type == "application/json"


def _media(block: Mapping[str, Any]) -> Part | None:
    """Read Google's block for any medium, which its media type names."""
    kind = str(block["mime_type"]).partition("/")[0]
    builders = {"image": _image, "audio": _audio, "video": _video, "text": _file}
    place = {key: block[key] for key in ("mime_type", "data") if key in block}
    if url := block.get("file_uri"):
        place["url"] = url
    return builders.get(kind, _file)({"type": kind, **place})


def _filename(block: Mapping[str, Any]) -> str | None:
    inner = block.get("file")
    places = (block, inner, block.get("extras"), block.get("metadata"))
    for place in places:
        if not isinstance(place, Mapping):
            continue
        for key in ("filename", "file_filename", "title"):  # LangChain itself writes the second
            if name := place.get(key):
                return str(name)
    return None


def _plain(block: Mapping[str, Any]) -> Part | None:
    return _text(block) if block.get("text") else _file(block)


def _json(block: Mapping[str, Any]) -> Part:
    value = block.get("json", block.get("output"))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return messages.text_part(text)


def _resource_link(block: Mapping[str, Any]) -> Part:
    """Read MCP's link to a resource, which only its server can fetch."""
    lines = (block.get("title") or block.get("name"), block["uri"], block.get("description"))
    return messages.text_part("\n".join(str(line) for line in lines if line))


def _resource(block: Mapping[str, Any]) -> Part | None:
    """Read MCP's embedded resource."""
    inner = block["resource"]
    if isinstance(inner.get("text"), str):
        return _text(inner)
    mime_type = inner.get("mimeType") or inner.get("mime_type") or "application/octet-stream"
    return _media({"mime_type": mime_type, "data": inner["blob"]})


def _search_result(block: Mapping[str, Any]) -> Part:
    texts = [part["text"] for part in block.get("content", ()) if part.get("text")]
    lines = [block.get("title"), block.get("source"), *texts]
    return messages.text_part("\n".join(line for line in lines if line))


def _source(block: Mapping[str, Any]) -> tuple[str | bytes, str | None]:
    """Return a medium as URL or as bytes, and its media type if the block has one.

    Raises:
        InvalidArgumentError: it is the id of a file stored at another provider.
    """
    inner = block.get("source") or block.get("file")
    place = inner if isinstance(inner, Mapping) else block
    mime_type = place.get("mime_type") or place.get("media_type") or block.get("mime_type")
    url = place.get("url") or place.get("file_url") or place.get("file_data")
    if isinstance(url, str) and not url.startswith("data:"):
        return url, mime_type
    data = url or place.get("base64") or place.get("data")
    if isinstance(data, bytes):
        return data, mime_type
    if not isinstance(data, str):
        msg = (
            f"a block of type {block.get('type')!r} has neither a URL nor base64 data; "
            "NanoGPT cannot read files that are stored at another provider by id"
        )
        raise InvalidArgumentError(msg, param="messages")
    if data.startswith("data:"):
        head, _, data = data.partition(",")
        mime_type = head.removeprefix("data:").partition(";")[0] or mime_type
    return base64.b64decode(data, validate=True), mime_type


_BUILDERS: dict[str, Callable[[Mapping[str, Any]], Part | None]] = {
    "text": _text,
    "input_text": _text,
    "image_url": _image_url,
    "input_image": _image,
    "image": _image,
    "input_audio": _input_audio,
    "audio": _audio,
    "video_url": _video,
    "video": _video,
    "media": _media,
    "file": _file,
    "input_file": _file,
    "document": _file,
    "text-plain": _plain,
    "json": _json,
    "custom_tool_call_output": _json,
    "search_result": _search_result,
    "resource_link": _resource_link,
    "resource": _resource,
}


register_translator(PROVIDER, translate_content, translate_content_chunk)
