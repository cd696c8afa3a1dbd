"""Clients and models of both frameworks that use a sandbox in this process, without a socket."""

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
