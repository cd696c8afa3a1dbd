"""Makes the tool calls of a conversation such as providers take, whichever model made them.

Providers refuse the whole conversation, from then on, for one call whose arguments are half an
object, that has no id or another call's, or that nobody answered. Frameworks keep such calls as
they came; this mends them on the way out. The same beginning of a conversation is always mended in
the same way, so that what a provider has cached of it stays valid.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nanogpt_client.types.tool_arguments import is_plain_object, read_arguments

__all__ = ["PROBLEM", "sendable"]

PROBLEM = "problem"
"""Key under which an adapter says of a call, in words for the model, why it was not carried out."""

_NAMELESS = "unnamed"


def sendable(conversation: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a conversation whose tool calls providers take.

    - Arguments are JSON objects: none at all are ``{}``, readable ones are written properly, and
      in place of unreadable ones stands ``{}``; the call's result then begins with what the model
      wrote, and is added where there is none, for the tool was not run.
    - Ids are there, and different; results follow their calls.
    - Answers that say nothing are left out, where anything else is said.

    Results that answer no call stay: only their author knows what they are.
    """
    mended = _Mended()
    for entry in conversation:
        mended.add(dict(entry))
    return mended.all() or [dict(entry) for entry in conversation]


@dataclass(slots=True)
class _Open:
    """A call that has no result yet; ``given`` is its id in the framework's history."""

    given: str
    id: str
    problem: str | None


class _Mended:
    def __init__(self) -> None:
        self._sent: list[dict[str, Any]] = []
        self._ids: set[str] = set()
        self._open: list[_Open] = []

    def add(self, entry: dict[str, Any]) -> None:
        if entry["role"] == "tool":
            entry = self._result(entry)
        else:
            self._close()
            if calls := entry.get("tool_calls"):
                entry["tool_calls"] = [self._call(call) for call in calls]
            elif entry["role"] == "assistant" and _is_blank(entry.get("content")):
                if entry.keys() <= {"role", "content", "name", "tool_calls"}:
                    return
                if thoughts := entry.get("reasoning_content"):  # an answer cut off before its text
                    entry["content"] = thoughts
        self._sent.append(entry)

    def all(self) -> list[dict[str, Any]]:
        self._close()
        return self._sent

    def _call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        given, function = str(call.get("id") or ""), call["function"]
        call_id = given if given and given not in self._ids else self._new_id()
        self._ids.add(call_id)
        arguments, problem = _mended_arguments(function["arguments"])
        if not function["name"]:
            problem = "The call names no tool."
        self._open.append(_Open(given, call_id, problem or call.get(PROBLEM)))
        mended = function | {"name": function["name"] or _NAMELESS, "arguments": arguments}
        kept = {key: value for key, value in call.items() if key != PROBLEM}
        return kept | {"id": call_id, "function": mended}

    def _new_id(self) -> str:
        number = len(self._ids)
        while f"call_{number}" in self._ids:
            number += 1
        return f"call_{number}"

    def _result(self, entry: dict[str, Any]) -> dict[str, Any]:
        given = entry.get("tool_call_id") or ""
        fits = (call for call in self._open if not given or call.given == given)
        if (call := next(fits, None)) is None:
            return entry
        self._open.remove(call)
        entry["tool_call_id"] = call.id
        if call.problem:
            entry["content"] = _before(call.problem, entry["content"])
        return entry

    def _close(self) -> None:
        """Answer the calls that could not be carried out, and that nobody answered."""
        self._sent += [
            {
                "role": "tool",
                "content": f"{call.problem} The tool was not run.",
                "tool_call_id": call.id,
            }
            for call in self._open
            if call.problem
        ]
        self._open.clear()


def _mended_arguments(arguments: str) -> tuple[str, str | None]:
    """Return arguments as JSON, and what was wrong with them if they say nothing to anybody."""
    if is_plain_object(arguments):
        return arguments, None
    try:
        return json.dumps(read_arguments(arguments), ensure_ascii=False), None
    except ValueError:
        return "{}", f"The arguments of this call are no JSON object: {arguments}"


def _before(problem: str, content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return f"{problem}\n{content}" if content else problem
    return [{"type": "text", "text": problem}, *content]


def _is_blank(content: Any) -> bool:
    return not (content.strip() if isinstance(content, str) else content)
