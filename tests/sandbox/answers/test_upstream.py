"""A real server behind the sandbox: what is sent to it, read of it, and said of its failures."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from nanogpt_client.sandbox import ChatRequest, Citation, ToolCall, Turn, Upstream
from nanogpt_client.sandbox.http import Refusal
from tests.support.rawserver import End, RawServer, http_reply

USER = {"role": "user", "content": "Hello"}
NAME = "openai/gpt-5.2"


def completion(finish="stop", **message):
    body = {"choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    return [http_reply(json.dumps(body).encode())]


def asked(**body):
    return ChatRequest({"model": NAME, "messages": [USER], **body})


def answer(server, request=None, **options):
    turn = Upstream(server.base_url, **options)(request or asked())
    return turn, json.loads(server.requests[-1].body)


def test_what_a_model_needs_is_sent_and_nothing_else():
    options = {
        "tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required",
        "response_format": {"type": "json_object"}, "temperature": 0.5, "max_tokens": 7,
    }  # fmt: skip
    more = {"stream": True, "caching": True, "webSearch": {}, "memory": True, "n": 2, "seed": None}
    key = {"authorization": "Bearer sk-nano-secret", "x-api-key": "sk-nano-secret"}
    body = {"model": NAME, "messages": [USER], **options}
    with RawServer(completion(content="Hi")) as server:
        turn, sent = answer(server, ChatRequest(body | more, headers=key))
        (got,) = server.requests
    assert turn == Turn("Hi", finish_reason="stop")
    assert sent == body
    assert got.target == "/api/v1/chat/completions"
    assert "sk-nano-secret" not in str(got)
    assert "authorization" not in got.headers


@pytest.mark.parametrize(("model", "sent"), [
    (None, NAME), ("qwen3:4b", "qwen3:4b"), ({NAME: "qwen3:4b"}, "qwen3:4b"),
    ({"other": "qwen3:4b"}, NAME),
])  # fmt: skip
def test_the_name_of_the_model_and_the_seed_of_a_choice(model, sent):
    request = ChatRequest({"model": NAME, "messages": [USER], "seed": 5}, index=2)
    with RawServer(completion(content="Hi")) as server:
        body = answer(server, request, model=model)[1]
    assert (body["model"], body["seed"]) == (sent, 7)


def test_the_servers_own_key_is_sent_and_not_shown():
    with RawServer(completion(content="Hi")) as server:
        answer(server, api_key="local-key")
        assert server.requests[0].headers["authorization"] == "Bearer local-key"
        assert "local-key" not in repr(Upstream(server.base_url, api_key="local-key"))
    with RawServer([http_reply(b"bad key local-key", status=401)]) as server:
        with pytest.raises(Refusal) as caught:
            answer(server, api_key="local-key")
        assert "local-key" not in caught.value.message
    assert "secret" not in repr(Upstream("http://me:secret@localhost:1/v1"))


NOTE: dict[str, Any] = {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 2}
NOTED = {"content": [{"type": "text", "text": "Hi"}], "annotations": [{"url_citation": NOTE}]}
CALLING = {"content": None, "tool_calls": [{"function": {"name": "f", "arguments": '{"a": '}}]}


@pytest.mark.parametrize(("message", "finish", "turn"), [
    ({"content": "Hi"}, "length", Turn("Hi")),
    ({"content": "Hi", "reasoning": "Hm"}, "stop", Turn("Hi", "Hm")),
    ({"content": "", "reasoning_content": "Hm"}, "stop", Turn("", "Hm")),
    ({"content": None, "refusal": "No"}, "stop", Turn(refusal="No")),
    (NOTED, "stop", Turn("Hi", citations=(Citation(**NOTE),))),
    (CALLING, "tool_calls", Turn(tool_calls=(ToolCall("f", '{"a": '),))),
])  # fmt: skip
def test_what_is_read(message, finish, turn):
    with RawServer(completion(finish, **message)) as server:
        assert answer(server)[0] == replace(turn, finish_reason=finish)


@pytest.mark.parametrize(("script", "said"), [
    ([http_reply(b'{"error": "no such model"}', status=404)], "answered 404: .*no such model"),
    ([http_reply(b"busy", status=503)], "answered 503: busy"),
    ([http_reply(status=302, headers={"location": "/v2"})], "answered 302"),
    ([http_reply(b"<html>")], "no chat completion: <html>"),
    ([http_reply(b'{"choices": []}')], "no chat completion"),
    ([http_reply(b'{"choices": [{"message": null}]}')], "no chat completion"),
    (completion(tool_calls=[{"function": {}}]), "no chat completion"),
    ([End.CLOSE], "did not answer: RemoteProtocolError"),
    ([End.HOLD], "did not answer: ReadTimeout"),
])  # fmt: skip
def test_its_failures_are_its_own_and_not_retried(script, said):
    with RawServer(script) as server, pytest.raises(Refusal, match=said) as caught:
        answer(server, timeout=0.2)
    assert (caught.value.status, caught.value.code) == (424, "sandbox_upstream_error")
    assert "/api/v1/chat/completions" in caught.value.message
    assert server.posts == 1


def test_a_port_where_nothing_listens():
    with RawServer(completion()) as server:
        url = server.base_url
    with pytest.raises(Refusal, match="did not answer: ConnectError"):
        Upstream(url)(asked())
