"""Every request we build against NanoGPT's own OpenAPI file, where that says something.

The file is no part of this repository: it lies beside the checkout, or these tests are skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nanogpt_client._protocol.call import Call, Request, StreamCall
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client.endpoints import (
    account,
    catalog,
    embeddings,
    images,
    pages,
    search,
    speech,
    transcription,
    video,
    voices,
)
from nanogpt_client.endpoints.chat import chat, stream_chat
from tests.support.driving import context, drive, reply, requests_of
from tests.support.paths import REFERENCE

OPENAPI = REFERENCE / "openapi.json"
pytestmark = pytest.mark.skipif(
    not OPENAPI.exists(), reason="NanoGPT's openapi.json does not lie beside the checkout"
)

PNG = b"\x89PNG\r\n\x1a\nrest"
TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {}}},
}
# Tools' results and null content are told by the prose alone.
CONVERSATION: list[dict[str, Any]] = [
    {"role": "system", "content": "be kind"},
    {"role": "user", "content": [{"type": "text", "text": "hi"}]},
    {"role": "assistant", "content": "hello"},
]
SAMPLING: Any = {
    "temperature": 0.5, "top_p": 0.9, "top_k": 40, "top_a": 0.1, "min_p": 0.1, "tfs": 0.9,
    "typical_p": 0.9, "eta_cutoff": 0.1, "epsilon_cutoff": 0.1, "mirostat_mode": 2,
    "mirostat_tau": 5.0, "mirostat_eta": 0.1, "max_tokens": 9, "min_tokens": 1, "stop": ["x"],
    "stop_token_ids": [7], "frequency_penalty": 0.5, "presence_penalty": -0.5,
    "repetition_penalty": 1.1, "no_repeat_ngram_size": 3, "logit_bias": {"7": -5}, "logprobs": True,
    "seed": 7, "ignore_eos": False, "include_stop_str_in_output": True, "custom_token_bans": [7],
}  # fmt: skip

ASKED: dict[str, Any] = {
    "chat": chat("hi", model="m"),
    "conversation": chat(CONVERSATION, model="m", tools=[TOOL], tool_choice="auto"),
    "sampling": chat("hi", model="m", **SAMPLING),
    "reasoning": chat("hi", model="m", reasoning_effort="xhigh", reasoning={"exclude": True}),
    "routing": chat("hi", model="m", provider="groq", billing_mode="paygo", service_tier="flex"),
    "caching": chat("hi", model="m", prompt_caching={"enabled": True, "ttl": "5m"}, caching=True),
    "web search": chat("hi", model="m", web_search={"provider": "linkup", "depth": "deep"}),
    "stream": stream_chat(CONVERSATION, model="m", tools=[TOOL]),
    "embeddings": embeddings.embed(["a", "b"], model="m", dimensions=256, user="u"),
    "image": images.generate_image("a cat", model="m", size="1024x1024", n=2, seed=7),
    "image from images": images.generate_image(
        "a hat", model="m", image=[PNG, PNG], mask=PNG, strength=0.5, guidance_scale=7.5,
        num_inference_steps=20, response_format="url",
    ),
    "image edit": images.edit_image("a hat", model="m", image=PNG),
    "speech": speech.speak("hi", model="m", voice="nova", speed=1.5, response_format="mp3"),
    "transcription": transcription.transcribe("https://cdn/x.mp3", model="m"),
    "video": video.submit_video("a cat", model="m", duration=5, aspect_ratio="16:9", image=PNG),
    "video status": video.video_status("run"),
    "video recovery": video.recover_videos(model="m", limit=5),
    "web": search.search_web("nano", depth="deep", output_type="searchResults", max_results=3,
                             include_images=True, from_date="2026-01-01", to_date="2026-02-01",
                             include_domains=["a.org"], exclude_domains=["b.org"]),
    "structured web": search.search_web("nano", schema={"type": "object"}),
    "pages": pages.scrape_pages(["https://example.com/a", "https://example.com/b"]),
    "transcripts": pages.youtube_transcripts(["https://youtu.be/kJQP7kiw5Fk"]),
    "minimax": voices.submit_voice_clone(
        "https://cdn/x.mp3", provider="minimax", voice_id="MyVoice001", clone_model="speech-02-hd",
        reduce_noise=True, normalize_volume=True, accuracy=0.7, preview_text="Hi",
    ),
    "qwen": voices.submit_voice_clone("https://cdn/x.mp3", provider="qwen", reference_text="Hi"),
    "voice status": voices.voice_clone_status("run", provider="qwen"),
    "video from a video": video.submit_video("on", model="m", video="https://cdn/x.mp4"),
    "deposit": account.create_deposit("btc", "0.001"),
    "card deposit": account.create_deposit("usd", 5),
    "daimo deposit": account.create_deposit("usdc", 5),
    "deposit limits": account.deposit_limits("btc"),
    "deposit status": account.deposit_status("btc", "tx"),
    "balance": account.balance(),
    "usage": account.usage(from_date="2026-01-01", to_date="2026-01-31", group_by="day,model"),
    "models": catalog.list_models(),
    "embedding models": catalog.list_models("embedding"),
}  # fmt: skip

# Told by NanoGPT's prose, but not by its OpenAPI file.
ONLY_IN_PROSE = {
    "/v1/chat/completions": set("include_usage stream_options tools tool_choice webSearch".split()),
    "/v1/images/edits": {"image", "mask"},  # as a form
}


@cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(OPENAPI.read_text("utf-8"))
    return loaded


def last_request(asked: Any) -> Request:
    """Return the request of a call, or the first one of a flow."""
    if isinstance(asked, Call | StreamCall):
        return asked.request
    assert isinstance(asked, Generator)
    return requests_of(drive(run_flow(asked, context()), reply({})))[0]


@cache
def request_of(name: str) -> Request:
    return last_request(ASKED[name])


def documented(request: Request) -> tuple[str, dict[str, Any]] | None:
    """Return path and operation of a request as the file has them."""
    path = request.path if request.root == "api" else f"/v1{request.path}"
    for pattern, operations in document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            operation = operations.get(request.method.lower())
            if operation is not None:
                return pattern, operation
    return None


def schema_of(operation: dict[str, Any], kind: str = "application/json") -> dict[str, Any] | None:
    schema = operation.get("requestBody", {}).get("content", {}).get(kind, {}).get("schema")
    # With the whole file around it, so that its references lead somewhere.
    return None if schema is None else {**document(), **schema}


def resolved(schema: Any) -> dict[str, Any]:
    while "$ref" in schema:
        target = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema  # type: ignore[no-any-return]


def properties(schema: dict[str, Any]) -> set[str]:
    """Return the names that a schema knows, those of its parts included."""
    schema = resolved(schema)
    names = set(schema.get("properties", {}))
    for part in [p for key in ("allOf", "anyOf", "oneOf") for p in schema.get(key, [])]:
        names |= properties(part)
    return names


def told(part: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return name, path and operation of the requests of which the file tells this part."""
    if not OPENAPI.exists():
        return []
    found = [(name, *known) for name in ASKED if (known := documented(request_of(name)))]
    return [entry for entry in found if entry[2].get(part)]


def bodies() -> Any:
    entries = [(n, p, schema) for n, p, o in told("requestBody") if (schema := schema_of(o))]
    return pytest.mark.parametrize(("name", "path", "schema"), entries, ids=[e[0] for e in entries])


@bodies()
def test_bodies_follow_the_schema(name: str, path: str, schema: dict[str, Any]):
    body = request_of(name).json
    if body is not None:  # else it goes as a form
        assert not [error.message for error in Draft202012Validator(schema).iter_errors(body)]


@bodies()
def test_words_are_known(name: str, path: str, schema: dict[str, Any]):
    """A misspelt word passes a schema that allows others; here it does not."""
    request = request_of(name)
    sent = set(request.json or request.form or {}) | {field for field, _ in request.files}
    assert sent <= properties(schema) | ONLY_IN_PROSE.get(path, set())


@pytest.mark.parametrize(
    ("name", "path", "operation"), told("parameters"), ids=lambda v: str(v)[:40]
)
def test_queries_follow_the_parameters(name: str, path: str, operation: dict[str, Any]):
    parameters = {
        parameter["name"]: parameter
        for parameter in map(resolved, operation["parameters"])
        if parameter["in"] == "query"
    }
    query = request_of(name).query
    assert query.keys() <= parameters.keys()
    assert {n for n, p in parameters.items() if p.get("required")} <= query.keys()
    for word, value in query.items():
        allowed = parameters[word].get("schema", {}).get("enum")
        assert allowed is None or value in allowed


def test_the_file_says_something_of_most_routes():
    known = [name for name in ASKED if documented(request_of(name)) is not None]
    assert len(known) >= len(ASKED) - 4, set(ASKED) - set(known)
