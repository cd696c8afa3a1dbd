"""Ask a `SandboxApp` in one line."""

from __future__ import annotations

import json
from base64 import b64encode
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

import httpx
from PIL import Image

from nanogpt_client.sandbox import Reply, Request, SandboxApp

MODEL = "openai/gpt-5.2"
HELLO = [{"role": "user", "content": "Hello!"}]
CHAT = "/api/v1/chat/completions"


def function(name: str, /, *required: str, **properties: Any) -> dict[str, Any]:
    """Return a tool with these parameters."""
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


WEATHER = function("get_weather", "city", city={"type": "string"})
QUESTION = "What is the weather in 'Lisbon'?"


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
    return ask(app, "POST", CHAT, {"model": MODEL, "messages": messages} | body)


def form(app: SandboxApp, path: str, files: list[tuple[str, bytes]], **fields: str) -> Reply:
    """Send a multipart form."""
    named = [(name, ("a.wav", data)) for name, data in files]
    encoded = httpx.Request("POST", "http://x", data=fields, files=named)
    headers = {"content-type": encoded.headers["content-type"]}
    return ask(app, "POST", path, raw=encoded.read(), headers=headers)


def download(app: SandboxApp, url: str) -> Reply:
    """Fetch a media link, without a key."""
    return app.handle(Request("GET", url.removeprefix("http://sandbox.invalid")))


def image(colour: str = "red", size: tuple[int, int] = (64, 64), kind: str = "PNG") -> bytes:
    """Return an image file of one colour."""
    target = BytesIO()
    Image.new("RGB", size, colour).save(target, kind)
    return target.getvalue()


def data_url(data: bytes, mime_type: str = "image/png") -> str:
    return f"data:{mime_type};base64,{b64encode(data).decode()}"


def message(reply: Reply) -> dict[str, Any]:
    """Return the assistant message of a chat reply."""
    assert reply.status == 200, reply.content
    found: dict[str, Any] = reply.json()["choices"][0]["message"]
    return found


def chunks(reply: Reply) -> list[dict[str, Any]]:
    """Return the chunks of a streamed reply; checks the events and `[DONE]`."""
    assert reply.status == 200, reply.content
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.body[-1] == b"data: [DONE]\n\n"
    events = [event for event in reply.body if isinstance(event, bytes)]
    assert all(event.startswith(b"data: ") and event.endswith(b"\n\n") for event in events)
    return [json.loads(event[6:]) for event in events[:-1]]


def deltas(reply: Reply, name: str) -> list[Any]:
    """Return what the chunks of a streamed reply hold under this name."""
    found = [chunk["choices"][0]["delta"] for chunk in chunks(reply)]
    return [delta[name] for delta in found if delta.get(name)]


def code(reply: Reply) -> tuple[int, str | None]:
    """Return status and machine-readable code of an error."""
    body = reply.json()
    error = body["error"] if isinstance(body["error"], dict) else body
    return reply.status, error.get("code")


def pdf(content: bytes) -> bytes:
    """Return a PDF of one page with this content stream, in which ``/F1`` is Helvetica."""
    fonts = b"/Resources<</Font<</F1 3 0 R>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Page/Parent 2 0 R/Contents 5 0 R/MediaBox[0 0 300 300]%s>>" % fonts,
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
    ]
    body, places = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, each in enumerate(objects, 1):
        places += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj%s\nendobj\n" % (number, each)
    table = b"xref\n0 %d\n%s" % (len(objects) + 1, places)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
    return body + table + trailer % (len(objects) + 1, len(body))
