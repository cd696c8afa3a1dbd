"""Assembles tool calls from a stream: which delta belongs to which call."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nanogpt_client.types._coerce import as_count, as_dict, as_text
from nanogpt_client.types._extras import CallExtras
from nanogpt_client.types._text import Text
from nanogpt_client.types.chat import ToolCallDelta
from nanogpt_client.types.tool_arguments import ObjectScanner

__all__ = ["ToolCalls"]


@dataclass(slots=True)
class _Call:
    """A call so far; ``given`` is the provider's id, ``id`` the same if it is unique."""

    id: str = ""
    given: str = ""
    name: str = ""
    arguments: Text = field(default_factory=Text)
    scanner: ObjectScanner = field(default_factory=ObjectScanner)
    blank: bool = True  # whether the arguments so far are an empty object
    extras: CallExtras = field(default_factory=CallExtras)

    size: int = 0

    @property
    def is_without_arguments(self) -> bool:
        """Whether nothing has arrived of them but the empty object that some bridges begin with."""
        return self.blank and (self.scanner.whole or not self.scanner.begun)

    def add(self, arguments: str) -> None:
        self.arguments.add(arguments)
        self.size += len(arguments)
        self.blank = self.blank and not arguments.strip().strip("{}").strip()
        self.scanner.feed(arguments)


class _Delta(NamedTuple):
    """The fields of one delta of a call."""

    id: str
    number: int | None
    name: str
    arguments: str
    raw: Mapping[str, Any]

    @property
    def begins_object(self) -> bool:
        return self.arguments.lstrip().startswith("{")

    @classmethod
    def read(cls, delta: Mapping[str, Any]) -> _Delta:
        function = as_dict(delta.get("function"))
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        id_ = as_text(delta.get("id"))
        return cls(
            "" if id_ in _NO_IDS else id_,
            as_count(delta.get("index")),
            as_text(function.get("name")),
            arguments,
            delta,
        )


_NO_IDS = frozenset({"null", "None"})  # what some gateways send for a missing id


class ToolCalls:
    """Tells the tool calls of one choice apart.

    Providers number them badly: every call has index 0, or none has an index, id and name are
    repeated in each delta, deltas of two calls alternate, several calls have one id. An id seen
    before decides, then the index; a delta with neither continues the last call. In any case, an
    object that begins after a complete one is another call, and so is another entry of one delta.
    """

    __slots__ = ("_by_id", "_by_index", "_here", "calls")

    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self._by_id: dict[str, int] = {}
        self._by_index: dict[int, int] = {}
        self._here: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self.calls)

    def add(self, deltas: Sequence[Mapping[str, Any]]) -> list[ToolCallDelta]:
        """Add the calls in one delta of a response."""
        self._here = set()
        return [self._add(_Delta.read(delta)) for delta in deltas]

    def add_whole(self, calls: Sequence[Mapping[str, Any]]) -> list[ToolCallDelta]:
        """Add the calls of a complete message: each entry is a call, whatever its id."""
        return [self._fill(self._open(delta := _Delta.read(call)), delta) for call in calls]

    def keep_extras(self, calls: Sequence[Mapping[str, Any]]) -> None:
        """Add the extra fields of calls that a message repeats."""
        for at, call in enumerate(calls):
            position = self._by_id.get(as_text(call.get("id")), at)
            if position < len(self.calls):
                self.calls[position].extras.add(call, as_dict(call.get("function")))

    def _add(self, delta: _Delta) -> ToolCallDelta:
        found = self._find(delta)
        if found is None:
            position, name = self._open(delta), delta.name
        elif self._repeats(found, delta):
            self.keep_extras([delta.raw])
            return ToolCallDelta(found, None, None, "")
        elif self._continues(found, delta):
            position, name = found, delta.name
        else:
            # Without an id and a name it is one more call of the same tool.
            name = delta.name or ("" if delta.id else self.calls[found].name)
            position = self._open(delta)
        self._here.add(position)
        return self._fill(position, delta._replace(name=name))

    def _find(self, delta: _Delta) -> int | None:
        """Return the position of the call that a delta continues, if any."""
        if delta.id in self._by_id:
            return self._by_id[delta.id]
        if delta.number is not None:
            return self._by_index.get(delta.number)
        return len(self.calls) - 1 if self.calls else None

    def _repeats(self, position: int, delta: _Delta) -> bool:
        """Whether a delta repeats what has arrived already, under the call's own id or none."""
        call = self.calls[position]
        if not (call.scanner.whole and call.given) or position in self._here:
            return False
        same = delta.id in ("", call.given) and len(delta.arguments) == call.size
        return same and delta.arguments == str(call.arguments)

    def _continues(self, position: int, delta: _Delta) -> bool:
        call, here = self.calls[position], position in self._here
        named = bool(delta.name and call.name)
        another = call.scanner.whole and delta.begins_object
        if delta.id and call.given and delta.id != call.given:
            # Only vLLM, whose older versions give each delta a new id, names no tool.
            return not (delta.name or here or another)
        if another:
            # Bridges to Claude send an empty object before the arguments.
            return call.blank and bool(call.given) and not here and delta.name in ("", call.name)
        if delta.id and delta.id == call.given:
            return not (here and named and delta.name != call.name)
        if not named:
            return True
        if here or delta.number is None:
            return False
        return delta.name == call.name or (bool(call.given) and not call.scanner.begun)

    def _open(self, delta: _Delta) -> int:
        position = len(self.calls)
        self.calls.append(_Call())
        if delta.number is not None:
            self._by_index[delta.number] = position
        return position

    def _fill(self, position: int, delta: _Delta) -> ToolCallDelta:
        """Append a delta to its call; return what is new."""
        call = self.calls[position]
        new_id = ""
        if delta.id and not call.given:
            new_id = call.id = "" if delta.id in self._by_id else delta.id
            call.given = delta.id
            self._by_id[delta.id] = position
        name = ""
        if not call.scanner.begun or not call.name:  # afterwards a name is a repetition
            name = delta.name.removeprefix(call.name)  # repeated, or growing
            call.name += name
        if call.scanner.whole and delta.begins_object:
            call.scanner = ObjectScanner()
        call.add(delta.arguments)
        call.extras.add(delta.raw, as_dict(delta.raw.get("function")))
        return ToolCallDelta(position, new_id or None, name or None, delta.arguments)
