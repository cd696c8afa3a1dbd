"""Builders of wire messages and their parts; their format is defined only here.

Both adapters build every message here, so a conversation is the same request in either framework.
Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion
"""

from __future__ import annotations

import base64
import inspect
import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from nanogpt_client._media import files
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.types.json_schemas import (
    json_schema_format,
    message_name,
    strict_schema,
    tool_parameters,
)

__all__ = [
    "Part",
    "assistant_message",
    "audio_part",
    "check_media",
    "file_part",
    "function_tool",
    "image_part",
    "is_fetchable",
    "json_schema_format",
    "media_behind_tools",
    "message",
    "text_part",
    "tool_call",
    "tool_choice",
    "tool_message",
    "video_part",
    "warn_of_loss",
]

Part: TypeAlias = dict[str, Any]
"""One part of a message's content, in wire format."""


# Media types whose subtype is not the wire's name of the format.
_AUDIO_FORMATS = {"mpeg": "mp3", "wave": "wav", "vnd.wave": "wav", "mp4": "m4a"}


def text_part(text: str, *, cache_control: Mapping[str, Any] | None = None) -> Part:
    """Return a text part, optionally marked as the end of a prompt prefix to cache."""
    part: Part = {"type": "text", "text": text}
    return part if cache_control is None else part | {"cache_control": dict(cache_control)}


def image_part(
    source: str | bytes, *, mime_type: str | None = None, detail: str | None = None
) -> Part:
    """Return an image part from a URL (http(s) or ``data:``) or from bytes.

    Data that is labelled as another type of image than it is gets its own type: Claude refuses it.

    Raises:
        InvalidArgumentError: the URL has another scheme (likewise `video_part` and `file_part`), or
            the data is of a type that no model reads, such as SVG.
    """
    image = {"url": _image_url(_url(source, mime_type))} | (
        {} if detail is None else {"detail": detail}
    )
    return {"type": "image_url", "image_url": image}


def audio_part(
    data: str | bytes, *, format: str | None = None, mime_type: str | None = None
) -> Part:
    """Return an audio part from bytes or base64.

    ``format`` is e.g. ``"wav"`` or ``"mp3"``; by default that of the media type, or of the data.
    """
    kind = _audio_format(data, mime_type) if format is None else format
    return {"type": "input_audio", "input_audio": {"data": _base64(data), "format": kind}}


def video_part(
    source: str | bytes, *, mime_type: str | None = None, detail: str | None = None
) -> Part:
    """Return a video part from a URL or from bytes."""
    video = {"url": _url(source, mime_type)} | ({} if detail is None else {"detail": detail})
    return {"type": "video_url", "video_url": video}


def file_part(
    source: str | bytes, *, filename: str | None = None, mime_type: str | None = None
) -> Part:
    """Return a document part, e.g. a PDF, from a URL (http(s) or ``data:``) or from bytes."""
    file = {"filename": filename or "document", "file_data": _url(source, mime_type)}
    return {"type": "file", "file": file}


def is_fetchable(url: str) -> bool:
    """Whether NanoGPT can read a URL: http(s) or ``data:``."""
    return url.lower().startswith(("https://", "http://", "data:"))


def tool_call(
    call_id: str,
    name: str,
    arguments: str | Mapping[str, Any],
    *,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a tool call of the assistant; arguments given as text are sent unchanged.

    ``extra`` are the call's further fields: `ToolCall.extra`.

    Raises:
        InvalidArgumentError: JSON cannot express the arguments.
    """
    if not isinstance(arguments, str):
        try:
            arguments = json.dumps(arguments, ensure_ascii=False, default=str)
        except (TypeError, ValueError, RecursionError) as error:
            msg = f"the arguments of the call of {name!r} cannot be written as JSON: {error}"
            raise InvalidArgumentError(msg, param="messages") from error
    more = dict(extra or {})
    function = {**(more.pop("function", None) or {}), "name": name, "arguments": arguments}
    return {**more, "id": call_id, "type": "function", "function": function}


def message(
    role: str,
    content: str | Sequence[Part],
    *,
    name: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a system, developer or user message.

    ``name`` is reduced to the characters that providers accept; ``extra`` is sent unchanged.
    """
    return _named({**(extra or {}), "role": role, "content": _content(content)}, name)


def assistant_message(
    content: str | Sequence[Part] = "",
    *,
    tool_calls: Sequence[dict[str, Any]] = (),
    reasoning: str | None = None,
    name: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an assistant message; with tool calls and no text its content is null.

    ``reasoning`` returns the model's reasoning to it, which some models need after tool calls.
    ``extra`` are the message's further fields: `Message.extra`.
    """
    text = _content(content)
    built: dict[str, Any] = {**(extra or {}), "role": "assistant", "content": text}
    if tool_calls:
        built |= {"content": text or None, "tool_calls": list(tool_calls)}
    if reasoning:
        built["reasoning_content"] = reasoning
    return _named(built, name)


def tool_message(
    content: str | Sequence[Part],
    tool_call_id: str,
    *,
    name: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the result of a tool call."""
    return message("tool", content, name=name, extra=extra) | {"tool_call_id": tool_call_id}


def function_tool(
    name: str,
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    strict: bool | None = None,
) -> dict[str, Any]:
    """Return a tool that the model may call; ``parameters`` is a JSON schema.

    A description loses the indentation of a docstring, as in Python 3.13, so that a tool is the
    same request in every version.

    Raises:
        InvalidArgumentError: ``strict`` is on, and strict mode cannot express the schema.
    """
    function: dict[str, Any] = {"name": name}
    if description:
        function["description"] = inspect.cleandoc(description)
    schema = tool_parameters(parameters)
    function["parameters"] = strict_schema(schema) if strict else schema
    if strict is not None:
        function["strict"] = strict
    return {"type": "function", "function": function}


def tool_choice(name: str, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the ``tool_choice`` for one tool.

    Raises:
        InvalidArgumentError: no tool has this name.
    """
    names = [tool.get("function", {}).get("name") for tool in tools]
    if name not in names:
        msg = f"tool_choice names {name!r}, but the tools are {names}"
        raise InvalidArgumentError(msg, param="tool_choice")
    return {"type": "function", "function": {"name": name}}


def media_behind_tools(
    conversation: Sequence[dict[str, Any]], supported: Mapping[str, bool] | None = None
) -> list[dict[str, Any]]:
    """Move media from tool results and assistant messages into a user message after them.

    Most providers only accept text in these messages, and nothing may stand between the results of
    one assistant message. Media that the model does not support (``supported`` as for
    `check_media`), or that would make the request too large, are replaced by a text, with a
    warning, so that the conversation can continue.
    """
    moved: list[dict[str, Any]] = []
    media: list[Part] = []
    for entry in _without_unsupported(conversation, supported or {}):
        if media and entry["role"] != "tool":
            moved.append(message("user", media))
            media = []
        text_only, own = _split_media(entry)
        moved.append(text_only)
        media += own
    return moved + ([message("user", media)] if media else [])


_TEXT_ONLY_ROLES = {"tool", "assistant"}
# Characters; half of a request. Media that are sent again in each turn add up.
_MAX_MEDIA = 16 * 1024 * 1024


def _split_media(entry: dict[str, Any]) -> tuple[dict[str, Any], list[Part]]:
    """Return a message without its media, and these below a title."""
    content = entry.get("content")
    if entry["role"] not in _TEXT_ONLY_ROLES or not isinstance(content, list):
        return entry, []
    texts, media = _texts_and_media(content)
    if not media:
        return entry, []
    call = entry.get("tool_call_id")
    title = f"The result of the tool call {call}:" if call else "What you made:"
    stand_in = None if entry.get("tool_calls") else "The result is shown below."
    return entry | {"content": _content(texts) or stand_in}, [text_part(title), *media]


def _without_unsupported(
    conversation: Sequence[dict[str, Any]], supported: Mapping[str, bool]
) -> list[dict[str, Any]]:
    """Replace media that cannot be sent again by a text; the newest are sent first."""
    room = _MAX_MEDIA

    def checked(part: Part) -> Part:
        nonlocal room
        if part["type"] == "text":
            return part
        if not supported.get(part["type"], True):
            return _omitted(part, "which the model does not support")
        if (size := _size(part)) > room:
            return _omitted(part, "since newer ones fill the request")
        room -= size
        return part

    result: list[dict[str, Any]] = []
    for entry in reversed(conversation):
        content = entry.get("content")
        if entry["role"] in _TEXT_ONLY_ROLES and isinstance(content, list):
            parts = [checked(part) for part in reversed(content)]
            result.append(entry | {"content": _content(parts[::-1])})
        else:
            result.append(entry)
    return result[::-1]


def _size(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    return len(value) if isinstance(value, str) else 0


def _omitted(part: Part, reason: str) -> Part:
    what = _MEDIA.get(part["type"], "a block")
    warn_of_loss(f"{what} in the conversation's history is not sent, {reason}")
    return text_part(f"[{what} was here, {reason}]")


def warn_of_loss(what: str) -> None:
    """Warn that a part of the conversation's history is not sent to the model."""
    warnings.warn(f"{what}; a text replaces it", UserWarning, stacklevel=2)


_MEDIA = {"image_url": "an image", "input_audio": "audio", "video_url": "a video", "file": "a file"}


def check_media(
    conversation: Sequence[Mapping[str, Any]], model: str, supported: Mapping[str, bool]
) -> None:
    """Refuse media that a model does not support, before they are sent.

    ``supported`` is by type of part, e.g. ``{"image_url": False}``; missing types are allowed.

    Raises:
        InvalidArgumentError: the model does not support a part; the message names both.
    """
    if all(supported.values()):
        return
    for entry in conversation:
        content = entry.get("content")
        for part in content if isinstance(content, list) else ():
            kind = part["type"]
            if not supported.get(kind, True):
                msg = (
                    f"a {entry['role']} message contains {_MEDIA.get(kind, 'a block')} ({kind!r}), "
                    f"which {model!r} does not support"
                )
                raise InvalidArgumentError(msg, param="messages")


def _texts_and_media(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Return the text parts and the others."""
    return (
        [part for part in parts if part["type"] == "text"],
        [part for part in parts if part["type"] != "text"],
    )


def _named(built: dict[str, Any], name: str | None) -> dict[str, Any]:
    allowed = message_name(name)
    return built if allowed is None else built | {"name": allowed}


def _content(content: str | Sequence[Part]) -> str | list[Part]:
    """Return content that is only text as one string: some providers accept no list of parts.

    DeepSeek's API does not, nor do servers that were built like it.
    """
    if isinstance(content, str):
        return content
    if any(part.keys() != {"type", "text"} for part in content):
        return list(content)
    return "\n".join(part["text"] for part in content)


def _url(source: str | bytes, mime_type: str | None) -> str:
    if isinstance(source, str):
        if not is_fetchable(source):
            msg = f"NanoGPT cannot read {source[:80]!r}: give an https or data: URL, or the bytes"
            raise InvalidArgumentError(msg, param="messages")
        return source
    kind = mime_type or files.mime_type_of(source)
    return f"data:{kind};base64,{_base64(source)}"


# The page on chats names the first four; Claude and OpenAI's models read GIF as well, Gemini HEIC.
_IMAGES = frozenset(
    f"image/{name}" for name in ("png", "jpeg", "jpg", "webp", "gif", "heic", "heif")
)


_LONGEST_HEAD = 200  # characters of a URL; the data itself may have millions


def _image_url(url: str) -> str:
    """Return the URL of an image with the type that its data has, if it has data."""
    head, _, data = url[:_LONGEST_HEAD].partition(",")
    if head[:5].lower() != "data:":
        return url
    kind, _, rest = head[5:].partition(";")
    found = kind.lower()
    if rest.lower().endswith("base64"):
        with suppress(ValueError):  # whoever reads it says that it is no base64
            detected = files.mime_type_of(_head(data))
            found = detected if detected in _IMAGES else found
    if found not in _IMAGES:
        msg = f"no model reads an image of type {kind!r}: convert it to PNG, JPEG or WebP"
        raise InvalidArgumentError(msg, param="messages")
    return url if found == kind else f"data:{found};{rest}{url[len(head) :]}"


def _audio_format(data: str | bytes, mime_type: str | None) -> str:
    if mime_type is None:
        mime_type = files.mime_type_of(data if isinstance(data, bytes) else _head(data))
    name = mime_type.partition(";")[0].rpartition("/")[2].lower().removeprefix("x-")
    return _AUDIO_FORMATS.get(name, name)


def _head(data: str) -> bytes:
    return base64.b64decode(data[:64])


def _base64(data: str | bytes) -> str:
    return data if isinstance(data, str) else base64.b64encode(data).decode()
