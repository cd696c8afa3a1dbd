"""Put what the model says on the wire: a chat completion, or its stream of chunks.

`shape` applies stop sequences and the token limit. A choice is streamed as documented: the role
alone, reasoning, content in chunks of a word, tool calls (id and name first, then the arguments),
images and annotations; the finish reason follows in a chunk of its own. `usage` is there when asked
for, `x_nanogpt_pricing` always; with several choices both are on the last one's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.answers.turn import Citation, Turn
from nanogpt_client.sandbox.http import dump

DONE = b"data: [DONE]\n\n"
_CHUNK = re.compile(r"\s*\S{1,16}|\s+")
_ATTACHED = ("images", "annotations")
Delta = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """One finished choice: the assistant's message, why it ends, and the tokens it took."""

    message: Delta
    finish: str = "stop"
    tokens: int = 0
    reasoning_tokens: int = 0


def limits_of(body: Mapping[str, Any], most: int | None) -> tuple[int, list[str]]:
    """Return the most tokens that a checked request allows, and the texts that end an answer."""
    stop = body.get("stop") or []
    asked = body.get("max_completion_tokens") or body.get("max_tokens")
    tokens = min(limit or 1 << 30 for limit in (asked, most))
    return tokens, [stop] if isinstance(stop, str) else list(filter(None, stop))


@dataclass(slots=True)
class _Budget:
    """Tokens that may still be generated."""

    tokens: int
    spent: int = 0
    exceeded: bool = False

    def fit(self, text: str) -> str:
        """Return as much of `text` as fits, and count it."""
        left = self.tokens - self.spent
        if count_tokens(text) > left:
            self.exceeded = True
            ends = range(len(text) + 1)
            text = text[: bisect_right(ends, left, key=lambda end: count_tokens(text[:end])) - 1]
        self.spent += count_tokens(text)
        return text


def shape(
    turn: Turn,
    limits: tuple[int, list[str]],
    reasoning_field: str | None,
    call_ids: Sequence[str],
    images: list[Delta],
) -> Choice:
    """Return the choice: stop sequences first, then the token limit over all that is said.

    Reasoning stands in its field, which may be `content`; without one it is hidden.
    """
    most, stops = limits
    budget = _Budget(most)
    reasoning = budget.fit(turn.reasoning)
    reasoning_tokens = budget.spent
    ends = [place for stop in stops if (place := turn.text.find(stop)) >= 0]
    text = budget.fit(turn.text[: min(ends, default=len(turn.text))])
    calls = []
    for call_id, call in zip(call_ids, () if ends else turn.tool_calls, strict=False):
        if budget.exceeded:
            break
        given = call.arguments
        arguments = budget.fit(given if isinstance(given, str) else dump(given))
        function = {"name": call.name, "arguments": arguments}
        calls.append({"id": call_id, "type": "function", "function": function})
    refusal = budget.fit(turn.refusal)
    inline = reasoning and reasoning_field == "content"
    lead = f"<think>\n{reasoning}\n</think>\n\n" if inline else ""
    content = lead + text
    message: Delta = {"role": "assistant", "content": content or (None if calls or refusal else "")}
    if reasoning and reasoning_field and not lead:
        message |= _reasoning(reasoning, reasoning_field)
    notes = [_note(cited, len(lead)) for cited in turn.citations if cited.end_index <= len(text)]
    shown = [] if budget.exceeded else images
    parts = {"tool_calls": calls, "refusal": refusal, "images": shown, "annotations": notes}
    finish = turn.finish_reason or ("tool_calls" if calls else "stop")
    return Choice(
        message | {name: value for name, value in parts.items() if value},
        "length" if budget.exceeded else finish,
        budget.spent,
        reasoning_tokens,
    )


def _reasoning(text: str, name: str) -> Delta:
    details = [{"type": "reasoning.text", "text": text, "index": 0}]
    return {name: text} | ({"reasoning_details": details} if name == "reasoning" else {})


def _note(cited: Citation, shift: int) -> Delta:
    span = {"start_index": cited.start_index + shift, "end_index": cited.end_index + shift}
    return {"type": "url_citation", "url_citation": asdict(cited) | span}


def deltas(message: Delta) -> Iterator[Delta]:
    """Yield the deltas of a message, from the role to the last one before the finish."""
    yield {"role": "assistant"}
    for name in ("reasoning", "reasoning_content", "content", "refusal"):
        for chunk in _CHUNK.findall(message.get(name) or ""):
            yield _reasoning(chunk, name)
    for index, call in enumerate(message.get("tool_calls", ())):
        head = {"index": index, **call, "function": call["function"] | {"arguments": ""}}
        yield {"tool_calls": [head]}
        for chunk in _CHUNK.findall(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": chunk}}]}
    yield from [{name: message[name]} for name in _ATTACHED if name in message]


@dataclass(frozen=True, slots=True)
class Completion:
    """Everything that a chat reply has."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: Delta
    extra: Delta = field(default_factory=dict)  # what stands beside the usage
    service_tier: str | None = None

    def whole(self) -> Delta:
        """Return the reply that is not streamed."""
        choices = [
            {"index": index, "message": choice.message, "finish_reason": choice.finish}
            for index, choice in enumerate(self.choices)
        ]
        end = {"choices": choices, "usage": self.usage}
        return self._head("chat.completion") | end | self.extra

    def events(self, *, with_usage: bool) -> Iterator[bytes]:
        """Yield the events of the stream, `[DONE]` last."""
        head = self._head("chat.completion.chunk")
        for index, choice in enumerate(self.choices):
            for delta in deltas(choice.message):
                entry = {"index": index, "delta": delta, "finish_reason": None}
                yield event(head | {"choices": [entry]})
            end: Delta = {"index": index, "delta": {}, "finish_reason": choice.finish}
            finish = head | {"choices": [end]}
            if index == len(self.choices) - 1:
                finish |= {"usage": self.usage} if with_usage else {}
                finish |= self.extra
            yield event(finish)
        yield DONE

    def _head(self, kind: str) -> Delta:
        tier = {"service_tier": self.service_tier} if self.service_tier else {}
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model} | tier


def event(value: Delta) -> bytes:
    """Return one server-sent event."""
    return f"data: {dump(value)}\n\n".encode()
