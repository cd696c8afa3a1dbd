"""Folds a chat stream into one message, and puts its deltas in order on the way.

`PartialMessage.add` takes a frame's choices as NanoGPT sent them and returns normalised
`ChatChunk`s; `PartialMessage.completion` is what has arrived so far, in the type of a whole reply.
Whole replies are read by the same code, so a streamed and an unstreamed answer cannot differ.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client.wire._extras import MESSAGE_FIELDS, CallExtras, MessageExtras
from nanogpt_client.wire._read import as_count, as_dict, as_list, as_text, dicts
from nanogpt_client.wire.billing import Billing
from nanogpt_client.wire.chat import (
    ChatChunk,
    ChatCompletion,
    Choice,
    Citation,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)

__all__ = ["PartialMessage"]

_TOLD_APART = frozenset({"choices", "error"})


class _Text:
    """A text that comes in pieces, kept in hardly more memory than it has itself."""

    __slots__ = ("_blocks", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._blocks: list[str] = []

    def add(self, piece: str) -> None:
        """Append a piece; pieces are joined in time, as each is many times larger than a word."""
        self._pieces.append(piece)
        if len(self._pieces) == 1000:
            self._blocks.append("".join(self._pieces))
            self._pieces.clear()

    def __str__(self) -> str:
        whole, blocks = "", [*self._blocks, "".join(self._pieces)]
        self._blocks.clear()
        self._pieces.clear()
        for at, block in enumerate(blocks):
            whole += block  # lengthened in place, while what has been read is let go
            blocks[at] = ""
        self._blocks.append(whole)
        return whole


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: _Text = field(default_factory=_Text)
    extras: CallExtras = field(default_factory=CallExtras)


class _ToolCalls:
    """Keeps the tool calls of one choice apart.

    Providers number them badly: every call with index 0, no index at all, id and name repeated on
    each delta, pieces of two calls interleaved. A known id decides; then the index; a piece with
    neither continues the last call unless it brings a new name.
    """

    __slots__ = ("_by_id", "_by_index", "calls")

    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, int] = {}

    def add(self, delta: Mapping[str, Any]) -> ToolCallDelta:
        function = as_dict(delta.get("function"))
        id_, name = as_text(delta.get("id")), as_text(function.get("name"))
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        position = self._position(id_, as_count(delta.get("index")), name)
        call = self.calls[position]
        new_id, new_name = not call.id and id_, not call.name and name
        if new_id:
            call.id = id_
            self._by_id[id_] = position
        if new_name:
            call.name = name
        call.arguments.add(arguments)
        call.extras.add(delta, function)
        return ToolCallDelta(
            position, id_ if new_id else None, name if new_name else None, arguments
        )

    def _position(self, id_: str, index: int | None, name: str) -> int:
        if id_ in self._by_id:
            return self._by_id[id_]
        known = self._by_index.get(index) if index is not None else len(self.calls) - 1
        if known is not None and known >= 0:
            call = self.calls[known]
            other_id = bool(id_ and call.id)
            other_name = bool(name and call.name and (name != call.name or index is None))
            if not other_id and not (other_name and not id_):
                return known
        self.calls.append(_Call())
        if index is not None:
            self._by_index[index] = len(self.calls) - 1
        return len(self.calls) - 1


class _PartialChoice:
    """What has arrived of one of the ``n`` answers."""

    __slots__ = (
        "audio", "citations", "extras", "finish_reason", "images", "logprobs", "reasoning",
        "refusal", "role", "text", "tools",
    )  # fmt: skip

    def __init__(self) -> None:
        self.text = _Text()
        self.reasoning = _Text()
        self.tools = _ToolCalls()
        self.citations: list[Citation] = []
        self.images: list[str] = []
        self.refusal = _Text()
        self.audio: dict[str, Any] = {}
        self.logprobs: dict[str, list[Any]] = {}
        self.finish_reason: str | None = None
        self.extras = MessageExtras()
        self.role = "assistant"

    def add(self, choice: Mapping[str, Any], chunk: ChatChunk) -> bool:
        """Fold one choice in; write what is new to the chunk; return whether it has ended here."""
        delta = as_dict(choice.get("delta") or choice.get("message"))
        content = delta.get("content")
        if content:
            text = content if type(content) is str else self._parts(content, chunk)
            if text:
                chunk.text = text
                self.text.add(text)
        if len(delta) > 1 or not content:
            self._rest(delta, chunk)
            if not delta.keys() <= MESSAGE_FIELDS:
                self.extras.add(delta)
        if (logprobs := choice.get("logprobs")) is not None:
            self._logprobs(as_dict(logprobs), chunk)
        reason = choice.get("finish_reason")
        if reason is None:  # nearly always
            return False
        self.finish_reason = as_text(reason) or self.finish_reason
        return True

    def _rest(self, delta: Mapping[str, Any], chunk: ChatChunk) -> None:
        """Everything of a delta but its content; most deltas have nothing of it."""
        if reasoning := _reasoning(delta):
            chunk.reasoning += reasoning
            self.reasoning.add(reasoning)
        if calls := delta.get("tool_calls"):
            chunk.tool_calls = [self.tools.add(call) for call in dicts(calls)]
        if role := as_text(delta.get("role")):
            self.role = role
        if annotations := delta.get("annotations"):
            chunk.citations = self._new_citations(annotations)
        if images := delta.get("images"):
            urls = [url for image in as_list(images) if (url := _image_url(image))]
            chunk.images = [*chunk.images, *urls]
            self.images += urls
        if refusal := as_text(delta.get("refusal")):
            chunk.refusal = refusal
            self.refusal.add(refusal)
        if audio := as_dict(delta.get("audio")):
            chunk.audio = audio
            for key, value in audio.items():  # its data comes in pieces, like text
                old = self.audio.get(key)
                joined = isinstance(old, str) and isinstance(value, str) and key != "id"
                self.audio[key] = old + value if joined else value

    def _parts(self, content: Any, chunk: ChatChunk) -> str:
        """Read content that came as a list of parts."""
        texts = []
        for part in as_list(content):
            if isinstance(part, str):
                texts.append(part)
                continue
            fields = as_dict(part)
            texts.append(as_text(fields.get("text")))
            if thought := as_text(fields.get("thinking")) or as_text(fields.get("reasoning")):
                chunk.reasoning += thought
                self.reasoning.add(thought)
            if url := _image_url(fields) if "image_url" in fields else "":
                chunk.images = [*chunk.images, url]
                self.images.append(url)
        return "".join(texts)

    def _new_citations(self, annotations: Any) -> list[Citation]:
        """Read citations; some routes repeat them in every delta, they count once."""
        new: list[Citation] = []
        for annotation in as_list(annotations):
            citation = Citation.read(annotation)
            if citation is not None and citation not in self.citations:
                self.citations.append(citation)
                new.append(citation)
        return new

    def _logprobs(self, logprobs: dict[str, Any], chunk: ChatChunk) -> None:
        if logprobs:
            chunk.logprobs = logprobs
        for key, value in logprobs.items():
            self.logprobs.setdefault(key, []).extend(as_list(value))

    def choice(self, index: int, salt: str) -> Choice:
        """Return what has arrived; calls that never got an id are given a stable one."""
        message = Message(
            text=str(self.text),
            reasoning=str(self.reasoning),
            tool_calls=tuple(
                ToolCall(
                    call.id or _made_up_id(salt, index, at),
                    call.name,
                    str(call.arguments),
                    call.extras.fields,
                )
                for at, call in enumerate(self.tools.calls)
            ),
            citations=tuple(self.citations),
            images=tuple(self.images),
            refusal=str(self.refusal) or None,
            audio=self.audio or None,
            role=self.role,
            extra=self.extras.fields(),
        )
        return Choice(index, message, self.finish_reason, dict(self.logprobs) or None)

    def missing_ids(self, index: int, salt: str) -> list[ToolCallDelta]:
        """Return deltas that bring the made-up ids."""
        return [
            ToolCallDelta(at, _made_up_id(salt, index, at), None, "")
            for at, call in enumerate(self.tools.calls)
            if not call.id
        ]


class PartialMessage:
    """What has arrived of one answer, streamed or whole.

    Attributes:
        finished: how many of the answers have a finish reason.
        failed: whether an answer says itself that it failed.
    """

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self._headers = headers or {}
        self._choices: dict[int, _PartialChoice] = {}
        self._top: dict[str, Any] = {}
        self._salt = ""
        self._completion: ChatCompletion | None = None
        self.finished = 0
        self.failed = False

    def add(self, frame: Mapping[str, Any]) -> list[ChatChunk]:
        """Fold one frame in; return what is new in it, a chunk per choice.

        Finish reason, usage and billing are held back for `end`.
        """
        self._completion = None
        for key, value in frame.items():
            if value is not None:  # the last value that says something wins
                self._top[key] = value
        chunks = []
        for choice in dicts(frame.get("choices")):
            index = as_count(given) or 0 if (given := choice.get("index")) else 0
            if (partial := self._choices.get(index)) is None:
                partial = self._choices[index] = _PartialChoice()
            chunk = ChatChunk(index=index, raw=choice)
            if partial.add(choice, chunk):
                self._count_the_ended()
            chunks.append(chunk)
        return chunks

    def _count_the_ended(self) -> None:
        reasons = [choice.finish_reason for choice in self._choices.values()]
        self.finished = sum(reason is not None for reason in reasons)
        self.failed = "error" in reasons

    @property
    def whole(self) -> bool:
        """Whether there is an answer, and all that have begun have a finish reason."""
        return 0 < len(self._choices) == self.finished

    def completion(self) -> ChatCompletion:
        """Return what has arrived so far, in the type of a whole reply."""
        if self._completion is None:
            self._completion = self._whole()
        return self._completion

    def _whole(self) -> ChatCompletion:
        return ChatCompletion(
            id=as_text(self._top.get("id")),
            model=as_text(self._top.get("model")),
            choices=tuple(
                choice.choice(index, self._unique())
                for index, choice in sorted(self._choices.items())
            ),
            usage=Usage.read(self._top.get("usage")),
            billing=Billing.read(self._top, self._headers),
            raw={key: value for key, value in self._top.items() if key not in _TOLD_APART},
        )

    def end(self) -> list[ChatChunk]:
        """Return the last chunk of each answer; what concerns all of them is on the very last."""
        whole = self.completion()
        chunks = [
            ChatChunk(
                index=index,
                finish_reason=choice.finish_reason,
                tool_calls=choice.missing_ids(index, self._unique()),
                id=whole.id,
                model=whole.model,
            )
            for index, choice in sorted(self._choices.items())
        ]
        if chunks:
            last = chunks[-1]
            last.usage, last.billing, last.completion = whole.usage, whole.billing, whole
            last.raw = whole.raw
        return chunks

    def _unique(self) -> str:
        """Return a word that tells this answer's calls from those of any other."""
        self._salt = self._salt or as_text(self._top.get("id")) or uuid.uuid4().hex
        return self._salt


def _made_up_id(salt: str, index: int, position: int) -> str:
    return f"call_{salt}_{index}_{position}"


def _reasoning(delta: Mapping[str, Any]) -> str:
    """Read the thoughts once: the fields mirror each other, depending on the route."""
    for key in ("reasoning", "reasoning_content"):
        value = delta.get(key)
        if isinstance(value, str) and value:
            return value
    details = dicts(delta.get("reasoning_details"))
    return "".join(as_text(part.get("text")) or as_text(part.get("summary")) for part in details)


def _image_url(image: Any) -> str:
    """Read an image in any of its forms: ``{image_url: {url}}``, ``{url}`` or the URL itself."""
    if isinstance(image, str):
        return image
    fields = as_dict(image)
    inner = fields.get("image_url")
    return as_text(as_dict(inner).get("url")) or as_text(inner) or as_text(fields.get("url"))
