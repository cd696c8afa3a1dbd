"""Clients and models of both frameworks that are answered in this process, without a socket."""

from __future__ import annotations

from typing import Any

import httpx

from nanogpt_client.sandbox import AsyncSandboxTransport, Model, SandboxApp, SandboxTransport


def connection(app: SandboxApp | Model) -> dict[str, Any]:
    """Return the settings that make a client or a framework's model use this app, or model."""
    app = app if isinstance(app, SandboxApp) else SandboxApp(model=app, rate=None)
    return {
        "api_key": app.api_key,
        "base_url": "https://nano.test/api/v1",
        "http_client": httpx.Client(transport=SandboxTransport(app)),
        "http_async_client": httpx.AsyncClient(transport=AsyncSandboxTransport(app)),
    }


class OneReply:
    """Answers every request with the same JSON, and keeps what was sent."""

    def __init__(self, body: dict[str, Any], status: int = 200) -> None:
        self.body, self.status = body, status
        self.sent: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.content)
        return httpx.Response(self.status, json=self.body)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self(request)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that make a client or a framework's class be answered by this."""
        return {
            "max_retries": 0,
            "http_client": httpx.Client(transport=httpx.MockTransport(self)),
            "http_async_client": httpx.AsyncClient(transport=httpx.MockTransport(self._answer)),
        }
