"""Keys, roots, rate, unknown routes, whatever else may be sent in bounded time, and records."""

from __future__ import annotations

import gzip
import inspect
import json
import re
import time
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanogpt_client.sandbox import DEFAULT_KEY, Request, Sandbox, SandboxApp
from nanogpt_client.sandbox.answers.schema_instance import NoInstanceError
from nanogpt_client.sandbox.bodies import MAX_BODY
from nanogpt_client.sandbox.recorded_requests import RecordedRequests
from tests.sandbox.asking import CHAT, HELLO, MODEL, ask, chat, code

BODY = {"model": MODEL, "messages": HELLO}


@pytest.mark.parametrize(("headers", "expected"), [
    ({"authorization": f"Bearer {DEFAULT_KEY}", "x-api-key": ""}, None),
    ({"authorization": f"bearer {DEFAULT_KEY}", "x-api-key": ""}, None),
    ({"x-api-key": DEFAULT_KEY}, None),
    ({"authorization": f"Bearer {DEFAULT_KEY}"}, None), ({"x-api-key": ""}, "missing_api_key"),
    ({"x-api-key": "sk-nano-wrong"}, "invalid_api_key"),
    ({"x-api-key": "", "authorization": "Bearer wrong"}, "invalid_api_key"),
    ({"x-api-key": "", "authorization": f"Basic {DEFAULT_KEY}"}, "missing_api_key"),
])  # fmt: skip
def test_either_header_carries_the_key(headers, expected):
    reply = ask(SandboxApp(), "POST", CHAT, BODY, headers=headers)
    if expected is None:
        assert reply.status == 200
    else:
        assert code(reply) == (401, expected)
        assert reply.json()["error"]["type"] == "authentication_error"


def test_keys_and_requests_without_one():
    assert re.fullmatch(r"sk-nano-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", DEFAULT_KEY)
    assert ask(SandboxApp(api_key="mine"), "POST", CHAT, BODY).status == 200
    assert SandboxApp().handle(Request("GET", "/api/v1/models")).status == 200


@pytest.mark.parametrize("path", [
    CHAT, "/v1/chat/completions", f"{CHAT}/", "/api/v1legacy/chat/completions",
    "/api/v1thinking/chat/completions",
])  # fmt: skip
def test_chat_is_reached_by_every_root(path):
    assert ask(SandboxApp(), "POST", path, BODY).status == 200


JSON, PAGE = "application/json", "text/html; charset=utf-8"
ROOTS = ("subscription/v1", "v1legacy", "v1thinking", "paid/v1")


@pytest.mark.parametrize(("method", "path", "status", "kind"), [
    ("GET", "/api/v1/nothing", 404, JSON), ("GET", "/api/nothing", 404, JSON),
    ("GET", CHAT, 405, JSON), ("GET", "/somewhere", 404, PAGE),
    ("POST", "/chat/completions", 405, PAGE), ("POST", "/", 405, PAGE),
    *(("POST", f"/api/{root}/embeddings", 404, JSON) for root in ROOTS),
])  # fmt: skip
def test_what_does_not_exist(method, path, status, kind):
    reply = ask(SandboxApp(), method, path)
    assert (reply.status, reply.headers["content-type"]) == (status, kind)
    if path == CHAT:
        assert reply.headers["allow"] == "POST"


def test_the_26th_request_in_a_second_is_refused():
    now = [1000.0]
    app = SandboxApp(clock=lambda: now[0])
    assert [chat(app).status for _ in range(26)] == [200] * 25 + [429]
    refused = chat(app)
    assert code(refused) == (429, "rate_limit_exceeded")
    assert refused.headers["retry-after"] == "1"
    now[0] += 1
    assert chat(app).status == 200


def test_model_lists_and_polls_do_not_count_for_the_rate():
    app = SandboxApp(rate=1, clock=lambda: 0.0)
    video = {"model": "sora-2", "prompt": "x"}
    run = ask(app, "POST", "/api/generate-video", video).json()["runId"]
    for path in ["/api/v1/models", f"/api/video/status?requestId={run}"] * 5:
        assert ask(app, "GET", path).status == 200


def test_every_reply_has_a_request_id_of_its_own():
    app = SandboxApp()
    replies = [chat(app), ask(app, "GET", "/nowhere"), ask(app, "GET", "/api/v1/models")]
    assert len({reply.headers["x-request-id"] for reply in replies}) == 3
    assert chat(app).json()["x_nanogpt_pricing"]["requestId"].startswith("req_")


def test_the_balance_pays_until_it_is_spent():
    app = SandboxApp(balance="0.001")
    pricing = chat(app).json()["x_nanogpt_pricing"]
    assert Decimal("0.001") - app.balance == Decimal(str(pricing["cost"]))
    assert pricing["remainingBalance"] == float(app.balance)
    while (reply := chat(app)).status == 200:
        assert app.balance >= 0
    assert reply.status == 402
    assert reply.json()["error"] == "Insufficient balance"
    assert reply.json()["requiredBalance"] > float(app.balance)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = (
    "model messages temperature max_tokens stop n tools tool_choice response_format reasoning "
    "reasoning_effort webSearch linkup provider prompt_caching cache_control stream stream_options "
    "logprobs top_logprobs memory seed service_tier parallel_tool_calls billing_mode "
    "reasoning_delta_field include_stop_str_in_output"
).split()


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(FIELDS), value=json_values)
def test_no_value_of_a_chat_field_breaks_the_app(name, value):
    app = SandboxApp(rate=None)
    body = {"model": "anthropic/claude-opus-4.6", "messages": HELLO} | {name: value}
    assert ask(app, "POST", CHAT, body).status in {200, 400, 404}


PARTS = "text image_url input_audio file url file_data source cache_control".split()
KINDS = "text image_url input_audio file document video_url odd".split()


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(PARTS), json_values, max_size=3), st.sampled_from(KINDS))
def test_no_content_part_breaks_the_app(part, kind):
    messages = [{"role": "user", "content": [{**part, "type": kind}]}]
    reply = chat(SandboxApp(rate=None), messages, model="google/gemini-3-flash-preview")
    assert reply.status in {200, 400}


OTHERS = [
    ("/api/v1/embeddings", {"model": "BAAI/bge-m3", "input": "x"},
     "dimensions encoding_format user"),
    ("/api/v1/images/generations", {"prompt": "x", "size": "64x64"},
     "n size strength seed image imageDataUrls maskDataUrl response_format output_format model"),
    ("/api/v1/audio/speech", {"model": "tts-1", "input": "x", "response_format": "pcm"},
     "voice speed response_format stream instructions input"),
    ("/api/generate-video", {"model": "nothing", "prompt": "x"},
     "duration aspect_ratio aspectRatio imageUrl seed prompt"),
    ("/api/web", {"query": "x"},
     "provider depth outputType structuredOutputSchema includeDomains fromDate maxResults query"),
    ("/api/transaction/create/btc", {"amount": 1}, "amount"),
    ("/api/transcribe/status", {"runId": "x"}, "runId"),
    ("/api/v1/audio/transcriptions", {"model": "Wizper"}, "file_url audio_url language"),
    ("/api/estimate-image-cost", {"model": "hidream"}, "size n model"),
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(data=st.data(), value=json_values)
def test_no_value_of_another_field_breaks_the_app(data, value):
    path, body, names = data.draw(st.sampled_from(OTHERS))
    name = data.draw(st.sampled_from(names.split()))
    reply = ask(SandboxApp(rate=None), "POST", path, body | {name: value})
    assert reply.status in {200, 400, 404, 413}


@pytest.mark.parametrize("raw", [
    b"", b"{", b"[]", b"1", b"\xff", b"NaN", b'{"model": NaN}', b"[" * 100_000,
])  # fmt: skip
def test_a_body_that_is_no_json_object_is_a_400(raw):
    assert code(ask(SandboxApp(), "POST", CHAT, raw=raw)) == (400, "invalid_json")


TOOL = {"name": "look", "parameters": {"type": "object", "properties": {}}}


def test_a_chat_request_is_recorded_whole():
    app = SandboxApp(model=lambda _: "Yes.")
    chat(app, tools=[{"type": "function", "function": TOOL}])
    (recorded,) = app.requests
    assert (recorded.method, recorded.path, recorded.status) == ("POST", CHAT, 200)
    assert (recorded.messages, recorded.tools, recorded.json["model"]) == (HELLO, [TOOL], MODEL)


def test_the_key_is_not_recorded():
    app = SandboxApp()
    sent = {"authorization": f"Bearer {app.api_key}", "x-mine": "1"}
    ask(app, "GET", "/api/v1/models?detailed=true", headers=sent)
    (recorded,) = app.requests
    assert recorded.headers["authorization"] == recorded.headers["x-api-key"] == "[redacted]"
    assert (recorded.headers["x-mine"], recorded.query) == ("1", {"detailed": "true"})
    assert app.api_key not in repr(app.requests)


def test_a_compressed_body_is_recorded_as_it_reads():
    app = SandboxApp(model=lambda _: "Yes.")
    raw = gzip.compress(json.dumps({"model": MODEL, "messages": HELLO}).encode())
    ask(app, "POST", CHAT, raw=raw, headers={"content-encoding": "gzip"})
    assert (app.requests[0].status, app.requests[0].messages) == (200, HELLO)


def test_the_latest_requests_are_recorded():
    app = SandboxApp(keep_requests=2)
    for number in range(5):
        ask(app, "GET", f"/{number}")
    assert [recorded.path for recorded in app.requests] == ["/3", "/4"]
    assert [recorded.path for recorded in app.requests[-1:]] == ["/4"]
    assert (len(app.requests), app.requests.total) == (2, 5)
    app.requests.clear()
    assert not app.requests


def test_bodies_do_not_grow_without_end():
    recorded = RecordedRequests(1000)
    form = {"content-type": "multipart/form-data; boundary=x"}
    recorded.add(Request("POST", "/form", headers=form, body=b"x" * 1_000_000), 200)
    assert len(recorded[0].body) == 64 * 1024
    large = b"x" * 20 * 1024 * 1024
    for _ in range(5):
        recorded.add(Request("POST", "/json", body=large), 200)
    assert [each.path for each in recorded] == ["/json"] * 3


def test_the_arguments_of_both_sandboxes_are_the_same():
    app = inspect.signature(SandboxApp).parameters
    served = inspect.signature(Sandbox).parameters
    assert {key: each for key, each in served.items() if key not in ("host", "port")} == app
    assert all(each.annotation is not inspect.Parameter.empty for each in app.values())


NODE = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#/$defs/n"}},
    "required": ["a", "b"],
}


def answer_to(schema: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    reply = chat(SandboxApp(), "x", response_format=wanted)
    return reply.status, json.loads(reply.content)


TEXT, INTEGER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize("schema", [
    {"type": "array", "items": TEXT, "minItems": 10**6},
    {"type": "array", "items": TEXT, "minItems": 101, "uniqueItems": True},
    {"type": "string", "minLength": 10**10}, {"type": "object", "minProperties": 10**7},
    {"type": "array", "contains": INTEGER, "minContains": 10**8},
    {"type": "string", "pattern": "^a{1000000000}$"},
    {"type": "object", "properties": {"deep": {"anyOf": [{"type": "string", "minLength": 10**10}]}},
     "required": ["deep"]},
])  # fmt: skip
def test_an_answer_of_enormous_size_is_not_made(schema):
    started = time.process_time()
    with pytest.raises(NoInstanceError):
        answer_to(schema)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("schema", [
    {"type": "array", "minItems": 2000, "items": {"type": "string"}},
    {"type": "array", "minItems": 100, "items": {"type": "integer"}, "uniqueItems": True},
    {"type": "string", "minLength": 100_000},
])  # fmt: skip
def test_what_is_made_takes_seconds_at_most(schema):
    started = time.process_time()
    status, _ = answer_to(schema)
    assert status == 200
    assert time.process_time() - started < 5


def test_a_schema_whose_instances_have_no_end_is_an_error():
    with pytest.raises(NoInstanceError, match="No valid instance"):
        answer_to({"$defs": {"n": NODE}, "$ref": "#/$defs/n"})


def test_an_upload_without_a_length_is_read_to_the_limit_alone(monkeypatch):
    sizes: list[int] = []
    handle = SandboxApp.handle

    def noting(app: SandboxApp, request: Request) -> Any:
        sizes.append(len(request.body))
        return handle(app, request)

    monkeypatch.setattr(SandboxApp, "handle", noting)
    with Sandbox() as box:
        reply = httpx.post(
            f"{box.base_url}/chat/completions",
            content=(bytes(1 << 20) for _ in range(60)),
            headers={"x-api-key": box.api_key},
        )
    assert reply.status_code == 413
    assert MAX_BODY < sizes[0] < MAX_BODY + (1 << 20)


def test_links_are_of_the_server_whatever_host_was_asked_for():
    with Sandbox() as box:
        reply = httpx.post(
            f"{box.base_url}/images/generations",
            json={"prompt": "x", "size": "64x64", "response_format": "url"},
            headers={"host": "evil.example", "x-api-key": box.api_key},
        )
        url = reply.json()["data"][0]["url"]
        assert url.startswith(f"{box.origin}/media/")
        assert httpx.get(url).headers["content-type"] == "image/png"
