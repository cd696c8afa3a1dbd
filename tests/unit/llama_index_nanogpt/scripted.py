"""NanoGPT in this process: a sandbox, or whole replies for tests of exact wire shapes."""

from __future__ import annotations

import json
from typing import Any

import httpx

from llama_index_nanogpt import NanoGPT
from nanogpt_client.sandbox import Model, SandboxApp
from tests.conformance.llama_index.wire import sse
from tests.support.in_process import connection


def llm_of(app: SandboxApp | Model, model: str = "openai/gpt-5.2", **options: Any) -> NanoGPT:
    """Return an LLM that asks a sandbox in this process."""
    return NanoGPT(model=model, **connection(app), **options)


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
