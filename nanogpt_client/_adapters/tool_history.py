"""Repairs the tool calls of a conversation, so that every provider accepts them.

One call with incomplete arguments, without an id of its own, or without a result, and providers
refuse the whole conversation from then on. Frameworks keep such calls as they came; this repairs
them before they are sent. The same beginning of a conversation is always repaired in the same way,
so that a provider's prompt cache stays valid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from nanogpt_client._adapters.history import MISTRALS
from nanogpt_client.types.json_schemas import allowed_name
from nanogpt_client.types.tool_arguments import is_plain_object, read_arguments

__all__ = ["PROBLEM", "sendable"]

PROBLEM = "problem"
"""Key of a call under which an adapter explains to the model why it was not run."""

_NAMELESS = "unnamed"
_NO_OUTPUT = "(no output)"
_NO_RESULT = "(no result: the conversation went on without it)"


class _Ids(NamedTuple):
    """Which ids of calls a model accepts, and the form of those that replace others."""

    accepted: re.Pattern[str]
    made: str


# Claude refuses other characters, and OpenAI's models longer ids as well.
_MOST = _Ids(re.compile(r"[A-Za-z0-9_-]{1,40}"), "call_{}")
_NINE = _Ids(re.compile(r"[A-Za-z0-9]{9}"), "call{:05}")
# Kimi calls tools less reliably if its ids ("functions.name:0") are replaced, and bridges to Gemini
# put its signatures into them.
_ANY = _Ids(re.compile(r".+", re.DOTALL), "call_{}")
_FAMILIES = ((r"kimi|moonshot|gemini", _ANY), (MISTRALS, _NINE))


def _ids_of(model: str) -> _Ids:
    found = (ids for name, ids in _FAMILIES if re.search(name, model, re.IGNORECASE))
    return next(found, _MOST)


def sendable(conversation: Sequence[Mapping[str, Any]], model: str = "") -> list[dict[str, Any]]:
    """Return a conversation whose tool calls the provider of ``model`` accepts.

    - Arguments are JSON objects. Missing ones become ``{}``; readable ones are written as valid
      JSON; unreadable ones become ``{}``, and the call's result then begins with what the model
      wrote. If there is no result, one is added, because the tool was not run.
    - Each call has an id of its own, and id and name as providers accept them, also if another
      provider's model made them; results follow their calls, also if they have the tool's name in
      place of an id, or came after another message.
    - A call without a result has one that says so, if the conversation went on: its approval was
      ignored, its run was interrupted, or another agent took over. Where the calls are the last
      message they stay as they are: nothing has been tried to answer them.
    - Empty responses are left out, unless there is nothing else, and so are empty messages of the
      user but the last. A result says if it is empty: GLM, MiniMax and Claude refuse empty content.

    Results without a call stay as they are.
    """
    repaired = _Repaired(_ids_of(model))
    for at, entry in enumerate(conversation, 1):
        is_past = at < len(conversation)
        if not (is_past and entry["role"] == "user" and _says_nothing(entry)):
            repaired.add(dict(entry))
    return repaired.all() or [dict(entry) for entry in conversation]


@dataclass(slots=True)
class _Open:
    """A call that has no result yet; ``original_id`` is its id in the framework's history."""

    original_id: str
    id: str
    name: str
    problem: str | None


class _Repaired:
    def __init__(self, form: _Ids) -> None:
        self._sent: list[dict[str, Any]] = []
        self._form = form
        self._ids: set[str] = set()
        self._open: list[_Open] = []
        self._stand_ins: dict[str, tuple[_Open, dict[str, Any]]] = {}  # by the call's original id

    def add(self, entry: dict[str, Any]) -> None:
        if entry["role"] == "tool":
            self._result(entry)
            return
        self._close()
        if calls := entry.get("tool_calls"):
            entry["tool_calls"] = [self._call(call) for call in calls]
        elif entry["role"] == "assistant" and _is_blank(entry.get("content")):
            if entry.keys() <= {"role", "content", "name", "tool_calls"}:
                return
            if reasoning := entry.get("reasoning_content"):  # cut off before its text
                entry["content"] = reasoning
        self._sent.append(entry)

    def all(self) -> list[dict[str, Any]]:
        is_last = bool(self._sent) and self._sent[-1]["role"] != "tool"
        if not is_last or any(call.problem for call in self._open):
            self._close()
        return self._sent

    def _call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        original, function = str(call.get("id") or ""), call["function"]
        accepted = self._form.accepted.fullmatch(original) and original not in self._ids
        call_id = original if accepted else self._new_id()
        self._ids.add(call_id)
        arguments, problem = _repaired_arguments(function["arguments"])
        if not function["name"]:
            problem = "The call names no tool."
        problem = problem or call.get(PROBLEM)
        self._open.append(_Open(original, call_id, function["name"], problem))
        name = allowed_name(function["name"], _NAMELESS)
        repaired = function | {"name": name, "arguments": arguments}
        kept = {key: value for key, value in call.items() if key != PROBLEM}
        return kept | {"id": call_id, "function": repaired}

    def _new_id(self) -> str:
        number = len(self._ids)
        while (made := self._form.made.format(number)) in self._ids:
            number += 1
        return made

    def _result(self, entry: dict[str, Any]) -> None:
        """Add a result; one that comes late takes the place of its stand-in."""
        if _says_nothing(entry):
            entry["content"] = _NO_OUTPUT
        call_id = entry.get("tool_call_id") or ""
        if (call := self._call_of(call_id)) is not None:
            self._open.remove(call)
            self._sent.append(_answering(call, entry))
        elif call_id in self._stand_ins:
            call, stand_in = self._stand_ins.pop(call_id)
            stand_in.clear()
            stand_in.update(_answering(call, entry))
        else:
            self._sent.append(entry)

    def _call_of(self, call_id: str) -> _Open | None:
        """Return the call that a result belongs to: the first without one that fits.

        LlamaIndex's integrations of Gemini and Ollama know no ids, and use the name of the tool.
        """
        by_id = [call for call in self._open if not call_id or call.original_id == call_id]
        fits = by_id or [call for call in self._open if call.name == call_id]
        return fits[0] if fits else None

    def _close(self) -> None:
        """Add a result to each call that has none."""
        for call in self._open:
            text = f"{call.problem} The tool was not run." if call.problem else _NO_RESULT
            stand_in = {"role": "tool", "content": text, "tool_call_id": call.id}
            self._sent.append(stand_in)
            self._stand_ins[call.original_id] = call, stand_in
        self._open.clear()


def _answering(call: _Open, result: dict[str, Any]) -> dict[str, Any]:
    """Return a result as that of a call, with its problem before it."""
    content = result["content"]
    answer = {**result, "tool_call_id": call.id}
    return answer | {"content": _before(call.problem, content)} if call.problem else answer


def _repaired_arguments(arguments: str) -> tuple[str, str | None]:
    """Return arguments as JSON, and the problem if they cannot be read."""
    if is_plain_object(arguments):
        return arguments, None
    try:
        return json.dumps(read_arguments(arguments), ensure_ascii=False), None
    except ValueError:
        return "{}", f"The arguments of this call are not a JSON object: {arguments}"


def _before(problem: str, content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return f"{problem}\n{content}" if content else problem
    return [{"type": "text", "text": problem}, *content]


def _says_nothing(entry: Mapping[str, Any]) -> bool:
    """Whether a user's message or a result is empty, and has no further fields."""
    own = entry.keys() <= {"role", "content", "name", "tool_call_id"}
    return own and _is_blank(entry.get("content"))


def _is_blank(content: Any) -> bool:
    return not (content.strip() if isinstance(content, str) else content)
