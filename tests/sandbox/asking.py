"""Ask a `SandboxApp` in one line."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from nanogpt_client.sandbox import Reply, Request, SandboxApp

MODEL = "openai/gpt-5.2"
HELLO = [{"role": "user", "content": "Hello!"}]


def ask(
    app: SandboxApp,
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: dict[str, str] | None = None,
    raw: bytes | None = None,
) -> Reply:
    """Send one request with the app's key; `path` may carry a query."""
    path, _, query = path.partition("?")
    sent = {"x-api-key": app.api_key, "content-type": "application/json"} | (headers or {})
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    return app.handle(Request(method, path, dict(parse_qsl(query)), sent, content))


def chat(app: SandboxApp, text: Any = "Hello!", **body: Any) -> Reply:
    """Send a chat request; `text` is the user's message, or the list of all messages."""
    messages = text if isinstance(text, list) else [{"role": "user", "content": text}]
    request = {"model": MODEL, "messages": messages} | body
    return ask(app, "POST", "/api/v1/chat/completions", request)


def message(reply: Reply) -> dict[str, Any]:
    """The assistant message of a chat reply."""
    assert reply.status == 200, reply.content
    found: dict[str, Any] = reply.json()["choices"][0]["message"]
    return found


def frames(reply: Reply) -> list[dict[str, Any]]:
    """The chunks of a streamed reply; checks the framing and `[DONE]`."""
    assert reply.status == 200, reply.content
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.body[-1] == b"data: [DONE]\n\n"
    pieces = [piece for piece in reply.body if isinstance(piece, bytes)]
    assert all(piece.startswith(b"data: ") and piece.endswith(b"\n\n") for piece in pieces)
    return [json.loads(piece[6:]) for piece in pieces[:-1]]


def code(reply: Reply) -> tuple[int, str | None]:
    """Status and machine-readable code of an error."""
    body = reply.json()
    error = body["error"] if isinstance(body["error"], dict) else body
    return reply.status, error.get("code")
