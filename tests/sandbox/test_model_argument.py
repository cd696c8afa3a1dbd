"""`model=`: what any callable says reaches the wire, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanogpt_client.sandbox import ChatRequest, Citation, SandboxApp, ToolCall, Turn
from tests.sandbox.asking import CHAT, ask, chat, chunks, deltas, function, message

TOOL = function("look")


@pytest.mark.parametrize(("said", "expected"), [
    ("Good day.", {"content": "Good day."}),
    (Turn(refusal="I will not."), {"content": None, "refusal": "I will not."}),
    (Turn("Fox.", "Thinking."), {"content": "Fox.", "reasoning": "Thinking."}),
])  # fmt: skip
def test_what_is_said(said, expected):
    app = SandboxApp(model=lambda _: said)
    assert message(chat(app, reasoning_effort="low")).items() >= expected.items()
    streamed = chat(app, stream=True, reasoning_effort="low")
    for name, text in expected.items():
        assert "".join(deltas(streamed, name)) == (text or "")


def test_the_model_gets_the_request_without_the_key():
    requests: list[ChatRequest] = []

    def model(request: ChatRequest) -> str:
        requests.append(request)
        return "Yes."

    app = SandboxApp(model=model)
    sent = {"x-api-key": app.api_key, "authorization": f"Bearer {app.api_key}", "x-mine": "1"}
    messages = [{"role": "user", "content": "Where is the Eiffel Tower?"}]
    body = {"model": "openai/gpt-5.2:online", "messages": messages, "tools": [TOOL], "n": 2}
    assert ask(app, "POST", CHAT, body, headers=sent).status == 200
    first, second = requests
    assert (first.index, second.index) == (0, 1)
    assert (first.model, first.body, first.messages) == (body["model"], body, messages)
    assert [tool["name"] for tool in first.tools] == ["look"]
    assert first.headers["x-mine"] == "1"
    assert app.api_key not in str(first.headers)
    assert first.search_results[0].url.startswith("https://")


def test_text_broken_arguments_and_a_finish_reason():
    calls = (ToolCall("look", '{"at": "th'),)
    turn = Turn("Let me look.", tool_calls=calls, finish_reason="content_filter")
    app = SandboxApp(model=lambda _: turn)
    (choice,) = chat(app).json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (turn.text, "content_filter")
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"at": "th'
    streamed = chat(app, stream=True)
    assert chunks(streamed)[-1]["choices"][0]["finish_reason"] == "content_filter"
    assert "".join(deltas(streamed, "content")) == turn.text
    parts = [part for (part,) in deltas(streamed, "tool_calls")]
    assert "".join(part["function"]["arguments"] for part in parts) == '{"at": "th'


def test_citations_reach_the_wire():
    turn = Turn("A quick fox.", citations=(Citation("https://a.example", "A", 2, 7),))
    said = message(chat(SandboxApp(model=lambda _: turn)))
    assert said["annotations"][0]["url_citation"]["url"] == "https://a.example"


STRUCTURED = {"outputType": "structured", "structuredOutputSchema": json.dumps({"type": "object"})}


@pytest.mark.parametrize(("extra", "expected"), [
    ({"outputType": "sourcedAnswer"}, "In Paris."), (STRUCTURED, {"city": "Paris"}),
])  # fmt: skip
def test_a_web_search_asks_the_model(extra: dict[str, Any], expected: object):
    def model(request: ChatRequest) -> str:
        assert request.search_results
        return '{"city": "Paris"}' if "response_format" in request.body else "In Paris."

    asked = {"query": "Where is the Eiffel Tower?"} | extra
    data = ask(SandboxApp(model=model), "POST", "/api/web", asked).json()["data"]
    assert expected in (data, data.get("answer"))


def test_a_model_that_returns_something_else_is_a_type_error():
    app = SandboxApp(model=lambda _: 7)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="a Turn or a str, not int"):
        chat(app)
