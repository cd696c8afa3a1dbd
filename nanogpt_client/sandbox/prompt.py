"""Read what a chat request shows the model: texts, pictures, sounds, files, and their tokens.

Content parts are checked against the model's capabilities. Data URLs are decoded and looked
at; pictures on other hosts are only named by their address, for the sandbox fetches nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.bodies import read_base64, read_data_url
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.failures import Refusal, invalid
from nanogpt_client.sandbox.messages import dump
from nanogpt_client.sandbox.pdf_text import pdf_text
from nanogpt_client.sandbox.world import Exchange

IMAGE_TYPES = {"image/png", "image/jpeg", "image/jpg", "image/webp"}
_IMAGE_TOKENS = 255
_VIDEO_TOKENS = 1024
_AUDIO_TOKENS_PER_SECOND = 10
_MESSAGE_TOKENS = 4
_TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}


@dataclass(slots=True)
class Prompt:
    """What the model is shown; `per_message` are token counts in message order."""

    image_descriptions: list[str] = field(default_factory=list)
    attachments: list[str] = field(default_factory=list)
    per_message: list[int] = field(default_factory=list)
    audio_tokens: int = 0
    tool_tokens: int = 0

    @property
    def tokens(self) -> int:
        """Return the tokens of the whole prompt."""
        return sum(self.per_message) + self.tool_tokens


@dataclass(frozen=True, slots=True)
class _Reader:
    """One part being read, and where its findings go."""

    exchange: Exchange
    model: Model
    prompt: Prompt
    where: str = ""


def read_prompt(exchange: Exchange, body: Mapping[str, Any], model: Model) -> Prompt:
    """Return what a (checked) request shows. Raises `Refusal` (400)."""
    prompt = Prompt()
    reader = _Reader(exchange, model, prompt)
    for index, message in enumerate(body["messages"]):
        tokens = _MESSAGE_TOKENS + sum(
            count_tokens(call["function"]["name"])
            + count_tokens(call["function"].get("arguments") or "")
            for call in message.get("tool_calls") or ()
        )
        content = message.get("content")
        if isinstance(content, str):
            tokens += count_tokens(content)
        for number, part in enumerate(content if isinstance(content, list) else ()):
            tokens += _read_part(
                replace(reader, where=f"messages[{index}].content[{number}]"), part
            )
        prompt.per_message.append(tokens)
    if body.get("tools"):
        prompt.tool_tokens = count_tokens(dump(body["tools"]))
    return prompt


def _read_part(reader: _Reader, part: object) -> int:
    """Note one content part and return its tokens."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(kind, str):
        raise invalid(f"{reader.where} must be an object with a type.", reader.where)
    if kind in _TEXT_PARTS:
        text = part.get(_TEXT_PARTS[kind])
        if not isinstance(text, str):
            raise invalid(f"{reader.where}.text must be a string.", reader.where)
        return count_tokens(text)
    read = _PARTS.get(kind)
    if read is None:
        raise invalid(f"{reader.where} has the unsupported type '{kind}'.", reader.where)
    return read(reader, part)


def _image(reader: _Reader, part: dict[str, Any]) -> int:
    if not reader.model.can("vision"):
        raise Refusal(
            400,
            f"The model '{reader.model.id}' does not support image input.",
            code="image_input_not_supported",
            param=reader.where,
        )
    url = _url_of(part, "image_url", reader.where)
    described = describe_image(reader.exchange, url, reader.where)
    reader.prompt.image_descriptions.append(described)
    return _IMAGE_TOKENS


def describe_image(exchange: Exchange, url: str, where: str) -> str:
    """Return what can be seen behind an image URL. Raises `Refusal` (400)."""
    if url.startswith("data:"):
        mime, data = read_data_url(url, where)
        if mime.lower() not in IMAGE_TYPES:
            raise invalid(f"Unsupported image type '{mime}': use PNG, JPEG or WebP.", where)
        return _look(data, where)
    if not url.lower().startswith(("https://", "http://")):
        raise invalid(f"{where} must be an http(s) URL or a data URL.", where)
    stored = exchange.world.media.of_url(url, exchange.request.origin)
    return _look(stored.content, where) if stored else f"an image at {url}"


def _look(data: bytes, where: str) -> str:
    from nanogpt_client.sandbox.media.images import describe  # noqa: PLC0415 - extra

    try:
        return describe(data)
    except ValueError:
        raise invalid(f"{where} is not a readable image.", where) from None


def _video(reader: _Reader, part: dict[str, Any]) -> int:
    if not reader.model.can("video_input"):
        raise Refusal(
            400,
            f"The model '{reader.model.id}' does not support video input.",
            code="video_input_not_supported",
            param=reader.where,
        )
    url = _url_of(part, "video_url", reader.where)
    if url.startswith("data:"):
        mime, data = read_data_url(url, reader.where)
        described = f"a video clip ({mime}, {len(data)} bytes)"
    else:
        described = f"a video clip at {url}"
    reader.prompt.image_descriptions.append(described)
    return _VIDEO_TOKENS


def _audio(reader: _Reader, part: dict[str, Any]) -> int:
    from nanogpt_client.sandbox.media.audio import transcribe  # noqa: PLC0415 - extra

    _need(reader, "audio")
    sound = part.get("input_audio")
    if not isinstance(sound, dict) or not isinstance(sound.get("data"), str):
        raise invalid(f"{reader.where}.input_audio must hold data and format.", reader.where)
    try:
        heard = transcribe(read_base64(sound["data"], reader.where))
    except ValueError:
        raise invalid(f"{reader.where} is not readable audio.", reader.where) from None
    reader.prompt.attachments.append(f"The recording says: {heard.text}")
    tokens = max(1, round(heard.seconds * _AUDIO_TOKENS_PER_SECOND))
    reader.prompt.audio_tokens += tokens
    return tokens


def _file(reader: _Reader, part: dict[str, Any]) -> int:
    name, mime, data = _file_of(part, reader.where)
    if data.startswith(b"%PDF") or "pdf" in mime:
        _need(reader, "pdf")
        text = (
            pdf_text(data) or f"({name} is a PDF of {len(data)} bytes whose text is not readable.)"
        )
    else:
        text = data.decode("utf-8", "replace")
    reader.prompt.attachments.append(text)
    return count_tokens(text)


def _file_of(part: dict[str, Any], where: str) -> tuple[str, str, bytes]:
    """Return name, MIME type and bytes of a file part in any of its three spellings."""
    held = part["file"] if isinstance(part.get("file"), dict) else part
    name = str(held.get("filename") or held.get("title") or "file")
    source = held.get("source")
    if isinstance(source, dict) and isinstance(source.get("data"), str):
        return name, str(source.get("media_type") or ""), read_base64(source["data"], where)
    data = held.get("file_data")
    if not isinstance(data, str):
        raise invalid(
            f"{where} must carry file_data; files by id or address are not supported.", where
        )
    if data.startswith("data:"):
        return name, *read_data_url(data, where)
    return name, "", read_base64(data, where)


def _need(reader: _Reader, modality: str) -> None:
    if not reader.model.takes(modality):
        raise Refusal(
            400,
            f"The model '{reader.model.id}' does not support {modality} input.",
            code="unsupported_input_modality",
            param=reader.where,
        )


def _url_of(part: dict[str, Any], key: str, where: str) -> str:
    held = part.get(key)
    url = held.get("url") if isinstance(held, dict) else held
    if not isinstance(url, str) or not url:
        raise invalid(f"{where}.{key}.url is required.", where)
    return url


_PARTS: dict[str, Callable[[_Reader, dict[str, Any]], int]] = {
    "image_url": _image,
    "input_image": _image,
    "video_url": _video,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
    "document": _file,
}
