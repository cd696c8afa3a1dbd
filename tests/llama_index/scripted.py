"""A NanoGPT that says what a test tells it to, in this process, and keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx

from llama_index_nanogpt import NanoGPT

USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
PRICING = {"costUsd": "0.00125", "remainingBalance": "4.5", "requestId": "req-1"}


def whole(message: dict[str, Any], finish_reason: str = "stop", **more: Any) -> dict[str, Any]:
    """A reply that is not streamed."""
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", **message}}
    return {
        "id": "chat-1",
        "model": "test/model",
        "choices": [choice | {"finish_reason": finish_reason}],
        "usage": USAGE,
        "x_nanogpt_pricing": PRICING,
        **more,
    }


def stream(*deltas: dict[str, Any], finish_reason: str | None = "stop") -> list[dict[str, Any]]:
    """The frames of a streamed reply; without a finish reason it was cut."""
    head = {"id": "chat-1", "model": "test/model"}
    frames: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas
    ]
    if finish_reason is not None:
        last = {"index": 0, "delta": {}, "finish_reason": finish_reason}
        frames.append({**head, "choices": [last], "usage": USAGE, "x_nanogpt_pricing": PRICING})
    return frames


def call(index: int, call_id: str, name: str, arguments: str) -> dict[str, Any]:
    """A tool call, or the delta of one."""
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": call_id, "type": "function", "function": function}


class Scripted:
    """Answers requests with the given replies, the last one again and again."""

    def __init__(self, *replies: dict[str, Any] | list[dict[str, Any]] | httpx.Response) -> None:
        self.replies = list(replies)
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, httpx.Response):
            return reply
        if isinstance(reply, dict):
            return httpx.Response(200, json=reply)
        return httpx.Response(
            200, content=sse(reply), headers={"content-type": "text/event-stream"}
        )

    @property
    def body(self) -> dict[str, Any]:
        """What was asked last."""
        return self.bodies[-1]

    def llm(self, model: str = "openai/gpt-5.2", **words: Any) -> NanoGPT:
        """An LLM that asks this NanoGPT."""
        return NanoGPT(
            model=model,
            api_key="sk-test-key",
            base_url="https://nano.test/api/v1",
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self)),
            **words,
        )


def sse(frames: Iterable[dict[str, Any]]) -> bytes:
    """Frames as server-sent events."""
    events = [f"data: {json.dumps(frame)}\n\n" for frame in frames]
    return "".join([*events, "data: [DONE]\n\n"]).encode()
