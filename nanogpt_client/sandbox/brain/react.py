"""Follow ReAct prompts: tools written into the text, `Thought / Action / Observation` as a loop.

`read_script` turns such a conversation into the usual form (tools, calls, results), so that the
usual planner decides; `write` puts its decision back into the notation.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox.brain.conversation import Call, Conversation, parse, parse_loosely
from nanogpt_client.sandbox.brain.plan import Choice
from nanogpt_client.sandbox.brain.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nanogpt_client.sandbox.brain.turn import PlannedCall

_TOOL = re.compile(
    r"^> Tool Name: (?P<name>.+)\nTool Description: (?P<about>[\s\S]*?)\nTool Args: "
    r"(?P<args>\{.*\})",
    re.MULTILINE,
)
_LISTED = re.compile(
    r"^(?P<name>[\w-]+)(?:\([^\n]*?\))?(?: -> \w+)?(?::| -) (?P<about>.+)$", re.MULTILINE
)
_ONE_OF = re.compile(r"(?:one of|should be one of) \[(?P<names>[^\]]+)\]")
_ACTION = re.compile(
    r"Action: *(?P<name>[^\n]+?)\s*\nAction Input: *(?P<input>[\s\S]*?)(?=\n\s*(?:Observation"
    r"|Thought):|\Z)"
)
_OBSERVATION = re.compile(
    r"^\s*Observation: ?([\s\S]*?)(?=\n\s*(?:Thought|Action):|\Z)", re.MULTILINE
)
_QUESTION = re.compile(
    r"Begin!\s+(?:[\s\S]*?)Question: (?P<question>[\s\S]+?)\n\s*Thought:(?P<pad>[\s\S]*)\Z"
)
_PLAIN_INPUT = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}


@dataclass(frozen=True, slots=True)
class Script:
    """A ReAct conversation in the usual form; `final` is its word for the answer."""

    talk: Conversation
    choice: Choice
    final: str
    plain_input: bool = False


def read_script(talk: Conversation) -> Script | None:
    """Read a ReAct conversation, or return None for any other."""
    if "Action Input:" in talk.system and (found := list(_TOOL.finditer(talk.system))):
        tools = tuple(_tool(match) for match in found)
        return Script(_looped(talk), Choice(tools, "auto", parallel=False), "Answer")
    if "Action Input:" in talk.request and (asked := _QUESTION.search(talk.request)):
        return _single_prompt(talk, asked)
    return None


def write(script: Script, calls: Sequence[PlannedCall], said: str) -> str:
    """Write the next call, or the answer, in the notation of the prompt."""
    if not calls:
        thought = (
            "I can answer without using any more tools. I'll use the user's language to answer"
            if script.final == "Answer"
            else "I now know the final answer"
        )
        return f"Thought: {thought}\n{script.final}: {said}"
    call = calls[0]
    given = json.dumps(call.arguments, ensure_ascii=False)
    if script.plain_input:
        given = str(next(iter(call.arguments.values()), ""))
    thought = (
        "The current language of the user is: English. I need to use a tool to help me "
        "answer the question."
    )
    if script.final != "Answer":
        thought = f"I should use {call.name}."
    return f"Thought: {thought}\nAction: {call.name}\nAction Input: {given}"


def _tool(match: re.Match[str]) -> Tool:
    schema = parse(match["args"])
    return Tool(
        match["name"].strip(), match["about"].strip(), schema if isinstance(schema, dict) else {}
    )


def _looped(talk: Conversation) -> Conversation:
    """Turn actions and observations, which come as messages, into calls with results."""
    said = [*((each.role, each.text) for each in talk.history), ("user", talk.request)]
    observed = [
        i
        for i, each in enumerate(said)
        if each[0] in {"user", "tool"} and each[1].lstrip().startswith("Observation:")
    ]
    asked = [i for i, each in enumerate(said) if each[0] == "user" and i not in observed]
    last = asked[-1] if asked else -1
    text = "\n".join(each[1] for each in said[last + 1 :])
    return Conversation("", (), said[last][1] if asked else talk.request, _calls(text) + talk.calls)


def _single_prompt(talk: Conversation, asked: re.Match[str]) -> Script:
    """Read the classic prompt that holds tools, format, question and scratchpad in one text."""
    head = talk.request[: asked.start()]
    names = _ONE_OF.search(head)
    allowed = {name.strip() for name in names["names"].split(",")} if names else set()
    tools = tuple(
        Tool(match["name"], match["about"], _PLAIN_INPUT)
        for match in _LISTED.finditer(head)
        if match["name"] in allowed
    )
    inner = Conversation("", (), asked["question"].strip(), _calls(asked["pad"]))
    return Script(inner, Choice(tools, "auto", parallel=False), "Final Answer", plain_input=True)


def _calls(text: str) -> tuple[Call, ...]:
    """Read the actions and observations of a text."""
    calls = []
    for action in _ACTION.finditer(text):
        seen = _OBSERVATION.match(text[action.end() :].lstrip("\n"))
        calls.append(
            Call(
                action["name"].strip(),
                _arguments(action["input"]),
                seen[1].strip() if seen else None,
            )
        )
    return tuple(calls)


def _arguments(given: str) -> Mapping[str, Any]:
    """Read arguments in JSON or as Python prints them, as frameworks do for earlier steps."""
    value = parse_loosely(given.strip())
    return value if isinstance(value, dict) else {"input": given.strip()}
