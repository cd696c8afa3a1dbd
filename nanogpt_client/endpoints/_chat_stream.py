"""Reading a chat stream: bytes in, `ChatChunk`s out, a typed failure where it does not end well.

Follows https://docs.nano-gpt.com/api-reference/miscellaneous/streaming-protocol
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nanogpt_client._protocol.accumulator import ChatAccumulator
from nanogpt_client._protocol.call import Reply
from nanogpt_client._protocol.sse import SSEDecoder
from nanogpt_client.endpoints._requests import read_object
from nanogpt_client.errors import (
    InvalidResponseError,
    NanoGPTError,
    StreamInterruptedError,
    error_from_body,
)
from nanogpt_client.types._coerce import as_dict, dicts, loads_chunk
from nanogpt_client.types._surrogates import SurrogateJoiner
from nanogpt_client.types.chat import ChatChunk, ChatCompletion

_HEAD_BYTES = 64 * 1024


class ChatDecoder:
    """Decodes one chat stream; see `_core.call.Decoder` for what its members mean."""

    def __init__(self, headers: Mapping[str, str], answers: int = 1) -> None:
        self.events = 0
        self.done = False
        self.failure: NanoGPTError | None = None
        self._sse = SSEDecoder()
        self._halves = SurrogateJoiner()
        self._message = ChatAccumulator(headers)
        self._headers = headers
        self._answers = answers
        self._head = b""
        self._framed = False
        self._arrived: Iterable[ChatChunk] = ()

    @property
    def finished(self) -> bool:
        """Whether every answer has its finish reason."""
        return self._message.finished >= self._answers

    def feed(self, data: bytes) -> Iterable[ChatChunk]:
        """Yield what these bytes bring, each event being read when its chunks are asked for."""
        self._read_on()
        if not self._framed and len(self._head) < _HEAD_BYTES:
            self._head += data
        try:
            events = self._sse.feed(data)
        except InvalidResponseError as error:
            self.failure = error
            return []
        self._arrived = self._read(events)
        return self._arrived

    def eof(self) -> Sequence[ChatChunk]:
        """Read what the server left unterminated when it closed the stream."""
        chunks = list(self._read(self._sse.close(), last=True))
        if not self._framed and self._head.strip():
            return self.whole(Reply(200, self._headers, self._head))
        return chunks

    def whole(self, reply: Reply) -> Sequence[ChatChunk]:
        """Read the error, or the whole completion, that came instead of a stream."""
        try:
            chunks = self._message.add(read_object(reply))
            check_answer(self._message.completion())
        except NanoGPTError as error:
            self.failure = error
            return []
        return chunks

    def end(self) -> Sequence[ChatChunk]:
        """Return the last chunks: finish reasons, usage, billing."""
        late = self._message.add(self._halves.rest()) if self._halves else []
        return [*late, *self._message.end()]

    def snapshot(self) -> ChatCompletion:
        """Return what the chunks so far add up to."""
        return self._message.completion()

    def partial(self) -> ChatCompletion:
        """Return all that has arrived, though nobody may have asked for its chunks."""
        self._read_on()
        return self._message.completion()

    def _read_on(self) -> None:
        for _ in self._arrived:
            pass

    def _read(self, events: Sequence[bytes], *, last: bool = False) -> Iterator[ChatChunk]:
        for event in events:
            self._framed = True
            if event == b"[DONE]":
                self.events += 1
                self.done = True
                if not self._message.whole:  # there may be fewer answers than asked for
                    self.failure = StreamInterruptedError(
                        "the stream said [DONE] before the answer had a finish reason"
                    )
            elif event:
                yield from self._frame(event, last=last)
            if self.done or self.failure is not None:
                break

    def _frame(self, event: bytes, *, last: bool) -> list[ChatChunk]:
        try:
            frame, is_odd = loads_chunk(event)
            if is_odd or self._halves:
                frame = self._halves.join(frame)
        except (ValueError, RecursionError):
            if not last:  # a fragment at the end is a cut stream, which the caller reports
                self.failure = InvalidResponseError(f"a frame is no JSON: {event[:80]!r}")
            return []
        if not isinstance(frame, dict):
            self.failure = InvalidResponseError(f"a frame is no JSON object: {event[:80]!r}")
            return []
        said = [c for c in self._message.add(frame) if c.text or _says_something(c)]
        # What says nothing is no sign of life: the watchdog goes on counting. A first frame may
        # tell the role alone.
        self.events += bool(said) or (_is_news(frame) if self.events else any(frame.values()))
        if frame.get("error"):
            self.failure = error_from_body(frame)
        elif self._message.failed:
            self.failure = StreamInterruptedError(
                "NanoGPT ended the stream with finish_reason 'error' and gave no reason"
            )
        return said


def check_answer(completion: ChatCompletion) -> None:
    """Refuse what is no answer.

    Raises:
        InvalidResponseError: it has no choices, or says itself that it failed.
    """
    if not completion.choices:
        raise InvalidResponseError("NanoGPT answered without choices")
    if any(choice.finish_reason == "error" for choice in completion.choices):
        raise InvalidResponseError("NanoGPT answered with finish_reason 'error' and gave no reason")


def _says_something(chunk: ChatChunk) -> bool:
    """Whether a piece without text brings anything else."""
    return bool(
        chunk.reasoning
        or chunk.tool_calls
        or chunk.citations
        or chunk.images
        or chunk.refusal
        or chunk.audio
        or chunk.logprobs
    )


_NAMES = frozenset({"id", "object", "created", "model", "provider", "system_fingerprint"})
"""What each frame repeats."""


def _is_news(frame: dict[str, Any]) -> bool:
    """Whether a frame that brings no text says more than those before it."""
    if any(value for name, value in frame.items() if name != "choices" and name not in _NAMES):
        return True
    return any(
        choice.get("finish_reason")
        or any(value for name, value in as_dict(choice.get("delta")).items() if name != "role")
        or any(value for name, value in choice.items() if name not in {"index", "delta"})
        for choice in dicts(frame.get("choices"))
    )
