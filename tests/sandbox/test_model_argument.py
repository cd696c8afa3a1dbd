"""`model=`: what any callable says reaches the wire, and its errors reach the test."""

from __future__ import annotations

import pytest

from nanogpt_client import APIStatusError, AsyncNanoGPTClient, NanoGPTClient
from nanogpt_client.sandbox import (
    ChatRequest,
    Sandbox,
    SandboxApp,
    Script,
    ScriptError,
    ToolCall,
    Turn,
)
from tests.sandbox.asking import CHAT, MODEL, ask, chat, chunks, deltas, function, message
from tests.support.in_process import connection

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


def test_a_model_that_returns_something_else_is_a_type_error():
    app = SandboxApp(model=lambda _: 7)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="a Turn or a str, not int"):
        chat(app)


def broken(request: ChatRequest) -> str:
    return str(request.body["ticket"])


def test_an_app_raises_it():
    app = SandboxApp(model=broken)
    with pytest.raises(KeyError, match="ticket"):
        chat(app)
    assert [each.status for each in app.requests] == [424]
    assert app.balance == 5


async def test_in_process_it_is_raised_once_where_it_was_asked():
    app = SandboxApp(model=broken)
    settings = connection(app)
    async_http = settings.pop("http_async_client")
    with NanoGPTClient(**settings) as nano, pytest.raises(KeyError, match="ticket"):
        nano.chat("Hello!", model=MODEL)
    async with AsyncNanoGPTClient(**settings | {"http_client": async_http}) as nano:
        with pytest.raises(KeyError, match="ticket"):
            await nano.chat("Hello!", model=MODEL)
    assert len(app.requests) == 2


def client(box: Sandbox) -> NanoGPTClient:
    return NanoGPTClient(box.api_key, base_url=box.base_url)


def test_served_it_is_in_the_reply_not_retried_and_raised_at_the_end():
    said = "model raised KeyError: 'ticket'"
    with pytest.raises(KeyError, match="ticket"), Sandbox(model=broken) as box:  # noqa: PT012 - by the end of the block
        with client(box) as nano, pytest.raises(APIStatusError, match=said) as caught:
            nano.chat("Hello!", model=MODEL)
        assert (caught.value.status_code, caught.value.code) == (424, "sandbox_model_error")
        assert len(box.requests) == 1


async def test_served_async_it_takes_the_place_of_what_it_led_to():
    with pytest.raises(ScriptError, match="no answer left") as caught:  # noqa: PT012 - by the end of the block
        async with Sandbox(model=Script()) as box:
            with client(box) as nano:
                nano.chat("Hello!", model=MODEL)
    assert isinstance(caught.value.__context__, APIStatusError)


def test_a_failed_check_inside_a_model_fails_the_test():
    def model(_: ChatRequest) -> str:
        pytest.fail("no tools were sent")

    with pytest.raises(pytest.fail.Exception, match="no tools"), Sandbox(model=model) as box:
        with client(box) as nano, pytest.raises(APIStatusError):
            nano.chat("Hello!", model=MODEL)
