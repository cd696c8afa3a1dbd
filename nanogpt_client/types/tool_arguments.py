"""Reading the arguments of tool calls: the one place that decides what a model meant by them.

Models and the gateways before them write more than clean JSON objects: nothing at all, line breaks
within strings, an empty object before the real one, an object encoded twice. What is unambiguous is
read; half an object never is, because a tool must not run on half of what the model asked for.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from nanogpt_client.types._surrogates import repaired

DEEPEST = 200  # levels; what Pythons read of more differs, and no tool has them

__all__ = ["ObjectScanner", "is_plain_object", "read_arguments"]


def read_arguments(text: str) -> dict[str, Any]:
    """Return the arguments that a model wrote; none at all, ``""`` or ``null`` are ``{}``.

    Raises:
        ValueError: they are no JSON object, e.g. cut off by ``max_tokens``.
    """
    try:
        *before, said = _values(text) or [None]
        if isinstance(said, str) and not before:  # an object that was encoded twice
            return read_arguments(said)
        if text.count("[") + text.count("{") > DEEPEST and _depth(said) > DEEPEST:
            raise ValueError("nested too deeply")
        if "\\u" in text or not text.isascii():  # there may be halves of characters
            said = repaired(said)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    # Bridges to some providers open every call with an empty object.
    if isinstance(said, dict) and all(value == {} for value in before):
        return said
    if said is None and not before:
        return {}
    raise ValueError("no JSON object")


def is_plain_object(text: str) -> bool:
    """Whether a text is one JSON object by the letter of the standard, as providers want it."""
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse)


def _values(text: str) -> list[Any]:
    """Return the JSON values that stand one after another in a text."""
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
    """Follows a JSON object that arrives in pieces, in time that grows with its length alone.

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

    def feed(self, piece: str) -> tuple[str, str]:
        """Return what of a piece belongs to the object, and what stands behind its end.

        Control characters within strings are escaped, as JSON wants it.
        """
        if self.whole:
            return "", piece
        self.begun = self.begun or not (piece == "" or piece.isspace())
        made, done, start = "", 0, 0
        if self._escape and piece:
            self._escape, start = False, 1
        for mark in _MARK.finditer(piece, start):
            if self._in_string:
                if mark[0] < " ":
                    made += piece[done : mark.start()] + json.dumps(mark[0])[1:-1]
                    done = mark.end()
                self._within_string(mark[0])
            elif self._closes(mark[0]):
                self.whole = True
                return made + piece[done : mark.end()], piece[mark.end() :]
        return made + piece[done:], ""

    def _within_string(self, mark: str) -> None:
        self._in_string = mark != '"'
        self._escape = mark == "\\"  # the last character of a piece

    def _closes(self, mark: str) -> bool:
        """Follow a mark outside of strings; return whether it closes the object."""
        if mark == '"':
            self._in_string = True
        elif mark in ("{", "["):
            self._depth += 1
        elif mark in ("}", "]"):
            self._depth -= 1
            return self._depth <= 0
        return False
