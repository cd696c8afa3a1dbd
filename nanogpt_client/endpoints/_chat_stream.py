"""Decoding a chat stream: bytes in, `ChatChunk`s out, a typed error if it ends early.

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
    error_text,
)
from nanogpt_client.types._coerce import as_dict, dicts, loads_chunk
from nanogpt_client.types._surrogates import SurrogateJoiner
from nanogpt_client.types.chat import ChatChunk, ChatCompletion, Message

_HEAD_BYTES = 64 * 1024


class ChatDecoder:
    """Decodes one chat stream; see `_protocol.call.Decoder`."""

    def __init__(self, headers: Mapping[str, str], choices: int = 1) -> None:
        self.events = 0
        self.done = False
        self.failure: NanoGPTError | None = None
        self._sse = SSEDecoder()
        self._halves = SurrogateJoiner()
        self._message = ChatAccumulator(headers)
        self._headers = headers
        self._choices = choices
        self._fields = set(_IN_EVERY_EVENT)
        self._head = b""
        self._has_events = False
        self._notice: dict[str, Any] | None = None
        self._arrived: Iterable[ChatChunk] = ()

    @property
    def finished(self) -> bool:
        """Whether every choice has its finish reason."""
        return self._message.finished >= self._choices

    def feed(self, data: bytes) -> Iterable[ChatChunk]:
        """Yield the chunks in these bytes; each event is read when its chunks are asked for."""
        self._read_on()
        if not self._has_events and len(self._head) < _HEAD_BYTES:
            self._head += data
        try:
            events = self._sse.feed(data)
        except InvalidResponseError as error:
            self.failure = error
            return []
        self._arrived = self._read(events)
        return self._arrived

    def eof(self) -> Sequence[ChatChunk]:
        """Read an unterminated last event when the server has closed the stream."""
        chunks = list(self._read(self._sse.close(), last=True))
        if not self._has_events and self._head.strip():
            return self.whole(Reply(200, self._headers, self._head))
        if self._notice is not None and not self.finished and self.failure is None:
            self.failure = error_from_body(self._notice)
        return chunks

    def whole(self, reply: Reply) -> Sequence[ChatChunk]:
        """Read the error, or the whole completion, that NanoGPT sent instead of a stream."""
        try:
            body = read_object(reply)
            chunks = self._message.add(body)
            check_answer(self._message.completion(), body)
        except NanoGPTError as error:
            self.failure = error
            return []
        return chunks

    def end(self) -> Sequence[ChatChunk]:
        """Return the last chunks: finish reasons, usage, billing."""
        late = self._message.add(self._halves.rest()) if self._halves else []
        return [*late, *self._message.end()]

    def snapshot(self) -> ChatCompletion:
        """Return the completion so far."""
        return self._message.completion()

    def partial(self) -> ChatCompletion:
        """Return all that has arrived, including chunks that were not asked for."""
        self._read_on()
        return self._message.completion()

    def _read_on(self) -> None:
        for _ in self._arrived:
            pass

    def _read(self, events: Sequence[bytes], *, last: bool = False) -> Iterator[ChatChunk]:
        for event in _apart(events):
            self._has_events = True
            if event.strip() == b"[DONE]":
                self.events += 1
                self.done = True
                if not self._message.whole:  # there may be fewer choices than requested
                    self.failure = self._unfinished()
            elif event:
                yield from self._event(event, last=last)
            if self.done or self.failure is not None:
                break

    def _event(self, event: bytes, *, last: bool) -> list[ChatChunk]:
        try:
            parsed, is_odd = loads_chunk(event)
            if is_odd or self._halves:
                parsed = self._halves.join(parsed)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            # An incomplete last event is a cut stream, which the caller reports.
            if not (last or self.finished):
                self.failure = InvalidResponseError(
                    f"a stream event is not a JSON object: {event[:80]!r}"
                )
            return []
        chunks = [c for c in self._message.add(parsed) if c.text or _has_content(c)]
        # An event without news does not reset the stall timer. A first event may have the role
        # alone.
        self.events += bool(chunks) or (
            self._is_news(parsed) if self.events else any(parsed.values())
        )
        if (error := _reported(parsed)) is not None:
            self.failure = error_from_body(error)
        elif self._message.failed:
            self.failure = StreamInterruptedError(
                "NanoGPT ended the stream with finish_reason 'error' and gave no reason"
            )
        elif not parsed.get("choices") and (error_text(parsed) or "detail" in parsed):
            self._notice = parsed  # of a server that does not report errors under ``error``
        return chunks

    def _is_news(self, parsed: dict[str, Any]) -> bool:
        """Whether an event without content has a field that none of those before it had."""
        choices = dicts(parsed.get("choices"))
        levels = [parsed, *choices, *(as_dict(choice.get("delta")) for choice in choices)]
        new = {name for level in levels for name, value in level.items() if value} - self._fields
        self._fields |= new
        return bool(new)

    def _unfinished(self) -> NanoGPTError:
        if self._notice is not None:
            return error_from_body(self._notice)
        return StreamInterruptedError(
            "the stream ended with [DONE] before the response had a finish reason"
        )


def _apart(events: Sequence[bytes]) -> Iterator[bytes]:
    """Yield events; of one that is none as a whole its lines, if each of them is one.

    The page error-handling shows an error and ``[DONE]`` without a blank line between them, and
    other clients of NanoGPT read lines, so they would not notice that one is missing.
    """
    for event in events:
        lines = event.split(b"\n") if b"\n" in event else []
        if lines and not _is_json(event) and all(map(_is_event, lines)):
            yield from lines
        else:
            yield event


def _is_event(line: bytes) -> bool:
    return line.strip() == b"[DONE]" or _is_json(line)


def _is_json(event: bytes) -> bool:
    try:
        loads_chunk(event)
    except (ValueError, RecursionError):
        return False
    return True


def check_answer(completion: ChatCompletion, body: Mapping[str, Any]) -> None:
    """Raise for a whole response without an answer.

    Raises:
        APIStatusError: it reports an error.
        InvalidResponseError: it has no choices, or the finish reason ``"error"``.
    """
    if (error := _reported(body)) is not None:
        raise error_from_body(error)
    if all(c.finish_reason is None and c.message == Message() for c in completion.choices):
        if error_text(body):
            raise error_from_body(body)
        raise InvalidResponseError("NanoGPT answered without choices")
    if any(choice.finish_reason == "error" for choice in completion.choices):
        raise InvalidResponseError("NanoGPT answered with finish_reason 'error' and gave no reason")


def _reported(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the error in an event or a response: its own, or that of one of its choices."""
    if event.get("error"):
        return event
    failed = (choice for choice in dicts(event.get("choices")) if choice.get("error"))
    return next(failed, None)


def _has_content(chunk: ChatChunk) -> bool:
    """Whether a chunk without text has other content."""
    return bool(
        chunk.reasoning
        or any(call.id or call.name or call.arguments for call in chunk.tool_calls)
        or chunk.citations
        or chunk.images
        or chunk.refusal
        or chunk.audio
        or any((chunk.logprobs or {}).values())
    )


_IN_EVERY_EVENT = frozenset(
    """id object created model provider system_fingerprint choices index delta role""".split()
)
