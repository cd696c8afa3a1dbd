"""Turn what the model says into the choices of a chat completion, whole or as stream chunks.

`shape` applies stop sequences and the token limit; `message` and `deltas` are the two ways to
put the same choice on the wire. A choice is streamed as documented: the role alone, reasoning,
content in word-sized pieces, tool calls (id and name first, then pieces of the arguments),
images and annotations; the finish reason follows in a frame of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.answers.turn import Citation, ToolCall, Turn
from nanogpt_client.sandbox.messages import dump

_PIECE = re.compile(r"\s*\S{1,16}|\s+")
Delta = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a choice is put on the wire.

    `reasoning_field` is None where reasoning is hidden; `inline` puts it inside the content.
    """

    reasoning_field: str | None = "reasoning"
    inline: bool = False
    logprobs: int | None = None


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


@dataclass(slots=True)
class _Budget:
    """Tokens that may still be generated."""

    left: int
    spent: int = 0
    exceeded: bool = False

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


@dataclass(frozen=True, slots=True)
class Limits:
    """Where generation ends: after `tokens`, or before one of the `stops`."""

    tokens: int
    stops: tuple[str, ...] = ()
    keep_stop: bool = False


@dataclass(frozen=True, slots=True)
class Extras:
    """What a choice has besides the model's turn."""

    call_ids: tuple[str, ...] = ()
    images: tuple[str, ...] = field(default_factory=tuple)


def shape(turn: Turn, limits: Limits, extras: Extras) -> Choice:
    """Return the choice: stop sequences first, then the token limit over all that is said."""
    budget = _Budget(limits.tokens)
    reasoning = budget.fit(turn.reasoning)
    reasoning_tokens = budget.spent
    text, stopped = _stopped(turn.text, limits)
    text = budget.fit(text)
    calls = []
    for call_id, call in zip(extras.call_ids, () if stopped else turn.tool_calls, strict=False):
        if budget.exceeded:
            break
        arguments = budget.fit(_arguments(call))
        calls.append((call_id, call.name, arguments))
    refusal = budget.fit(turn.refusal)
    finish = turn.finish_reason or ("tool_calls" if calls else "stop")
    return Choice(
        text=text,
        reasoning=reasoning,
        calls=tuple(calls),
        citations=tuple(cited for cited in turn.citations if cited.end_index <= len(text)),
        images=() if budget.exceeded else extras.images,
        refusal=refusal,
        finish="length" if budget.exceeded else finish,
        tokens=budget.spent,
        reasoning_tokens=reasoning_tokens,
    )


def limits_of(body: Mapping[str, Any], most: int | None) -> Limits:
    """Return the limits that a checked request sets."""
    stop = body.get("stop") or ()
    stops = (stop,) if isinstance(stop, str) else tuple(stop)
    asked = body.get("max_completion_tokens") or body.get("max_tokens")
    tokens = min(asked or most or 1 << 30, most or 1 << 30)
    return Limits(
        tokens, tuple(word for word in stops if word), bool(body.get("include_stop_str_in_output"))
    )


def message(choice: Choice, manner: Manner) -> dict[str, Any]:
    """Return the choice's assistant message."""
    text, shift = _visible(choice, manner)
    found: dict[str, Any] = {"role": "assistant", "content": text}
    if choice.reasoning and manner.reasoning_field and not manner.inline:
        found |= _reasoning(choice.reasoning, manner.reasoning_field)
    if choice.calls:
        found["content"] = text or None
        found["tool_calls"] = [
            {"id": name, "type": "function", "function": {"name": function, "arguments": arguments}}
            for name, function, arguments in choice.calls
        ]
    if choice.refusal:
        found |= {"content": text or None, "refusal": choice.refusal}
    if choice.images:
        found["images"] = _images(choice)
    if choice.citations:
        found["annotations"] = _annotations(choice, shift)
    return found


def deltas(choice: Choice, manner: Manner) -> Iterator[Delta]:
    """Yield the deltas of the choice, from the role to the last piece before the finish."""
    yield {"role": "assistant"}
    if manner.reasoning_field and not manner.inline:
        for piece in _PIECE.findall(choice.reasoning):
            yield _reasoning(piece, manner.reasoning_field)
    text, shift = _visible(choice, manner)
    for piece in _PIECE.findall(text):
        yield {"content": piece}
    for piece in _PIECE.findall(choice.refusal):
        yield {"refusal": piece}
    for index, (call_id, name, arguments) in enumerate(choice.calls):
        head = {"name": name, "arguments": ""}
        yield {
            "tool_calls": [{"index": index, "id": call_id, "type": "function", "function": head}]
        }
        for piece in _PIECE.findall(arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
    if choice.images:
        yield {"images": _images(choice)}
    if choice.citations:
        yield {"annotations": _annotations(choice, shift)}


def logprobs(text: str, top: int | None) -> dict[str, Any] | None:
    """Return made-up but well-formed log probabilities of a text's pieces."""
    if top is None:
        return None
    content = []
    for piece in _PIECE.findall(text):
        entry = _logprob(piece, 0)
        entry["top_logprobs"] = [
            _logprob(piece if not rank else f"{piece}{rank}", rank) for rank in range(top)
        ]
        content.append(entry)
    return {"content": content, "refusal": None}


def _logprob(token: str, rank: int) -> dict[str, Any]:
    value = -0.01 - (len(token) % 7) / 50 - rank
    return {"token": token, "logprob": round(value, 4), "bytes": list(token.encode())}


def _arguments(call: ToolCall) -> str:
    return call.arguments if isinstance(call.arguments, str) else dump(call.arguments)


def _visible(choice: Choice, manner: Manner) -> tuple[str, int]:
    """Return the content, and by how much it is longer than the text alone."""
    if not (manner.inline and choice.reasoning and manner.reasoning_field):
        return choice.text, 0
    lead = f"<think>\n{choice.reasoning}\n</think>\n\n"
    return lead + choice.text, len(lead)


def _reasoning(text: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {name: text}
    if name == "reasoning":
        found["reasoning_details"] = [{"type": "reasoning.text", "text": text, "index": 0}]
    return found


def _images(choice: Choice) -> list[dict[str, Any]]:
    return [
        {"type": "image_url", "index": index, "image_url": {"url": url}}
        for index, url in enumerate(choice.images)
    ]


def _annotations(choice: Choice, shift: int) -> list[dict[str, Any]]:
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "url": cited.url,
                "title": cited.title,
                "start_index": cited.start_index + shift,
                "end_index": cited.end_index + shift,
                "content": cited.content,
            },
        }
        for cited in choice.citations
    ]


def _stopped(text: str, limits: Limits) -> tuple[str, bool]:
    found = [(place, word) for word in limits.stops if (place := text.find(word)) >= 0]
    if not found:
        return text, False
    place, word = min(found)
    return text[: place + (len(word) if limits.keep_stop else 0)], True


def _within(text: str, tokens: int) -> str:
    """Return the longest prefix of at most `tokens` tokens."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count_tokens(text[:middle]) <= tokens:
            low = middle
        else:
            high = middle - 1
    return text[:low]
