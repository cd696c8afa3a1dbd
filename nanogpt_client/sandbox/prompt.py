"""Read what a chat request shows the model, as far as it can: texts, images, audio, files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.bodies import read_base64, read_data_url
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.exchange import Exchange
from nanogpt_client.sandbox.http import Refusal, dump, invalid, require
from nanogpt_client.sandbox.input_media import described, own_file, pdf_text

IMAGE_TYPES = {"image/png", "image/jpeg", "image/jpg", "image/webp"}
_IMAGE_TOKENS = 255
_VIDEO_TOKENS = 1024
_AUDIO_TOKENS_PER_SECOND = 10
_MESSAGE_TOKENS = 4


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


def read_prompt(exchange: Exchange, body: Mapping[str, Any], model: Model) -> Prompt:
    """Return what a (checked) request shows. Raises `Refusal` (400)."""
    reader = _Reader(exchange, model)
    for index, message in enumerate(body["messages"]):
        called = [call["function"] for call in message.get("tool_calls") or ()]
        texts = [part for each in called for part in (each["name"], each.get("arguments") or "")]
        content = message.get("content")
        texts += [content] if isinstance(content, str) else []
        tokens = _MESSAGE_TOKENS + sum(map(count_tokens, texts))
        for number, part in enumerate(content if isinstance(content, list) else ()):
            reader.where = f"messages[{index}].content[{number}]"
            tokens += reader.part(part)
        reader.prompt.per_message.append(tokens)
    if body.get("tools"):
        reader.prompt.tool_tokens = count_tokens(dump(body["tools"]))
    return reader.prompt


@dataclass(slots=True)
class _Reader:
    """Reads content parts into a prompt; each method returns the tokens of one part."""

    exchange: Exchange
    model: Model
    prompt: Prompt = field(default_factory=Prompt)
    where: str = ""  # the place of the part in the request

    def part(self, part: Any) -> int:
        kind: Any = part.get("type") if isinstance(part, dict) else None
        require(isinstance(kind, str), f"{self.where} must be an object with a type.", self.where)
        if kind in ("text", "refusal"):
            text = part.get(kind)
            require(isinstance(text, str), f"{self.where}.{kind} must be a string.", self.where)
            return count_tokens(text)
        require(kind in _PARTS, f"{self.where} has the unsupported type '{kind}'.", self.where)
        return _PARTS[kind](self, part)

    def image(self, part: dict[str, Any]) -> int:
        self._support(self.model.can("vision"), "image", "image_input_not_supported")
        url = self._url(part, "image_url")
        if url.startswith("data:"):
            mime, data = read_data_url(url, self.where)
            message = f"Unsupported image type '{mime}': use PNG, JPEG or WebP."
            require(mime.lower() in IMAGE_TYPES, message, self.where)
            shown = described(data, self.where)
        else:
            stored = own_file(self.exchange, url, self.where)
            shown = f"an image at {url}" if stored is None else described(stored, self.where)
        self.prompt.image_descriptions.append(shown)
        return _IMAGE_TOKENS

    def video(self, part: dict[str, Any]) -> int:
        self._support(self.model.can("video_input"), "video", "video_input_not_supported")
        url = self._url(part, "video_url")
        shown = f"a video clip at {url}"
        if url.startswith("data:"):
            mime, data = read_data_url(url, self.where)
            shown = f"a video clip ({mime}, {len(data)} bytes)"
        self.prompt.image_descriptions.append(shown)
        return _VIDEO_TOKENS

    def audio(self, part: dict[str, Any]) -> int:
        from nanogpt_client.sandbox.media.audio import transcribe  # noqa: PLC0415 - an extra

        self._support(self.model.takes("audio"), "audio")
        audio = part.get("input_audio")
        if not isinstance(audio, dict) or not isinstance(audio.get("data"), str):
            raise invalid(f"{self.where}.input_audio must have data and format.", self.where)
        try:
            transcript = transcribe(read_base64(audio["data"], self.where))
        except ValueError:
            raise invalid(f"{self.where} is not readable audio.", self.where) from None
        self.prompt.attachments.append(f"The recording says: {transcript.text}")
        tokens = max(1, round(transcript.seconds * _AUDIO_TOKENS_PER_SECOND))
        self.prompt.audio_tokens += tokens
        return tokens

    def file(self, part: dict[str, Any]) -> int:
        file: Any = part["file"] if isinstance(part.get("file"), dict) else {}
        given, name = file.get("file_data"), str(file.get("filename") or "file")
        message = f"{self.where} must have file_data; ids and addresses are not supported."
        require(isinstance(given, str), message, self.where)
        if given.startswith("data:"):
            mime, data = read_data_url(given, self.where)
        else:
            mime, data = "", read_base64(given, self.where)
        if data.startswith(b"%PDF") or "pdf" in mime:
            self._support(self.model.takes("pdf"), "pdf")
            unreadable = f"({name} is a PDF of {len(data)} bytes whose text is not readable.)"
            text = pdf_text(data) or unreadable
        else:
            text = data.decode("utf-8", "replace")
        self.prompt.attachments.append(text)
        return count_tokens(text)

    def _support(
        self, supported: bool, modality: str, code: str = "unsupported_input_modality"
    ) -> None:
        if not supported:
            message = f"The model '{self.model.id}' does not support {modality} input."
            raise Refusal(400, message, code=code, param=self.where)

    def _url(self, part: dict[str, Any], key: str) -> str:
        given = part.get(key)
        url = given.get("url") if isinstance(given, dict) else given
        if not isinstance(url, str) or not url:
            raise invalid(f"{self.where}.{key}.url is required.", self.where)
        return url


_PARTS: dict[str, Callable[[_Reader, dict[str, Any]], int]] = {
    "image_url": _Reader.image,
    "video_url": _Reader.video,
    "input_audio": _Reader.audio,
    "file": _Reader.file,
}
