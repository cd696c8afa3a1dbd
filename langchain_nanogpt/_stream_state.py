"""The state of a stream, and the endings that keep LangChain from running half a tool call.

LangChain adds a stream's tool calls up itself and closes open brackets, so half an object would
become a call. The only way to prevent that is in the arguments: invalid ones get an ending that
cannot be repaired, and that is removed again wherever the arguments are shown or sent.
"""

from __future__ import annotations

import json
import re

from langchain_core.messages.tool import ToolCallChunk
from langchain_core.utils.json import parse_partial_json

import nanogpt_client as core
from nanogpt_client.types.tool_arguments import ObjectScanner

__all__ = ["StreamState", "invalid_ending", "without_invalid_ending"]


class StreamState:
    """The state of one stream of ``model``; each stream starts with a new one."""

    __slots__ = ("_calls", "_images", "model")

    def __init__(self, model: str = "") -> None:
        self.model = model
        self._calls: dict[int, _Call] = {}
        self._images = 0

    def count_images(self, count: int) -> int:
        """Add to the number of images; return how many there were before."""
        before = self._images
        self._images += count
        return before

    def tool_call(self, delta: core.ToolCallDelta) -> ToolCallChunk:
        """Return the chunk of a call, with the part of its arguments that is certain."""
        if (call := self._calls.get(delta.index)) is None:
            call = self._calls[delta.index] = _Call()
        call.name += delta.name or ""
        return _call_chunk(delta.index, call.add(delta.arguments), delta.id, delta.name)

    def endings(self) -> list[ToolCallChunk]:
        """Return chunks with the rest of the arguments, or with the ending of invalid ones."""
        return [
            _call_chunk(index, ending)
            for index, call in self._calls.items()
            if (ending := call.ending())
        ]


class _Call:
    """A call whose arguments are passed on to LangChain as they come.

    LangChain reads objects only, and the first of several. So an object is passed on until it is
    closed; anything else is buffered until the end of the stream.
    """

    __slots__ = ("_buffer", "_emitted", "_is_object", "_scanner", "name")

    def __init__(self) -> None:
        self.name = ""
        self._buffer: list[str] = []
        self._emitted: list[str] = []
        self._scanner = ObjectScanner()
        self._is_object: bool | None = None  # None until it is certain

    def add(self, text: str) -> str:
        """Return the part that may be passed on."""
        if self._is_object is None:
            text = self._start("".join([*self._buffer, text]).lstrip())
        if not self._is_object:
            self._buffer.append(text)
            return ""
        emitted, rest = self._scanner.feed(text)
        self._buffer.append(rest)
        self._emitted.append(emitted)
        return emitted

    def _start(self, text: str) -> str:
        self._buffer.clear()
        inner = text[1:].lstrip()
        if text and (inner or text[0] != "{"):
            self._is_object = text[0] == "{" and inner[0] != "}"  # an empty one may not be the last
        return text

    def ending(self) -> str:
        """Return the rest of the arguments, after what was passed on."""
        rest = "".join(self._buffer)
        text = "".join(self._emitted) + rest
        call = core.ToolCall("", self.name, text)
        if call.problem is not None:
            return rest + invalid_ending(text)
        arguments = call.parse()
        return "" if self._is_object or not arguments else json.dumps(arguments, ensure_ascii=False)


def _call_chunk(
    index: int, args: str, call_id: str | None = None, name: str | None = None
) -> ToolCallChunk:
    return ToolCallChunk(type="tool_call_chunk", index=index, id=call_id, name=name, args=args)


# Either closing bracket: after a value, within a text, and within a text after a backslash.
_ENDINGS = ("]", "}", '"]', '"}', '\\"]', '\\"}')


_MARK = " <- unreadable, not run"


_INVALID_ENDING = re.compile(rf'(?:\\?")?[\]}}]{re.escape(_MARK)}\Z')


def without_invalid_ending(arguments: str | None) -> str:
    """Return the arguments of an invalid call as the model wrote them."""
    return _INVALID_ENDING.sub("", arguments or "")


def invalid_ending(arguments: str) -> str:
    """Return an ending that makes half arguments unparseable, so that the call is not run.

    LangChain would close ``{"path": "/`` and call the tool; an unmatched bracket makes it an
    invalid call instead.
    """
    found = next((end for end in _ENDINGS if _is_unparseable(arguments + end)), "]")
    return found + _MARK


def _is_unparseable(arguments: str) -> bool:
    try:
        return not isinstance(parse_partial_json(arguments), dict)
    except (ValueError, RecursionError):
        return True
