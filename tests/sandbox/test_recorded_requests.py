"""What a sandbox records of the requests: whole bodies, no key, in bounded memory."""

from __future__ import annotations

import gzip
import inspect
import json

from nanogpt_client.sandbox import Request, Sandbox, SandboxApp
from nanogpt_client.sandbox.recorded_requests import RecordedRequests
from tests.sandbox.asking import CHAT, HELLO, MODEL, ask, chat

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
