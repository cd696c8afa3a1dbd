"""LangChain's content, in every form that circulates, as parts of a wire message.

Understood are plain strings, LangChain's own blocks (v0 and v1), and those of OpenAI and Anthropic,
because histories written by other models are handed to this one.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nanogpt_client import InvalidArgumentError, messages
from nanogpt_client.messages import Part

__all__ = ["Content", "assistant_parts", "calls_within", "input_parts"]

Content = str | Sequence[str | Mapping[str, Any]]
"""What LangChain allows as a message's ``content``."""


def input_parts(content: Content, role: str, *, is_past: bool = False) -> str | list[Part]:
    """Return what a user, system or tool message holds.

    In what tools returned, and in earlier turns (``is_past``), a text takes the place of a block
    that cannot be sent: its address, or else a note and a warning.

    Raises:
        InvalidArgumentError: a block cannot be sent; the message names it.
    """
    if isinstance(content, str):
        return content
    build = _past_part if is_past else _input_part
    return [part for item in content if (part := build(item, role)) is not None]


def assistant_parts(content: Content, images: Sequence[Mapping[str, Any]] = ()) -> str | list[Part]:
    """Return the text and the images of an assistant's message.

    ``images`` are those beside its content, which may hold the same. Calls stand in the message's
    own fields. What else a model puts out (thoughts, marks of its provider's tools) is no input
    that models take.
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
    """Return id, name and arguments of the calls that stand as blocks in an assistant's content.

    Messages made by LangChain have them in ``tool_calls`` too; those written by hand may not.
    """
    blocks = [_unwrapped(item) for item in content if isinstance(item, Mapping)]
    return [
        (
            block.get("call_id") or block.get("id"),
            str(block.get("name") or ""),
            next((block[word] for word in ("args", "input", "arguments") if word in block), None),
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


def _is_mere_link(item: Mapping[str, Any]) -> bool:
    """Whether a block is the address of a document that models do not read by its address."""
    block = _unwrapped(item)
    known = block.get("mime_type") not in {None, "application/pdf"}
    return block.get("type") == "file" and known and bool(_address(block))


def _address(block: Mapping[str, Any]) -> str | None:
    """Return where what a block holds is to be found, if it does not hold it itself."""
    inner = [block.get(word) for word in ("image_url", "video_url", "source", "file")]
    for place in (block, *inner):
        found = place
        if isinstance(place, Mapping):
            words = ("url", "uri", "file_uri", "file_url")
            found = next((place[word] for word in words if place.get(word)), None)
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
        msg = f"a {role} message holds a block of type {kind!r}, which cannot be sent to NanoGPT"
        raise InvalidArgumentError(msg, param="messages")
    try:
        part = build(block)
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        msg = f"a {role} message holds a malformed {kind!r} block: {error!r}"
        raise InvalidArgumentError(msg, param="messages") from error
    mark = _cache_control(block)
    return part if part is None or mark is None else part | {"cache_control": dict(mark)}


def _unwrapped(block: Mapping[str, Any]) -> Mapping[str, Any]:
    value = block.get("value")
    return value if block.get("type") == "non_standard" and isinstance(value, Mapping) else block


def _cache_control(block: Mapping[str, Any]) -> Any:
    return block.get("cache_control") or (block.get("extras") or {}).get("cache_control")


def _text(block: Mapping[str, Any]) -> Part | None:
    text = block.get("text") or ""
    mark = _cache_control(block)
    return messages.text_part(text, cache_control=mark) if text or mark else None


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
        msg = "NanoGPT takes sound as data, not by its URL: download it, or transcribe it by URL"
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
    if isinstance(source_of, Mapping) and isinstance(source_of.get("content"), str):
        return messages.text_part(source_of["content"])
    if block.get("source_type") == "text":
        return messages.text_part(block.get("text") or block["data"])
    source, mime_type = _source(block)
    if isinstance(source, bytes) and _is_text(mime_type):
        return messages.text_part(source.decode("utf-8", "replace"))
    return messages.file_part(source, filename=_filename(block), mime_type=mime_type)


def _is_text(mime_type: str | None) -> bool:
    return (mime_type or "").startswith("text/") or mime_type == "application/json"


def _media(block: Mapping[str, Any]) -> Part | None:
    """Read Google's block for everything, whose media type says what it is."""
    kind = str(block["mime_type"]).partition("/")[0]
    known = {"image": _image, "audio": _audio, "video": _video, "text": _file}
    place = {key: block[key] for key in ("mime_type", "data") if key in block}
    if url := block.get("file_uri"):
        place["url"] = url
    return known.get(kind, _file)({"type": kind, **place})


def _filename(block: Mapping[str, Any]) -> str | None:
    inner = block.get("file")
    places = (block, inner, block.get("extras"), block.get("metadata"))
    for place in places:
        if not isinstance(place, Mapping):
            continue
        for word in ("filename", "file_filename", "title"):  # the second is LangChain's own doing
            if name := place.get(word):
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
    """Return a medium as URL or as bytes, and its media type if the block tells.

    Raises:
        InvalidArgumentError: it is given by the id of a file that another provider keeps.
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
            f"a {block.get('type')!r} block holds neither a URL nor base64 data; NanoGPT cannot "
            "read files that another provider keeps by id"
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
