"""Treat each agent that a hand-off tool can reach as a tool of its own.

Multi-agent frameworks describe the agents inside the description of one `handoff` tool. Split
into one option per agent, with `to_agent` fixed, the usual choice by relevance works.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox.brain.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nanogpt_client.sandbox.brain.conversation import Conversation

_AGENT = re.compile(
    r"""['"](?P<name>[\w .-]+)['"]\s*:\s*(?P<quote>['"])(?P<about>.*?)(?P=quote)\s*(?=[,}])""",
    re.DOTALL,
)
_TARGETS = ("to_agent", "agent_name", "agent", "target_agent")


def handoff_options(tools: Sequence[Tool], talk: Conversation) -> list[Tool]:
    """Return the tools with every hand-off tool replaced by one option per agent.

    Agents that were already handed to are left out, so that agents do not pass work in circles.
    """
    options: list[Tool] = []
    for tool in tools:
        target = next((name for name in _TARGETS if name in tool.properties), "")
        if not target or "hand" not in f"{tool.name} {tool.description}".lower():
            options.append(tool)
            continue
        visited = {str(call.arguments.get(target)) for call in talk.calls if call.name == tool.name}
        options += [
            _option(tool, target, match["name"], match["about"])
            for match in _AGENT.finditer(tool.description)
            if match["name"] not in visited
        ]
    return options or list(tools)


def _option(tool: Tool, target: str, agent: str, about: str) -> Tool:
    """Return the hand-off tool narrowed to one agent."""
    properties: dict[str, Any] = {**tool.properties, target: {"const": agent}}
    if "reason" in properties:
        properties["reason"] = {
            "type": "string",
            "const": f"{agent} is better suited: {about}".rstrip("."),
        }
    parameters = {
        **tool.parameters,
        "properties": properties,
        "required": [*dict.fromkeys((*tool.parameters.get("required", ()), target))],
    }
    return Tool(tool.name, about, parameters, alias=agent)
