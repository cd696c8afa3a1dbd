"""Finds the one JSON value in a model's response, whatever surrounds it.

Models put prose before and after it, fences around it, and their reasoning in front of it. This
reads the text once from left to right, and prefers an error to a wrong value: an incomplete value,
an example in the reasoning, and several values that differ are errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic_core import from_json

__all__ = ["NoObjectError", "Reason", "find_object", "partial_object"]

T = TypeVar("T")
Reason = Literal["cut", "misfit", "none", "several"]


_CUT = {"length": "max_tokens", "content_filter": "a content filter"}


class NoObjectError(ValueError):
    """A response does not contain the one JSON value that was requested.

    Attributes:
        reason: ``"cut"`` (it ends within the value, or at ``max_tokens``), ``"misfit"`` (it does
            not fit the schema), ``"none"`` (there is no JSON) or ``"several"`` (that differ).
        text: the text of the response.
    """

    def __init__(self, message: str, reason: Reason, text: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.text = text

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to recreate it in another process."""
        return (type(self), (str(self), self.reason, self.text))


def find_object(text: str, check: Callable[[Any], T], *, finish_reason: str | None = None) -> T:
    """Return what ``check`` returns for the one JSON value in a response's text.

    It is the only value outside of reasoning tags that fits; of several the last, if that ends the
    response and the others are only mentioned within a sentence. ``check`` raises a `ValueError`
    (as pydantic does) for a value that does not fit.

    Raises:
        NoObjectError: there is none, only part of one, or it is not clear which is meant.
    """
    if finish_reason in _CUT:
        raise NoObjectError(f"{_CUT[finish_reason]} cut it off", "cut", text)
    scan = _Scan(text)
    if (whole := _as_a_whole(scan, check)) is not None:
        return whole[0]
    if scan.cut:
        raise NoObjectError("its JSON is incomplete", "cut", text)
    if not scan.found:
        reason = "its JSON is not valid" if scan.broken else "it answered in prose"
        raise NoObjectError(reason, "none", text)
    return _chosen(scan, check)


def partial_object(text: str) -> Any:
    """Return the value in a response that is still arriving, as far as it goes, or ``None``."""
    scan = _Scan(text)
    if scan.cut:
        return scan.begun
    return scan.found[-1].value if scan.found else None


class _Found(NamedTuple):
    """A complete JSON object or list at the top level of a text."""

    value: Any
    start: int
    end: int

    @property
    def key(self) -> str:
        """Equal for equal values; unlike Python, it distinguishes 1 and true."""
        return json.dumps(self.value, sort_keys=True)


# Tags of models whose reasoning no gateway takes out; the first is documented for NanoGPT's
# /api/v1thinking. A lone closing tag is common: the opening one was in the prompt.
_TAGS = r"(?:think(?:ing)?|thoughts?|reasoning|reflection|analysis|scratchpad|seed:think)"
_OPEN = rf"<{_TAGS}(?:\s[^<>]{{0,99}})?>|\[THINK\]|◁think▷|<\|begin_of_thought\|>"
_CLOSE = rf"</{_TAGS}\s*>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>"
_STEP = re.compile(rf"(?P<open>{_OPEN})|(?P<close>{_CLOSE})|[{{\[]", re.IGNORECASE)
_ENDING = re.compile(_CLOSE, re.IGNORECASE)
# The beginning of JSON, or of an attempt at it: other braces and brackets are prose.
_START = re.compile(
    r"""\{\s*(?:["'“}/#\\]|[\w$-]+\s*:) | \[\s*(?:["{\[\]\d-]|(?:true|false|null)\b)""", re.VERBOSE
)
_DECODER = json.JSONDecoder(strict=False)  # line breaks within strings
_FEW = 9
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKETS = re.compile(_STRING.pattern + r"|[{}\[\]]|\\.", re.DOTALL)
_CONTROLS = {code: f"\\u{code:04x}" for code in range(32)}


class _Scan:
    """The values in a text outside of its reasoning; the last may be incomplete.

    Attributes:
        found: complete objects and lists, none of them within another.
        broken: whether something looks like JSON and is not valid.
        cut: whether the text ends within a value, or an attempt at one.
        begun: the readable part of that value.
        start: where the response begins, after the reasoning.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[_Found] = []
        self.broken = False
        self.cut = False
        self.begun: Any = None
        self.start = 0
        self._errors = 0
        at: int | None = 0
        while at is not None and (step := _STEP.search(text, at)):
            at = self._after(step)

    def _after(self, step: re.Match[str]) -> int | None:
        """Process a match; return where to search on, or ``None`` at the end."""
        if step.lastgroup == "open":
            ending = _ENDING.search(self.text, step.end())
            self.start = ending.end() if ending else len(self.text)
            return ending.end() if ending else None
        if step.lastgroup == "close":
            return self._forget(step.end())
        if not _START.match(self.text, step.start()):
            return step.end()
        return self._value(step.start())

    def _forget(self, start: int) -> int:
        """Drop what was found: it was reasoning without an opening tag."""
        self.found.clear()
        self.start = start
        return start

    def _value(self, start: int) -> int | None:
        # The decoder's errors count the lines before them, which is quadratic with many errors.
        bound = None if self._errors < _FEW else _end_of_brackets(self.text, start)
        text, offset = (self.text, 0) if bound is None else (self.text[start:bound], start)
        try:
            value, end = _DECODER.raw_decode(text, start - offset)
        except (ValueError, RecursionError) as error:  # recursion: brackets without an end
            self._errors += 1
            self.broken = True
            return bound or self._broken(start, at_the_end=self._is_at_the_end(error))
        self.found.append(_Found(value, start, offset + end))
        return offset + int(end)

    def _is_at_the_end(self, error: ValueError | RecursionError) -> bool:
        """Return whether the JSON is valid as far as the text goes."""
        if not isinstance(error, json.JSONDecodeError):
            return False
        return error.msg.startswith("Unterminated") or not self.text[error.pos : error.pos + 1]

    def _broken(self, start: int, *, at_the_end: bool) -> int | None:
        """Skip invalid JSON with everything in it; it may be cut off."""
        if at_the_end:
            self.begun = _begun(self.text[start:])
        if self.begun is None:
            end = _end_of_brackets(self.text, start)
            if end is not None:
                return end
            self.begun = _begun(self.text[start:])
        endings = list(_ENDING.finditer(self.text, start))
        if endings:  # it was in the reasoning
            self.begun = None
            return self._forget(endings[-1].end())
        self.cut = True
        return None


def _begun(text: str) -> Any:
    """Return the readable part of a value that is cut off, or ``None`` if it is not JSON."""
    for write in (str, _escaped):  # unchanged first, which is faster
        try:
            return from_json(write(text), allow_partial="trailing-strings")
        except ValueError:
            continue
    return None


def _escaped(text: str) -> str:
    """Return JSON with the control characters in its strings escaped."""
    return _STRING.sub(lambda string: string[0].translate(_CONTROLS), text)


def _end_of_brackets(text: str, start: int) -> int | None:
    """Return the end of the bracket that opens at ``start``, or ``None`` if it is not closed."""
    depth = 0
    for match in _BRACKETS.finditer(text, start):
        mark = match[0]
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth == 0:
                return match.end()
    return None


_FENCE = re.compile(r"\A```\w*\s*|\s*```\Z")


def _as_a_whole(scan: _Scan, check: Callable[[Any], T]) -> tuple[T] | None:
    """Return the whole response as a value, if it is a string, a number, … or JSON within JSON."""
    text = _FENCE.sub("", scan.text[scan.start :].strip())
    for _ in range(3):
        if text.startswith("{\\"):
            text = f'"{text}"'
        if text.startswith(("{", "[")) or not text:
            return None
        try:
            value = _DECODER.decode(text)
        except (ValueError, RecursionError):
            return None
        try:
            return (check(value),)
        except ValueError:
            if not isinstance(value, str):
                return None
        text = value.strip()
        if text.startswith(("{", "[")):
            return (find_object(text, check),)
    return None


def _chosen(scan: _Scan, check: Callable[[Any], T]) -> T:
    """Return the value that is meant, of those found (at least one)."""
    made: dict[str, T] = {}
    refused: dict[str, ValueError] = {}
    keys = [found.key for found in scan.found]
    for key, found in zip(keys, scan.found, strict=True):
        if key not in made and key not in refused:
            try:
                made[key] = check(found.value)
            except ValueError as error:
                refused[key] = error
    fitting = [at for at, key in enumerate(keys) if key in made]
    if not fitting:
        last = max(range(len(keys)), key=lambda at: (isinstance(scan.found[at].value, dict), at))
        why = refused[keys[last]]
        raise NoObjectError(f"its JSON does not fit: {why}", "misfit", scan.text) from why
    others = [scan.found[at] for at in fitting if keys[at] != keys[fitting[-1]]]
    if not _is_clear(scan, fitting[-1], others):
        raise NoObjectError("it contains several objects that differ", "several", scan.text)
    return made[keys[fitting[-1]]]


def _is_clear(scan: _Scan, last: int, others: list[_Found]) -> bool:
    """Return whether the last value that fits is meant, and not one of the others."""
    kind = type(scan.found[last].value)
    if any(type(each.value) is kind for each in scan.found[last + 1 :]):
        return False  # the one that does not fit may be the response
    if not others:
        return True
    final = _is_final(scan.text, scan.found[last])
    return final and all(_is_mention(scan.text, each) for each in others)


_NEAR = 200  # characters around a value that show its place in its line
_MARKS = "`*_ \t\r\n"


def _is_final(text: str, found: _Found) -> bool:
    """Return whether a value ends the response, after a colon or on lines of its own."""
    if text[found.end :].strip(_MARKS + "."):
        return False
    before = text[max(0, found.start - _NEAR) : found.start]
    alone = not before.rpartition("\n")[2].strip(_MARKS)
    return alone or _is_announced(before)


def _is_mention(text: str, found: _Found) -> bool:
    """Return whether a value is in the middle of a sentence."""
    before = text[max(0, found.start - _NEAR) : found.start]
    line = text[found.end : found.end + _NEAR].partition("\n")[0]
    in_sentence = re.search(r"\w", before.rpartition("\n")[2]) and re.search(r"\w", line)
    return bool(in_sentence) and not _is_announced(before)


def _is_announced(before: str) -> bool:
    return before.rstrip(_MARKS).endswith((":", "："))
