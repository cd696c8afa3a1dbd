"""What has arrived of a streamed answer: folds the core's chunks into one message.

The core's chunks are in order already (stable indices, each id, name and citation once), so this is
plain appending. It keeps strings, not objects, and hands out new ones: LlamaIndex's items hold all
of the text so far, and none of them may change once the caller has it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nanogpt_client import (
    Billing,
    ChatChunk,
    ChatCompletion,
    Choice,
    Citation,
    Message,
    ToolCall,
    ToolCallDelta,
)

__all__ = ["PartialAnswer"]


class PartialAnswer:
    """The first of the answers, as far as it has arrived.

    Attributes:
        text: its text.
        is_text_alone: whether nothing else has arrived, as in most streams at most times.
    """

    def __init__(self) -> None:
        self.text = ""
        self.is_text_alone = True
        self._reasoning = ""
        self._calls: list[ToolCall] = []
        self._citations: list[Citation] = []
        self._images: list[str] = []
        self._refusal = ""
        self._audio: dict[str, Any] = {}
        self._logprobs: dict[str, list[Any]] = {}

    def add(self, chunk: ChatChunk) -> None:
        """Append what is new."""
        self.text += chunk.text
        if chunk.reasoning or chunk.tool_calls:
            self.is_text_alone = False
            self._reasoning += chunk.reasoning
            for delta in chunk.tool_calls:
                self._add_call(delta)
        if chunk.citations or chunk.images or chunk.refusal or chunk.audio:
            self.is_text_alone = False
            self._citations += chunk.citations
            self._images += chunk.images
            self._refusal += chunk.refusal or ""
            self._hear(chunk.audio or {})
        if chunk.logprobs:
            for key, value in chunk.logprobs.items():
                self._logprobs.setdefault(key, []).extend(value or ())

    def _add_call(self, delta: ToolCallDelta) -> None:
        if delta.index == len(self._calls):
            self._calls.append(ToolCall("", "", ""))
        call = self._calls[delta.index]
        self._calls[delta.index] = ToolCall(
            delta.id or call.id, delta.name or call.name, call.arguments + delta.arguments
        )

    def _hear(self, audio: dict[str, Any]) -> None:
        for key, value in audio.items():  # data and transcript come in pieces
            old = self._audio.get(key)
            joined = isinstance(old, str) and isinstance(value, str) and key != "id"
            self._audio[key] = old + value if joined else value

    def message(self) -> Message:
        """Return what has arrived, but sound, which is of no use in pieces."""
        return Message(
            text=self.text,
            reasoning=self._reasoning,
            tool_calls=tuple(self._calls),
            citations=tuple(self._citations),
            images=tuple(self._images),
            refusal=self._refusal or None,
        )

    def completion(self, last: ChatChunk) -> ChatCompletion:
        """Return the whole answer, given the stream's last chunk."""
        self.add(last)
        message = replace(self.message(), audio=self._audio or None)
        choice = Choice(0, message, last.finish_reason, self._logprobs or None)
        return ChatCompletion(
            id=last.id,
            model=last.model,
            choices=(choice,),
            usage=last.usage,
            billing=last.billing or Billing(),
            raw=last.raw,
        )
