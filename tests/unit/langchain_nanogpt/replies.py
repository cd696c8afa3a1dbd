"""Models whose NanoGPT is a reply written down in the test."""

from __future__ import annotations

import json
from typing import Any

import httpx

from langchain_nanogpt import ChatNanoGPT

MODEL = "openai/gpt-5.2"
PRICING = {"costUsd": "0.0125", "remainingBalance": "4.5", "requestId": "req_1"}
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


class Wire:
    """Answers every request with one message, streamed or not; keeps the requests' bodies."""

    def __init__(self, *deltas: dict[str, Any], finish: str = "stop", **top: Any) -> None:
        self.deltas = deltas
        self.finish = finish
        self.top = {"id": "chat_1", "model": MODEL, "usage": USAGE, "x_nanogpt_pricing": PRICING}
        self.top |= top
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.bodies.append(body)
        return self._streamed() if body.get("stream") else self._whole()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        return self(request)

    def model(self, **overrides: Any) -> ChatNanoGPT:
        settings: dict[str, Any] = {
            "model": MODEL,
            "api_key": "sk-nano-of-the-test",
            "max_retries": 0,
        }
        return ChatNanoGPT(
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self.answer)),
            **(settings | overrides),
        )

    def _streamed(self) -> httpx.Response:
        frames: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": delta}]} for delta in self.deltas
        ]
        frames.append({"choices": [{"index": 0, "delta": {}, "finish_reason": self.finish}]})
        frames[-1] |= self.top
        lines = "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames)
        content = lines + "data: [DONE]\n\n"
        return httpx.Response(200, content=content, headers={"content-type": "text/event-stream"})

    def _whole(self) -> httpx.Response:
        message: dict[str, Any] = {"role": "assistant"}
        for delta in self.deltas:
            for key, value in delta.items():
                message[key] = _joined(message.get(key), value)
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        body = json.dumps(self.top | {"choices": [choice]})  # ASCII: half an emoji can be sent
        return httpx.Response(200, content=body, headers={"content-type": "application/json"})


def _joined(old: Any, new: Any) -> Any:
    if not isinstance(new, list):
        return new if old is None else old + new
    old = old or []
    for item in new:
        index = item.get("index") if isinstance(item, dict) else None
        matching = next((o for o in old if index is not None and o["index"] == index), None)
        if matching is None:
            old.append(item)
        else:  # a chunk of a tool call
            arguments = matching["function"]["arguments"] + item["function"]["arguments"]
            function = matching["function"] | {"arguments": arguments}
            old[old.index(matching)] = matching | {"function": function}
    return old


def call(arguments: str | None, index: int = 0, **first: Any) -> dict[str, Any]:
    """Return a delta with a chunk of a tool call; its first chunk has an ``id`` and a ``name``."""
    name = {"name": first.pop("name")} if "name" in first else {}
    return {"tool_calls": [{"index": index, "function": name | {"arguments": arguments}, **first}]}


def error(status: int, body: Any, headers: dict[str, str] | None = None) -> Any:
    """Return an HTTP handler that always answers with an error."""
    return lambda _: httpx.Response(status, json=body, headers=headers)
