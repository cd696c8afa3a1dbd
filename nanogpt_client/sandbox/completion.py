"""Put what the model says on the wire: a chat completion, or its stream of chunks.

`shape` applies stop sequences and the token limit; `message` and `deltas` are the two forms of the
same choice. A choice is streamed as documented: the role alone, reasoning, content in chunks of a
word, tool calls (id and name first, then the arguments), images and annotations; the finish reason
follows in a chunk of its own. `usage` is there when asked for, `x_nanogpt_pricing` always; with
several choices both are on the last one's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.answers.turn import Citation, Turn
from nanogpt_client.sandbox.http import dump

DONE = b"data: [DONE]\n\n"
_CHUNK = re.compile(r"\s*\S{1,16}|\s+")
Delta = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a choice is put on the wire.

    `reasoning_field` is None where reasoning is hidden; `inline` puts it inside the content.
    """

    reasoning_field: str | None = "reasoning"
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One finished choice; `calls` are (id, name, arguments as JSON text)."""

    text: str
    reasoning: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    citations: tuple[Citation, ...] = ()
    images: tuple[str, ...] = ()
    refusal: str = ""
    finish: str = "stop"
    tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Where generation ends: after `tokens`, or before one of the `stops`."""

    tokens: int
    stops: tuple[str, ...] = ()
    keep_stop: bool = False

    @classmethod
    def of(cls, body: Mapping[str, Any], most: int | None) -> Limits:
        """Return the limits that a checked request sets."""
        stop = body.get("stop") or ()
        stops = (stop,) if isinstance(stop, str) else tuple(filter(None, stop))
        asked = body.get("max_completion_tokens") or body.get("max_tokens")
        tokens = min(limit or 1 << 30 for limit in (asked, most))
        return cls(tokens, stops, bool(body.get("include_stop_str_in_output")))


class _Budget:
    """Tokens that may still be generated."""

    def __init__(self, tokens: int) -> None:
        self.left = tokens
        self.spent = 0
        self.exceeded = False

    def fit(self, text: str) -> str:
        """Return as much of `text` as fits, and count it."""
        tokens = count_tokens(text)
        if tokens > self.left:
            self.exceeded = True
            text = _within(text, self.left)
            tokens = count_tokens(text)
        self.left -= tokens
        self.spent += tokens
        return text


def shape(
    turn: Turn, limits: Limits, call_ids: Sequence[str] = (), images: tuple[str, ...] = ()
) -> Choice:
    """Return the choice: stop sequences first, then the token limit over all that is said."""
    budget = _Budget(limits.tokens)
    reasoning = budget.fit(turn.reasoning)
    reasoning_tokens = budget.spent
    text, stopped = _stopped(turn.text, limits)
    text = budget.fit(text)
    calls = []
    for call_id, call in zip(call_ids, () if stopped else turn.tool_calls, strict=False):
        if budget.exceeded:
            break
        given = call.arguments
        arguments = budget.fit(given if isinstance(given, str) else dump(given))
        calls.append((call_id, call.name, arguments))
    refusal = budget.fit(turn.refusal)
    finish = turn.finish_reason or ("tool_calls" if calls else "stop")
    return Choice(
        text=text,
        reasoning=reasoning,
        calls=tuple(calls),
        citations=tuple(cited for cited in turn.citations if cited.end_index <= len(text)),
        images=() if budget.exceeded else images,
        refusal=refusal,
        finish="length" if budget.exceeded else finish,
        tokens=budget.spent,
        reasoning_tokens=reasoning_tokens,
    )


def _stopped(text: str, limits: Limits) -> tuple[str, bool]:
    found = [(place, stop) for stop in limits.stops if (place := text.find(stop)) >= 0]
    if not found:
        return text, False
    place, stop = min(found)
    return text[: place + (len(stop) if limits.keep_stop else 0)], True


def _within(text: str, tokens: int) -> str:
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count_tokens(text[:middle]) <= tokens:
            low = middle
        else:
            high = middle - 1
    return text[:low]


def message(choice: Choice, manner: Manner) -> dict[str, Any]:
    """Return the choice's assistant message."""
    text, shift = _visible(choice, manner)
    silent = choice.calls or choice.refusal
    found: dict[str, Any] = {"role": "assistant", "content": text or None if silent else text}
    if choice.reasoning and manner.reasoning_field and not manner.inline:
        found |= _reasoning(choice.reasoning, manner.reasoning_field)
    if choice.calls:
        found["tool_calls"] = [
            {"id": name, "type": "function", "function": {"name": function, "arguments": arguments}}
            for name, function, arguments in choice.calls
        ]
    if choice.refusal:
        found["refusal"] = choice.refusal
    return found | _attached(choice, shift)


def deltas(choice: Choice, manner: Manner) -> Iterator[Delta]:
    """Yield the deltas of the choice, from the role to the last one before the finish."""
    yield {"role": "assistant"}
    if manner.reasoning_field and not manner.inline:
        for chunk in _CHUNK.findall(choice.reasoning):
            yield _reasoning(chunk, manner.reasoning_field)
    text, shift = _visible(choice, manner)
    for chunk in _CHUNK.findall(text):
        yield {"content": chunk}
    for chunk in _CHUNK.findall(choice.refusal):
        yield {"refusal": chunk}
    for index, (call_id, name, arguments) in enumerate(choice.calls):
        head = {"index": index, "id": call_id, "type": "function"}
        yield {"tool_calls": [head | {"function": {"name": name, "arguments": ""}}]}
        for chunk in _CHUNK.findall(arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": chunk}}]}
    for name, value in _attached(choice, shift).items():
        yield {name: value}


def _visible(choice: Choice, manner: Manner) -> tuple[str, int]:
    """Return the content, and by how much it is longer than the text alone."""
    if not (manner.inline and choice.reasoning and manner.reasoning_field):
        return choice.text, 0
    lead = f"<think>\n{choice.reasoning}\n</think>\n\n"
    return lead + choice.text, len(lead)


def _reasoning(text: str, name: str) -> dict[str, Any]:
    if name != "reasoning":
        return {name: text}
    return {name: text, "reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}]}


def _attached(choice: Choice, shift: int) -> dict[str, Any]:
    """Return images and citations where there are any; `shift` moves the spans."""
    found: dict[str, Any] = {}
    if choice.images:
        found["images"] = [
            {"type": "image_url", "index": index, "image_url": {"url": url}}
            for index, url in enumerate(choice.images)
        ]
    for cited in choice.citations:
        span = {"start_index": cited.start_index + shift, "end_index": cited.end_index + shift}
        source = {"url": cited.url, "title": cited.title, "content": cited.content, **span}
        note = {"type": "url_citation", "url_citation": source}
        found.setdefault("annotations", []).append(note)
    return found


@dataclass(frozen=True, slots=True)
class Completion:
    """Everything that a chat reply has."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    manner: Manner
    usage: dict[str, Any]
    pricing: dict[str, Any] | None = None
    service_tier: str | None = None

    def whole(self) -> dict[str, Any]:
        """Return the reply that is not streamed."""
        choices = [
            {"index": index, "message": message(choice, self.manner)}
            | {"finish_reason": choice.finish}
            for index, choice in enumerate(self.choices)
        ]
        end = {"choices": choices, "usage": self.usage}
        return self._head("chat.completion") | end | self._pricing

    def events(self, *, with_usage: bool) -> Iterator[bytes]:
        """Yield the events of the stream, `[DONE]` last."""
        head = self._head("chat.completion.chunk")
        for index, choice in enumerate(self.choices):
            for delta in deltas(choice, self.manner):
                entry = {"index": index, "delta": delta, "finish_reason": None}
                yield event(head | {"choices": [entry]})
            end: dict[str, Any] = {"index": index, "delta": {}, "finish_reason": choice.finish}
            finish = head | {"choices": [end]}
            if index == len(self.choices) - 1:
                finish |= {"usage": self.usage} if with_usage else {}
                finish |= self._pricing
            yield event(finish)
        yield DONE

    @property
    def _pricing(self) -> dict[str, Any]:
        return {} if self.pricing is None else {"x_nanogpt_pricing": self.pricing}

    def _head(self, kind: str) -> dict[str, Any]:
        tier = {"service_tier": self.service_tier} if self.service_tier else {}
        head = {"id": self.id, "object": kind, "created": self.created, "model": self.model}
        return head | tier


def event(value: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return f"data: {dump(value)}\n\n".encode()
