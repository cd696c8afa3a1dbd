"""Put a finished chat answer on the wire: one JSON object, or server-sent events.

`usage` is on the finish frame, with its choice, when asked for; `x_nanogpt_pricing` always is.
With several choices both are on the last choice's finish frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nanogpt_client.sandbox.completion import Choice, Manner, deltas, logprobs, message
from nanogpt_client.sandbox.messages import dump

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that a chat reply holds."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    manner: Manner
    usage: dict[str, Any]
    pricing: dict[str, Any]
    service_tier: str | None = None


def whole(answer: Answer) -> dict[str, Any]:
    """Return the reply that is not streamed."""
    choices = []
    for index, choice in enumerate(answer.choices):
        entry: dict[str, Any] = {
            "index": index,
            "message": message(choice, answer.manner),
            "finish_reason": choice.finish,
        }
        if answer.manner.logprobs is not None:
            entry["logprobs"] = logprobs(choice.text, answer.manner.logprobs)
        choices.append(entry)
    return _head(answer, "chat.completion") | {
        "choices": choices,
        "usage": answer.usage,
        "x_nanogpt_pricing": answer.pricing,
    }


def chunks(answer: Answer, *, with_usage: bool) -> Iterator[bytes]:
    """Yield the frames of the stream, `[DONE]` last."""
    head = _head(answer, "chat.completion.chunk")
    last = len(answer.choices) - 1
    for index, choice in enumerate(answer.choices):
        for delta in deltas(choice, answer.manner):
            entry: dict[str, Any] = {"index": index, "delta": delta, "finish_reason": None}
            if answer.manner.logprobs is not None and "content" in delta:
                entry["logprobs"] = logprobs(delta["content"], answer.manner.logprobs)
            yield frame(head | {"choices": [entry]})
        finish = head | {"choices": [{"index": index, "delta": {}, "finish_reason": choice.finish}]}
        if index == last:
            finish |= {"usage": answer.usage} if with_usage else {}
            finish |= {"x_nanogpt_pricing": answer.pricing}
        yield frame(finish)
    yield DONE


def frame(value: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return f"data: {dump(value)}\n\n".encode()


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    head: dict[str, Any] = {
        "id": answer.id,
        "object": kind,
        "created": answer.created,
        "model": answer.model,
    }
    return head | ({"service_tier": answer.service_tier} if answer.service_tier else {})
