"""Builders of chat requests, and the loop that an agent runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nanogpt_client.sandbox.brain import PlannedCall, Turn, respond

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
FLAG = {"type": "boolean"}
INTEGER = {"type": "integer"}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def system(content: str) -> dict[str, Any]:
    return {"role": "system", "content": content}


def assistant(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def ask(content: Any, **body: Any) -> Turn:
    """Answer one user message, or a list of messages."""
    messages = content if isinstance(content, list) else [user(content)]
    return respond({"messages": messages, **body})


def schema(required: list[str] | None = None, /, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object; without `required` every property is."""
    needed = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": needed}


def tool(name: str, description: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    function = {"name": name, "description": description, "parameters": parameters or schema()}
    return {"type": "function", "function": function}


def calls(turn: Turn) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in turn.tool_calls]


def called(call: PlannedCall, key: str, result: str) -> list[dict[str, Any]]:
    """Return the two messages of a call and its result."""
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    made = [{"id": key, "type": "function", "function": function}]
    return [
        {"role": "assistant", "content": None, "tool_calls": made},
        {"role": "tool", "tool_call_id": key, "content": result},
    ]


def run(
    content: str,
    tools: list[dict[str, Any]],
    perform: Callable[[PlannedCall], str],
    **body: Any,
) -> tuple[list[list[PlannedCall]], str]:
    """Run an agent to its end: the calls of each round, and the final answer."""
    messages: list[dict[str, Any]] = [user(content)]
    rounds: list[list[PlannedCall]] = []
    while True:
        turn = respond({"messages": messages, "tools": tools, **body})
        if not turn.tool_calls:
            return rounds, turn.text
        rounds.append(list(turn.tool_calls))
        assert len(rounds) < 12, "the agent does not end"
        for number, call in enumerate(turn.tool_calls):
            messages += called(call, f"call-{len(rounds)}-{number}", perform(call))
