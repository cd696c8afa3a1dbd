"""Surrogate pairs that were split: joined, or replaced if one half is missing.

A character beyond U+FFFF is two UTF-16 units, and a server that counts those may cut between them:
JSON then holds half a character (a lone surrogate), which no request can carry back. Only what the
fast parser refuses is processed here, so other texts cost nothing.
"""

from __future__ import annotations

from typing import Any

__all__ = ["SurrogateJoiner", "repaired", "repaired_text"]

# Texts that are streamed in parts, so that the second half may come with the next event.
_STREAMED = frozenset(
    ("choices", "delta", *rest)
    for rest in (
        ("content",),
        ("content", "text"),
        ("reasoning",),
        ("reasoning_content",),
        ("reasoning_details", "text"),
        ("refusal",),
        ("tool_calls", "function", "arguments"),
    )
)
_Path = tuple[str | int, ...]


def repaired_text(text: str) -> str:
    """Join adjacent halves; others become U+FFFD, the replacement character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def repaired(value: Any) -> Any:
    """Return a JSON value with the surrogates in its strings and keys repaired."""
    if isinstance(value, str):
        return value if value.isascii() else repaired_text(value)
    if isinstance(value, list):
        return [repaired(item) for item in value]
    if isinstance(value, dict):
        return {repaired(key): repaired(item) for key, item in value.items()}
    return value


class SurrogateJoiner:
    """Joins halves across the events of one chat stream: a last half waits for the next event."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[_Path, str] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def join(self, event: Any) -> Any:
        """Return an event without lone surrogates, with the half that waited prepended."""
        return self._joined(event, ())

    def rest(self) -> dict[str, Any]:
        """Return the halves that still wait when the stream ends, replaced, as an event."""
        choices = [_nested(path, repaired_text(half)) for path, half in self._waiting.items()]
        self._waiting.clear()
        return {"choices": [choice["choices"][0] for choice in choices]}

    def _joined(self, value: Any, path: _Path) -> Any:
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, list):
            return [self._joined(item, (*path, _number(item, at))) for at, item in enumerate(value)]
        if isinstance(value, dict):
            return {repaired(key): self._joined(item, (*path, key)) for key, item in value.items()}
        return value

    def _text(self, text: str, path: _Path) -> str:
        if not text or tuple(step for step in path if isinstance(step, str)) not in _STREAMED:
            return repaired_text(text)
        text = self._waiting.pop(path, "") + text
        if "\ud800" <= text[-1] <= "\udbff":
            self._waiting[path] = text[-1]
            text = text[:-1]
        return repaired_text(text)


def _number(item: Any, position: int) -> int:
    """Return the index of a list item, the same in every event."""
    index = item.get("index") if isinstance(item, dict) else None
    return index if type(index) is int else position


def _nested(path: _Path, text: str) -> Any:
    """Return the nested value with a text at a path."""
    if not path:
        return text
    step, inner = path[0], _nested(path[1:], text)
    if isinstance(step, str):
        return {step: inner}
    return [inner | {"index": step}]
