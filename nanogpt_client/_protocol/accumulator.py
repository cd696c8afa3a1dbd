"""Accumulates a chat stream into one message, and normalises its deltas.

`ChatAccumulator.add` takes an event as NanoGPT sent it and returns normalised `ChatChunk`s;
`ChatAccumulator.completion` returns the response so far. Complete responses are read by the same
code, so a streamed and an unstreamed response cannot differ.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from nanogpt_client._protocol.tool_calls import ToolCalls
from nanogpt_client.types._coerce import as_count, as_dict, as_list, as_text, dicts
from nanogpt_client.types._extras import MESSAGE_FIELDS, MessageExtras
from nanogpt_client.types._text import Text
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import (
    ChatChunk,
    ChatCompletion,
    Choice,
    Citation,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ["ChatAccumulator"]

_IN_EVERY_EVENT = frozenset(
    {"id", "object", "created", "model", "choices", "provider", "system_fingerprint"}
)
"""Fields without usage or costs."""
_NOT_IN_RAW = frozenset({"choices", "error"})


_LIMITS = frozenset({"length", "content_filter"})
"""Finish reasons of responses that end anywhere."""
_CUT_OFF = "{"
"""Half an object, in place of the arguments that a call had none of when it was cut off. Without it
the call would be one without arguments, and a tool would run with all its defaults."""


# The attribute for each field of a message. (Repeated citations are recognised one by one.)
_ATTRIBUTES = {
    "content": "text",
    "reasoning": "reasoning",
    "reasoning_content": "reasoning",
    "reasoning_details": "reasoning",
    "tool_calls": "tools",
    "images": "images",
    "refusal": "refusal",
    "audio": "audio",
}


class _PartialChoice:
    """One of the ``n`` choices so far."""

    __slots__ = (
        "audio", "citations", "extras", "finish_reason", "images", "logprobs", "reasoning",
        "refusal", "role", "text", "tools",
    )  # fmt: skip

    def __init__(self) -> None:
        self.text = Text()
        self.reasoning = Text()
        self.tools = ToolCalls()
        self.citations: dict[Citation, None] = {}  # ordered, with fast look-up
        self.images: list[str] = []
        self.refusal = Text()
        self.audio: dict[str, Any] = {}
        self.logprobs: dict[str, list[Any]] = {}
        self.finish_reason: str | None = None
        self.extras = MessageExtras()
        self.role = "assistant"

    def add(self, choice: Mapping[str, Any], chunk: ChatChunk) -> bool:
        """Add one choice; write what is new to the chunk; return whether the choice ends here."""
        reason = choice.get("finish_reason")
        delta = as_dict(choice.get("delta"))
        if delta:
            self._delta(delta, chunk)
        if (reason is not None or not delta) and (message := choice.get("message")):
            self._message(as_dict(message), chunk)
        if (logprobs := choice.get("logprobs")) is not None:
            self._logprobs(as_dict(logprobs), chunk)
        if reason is None:  # nearly always
            return False
        before, self.finish_reason = self.finish_reason, as_text(reason) or self.finish_reason
        return before is None and self.finish_reason is not None

    def _delta(self, delta: Mapping[str, Any], chunk: ChatChunk) -> None:
        content = delta.get("content")
        if content:
            text = content if type(content) is str else self._parts(content, chunk)
            if text:
                chunk.text += text
                self.text.add(text)
        if len(delta) > 1 or not content:
            self._rest(delta, chunk)
            if not delta.keys() <= MESSAGE_FIELDS:
                self.extras.add(delta)

    def _message(self, message: Mapping[str, Any], chunk: ChatChunk) -> None:
        """Add a complete message; in a stream it repeats what has arrived already."""
        new = {
            key: message[key]
            for key in message
            if not getattr(self, _ATTRIBUTES.get(key, ""), None)
        }
        if isinstance(new.get("content"), list) and (self.reasoning or self.images):
            del new["content"]
        self.extras.add(message)  # it may have a signature that no delta had
        self.tools.keep_extras(dicts(message.get("tool_calls")))
        calls = dicts(new.pop("tool_calls", None))
        self._delta(new, chunk)
        if calls:
            chunk.tool_calls = self.tools.add_whole(calls)

    def _rest(self, delta: Mapping[str, Any], chunk: ChatChunk) -> None:
        """Add the other fields of a delta than its content; most deltas have none."""
        if reasoning := _reasoning(delta):
            chunk.reasoning += reasoning
            self.reasoning.add(reasoning)
        if calls := dicts(delta.get("tool_calls")):
            chunk.tool_calls = self.tools.add(calls)
        if role := as_text(delta.get("role")):
            self.role = role
        if annotations := delta.get("annotations"):
            chunk.citations = [*chunk.citations, *self._new_citations(annotations)]
        if images := delta.get("images"):
            urls = [url for image in as_list(images) if (url := _image_url(image))]
            chunk.images = [*chunk.images, *urls]
            self.images += urls
        if refusal := as_text(delta.get("refusal")):
            chunk.refusal = (chunk.refusal or "") + refusal
            self.refusal.add(refusal)
        if audio := as_dict(delta.get("audio")):
            chunk.audio = audio
            self._audio(audio)

    def _audio(self, audio: Mapping[str, Any]) -> None:
        """Add audio; its data and its transcript arrive in chunks, like text."""
        for key, value in audio.items():
            if isinstance(value, str) and key != "id":
                if not isinstance(self.audio.get(key), Text):
                    self.audio[key] = Text()
                self.audio[key].add(value)
            else:
                self.audio[key] = value

    def _parts(self, content: Any, chunk: ChatChunk) -> str:
        """Return the text of content that is a list of parts, or one part."""
        texts = []
        for part in content if isinstance(content, list) else [content]:
            fields = as_dict(part)
            if reasoning := _reasoning_of_part(fields):
                chunk.reasoning += reasoning
                self.reasoning.add(reasoning)
            else:
                texts.append(_text_of(part))
            if refusal := as_text(fields.get("refusal")):
                chunk.refusal = (chunk.refusal or "") + refusal
                self.refusal.add(refusal)
            if url := _image_url(fields) if "image_url" in fields else "":
                chunk.images = [*chunk.images, url]
                self.images.append(url)
        return "".join(texts)

    def _new_citations(self, annotations: Any) -> list[Citation]:
        """Return new citations; some routes repeat all of them in every delta."""
        new: list[Citation] = []
        for annotation in as_list(annotations):
            citation = Citation.read(annotation)
            if citation is not None and citation not in self.citations:
                self.citations[citation] = None
                new.append(citation)
        return new

    def _logprobs(self, logprobs: dict[str, Any], chunk: ChatChunk) -> None:
        if logprobs:
            chunk.logprobs = logprobs
        for key, value in logprobs.items():
            self.logprobs.setdefault(key, []).extend(as_list(value))

    def choice(self, index: int, salt: str) -> Choice:
        """Return the choice so far; tool calls without an id get a stable one."""
        cut_off = self._cut_off()
        message = Message(
            text=str(self.text),
            reasoning=str(self.reasoning),
            tool_calls=tuple(
                ToolCall(
                    call.id or _generated_id(salt, index, at),
                    call.name,
                    str(call.arguments) + (_CUT_OFF if at == cut_off else ""),
                    call.extras.fields,
                )
                for at, call in enumerate(self.tools.calls)
            ),
            citations=tuple(self.citations),
            images=tuple(self.images),
            refusal=str(self.refusal) or None,
            audio={k: str(v) if isinstance(v, Text) else v for k, v in self.audio.items()} or None,
            role=self.role,
            extra=self.extras.fields(),
        )
        logprobs = {key: list(values) for key, values in self.logprobs.items()}
        return Choice(index, message, self.finish_reason, logprobs or None)

    def _cut_off(self) -> int | None:
        """Return the position of the call that a limit cut off before its arguments, if any."""
        calls = self.tools.calls
        is_cut_off = self.finish_reason in _LIMITS and calls and calls[-1].is_without_arguments
        return len(calls) - 1 if is_cut_off else None

    def endings(self, index: int, salt: str) -> list[ToolCallDelta]:
        """Return deltas with the ids of the calls that had none, and the mark of one cut off."""
        cut_off = self._cut_off()
        return [
            ToolCallDelta(
                at,
                None if call.id else _generated_id(salt, index, at),
                None,
                _CUT_OFF if at == cut_off else "",
            )
            for at, call in enumerate(self.tools.calls)
            if not call.id or at == cut_off
        ]


class ChatAccumulator:
    """One response so far, streamed or complete.

    Attributes:
        finished: number of choices with a finish reason.
        failed: whether a choice has the finish reason ``"error"``.
    """

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self._headers = headers or {}
        self._choices: dict[int, _PartialChoice] = {}
        self._top: dict[str, Any] = {}
        self._salt = ""
        self._completion: ChatCompletion | None = None
        self._costs: tuple[Usage | None, Billing] | None = None
        self.finished = 0
        self.failed = False

    def add(self, event: Mapping[str, Any]) -> list[ChatChunk]:
        """Add one event; return what is new, a chunk per choice.

        `end` returns finish reason, usage and billing.
        """
        self._completion = None
        same_id = event.get("id") in (None, self._top.get("id"))
        if not (same_id and event.keys() <= _IN_EVERY_EVENT):
            self._costs = None
        for key, value in event.items():
            if value is not None:  # the last value wins, unless it is null
                self._top[key] = self._counted(value) if key == "usage" else value
        chunks = []
        here: set[int] = set()
        for at, choice in enumerate(dicts(event.get("choices"))):
            index = as_count(given) or 0 if (given := choice.get("index")) else 0
            if index in here:  # each entry of a list is a choice of its own
                index = at
            here.add(index)
            if (partial := self._choices.get(index)) is None:
                partial = self._choices[index] = _PartialChoice()
            chunk = ChatChunk(index=index, raw=choice)
            if partial.add(choice, chunk):
                self.finished += 1
            self.failed = self.failed or partial.finish_reason == "error"
            chunks.append(chunk)
        return chunks

    def _counted(self, usage: Any) -> Any:
        """Return the usage so far: counts grow, and some routes repeat only a part of them."""
        before = as_dict(self._top.get("usage"))
        if not before or not isinstance(usage, dict):
            return usage
        return before | {key: value for key, value in usage.items() if value or key not in before}

    @property
    def whole(self) -> bool:
        """Whether there is a choice, and each one has a finish reason."""
        return 0 < len(self._choices) == self.finished

    def completion(self) -> ChatCompletion:
        """Return the response so far."""
        if self._completion is None:
            self._completion = self._whole()
        return self._completion

    def _whole(self) -> ChatCompletion:
        if self._costs is None:
            usage = Usage.read(self._top.get("usage"), self._top.get("x_nanogpt_pricing"))
            self._costs = usage, Billing.read(self._top, self._headers)
        usage, billing = self._costs
        return ChatCompletion(
            id=as_text(self._top.get("id")),
            model=as_text(self._top.get("model")),
            choices=tuple(
                choice.choice(index, self._unique())
                for index, choice in sorted(self._choices.items())
            ),
            usage=usage,
            billing=billing,
            raw={key: value for key, value in self._top.items() if key not in _NOT_IN_RAW},
        )

    def end(self) -> list[ChatChunk]:
        """Return the last chunk of each choice; the very last also has usage and billing."""
        whole = self.completion()
        chunks = [
            ChatChunk(
                index=index,
                finish_reason=choice.finish_reason,
                tool_calls=choice.endings(index, self._unique()),
                id=whole.id,
                model=whole.model,
            )
            for index, choice in sorted(self._choices.items())
        ]
        if chunks:
            last = chunks[-1]
            last.usage, last.billing, last.raw = whole.usage, whole.billing, whole.raw
        return chunks

    def _unique(self) -> str:
        """Return a text that makes ids of this response unique."""
        self._salt = self._salt or as_text(self._top.get("id")) or uuid.uuid4().hex
        return self._salt


def _generated_id(salt: str, index: int, position: int) -> str:
    """Return an id for a call without one, or with another call's.

    It has at most 40 characters: OpenAI's models refuse longer ones in a history.
    """
    id_ = f"call_{salt}_{index}_{position}"
    return id_ if len(id_) <= 40 else f"call_{sha256(id_.encode()).hexdigest()[:24]}"


def _reasoning(delta: Mapping[str, Any]) -> str:
    """Return the reasoning once: depending on the route, several fields repeat it."""
    for key in ("reasoning", "reasoning_content"):
        if (value := delta.get(key)) and (text := _text_of(value)):
            return text
    details = dicts(delta.get("reasoning_details"))
    return "".join(as_text(part.get("text")) or as_text(part.get("summary")) for part in details)


def _reasoning_of_part(part: Mapping[str, Any]) -> str:
    """Return the reasoning in a part of a message's content."""
    for key in ("thinking", "reasoning"):
        if value := part.get(key):
            return _text_of(value)
    return _text_of(part) if part.get("type") in ("thinking", "reasoning") else ""


def _text_of(value: Any) -> str:
    """Return a text, or the texts in a part or in a list of parts."""
    if isinstance(value, list):
        return "".join(map(_text_of, value))
    return as_text(value.get("text") if isinstance(value, dict) else value)


def _image_url(image: Any) -> str:
    """Return an image's URL from ``{image_url: {url}}``, ``{url}`` or the URL itself."""
    if isinstance(image, str):
        return image
    fields = as_dict(image)
    inner = fields.get("image_url")
    return as_text(as_dict(inner).get("url")) or as_text(inner) or as_text(fields.get("url"))
