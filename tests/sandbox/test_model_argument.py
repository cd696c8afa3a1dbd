"""`model=`: what any callable says reaches the wire, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanogpt_client.sandbox import ChatRequest, Citation, SandboxApp, ToolCall, Turn
from tests.sandbox.asking import ask, chat, frames, message

TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}


def joined(app: SandboxApp, name: str) -> str:
    deltas = [chunk["choices"][0]["delta"] for chunk in frames(chat(app, stream=True))]
    return "".join(delta.get(name) or "" for delta in deltas)


def test_a_string_is_what_the_model_says():
    app = SandboxApp(model=lambda _: "Good day.")
    assert message(chat(app)) == {"role": "assistant", "content": "Good day."}
    assert joined(app, "content") == "Good day."


def test_the_model_gets_the_request_without_the_key():
    requests: list[ChatRequest] = []

    def model(request: ChatRequest) -> str:
        requests.append(request)
        return "Yes."

    app = SandboxApp(model=model)
    sent = {"x-api-key": app.api_key, "authorization": f"Bearer {app.api_key}", "x-mine": "1"}
    body = {
        "model": "openai/gpt-5.2:online",
        "messages": [{"role": "user", "content": "Where is the Eiffel Tower?"}],
        "tools": [TOOL],
        "n": 2,
    }
    assert ask(app, "POST", "/api/v1/chat/completions", body, headers=sent).status == 200
    first, second = requests
    assert (first.index, second.index) == (0, 1)
    assert (first.model, first.body, first.messages) == (body["model"], body, body["messages"])
    assert [tool["name"] for tool in first.tools] == ["look"]
    assert first.headers["x-mine"] == "1"
    assert app.api_key not in str(first.headers)
    assert first.search_results
    assert first.search_results[0].url.startswith("https://")


def test_a_refusal_reaches_the_wire():
    app = SandboxApp(model=lambda _: Turn(refusal="I will not do that."))
    said = message(chat(app))
    assert (said["content"], said["refusal"]) == (None, "I will not do that.")
    assert joined(app, "refusal") == "I will not do that."


def test_a_finish_reason_and_broken_arguments_reach_the_wire():
    turn = Turn(tool_calls=(ToolCall("look", '{"at": "th'),), finish_reason="content_filter")
    app = SandboxApp(model=lambda _: turn)
    (choice,) = chat(app).json()["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"at": "th'
    chunks = [chunk["choices"][0] for chunk in frames(chat(app, stream=True))]
    assert chunks[-1]["finish_reason"] == "content_filter"
    calls = [call for each in chunks for call in each["delta"].get("tool_calls", ())]
    assert "".join(call["function"]["arguments"] for call in calls) == '{"at": "th'


def test_reasoning_and_citations_reach_the_wire():
    turn = Turn("A quick fox.", "Thinking.", citations=(Citation("https://a.example", "A", 2, 7),))
    said = message(chat(SandboxApp(model=lambda _: turn)))
    assert said["reasoning"] == "Thinking."
    assert said["annotations"][0]["url_citation"]["url"] == "https://a.example"


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"outputType": "sourcedAnswer"}, "In Paris."),
        (
            {
                "outputType": "structured",
                "structuredOutputSchema": json.dumps({"type": "object"}),
            },
            {"city": "Paris"},
        ),
    ],
)
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
