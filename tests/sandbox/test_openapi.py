"""Replies of the sandbox against NanoGPT's OpenAPI document, where that says something.

The document lies beside the checkout (`../shared/nanogpt/openapi.json`) and is not part of the
project. It knows no error envelopes but those of `/v1/usage`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsonschema
import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import HELLO, MODEL, ask, chat, data_url, image
from tests.support.paths import REFERENCE

DOCUMENT = REFERENCE / "openapi.json"
VIDEO = {"model": "veo2-video", "prompt": "a cat"}
SEARCH = {"query": "What is Nano?", "maxResults": 2}
SCHEMA = '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}'

IMAGE = {"prompt": "a boat", "size": "256x256"}
EMBED = {"model": "BAAI/bge-m3", "input": ["Hello"]}
STRUCTURED = {"outputType": "structured", "structuredOutputSchema": SCHEMA}

# Path in the document, and body of the request; its values stand for what is in braces.
POSTED: list[tuple[str, Any]] = [
    ("/v1/chat/completions", {"model": MODEL, "messages": HELLO}), ("/check-balance", None),
    ("/generate-video", VIDEO), ("/v1/images/generations", IMAGE),
    ("/v1/images/generations", IMAGE | {"response_format": "url"}),
    ("/v1/images/edits", {"prompt": "bluer", "imageDataUrl": data_url(image())}),
    *(("/web", SEARCH | extra) for extra in ({}, {"outputType": "sourcedAnswer"}, STRUCTURED)),
    ("/scrape-urls", {"urls": ["https://example.com", "https://no.invalid"]}),
    ("/youtube-transcribe", {"urls": ["https://youtu.be/kJQP7kiw5Fk", "https://youtu.be/x"]}),
    ("/v1/data/web/search", SEARCH), ("/transaction/create/{btc}", {"amount": 0.001}),
    *((f"/transaction/create/{each}", {"amount": 10}) for each in ("daimo/{usdc}", "usd")),
    ("/v1/embeddings", EMBED),
    ("/v1/embeddings", EMBED | {"encoding_format": "base64"}),
    ("/v1/moderations", {"input": ["Hello", "I will kill him."]}),
    ("/v1/memory", {"messages": HELLO, "expiration_days": 45, "model_context_limit": 128_000}),
]  # fmt: skip
GOTTEN = [
    "/v1/models", "/v1/models?detailed=true", "/v1/usage", "/v1/usage?from=2026-01-02",
    "/generate-video/recover", "/transaction/limits/{doge}",
    "/v1/embedding-models", "/v1/moderation-models",
]  # fmt: skip


@cache
def document() -> dict[str, Any]:
    if not DOCUMENT.exists():
        pytest.skip("no ../shared/nanogpt/openapi.json beside the checkout")
    found: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    return found


def check(path: str, method: str, status: int, body: Any) -> None:
    """Validate a reply against what the document says of that path and status."""
    operation = document()["paths"][path][method.lower()]
    assert str(status) in operation["responses"], (path, status, body)
    content = operation["responses"][str(status)].get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    root = {"components": document()["components"], "allOf": [_as_json_schema(schema)]}
    jsonschema.Draft202012Validator(_as_json_schema(root)).validate(body)


def _as_json_schema(schema: Any) -> Any:
    """Read OpenAPI 3.0 as JSON Schema.

    It says `nullable` where JSON Schema lists the type null, and `oneOf` where an object fits
    several of its cases, as any object does in the reply of `/web`.
    """
    if isinstance(schema, list):
        return [_as_json_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _as_json_schema(value) for key, value in schema.items()}
    if "oneOf" in found:
        found["anyOf"] = found.pop("oneOf")
    if found.pop("nullable", False) and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


@pytest.mark.parametrize(("path", "body"), [*POSTED, *((path, ...) for path in GOTTEN)])
def test_a_reply_is_as_documented(path, body):
    method, body = ("GET", None) if body is ... else ("POST", body)
    reply = ask(SandboxApp(), method, "/api" + path.replace("{", "").replace("}", ""), body)
    documented = re.sub(r"\{.*\}", "{ticker}", path.partition("?")[0])
    check(documented, method, reply.status, reply.json())


def test_a_reasoning_and_a_cached_chat_reply():
    app = SandboxApp(balance="50")
    long = [{"role": "system", "content": "word " * 5000}, *HELLO]
    for _ in range(2):
        reply = chat(app, long, model="anthropic/claude-opus-4.6:thinking", prompt_caching=True)
        check("/v1/chat/completions", "POST", reply.status, reply.json())


def test_a_video_on_its_way():
    app = SandboxApp()
    run = ask(app, "POST", "/api/generate-video", VIDEO).json()["runId"]
    for _ in range(3):
        reply = ask(app, "GET", f"/api/generate-video/status?runId={run}&model=veo2-video")
        check("/generate-video/status", "GET", reply.status, reply.json())
    assert ask(app, "GET", "/api/generate-video/status?runId=x&model=y").status == 404


def test_transcriptions():
    app = SandboxApp()
    spoken = ask(app, "POST", "/api/v1/audio/speech", {"model": "Kokoro-82m", "input": "Hello"})
    request = {"model": "Elevenlabs-STT", "file_url": spoken.json()["audioUrl"]}
    job = ask(app, "POST", "/api/v1/audio/transcriptions", request).json()
    for _ in range(3):
        status = ask(app, "POST", "/api/transcribe/status", {"runId": job["runId"]})
        check("/transcribe/status", "POST", status.status, status.json())


def test_a_deposit_is_followed():
    app = SandboxApp()
    deposit = ask(app, "POST", "/api/transaction/create/btc", {"amount": 0.001}).json()
    reply = ask(app, "GET", f"/api/transaction/status/btc/{deposit['txId']}")
    check("/transaction/status/{ticker}/{txId}", "GET", reply.status, reply.json())


def test_an_edited_image():
    request = {"prompt": "bluer", "imageDataUrl": data_url(image())}
    reply = ask(SandboxApp(), "POST", "/api/v1/images/edits", request)
    check("/v1/images/edits", "POST", reply.status, reply.json())
