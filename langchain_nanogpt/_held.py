"""What a stream must remember, because LangChain could not add it up from chunks.

In some of its paths a later chunk's citations, logprobs or refusal replace those of the ones before
it instead of joining them, so the last chunk brings them whole; half a tool call would be mended
and carried out.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages.tool import ToolCallChunk
from langchain_core.utils.json import parse_partial_json

import nanogpt_client as core
from langchain_nanogpt._metadata import image_block

__all__ = ["Held"]


class Held:
    """The memory of one stream, of an answer by ``model``; every stream starts with a new one."""

    __slots__ = ("_arguments", "_images", "model")

    def __init__(self, model: str = "") -> None:
        self.model = model
        self._arguments: dict[int, list[str]] = {}
        self._images = 0

    def images(self, urls: Any) -> list[dict[str, Any]]:
        """Return image blocks, numbered through the whole stream."""
        start = self._images
        self._images += len(urls)
        return [image_block(url, at) for at, url in enumerate(urls, start)]

    def tool_call(self, delta: core.ToolCallDelta) -> ToolCallChunk:
        """Return a piece of a call; arguments that are blank or null at their start are none."""
        text = delta.arguments
        known = self._arguments.setdefault(delta.index, [])
        if not known:
            text = text.lstrip()
            text = "" if text == "null" else text
        if text:
            known.append(text)
        return _piece(delta.index, text, delta.id, delta.name)

    def endings(self) -> list[ToolCallChunk]:
        """Return what makes calls invalid whose arguments were cut off."""
        return [
            _piece(index, ending)
            for index, pieces in self._arguments.items()
            if (ending := _spoiler("".join(pieces)))
        ]


def _piece(
    index: int, args: str, call_id: str | None = None, name: str | None = None
) -> ToolCallChunk:
    return ToolCallChunk(type="tool_call_chunk", index=index, id=call_id, name=name, args=args)


# Either closing bracket: after a value, within a text, and within a text after a backslash.
_ENDINGS = ("]", "}", '"]', '"}', '\\"]', '\\"}')


def _spoiler(arguments: str) -> str:
    """Return what to add to arguments that were cut off, so that nobody acts on half of them.

    LangChain mends what it adds up from chunks: it would close ``{"path": "/`` and call the tool.
    A bracket that matches nothing makes it an invalid call instead.
    """
    try:
        core.ToolCall("", "", arguments).parse()
    except ValueError:
        pass
    else:  # whole: what is no object, LangChain takes for an invalid call, too
        return ""
    return next((end for end in _ENDINGS if _hopeless(arguments + end)), "")


def _hopeless(arguments: str) -> bool:
    try:
        return not isinstance(parse_partial_json(arguments), dict)
    except (ValueError, RecursionError):
        return True
