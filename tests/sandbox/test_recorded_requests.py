"""What a sandbox keeps of the requests: whole bodies, no key, and no more than it may."""

from __future__ import annotations

import gzip
import inspect
import json

import pytest

from nanogpt_client.sandbox import Request, Sandbox, SandboxApp
from nanogpt_client.sandbox.recorded_requests import RecordedRequests
from tests.sandbox.asking import HELLO, MODEL, ask, chat

TOOL = {"name": "look", "parameters": {"type": "object", "properties": {}}}


def test_a_chat_request_is_kept_whole():
    app = SandboxApp(model=lambda _: "Yes.")
    chat(app, tools=[{"type": "function", "function": TOOL}])
    (kept,) = app.requests
    assert (kept.method, kept.path, kept.status) == ("POST", "/api/v1/chat/completions", 200)
    assert (kept.messages, kept.tools, kept.json["model"]) == (HELLO, [TOOL], MODEL)


def test_the_key_is_not_kept():
    app = SandboxApp()
    sent = {"authorization": f"Bearer {app.api_key}", "x-mine": "1"}
    ask(app, "GET", "/api/v1/models?detailed=true", headers=sent)
    (kept,) = app.requests
    assert kept.headers["authorization"] == kept.headers["x-api-key"] == "[redacted]"
    assert (kept.headers["x-mine"], kept.query) == ("1", {"detailed": "true"})
    assert app.api_key not in repr(app.requests)


def test_a_compressed_body_is_kept_as_it_reads():
    app = SandboxApp(model=lambda _: "Yes.")
    raw = gzip.compress(json.dumps({"model": MODEL, "messages": HELLO}).encode())
    ask(app, "POST", "/api/v1/chat/completions", raw=raw, headers={"content-encoding": "gzip"})
    assert (app.requests[0].status, app.requests[0].messages) == (200, HELLO)


def test_the_latest_requests_are_kept():
    app = SandboxApp(keep_requests=2)
    for number in range(5):
        ask(app, "GET", f"/{number}")
    assert [kept.path for kept in app.requests] == ["/3", "/4"]
    assert [kept.path for kept in app.requests[-1:]] == ["/4"]
    assert (len(app.requests), app.requests.total) == (2, 5)
    app.requests.clear()
    assert not app.requests


def test_bodies_do_not_grow_without_end():
    kept = RecordedRequests(1000)
    form = {"content-type": "multipart/form-data; boundary=x"}
    kept.add(Request("POST", "/form", headers=form, body=b"x" * 1_000_000), 200)
    assert len(kept[0].body) == 64 * 1024
    large = b"x" * 20 * 1024 * 1024
    for _ in range(5):
        kept.add(Request("POST", "/json", body=large), 200)
    assert [each.path for each in kept] == ["/json"] * 3


@pytest.mark.parametrize("name", ["stall", "model", "balance"])
def test_the_arguments_of_both_sandboxes_are_the_same(name):
    app = inspect.signature(SandboxApp).parameters
    served = inspect.signature(Sandbox).parameters
    assert {key: each for key, each in served.items() if key not in ("host", "port")} == app
    assert app[name].annotation is not inspect.Parameter.empty
