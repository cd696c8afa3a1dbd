"""Folds a chat stream into one message, and puts its deltas in order on the way.

`PartialMessage.add` takes a frame's choices as NanoGPT sent them and returns normalised
`ChatChunk`s; `PartialMessage.completion` is what has arrived so far, in the type of a whole reply.
Whole replies are read by the same code, so a streamed and an unstreamed answer cannot differ.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from nanogpt_client.arguments import ObjectScanner
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
        if whole:
            self._blocks.append(whole)
        return whole

    def __bool__(self) -> bool:
        return bool(self._pieces or self._blocks)


@dataclass(slots=True)
class _Call:
    """A call as far as it has arrived; ``given`` is its provider's id, ``id`` only if unique."""

    id: str = ""
    given: str = ""
    name: str = ""
    arguments: _Text = field(default_factory=_Text)
    scanner: ObjectScanner = field(default_factory=ObjectScanner)
    blank: bool = True  # whether the arguments so far are an empty object

    size: int = 0

    def add(self, arguments: str) -> None:
        self.arguments.add(arguments)
        self.size += len(arguments)
        self.blank = self.blank and not arguments.strip().strip("{}").strip()
        self.scanner.feed(arguments)


class _Piece(NamedTuple):
    """What one delta of a call says."""

    id: str
    number: int | None
    name: str
    arguments: str

    @property
    def begins_object(self) -> bool:
        return self.arguments.lstrip().startswith("{")

    @classmethod
    def read(cls, delta: Mapping[str, Any]) -> _Piece:
        function = as_dict(delta.get("function"))
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        id_ = as_text(delta.get("id"))
        return cls(
            "" if id_ in _NO_IDS else id_,
            as_count(delta.get("index")),
            as_text(function.get("name")),
            arguments,
        )


_NO_IDS = frozenset({"null", "None"})  # what some gateways write for an id that is none


class _ToolCalls:
    """Keeps the tool calls of one choice apart.

    Providers number them badly: every call with index 0, no index at all, id and name repeated on
    each delta, pieces of two calls interleaved, several calls with one id. A known id decides; then
    the index; a piece with neither continues the last call. But whatever they say, an object that
    begins after a whole one is another call, and so is what stands beside it in one delta.
    """

    __slots__ = ("_by_id", "_by_index", "_here", "calls")

    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, int] = {}
        self._here: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self.calls)

    def add(self, deltas: Sequence[Mapping[str, Any]]) -> list[ToolCallDelta]:
        """Add what one delta of the answer says of its calls."""
        self._here = set()
        return [self._add(_Piece.read(delta)) for delta in deltas]

    def add_whole(self, calls: Sequence[Mapping[str, Any]]) -> list[ToolCallDelta]:
        """Add the calls of a whole message: each is one, whatever its id says."""
        return [self._fill(self._open(piece := _Piece.read(call)), piece) for call in calls]

    def _add(self, piece: _Piece) -> ToolCallDelta:
        known = self._known(piece)
        if known is None:
            position, name = self._open(piece), piece.name
        elif self._repeats(known, piece):
            return ToolCallDelta(known, None, None, "")
        elif self._continues(known, piece):
            position, name = known, piece.name
        else:
            # Without an id and a name of its own it is one more call of the same tool.
            name = piece.name or ("" if piece.id else self.calls[known].name)
            position = self._open(piece)
        self._here.add(position)
        return self._fill(position, piece._replace(name=name))

    def _known(self, piece: _Piece) -> int | None:
        """Return the call that a piece continues, if it continues one."""
        if piece.id in self._by_id:
            return self._by_id[piece.id]
        if piece.number is not None:
            return self._by_index.get(piece.number)
        return len(self.calls) - 1 if self.calls else None

    def _repeats(self, position: int, piece: _Piece) -> bool:
        """Whether a piece says again, under the call's own id, what has arrived already."""
        call = self.calls[position]
        if not (call.scanner.whole and piece.id) or position in self._here:
            return False
        same = piece.id == call.given and len(piece.arguments) == call.size
        return same and piece.arguments == str(call.arguments)

    def _continues(self, position: int, piece: _Piece) -> bool:
        call, here = self.calls[position], position in self._here
        named = bool(piece.name and call.name)
        if piece.id and call.given and piece.id != call.given:
            return False
        if call.scanner.whole and piece.begins_object:
            # An empty object before the real one, as bridges to Claude send it, is no call.
            return call.blank and bool(call.given) and not here and piece.name in ("", call.name)
        if piece.id and piece.id == call.given:
            return not (here and named and piece.name != call.name)
        if not named:
            return True
        if here or piece.number is None:
            return False
        return piece.name == call.name or (bool(call.given) and not call.scanner.begun)

    def _open(self, piece: _Piece) -> int:
        position = len(self.calls)
        self.calls.append(_Call())
        if piece.number is not None:
            self._by_index[piece.number] = position
        return position

    def _fill(self, position: int, piece: _Piece) -> ToolCallDelta:
        """Append what a piece brings to its call; return what of it is new."""
        call = self.calls[position]
        new_id = ""
        if piece.id and not call.given:
            new_id = call.id = "" if piece.id in self._by_id else piece.id
            call.given = piece.id
            self._by_id[piece.id] = position
        name = ""
        if not call.scanner.begun or not call.name:  # later it can but be repeated
            name = piece.name.removeprefix(call.name)  # repeated, or longer each time
            call.name += name
        if call.scanner.whole and piece.begins_object:
            call.scanner = ObjectScanner()
        call.add(piece.arguments)
        return ToolCallDelta(position, new_id or None, name or None, piece.arguments)


# Where a message's fields are kept here; citations that come again are known by themselves.
_KEPT = {
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
    """What has arrived of one of the ``n`` answers."""

    __slots__ = (
        "audio", "citations", "finish_reason", "images", "logprobs", "reasoning", "refusal", "role",
        "text", "tools",
    )  # fmt: skip

    def __init__(self) -> None:
        self.text = _Text()
        self.reasoning = _Text()
        self.tools = _ToolCalls()
        self.citations: dict[Citation, None] = {}  # in order, and found at once
        self.images: list[str] = []
        self.refusal = _Text()
        self.audio: dict[str, Any] = {}
        self.logprobs: dict[str, list[Any]] = {}
        self.finish_reason: str | None = None
        self.role = "assistant"

    def add(self, choice: Mapping[str, Any], chunk: ChatChunk) -> bool:
        """Fold one choice in; write what is new to the chunk; return whether it has ended here."""
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
        begun, self.finish_reason = self.finish_reason, as_text(reason) or self.finish_reason
        return begun is None and self.finish_reason is not None

    def _delta(self, delta: Mapping[str, Any], chunk: ChatChunk) -> None:
        content = delta.get("content")
        if content:
            text = content if type(content) is str else self._parts(content, chunk)
            if text:
                chunk.text += text
                self.text.add(text)
        if len(delta) > 1 or not content:
            self._rest(delta, chunk)

    def _message(self, message: Mapping[str, Any], chunk: ChatChunk) -> None:
        """Fold a whole message in: of a streamed answer it repeats what has arrived already."""
        new = {key: message[key] for key in message if not getattr(self, _KEPT.get(key, ""), None)}
        if isinstance(new.get("content"), list) and (self.reasoning or self.images):
            del new["content"]
        calls = dicts(new.pop("tool_calls", None))
        self._delta(new, chunk)
        if calls:
            chunk.tool_calls = self.tools.add_whole(calls)

    def _rest(self, delta: Mapping[str, Any], chunk: ChatChunk) -> None:
        """Everything of a delta but its content; most deltas have nothing of it."""
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
            self._sound(audio)

    def _sound(self, audio: Mapping[str, Any]) -> None:
        """Fold sound in: its data and its transcript come in pieces, like text."""
        for key, value in audio.items():
            if isinstance(value, str) and key != "id":
                if not isinstance(self.audio.get(key), _Text):
                    self.audio[key] = _Text()
                self.audio[key].add(value)
            else:
                self.audio[key] = value

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
                self.citations[citation] = None
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
                ToolCall(call.id or _made_up_id(salt, index, at), call.name, str(call.arguments))
                for at, call in enumerate(self.tools.calls)
            ),
            citations=tuple(self.citations),
            images=tuple(self.images),
            refusal=str(self.refusal) or None,
            audio={k: str(v) if isinstance(v, _Text) else v for k, v in self.audio.items()} or None,
            role=self.role,
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
                self.finished += 1
            self.failed = self.failed or partial.finish_reason == "error"
            chunks.append(chunk)
        return chunks

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
    """Return an id for a call that came without one, or with that of another call.

    Longer ones than 40 characters are refused in a history by OpenAI's models.
    """
    made_up = f"call_{salt}_{index}_{position}"
    return made_up if len(made_up) <= 40 else f"call_{sha256(made_up.encode()).hexdigest()[:24]}"


def _reasoning(delta: Mapping[str, Any]) -> str:
    """Read the thoughts once: the fields mirror each other, depending on the route."""
    for key in ("reasoning", "reasoning_content"):
        value = delta.get(key)
        if isinstance(value, str) and value:
            return value
    return "".join(as_text(part.get("text")) for part in dicts(delta.get("reasoning_details")))


def _image_url(image: Any) -> str:
    """Read an image in any of its forms: ``{image_url: {url}}``, ``{url}`` or the URL itself."""
    if isinstance(image, str):
        return image
    fields = as_dict(image)
    inner = fields.get("image_url")
    return as_text(as_dict(inner).get("url")) or as_text(inner) or as_text(fields.get("url"))
