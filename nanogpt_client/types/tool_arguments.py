"""Reading the arguments of tool calls: the one place that decides what a model meant.

Models and gateways write more than valid JSON objects: nothing at all, line breaks within strings,
an empty object before the real one, an object encoded twice. What is unambiguous is accepted;
half an object never is, because a tool must not run on half of its arguments.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from nanogpt_client.types._surrogates import repaired

DEEPEST = 200  # levels; Python versions differ in how many more they parse, and no tool has as many

__all__ = ["ObjectScanner", "is_plain_object", "read_arguments"]


def read_arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a tool call; ``""`` and ``null`` are ``{}``.

    Raises:
        ValueError: they are not a JSON object, e.g. cut off by ``max_tokens``.
    """
    try:
        *before, value = _values(text) or [None]
        if isinstance(value, str) and not before:  # an object that was encoded twice
            return read_arguments(value)
        if text.count("[") + text.count("{") > DEEPEST and _depth(value) > DEEPEST:
            raise ValueError("nested too deeply")
        if "\\u" in text or not text.isascii():  # there may be lone surrogates
            value = repaired(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    # Bridges to some providers open every call with an empty object.
    if isinstance(value, dict) and all(earlier == {} for earlier in before):
        return value
    if value is None and not before:
        return {}
    raise ValueError("not a JSON object")


def is_plain_object(text: str) -> bool:
    """Whether a text is one valid JSON object, as providers require it."""
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not valid JSON")


_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse)


def _values(text: str) -> list[Any]:
    """Return the JSON values in a text, one after another."""
    values, text, at = [], text.strip(), 0
    while at < len(text):
        value, at = _DECODER.raw_decode(text, at)
        values.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return values


def _depth(value: Any) -> int:
    """Return how many levels of lists and objects a value has."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [x for item in level for x in (item.values() if isinstance(item, dict) else item)]
    return depth


_MARK = re.compile(r'\\.|["\\{}\[\]\x00-\x1f]', re.DOTALL)


class ObjectScanner:
    """Scans a JSON object that arrives in chunks, in linear time.

    Attributes:
        begun: whether anything but white space has arrived.
        whole: whether the object is closed.
    """

    __slots__ = ("_depth", "_escape", "_in_string", "begun", "whole")

    def __init__(self) -> None:
        self.begun = False
        self.whole = False
        self._depth = 0
        self._in_string = False
        self._escape = False

    def feed(self, chunk: str) -> tuple[str, str]:
        """Return the part of a chunk that belongs to the object, and the text behind its end.

        Control characters within strings are escaped, as JSON requires.
        """
        if self.whole:
            return "", chunk
        self.begun = self.begun or not (chunk == "" or chunk.isspace())
        made, done, start = "", 0, 0
        if self._escape and chunk:
            self._escape, start = False, 1
        for mark in _MARK.finditer(chunk, start):
            if self._in_string:
                if mark[0] < " ":
                    made += chunk[done : mark.start()] + json.dumps(mark[0])[1:-1]
                    done = mark.end()
                self._within_string(mark[0])
            elif self._closes(mark[0]):
                self.whole = True
                return made + chunk[done : mark.end()], chunk[mark.end() :]
        return made + chunk[done:], ""

    def _within_string(self, mark: str) -> None:
        self._in_string = mark != '"'
        self._escape = mark == "\\"  # the last character of a chunk

    def _closes(self, mark: str) -> bool:
        """Process a mark outside of strings; return whether it closes the object."""
        if mark == '"':
            self._in_string = True
        elif mark in ("{", "["):
            self._depth += 1
        elif mark in ("}", "]"):
            self._depth -= 1
            return self._depth <= 0
        return False
