"""Undocumented fields of messages and tool calls, preserved unchanged.

Signatures of reasoning are such fields, and some models refuse a conversation without them:
``extra_content.google.thought_signature`` on calls (Gemini behind Google's own and other gateways),
encrypted ``reasoning_details`` (OpenRouter's form). NanoGPT documents neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from nanogpt_client.types._coerce import as_count, as_dict, as_list, as_text

__all__ = ["CallExtras", "MESSAGE_FIELDS", "MessageExtras"]

MESSAGE_FIELDS = frozenset(
    """role content reasoning reasoning_content tool_calls annotations images refusal
    audio""".split()
)
"""The fields of a message that `Message` has attributes for."""
_CALL_FIELDS = frozenset({"id", "index", "type", "function"})
_FUNCTION_FIELDS = frozenset({"name", "arguments"})

_DETAILS = "reasoning_details"
# Fields of an item of ``reasoning_details`` that are streamed in parts, and the fields of an item
# that only repeats the message's ``reasoning``.
_STREAMED = ("text", "summary", "data", "signature")
_REPEATED = frozenset({"type", "text", "format", "index", "id"})


class CallExtras:
    """The fields of one tool call that `ToolCall` has no attribute for."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}

    def add(self, delta: Mapping[str, Any], function: Mapping[str, Any]) -> None:
        """Merge a delta of the call."""
        if not delta.keys() <= _CALL_FIELDS:
            self.fields = _added(self.fields, _others(delta, _CALL_FIELDS))
        if not function.keys() <= _FUNCTION_FIELDS:
            inner = {"function": _others(function, _FUNCTION_FIELDS)}
            self.fields = _added(self.fields, inner)


class MessageExtras:
    """The fields of one message that `Message` has no attribute for."""

    __slots__ = ("_by_index", "_details", "_fields")

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._details: list[_Detail] = []
        self._by_index: dict[tuple[int | None, str], _Detail] = {}

    def add(self, delta: Mapping[str, Any]) -> None:
        """Merge a delta, or a whole message; repeated signed details count once."""
        fields = _others(delta, MESSAGE_FIELDS)
        details = as_list(fields.pop(_DETAILS, None))
        self._fields = _added(self._fields, fields)
        repeats = len(details) == len(self._details) and details == self._whole_details()
        if not repeats or all(map(_is_repeated, details)):
            self._add_details(details)

    def _add_details(self, items: Iterable[Any]) -> None:
        """Merge each item into the detail with its index, or else into the last one."""
        here: set[_Detail] = set()  # items of one list are never joined with each other
        last = len(self._details)
        for item in items:
            index, kind = _place(item)
            same = [self._by_index.get((index, kind))] if index is not None else []
            for detail in [*same, *self._details[max(last - 1, 0) : last]]:
                if detail and detail not in here and detail.continues_with(item):
                    last -= index is None
                    break
            else:
                detail = _Detail(item)
                self._details.append(detail)
            here.add(detail)
            self._by_index[index, kind] = detail

    def fields(self) -> dict[str, Any]:
        """Return the fields so far; details that only repeat the reasoning are omitted."""
        details = self._whole_details()
        if all(map(_is_repeated, details)):
            return self._fields
        return {**self._fields, _DETAILS: details}

    def _whole_details(self) -> list[Any]:
        return [detail.whole() for detail in self._details]


class _Detail:
    """One item of ``reasoning_details``, merged from the chunks of a stream."""

    __slots__ = ("_item", "_texts")

    def __init__(self, item: Any) -> None:
        self._item = dict(item) if isinstance(item, dict) else item
        self._texts: dict[str, StringIO] = {}

    def continues_with(self, more: Any) -> bool:
        """Merge a further item and return ``True``, if it continues this one."""
        old = self._item
        if not isinstance(old, dict) or not isinstance(more, dict):
            return False
        if old.get("index") not in (None, more.get("index")):
            return False
        if any(_differ(old, more, key) for key in ("type", "id")):
            return False
        if more.get("index") is None and (old.get("signature") or old.get("data")):
            return False  # complete: an item without an index is another one
        # An item with a signature may repeat the whole item, instead of its last part.
        is_signed = bool(more.get("signature") or more.get("data"))
        for key, value in more.items():
            if key in _STREAMED and isinstance(value, str) and isinstance(old.get(key), str):
                if not (is_signed and value == self._text(key).getvalue()):
                    self._text(key).write(value)
            elif value is not None:
                old[key] = value
        return True

    def _text(self, key: str) -> StringIO:
        if key not in self._texts:
            self._texts[key] = StringIO()
            self._texts[key].write(self._item[key])
        return self._texts[key]

    def whole(self) -> Any:
        """Return the item so far."""
        if not isinstance(self._item, dict):
            return self._item
        return {**self._item, **{key: text.getvalue() for key, text in self._texts.items()}}


def _place(item: Any) -> tuple[int | None, str]:
    """Return the index and the type of an item of ``reasoning_details``."""
    fields = as_dict(item)
    return as_count(fields.get("index")), as_text(fields.get("type"))


def _differ(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    return one.get(key) is not None and other.get(key) is not None and one[key] != other[key]


def _is_repeated(detail: Any) -> bool:
    if not isinstance(detail, dict):
        return False
    present = {key for key, value in detail.items() if value is not None}
    return present <= _REPEATED and as_text(detail.get("type")) in {"", "reasoning.text"}


_DEEPEST = 8


def _others(fields: Mapping[str, Any], excluded: frozenset[str]) -> dict[str, Any]:
    return {
        key: value for key, value in fields.items() if key not in excluded and value is not None
    }


def _added(old: Any, more: Any, depth: int = 0) -> Any:
    """Return a value merged with a delta: texts are appended unless repeated, objects merged.

    Nothing is changed in place, so values returned before stay the same.
    """
    if old is None or more == old:
        return more
    if more is None:
        return old
    if isinstance(old, str) and isinstance(more, str):
        return old + more
    if isinstance(old, list) and isinstance(more, list):
        return [*old, *more]
    if isinstance(old, dict) and isinstance(more, dict) and depth < _DEEPEST:
        return old | {key: _added(old.get(key), value, depth + 1) for key, value in more.items()}
    return more
