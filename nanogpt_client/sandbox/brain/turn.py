"""The values that go into and come out of the sandbox's chat brain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """What the vision module saw in one picture of the request."""

    index: int
    description: str


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A tool call that the brain wants made."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cited:
    """A web source and the half-open span of the answer's text that it supports."""

    url: str
    title: str
    start_index: int
    end_index: int
    content: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What the assistant says next: text, thoughts, tool calls and web citations."""

    text: str
    reasoning: str = ""
    tool_calls: tuple[PlannedCall, ...] = ()
    citations: tuple[Cited, ...] = ()
