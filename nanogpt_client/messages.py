"""Builders of wire messages and their parts: the one place that knows their shapes.

Both adapters build every message here, so the same conversation is the same request whichever
framework it came through.
Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion
"""

from __future__ import annotations

import base64
import inspect
import json
import warnings
from collections.abc import Mapping, Sequence
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
"""One part of a message's content, as it goes over the wire."""


# Where a media type does not end in the name that the wire uses for the format.
_AUDIO_FORMATS = {"mpeg": "mp3", "wave": "wav", "vnd.wave": "wav", "mp4": "m4a"}


def text_part(text: str, *, cache_control: Mapping[str, Any] | None = None) -> Part:
    """Return a text, optionally marked as the end of a prefix that the provider caches."""
    part: Part = {"type": "text", "text": text}
    return part if cache_control is None else part | {"cache_control": dict(cache_control)}


def image_part(
    source: str | bytes, *, mime_type: str | None = None, detail: str | None = None
) -> Part:
    """Return a picture, given by URL (https or ``data:``) or as its bytes.

    Raises:
        InvalidArgumentError: the URL is of another kind (so do `video_part` and `file_part`).
    """
    image = {"url": _url(source, mime_type)} | ({} if detail is None else {"detail": detail})
    return {"type": "image_url", "image_url": image}


def audio_part(
    data: str | bytes, *, format: str | None = None, mime_type: str | None = None
) -> Part:
    """Return a sound as bytes or base64, with its format, such as ``"wav"`` or ``"mp3"``.

    Without ``format`` the media type says it, and without that the sound's first bytes.
    """
    kind = _audio_format(data, mime_type) if format is None else format
    return {"type": "input_audio", "input_audio": {"data": _base64(data), "format": kind}}


def video_part(
    source: str | bytes, *, mime_type: str | None = None, detail: str | None = None
) -> Part:
    """Return a video, given by URL or as its bytes."""
    video = {"url": _url(source, mime_type)} | ({} if detail is None else {"detail": detail})
    return {"type": "video_url", "video_url": video}


def file_part(
    source: str | bytes, *, filename: str | None = None, mime_type: str | None = None
) -> Part:
    """Return a document, e.g. a PDF, given by URL (https or ``data:``) or as its bytes."""
    file = {"filename": filename or "document", "file_data": _url(source, mime_type)}
    return {"type": "file", "file": file}


def is_fetchable(url: str) -> bool:
    """Whether NanoGPT can read what is at an address: of the web, or itself the data."""
    return url.lower().startswith(("https://", "http://", "data:"))


def tool_call(
    call_id: str,
    name: str,
    arguments: str | Mapping[str, Any],
    *,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a call that the assistant made; arguments as text stay as the model wrote them.

    ``extra`` is what else the call held when it came: `ToolCall.extra`.

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
    """Return a system, developer or user message; ``name`` as providers take it.

    Further fields (``extra``) are sent as they are.
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
    """Return what the assistant said; without text beside tool calls its content is null.

    ``reasoning`` gives the model its own thoughts back, which some need to go on after tool calls;
    ``extra`` what else the message held when it came: `Message.extra`.
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
    """Return a tool's result for the call that it answers."""
    return message("tool", content, name=name, extra=extra) | {"tool_call_id": tool_call_id}


def function_tool(
    name: str,
    description: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    strict: bool | None = None,
) -> dict[str, Any]:
    """Return a tool that the model may call; ``parameters`` is a JSON schema.

    A description that is a docstring loses its indentation, which some Pythons take off themselves:
    the same tool is the same request on each of them.

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
    """Return the choice of one tool by its name.

    Raises:
        InvalidArgumentError: it is the name of none of these.
    """
    names = [tool.get("function", {}).get("name") for tool in tools]
    if name not in names:
        msg = f"tool_choice names {name!r}, but the tools are {names}"
        raise InvalidArgumentError(msg, param="tool_choice")
    return {"type": "function", "function": {"name": name}}


def media_behind_tools(
    conversation: Sequence[dict[str, Any]], takes: Mapping[str, bool] | None = None
) -> list[dict[str, Any]]:
    """Move what tools and models showed (images, sounds, files) into a user message behind them.

    A tool's result and an assistant's message are text for most providers, and nothing may stand
    between the results that answer one message of the assistant.
    What the model is known not to take (``takes`` as for `check_media`), or what would make the
    request too large, is replaced by a text, with a warning: a conversation must not be lost to
    what a tool returned once.
    """
    moved: list[dict[str, Any]] = []
    shown: list[Part] = []
    for entry in _without_untakable(conversation, takes or {}):
        if shown and entry["role"] != "tool":
            moved.append(message("user", shown))
            shown = []
        said, media = _without_media(entry)
        moved.append(said)
        shown += media
    return moved + ([message("user", shown)] if shown else [])


_SHOWING = {"tool", "assistant"}
# Half of what a request may hold: images that are sent again with each turn add up.
_MOST_SHOWN = 16 * 1024 * 1024


def _without_media(entry: dict[str, Any]) -> tuple[dict[str, Any], list[Part]]:
    """Return what a tool or the assistant said, and, below a title, what it showed."""
    content = entry.get("content")
    if entry["role"] not in _SHOWING or not isinstance(content, list):
        return entry, []
    texts, media = _apart(content)
    if not media:
        return entry, []
    call = entry.get("tool_call_id")
    title = f"The result of the tool call {call}:" if call else "What you made:"
    stand_in = None if entry.get("tool_calls") else "The result is shown below."
    return entry | {"content": _content(texts) or stand_in}, [text_part(title), *media]


def _without_untakable(
    conversation: Sequence[dict[str, Any]], takes: Mapping[str, bool]
) -> list[dict[str, Any]]:
    """Replace what cannot go back of what tools and models showed; the newest is kept first."""
    room = _MOST_SHOWN

    def left(part: Part) -> Part:
        nonlocal room
        if part["type"] == "text":
            return part
        if not takes.get(part["type"], True):
            return _left_out(part, "which the model does not take")
        if (size := _size(part)) > room:
            return _left_out(part, "since newer ones fill the request")
        room -= size
        return part

    kept: list[dict[str, Any]] = []
    for entry in reversed(conversation):
        content = entry.get("content")
        if entry["role"] in _SHOWING and isinstance(content, list):
            parts = [left(part) for part in reversed(content)]
            kept.append(entry | {"content": _content(parts[::-1])})
        else:
            kept.append(entry)
    return kept[::-1]


def _size(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_size, value.values()))
    return len(value) if isinstance(value, str) else 0


def _left_out(part: Part, reason: str) -> Part:
    what = _MEDIA.get(part["type"], "a block")
    warn_of_loss(f"{what} in the conversation's history is not sent, {reason}")
    return text_part(f"[{what} was here, {reason}]")


def warn_of_loss(what: str) -> None:
    """Warn that something of a conversation's history does not reach the model."""
    warnings.warn(f"{what}; a text stands in its place", UserWarning, stacklevel=2)


_MEDIA = {"image_url": "an image", "input_audio": "sound", "video_url": "a video", "file": "a file"}


def check_media(
    conversation: Sequence[Mapping[str, Any]], model: str, takes: Mapping[str, bool]
) -> None:
    """Refuse media that a model is known not to take, before they are sent.

    ``takes`` says it by type of part, e.g. ``{"image_url": False}``; what it leaves out may pass.

    Raises:
        InvalidArgumentError: naming the block and the model.
    """
    if all(takes.values()):
        return
    for entry in conversation:
        content = entry.get("content")
        for part in content if isinstance(content, list) else ():
            kind = part["type"]
            if not takes.get(kind, True):
                msg = (
                    f"a {entry['role']} message holds {_MEDIA.get(kind, 'a block')} ({kind!r}), "
                    f"which {model!r} does not take"
                )
                raise InvalidArgumentError(msg, param="messages")


def _apart(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Return the texts, and what is none."""
    return (
        [part for part in parts if part["type"] == "text"],
        [part for part in parts if part["type"] != "text"],
    )


def _named(built: dict[str, Any], name: str | None) -> dict[str, Any]:
    allowed = message_name(name)
    return built if allowed is None else built | {"name": allowed}


def _content(content: str | Sequence[Part]) -> str | list[Part]:
    """Return a lone plain text as a string, which every model behind NanoGPT takes."""
    if isinstance(content, str):
        return content
    parts = list(content)
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        text: str = parts[0]["text"]
        return text
    return parts or ""


def _url(source: str | bytes, mime_type: str | None) -> str:
    if isinstance(source, str):
        if not is_fetchable(source):
            msg = f"NanoGPT cannot read {source[:80]!r}: give an https or data: URL, or the bytes"
            raise InvalidArgumentError(msg, param="messages")
        return source
    kind = mime_type or files.mime_type_of(source)
    return f"data:{kind};base64,{_base64(source)}"


def _audio_format(data: str | bytes, mime_type: str | None) -> str:
    if mime_type is None:
        mime_type = files.mime_type_of(data if isinstance(data, bytes) else _head(data))
    name = mime_type.partition(";")[0].rpartition("/")[2].lower().removeprefix("x-")
    return _AUDIO_FORMATS.get(name, name)


def _head(data: str) -> bytes:
    return base64.b64decode(data[:64])


def _base64(data: str | bytes) -> str:
    return data if isinstance(data, str) else base64.b64encode(data).decode()
