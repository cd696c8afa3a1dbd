"""Read a chat request into what the brain works with.

Content may be text, a list of parts or null, roles may repeat, tool calls may hold broken JSON:
everything becomes plain text and `Call`s; what cannot be read is left out.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_TEXT_PARTS = ("text", "input_text", "output_text", "content", "refusal")
_HANDS_OFF = re.compile(r"hand_?off|transfer_(?:back_)?to", re.IGNORECASE)
_FAILURE = re.compile(
    r"^\W*(?:error|exception|failed|failure|traceback|invalid|unknown tool|tool .{1,60} not "
    r"found)\b"
    r"|^\W*\w*(?:Error|Exception)\b|\bplease fix (?:your mistakes|the error)|encountered error"
    r"|^agent .{1,80} not found",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One message as text."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call made since the user last spoke, with what it returned, if it has."""

    name: str
    arguments: Mapping[str, Any]
    result: str | None = None

    @property
    def is_handoff(self) -> bool:
        """Whether the call only passed the conversation to another agent."""
        return _HANDS_OFF.search(self.name) is not None

    @property
    def failed(self) -> bool:
        """Whether the result reports an error."""
        return self.result is not None and reports_error(self.result)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request's messages: what the user wants now, what came before, what tools returned.

    `request` is the last user text; `calls` are the calls made since.
    """

    system: str
    history: tuple[Said, ...]
    request: str
    calls: tuple[Call, ...] = ()

    def results(self) -> list[str]:
        """Return what the tools returned since the user last spoke, newest first."""
        good = [call for call in self.calls if not call.failed and not call.is_handoff]
        return [call.result for call in reversed(good) if call.result]

    def earlier(self, *roles: str) -> list[str]:
        """Return the earlier texts of some roles, newest first."""
        return [said.text for said in reversed(self.history) if said.role in roles]


def read(body: Mapping[str, Any]) -> Conversation:
    """Read the messages of a wire chat request."""
    messages = [each for each in body.get("messages") or () if isinstance(each, Mapping)]
    users = [i for i, each in enumerate(messages) if each.get("role") == "user"]
    last = users[-1] if users else -1
    spoken = [Said(_role(each), text_of(each.get("content"))) for each in messages]
    return Conversation(
        system="\n\n".join(said.text for said in spoken if said.role == "system" and said.text),
        history=tuple(
            said for said in spoken[: max(last, 0)] if said.role != "system" and said.text
        ),
        request=_joined(spoken, last) if users else "",
        calls=_calls(messages[last + 1 :]),
    )


def text_of(content: Any) -> str:
    """Return the text of a message's content: a string, parts, or nothing."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return next((content[key] for key in _TEXT_PARTS if isinstance(content.get(key), str)), "")
    if isinstance(content, Iterable):
        return "\n".join(filter(None, map(text_of, content)))
    return ""


def reports_error(result: str) -> bool:
    """Tell whether a tool's answer says that the tool failed."""
    if _FAILURE.search(result[:400]):
        return True
    parsed = parse(result)
    if not isinstance(parsed, dict):
        return False
    status = str(parsed.get("status", "")).lower()
    return bool(parsed.get("error")) or status in {"error", "failed", "failure"}


def parse(text: str) -> Any:
    """Return the JSON value of a text, or None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def parse_loosely(text: str) -> Any:
    """Return the value of a text in JSON, or as Python prints it; None where it is neither."""
    if (value := parse(text)) is not None:
        return value
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _role(message: Mapping[str, Any]) -> str:
    role = str(message.get("role", ""))
    return {"developer": "system", "function": "tool"}.get(role, role)


def _joined(spoken: list[Said], last: int) -> str:
    """Return the last user text with the user messages right before it."""
    first = last
    while first and spoken[first - 1].role == "user":
        first -= 1
    if not spoken[last].text.strip():
        return "\n".join(said.text for said in spoken[first : last + 1]).strip()
    return spoken[last].text


def _calls(messages: list[Mapping[str, Any]]) -> tuple[Call, ...]:
    """Pair the tool calls of the messages with their results."""
    made: dict[str, Call] = {}
    for position, message in enumerate(messages):
        for number, each in enumerate(message.get("tool_calls") or ()):
            if isinstance(each, Mapping) and isinstance(each.get("function"), Mapping):
                name, arguments = _function(each["function"])
                made[str(each.get("id") or f"{position}.{number}")] = Call(name, arguments)
        if _role(message) == "tool":
            key = str(message.get("tool_call_id") or f"result {position}")
            known = made.get(key) or Call(str(message.get("name") or "tool"), {})
            made[key] = Call(known.name, known.arguments, text_of(message.get("content")))
    return tuple(made.values())


def _function(function: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    given = function.get("arguments")
    arguments = parse(given) if isinstance(given, str) else given
    return str(function.get("name") or "tool"), arguments if isinstance(arguments, dict) else {}
