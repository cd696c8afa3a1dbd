"""What goes into and comes out of a sandbox model: a chat request, and the assistant's turn.

A model is any callable that takes a `ChatRequest` and returns a `Turn`, or a string for a turn
that only says this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call; `arguments` given as a string reach the wire as they are, broken or not."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Citation:
    """A web source and the half-open span of the turn's text that it supports."""

    url: str
    title: str
    start_index: int
    end_index: int
    content: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One result of a web search: an article's title, address, text and ISO date."""

    title: str
    url: str
    content: str
    date: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What the assistant says next.

    If `finish_reason` is None, it follows from the rest: `tool_calls`, `length` or `stop`.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    citations: tuple[Citation, ...] = ()
    refusal: str = ""
    finish_reason: str | None = None


@dataclass(frozen=True)
class ChatRequest:
    """A validated chat request as a model is given it.

    Args:
        body: The whole JSON body.
        headers: The request's headers, names in lower case, the key redacted.
        search_results: What a web search found, where the request asked for one.
        image_descriptions: What the images of the request show, in order.
        attachments: The texts of its documents and recordings.
        reasoning: Whether the model is asked to reason.
        index: Which of the `n` choices this is, from 0.
    """

    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    search_results: tuple[SearchResult, ...] = ()
    image_descriptions: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()
    reasoning: bool = False
    index: int = 0

    @property
    def model(self) -> str:
        """The model's name as it was sent, suffixes included."""
        return str(self.body.get("model", ""))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages as they were sent."""
        return list(self.body["messages"])

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions that may be called: name, description, parameters; none for `none`."""
        if self.body.get("tool_choice") == "none":
            return []
        return [tool["function"] for tool in self.body.get("tools") or ()]

    @cached_property
    def text(self) -> str:
        """The text of the last user message."""
        return last_user_text(self.messages)

    @cached_property
    def tool_results(self) -> list[str]:
        """The results of the tools that were called since the last user message, in order."""
        after = takewhile(lambda message: message["role"] != "user", reversed(self.messages))
        return [text_of(each) for each in after if each["role"] == "tool"][::-1]


Model = Callable[[ChatRequest], Turn | str]


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a wire message: its string, or its text parts joined by line breaks."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "\n".join(
        part["text"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def last_user_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of the last user message."""
    users = [message for message in messages if message["role"] == "user"]
    return text_of(users[-1]) if users else ""


def turn_of(answer: Turn | str) -> Turn:
    """Return what a model returned as a `Turn`. Raises `TypeError` for anything else."""
    if isinstance(answer, str):
        return Turn(answer)
    if isinstance(answer, Turn):
        return answer
    raise TypeError(f"a sandbox model must return a Turn or a str, not {type(answer).__name__}")
