"""Replies of the sandbox against NanoGPT's OpenAPI document, where that says something.

The document lies beside the checkout (`../shared/nanogpt/openapi.json`) and is not part of the
project. It knows no error envelopes but those of `/v1/usage`.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import jsonschema
import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import HELLO, MODEL, ask, chat
from tests.support.paths import REFERENCE

DOCUMENT = REFERENCE / "openapi.json"
TTS_JOB = {"model": "Elevenlabs-Turbo-V2.5", "text": "Hello"}
VIDEO = {"model": "veo2-video", "prompt": "a cat"}
SEARCH = {"query": "What is Nano?", "maxResults": 2}
SCHEMA = '{"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}'

# path in the document, method, path and body of the request
SIMPLE: list[tuple[str, str, str, Any]] = [
    (
        "/v1/chat/completions",
        "POST",
        "/api/v1/chat/completions",
        {"model": MODEL, "messages": HELLO},
    ),
    ("/v1/models", "GET", "/api/v1/models", None),
    ("/v1/models", "GET", "/api/v1/models?detailed=true", None),
    ("/v1/usage", "GET", "/api/v1/usage", None),
    ("/v1/usage", "GET", "/api/v1/usage?from=2026-01-02", None),
    ("/check-balance", "POST", "/api/check-balance", None),
    ("/generate-video", "POST", "/api/generate-video", VIDEO),
    ("/generate-video/recover", "GET", "/api/generate-video/recover", None),
    (
        "/v1/images/generations",
        "POST",
        "/api/v1/images/generations",
        {"prompt": "a boat", "size": "256x256"},
    ),
    (
        "/v1/images/generations",
        "POST",
        "/api/v1/images/generations",
        {"prompt": "a boat", "size": "256x256", "response_format": "url"},
    ),
    ("/web", "POST", "/api/web", SEARCH),
    ("/web", "POST", "/api/web", SEARCH | {"outputType": "sourcedAnswer"}),
    (
        "/web",
        "POST",
        "/api/web",
        SEARCH | {"outputType": "structured", "structuredOutputSchema": SCHEMA},
    ),
    ("/v1/data/web/search", "POST", "/api/v1/data/web/search", SEARCH),
    ("/transaction/create/{ticker}", "POST", "/api/transaction/create/btc", {"amount": 0.001}),
    ("/transaction/limits/{ticker}", "GET", "/api/transaction/limits/kas", None),
    (
        "/transaction/create/daimo/{ticker}",
        "POST",
        "/api/transaction/create/daimo/usdc",
        {"amount": 10},
    ),
    ("/transaction/create/usd", "POST", "/api/transaction/create/usd", {"amount": 10}),
    ("/tts", "POST", "/api/tts", {"model": "Kokoro-82m", "text": "Hello"}),
    ("/v1/embeddings", "POST", "/api/v1/embeddings", {"model": "BAAI/bge-m3", "input": "Hello"}),
    (
        "/v1/embeddings",
        "POST",
        "/api/v1/embeddings",
        {"model": "BAAI/bge-m3", "input": ["Hello"], "encoding_format": "base64"},
    ),
    ("/v1/embedding-models", "GET", "/api/v1/embedding-models", None),
    ("/v1/moderation-models", "GET", "/api/v1/moderation-models", None),
]


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


@pytest.mark.parametrize(("documented", "method", "path", "body"), SIMPLE)
def test_a_reply_is_as_documented(documented, method, path, body):
    reply = ask(SandboxApp(), method, path, body)
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
    spoken = ask(app, "POST", "/api/tts", {"model": "Kokoro-82m", "text": "Hello there"}).json()
    request = {"model": "Wizper", "audioUrl": spoken["audioUrl"]}
    reply = ask(app, "POST", "/api/transcribe", request)
    check("/transcribe", "POST", reply.status, reply.json())
    reply = ask(app, "POST", "/api/transcribe", request | {"model": "Elevenlabs-STT"})
    assert reply.status == 202
    check("/transcribe", "POST", reply.status, reply.json())
    for _ in range(3):
        status = ask(app, "POST", "/api/transcribe/status", {"runId": reply.json()["runId"]})
        check("/transcribe/status", "POST", status.status, status.json())


def test_a_deposit_is_followed():
    app = SandboxApp()
    deposit = ask(app, "POST", "/api/transaction/create/btc", {"amount": 0.001}).json()
    reply = ask(app, "GET", f"/api/transaction/status/btc/{deposit['txId']}")
    check("/transaction/status/{ticker}/{txId}", "GET", reply.status, reply.json())


def test_an_edited_image():
    app = SandboxApp()
    drawn = ask(app, "POST", "/api/v1/images/generations", {"prompt": "x", "size": "256x256"})
    url = "data:image/png;base64," + drawn.json()["data"][0]["b64_json"]
    assert base64.b64decode(drawn.json()["data"][0]["b64_json"]).startswith(b"\x89PNG")
    request = {"prompt": "bluer", "imageDataUrl": url}
    reply = ask(app, "POST", "/api/v1/images/edits", request)
    check("/v1/images/edits", "POST", reply.status, reply.json())


def test_the_payment_quote():
    reply = ask(
        SandboxApp(),
        "POST",
        "/api/v1/chat/completions",
        raw=b"{}",
        headers={"x-api-key": "", "x-x402": "true"},
    )
    assert reply.status == 402
    schema = {
        "components": document()["components"],
        "$ref": "#/components/schemas/X402PaymentRequiredResponse",
    }
    jsonschema.Draft202012Validator(_as_json_schema(schema)).validate(reply.json())
