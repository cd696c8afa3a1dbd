"""What has arrived of a streamed answer, for the items before its end.

LlamaIndex's items hold all of the text so far, and none of them may change once the caller has it:
so this keeps strings, and hands out new objects. The core's chunks are in order already (stable
indices, each id, name and citation once), so it is plain appending. The last item is made of the
core's own whole answer instead.
"""

from __future__ import annotations

from nanogpt_client import ChatChunk, Citation, Message, ToolCall, ToolCallDelta

__all__ = ["PartialAnswer"]


class PartialAnswer:
    """A model's answer as far as it has arrived, but sound, which is of no use in pieces.

    Attributes:
        model: the model that was asked.
        text: its text.
        is_text_alone: whether nothing else has arrived, as in most streams at most times.
    """

    def __init__(self, model: str = "") -> None:
        self.model = model
        self.text = ""
        self.is_text_alone = True
        self._reasoning = ""
        self._calls: list[ToolCall] = []
        self._citations: list[Citation] = []
        self._images: list[str] = []
        self._refusal = ""

    def add(self, chunk: ChatChunk) -> None:
        """Append what is new."""
        self.text += chunk.text
        if chunk.reasoning or chunk.tool_calls:
            self.is_text_alone = False
            self._reasoning += chunk.reasoning
            for delta in chunk.tool_calls:
                self._add_call(delta)
        if chunk.citations or chunk.images or chunk.refusal:
            self.is_text_alone = False
            self._citations += chunk.citations
            self._images += chunk.images
            self._refusal += chunk.refusal or ""

    def _add_call(self, delta: ToolCallDelta) -> None:
        if delta.index == len(self._calls):
            self._calls.append(ToolCall("", "", ""))
        call = self._calls[delta.index]
        self._calls[delta.index] = ToolCall(
            delta.id or call.id, call.name + (delta.name or ""), call.arguments + delta.arguments
        )

    def message(self) -> Message:
        """Return what has arrived."""
        return Message(
            text=self.text,
            reasoning=self._reasoning,
            tool_calls=tuple(self._calls),
            citations=tuple(self._citations),
            images=tuple(self._images),
            refusal=self._refusal or None,
        )
