"""What a client may make the emulator do: bounded time and memory, and no links elsewhere."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import httpx
import pytest

from nanogpt_client.sandbox import Request, Sandbox, SandboxApp
from nanogpt_client.sandbox.answers.schema_instance import NoInstanceError
from nanogpt_client.sandbox.bodies import MAX_BODY
from tests.sandbox.asking import chat

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
    {"type": "object", "properties": {"deep": {"anyOf": [{"minLength": 10**10}]}}},
])  # fmt: skip
def test_an_answer_of_enormous_size_is_refused(schema):
    status, body = answer_to(schema)
    assert (status, body["error"]["code"]) == (400, "invalid_json_schema")
    assert "the most that the sandbox makes" in body["error"]["message"]


def test_so_are_arguments_of_a_tool():
    function = {"name": "f", "parameters": {"properties": {"a": {"minLength": 10**10}}}}
    reply = chat(SandboxApp(), "x", tools=[{"type": "function", "function": function}])
    assert (reply.status, json.loads(reply.content)["error"]["code"]) == (400, "invalid_tool_spec")


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
    with pytest.raises(NoInstanceError, match="leads back to itself"):
        answer_to({"$defs": {"n": NODE}, "$ref": "#/$defs/n"})


def ask(box: Sandbox, *lines: str) -> bytes:
    """Send a head alone; return what comes before anything of a body was sent."""
    head = ["POST /api/v1/chat/completions HTTP/1.1", "host: x", *lines, "", ""]
    with socket.create_connection(("127.0.0.1", httpx.URL(box.origin).port or 0)) as connection:
        connection.settimeout(5)
        connection.sendall("\r\n".join(head).encode())
        return connection.recv(64)


def test_an_upload_is_refused_before_it_is_read():
    with Sandbox() as box:
        own = f"authorization: Bearer {box.api_key}"
        assert b" 401 " in ask(box, "authorization: Bearer no", "content-length: 1000000")
        assert b" 413 " in ask(box, own, "content-length: 300000000")
        assert [each.status for each in box.app.requests] == [401, 413]


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
