"""`Script`: answers in order, rules, and errors that show the request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nanogpt_client.sandbox import (
    ChatRequest,
    Failure,
    SandboxApp,
    Script,
    ScriptError,
    ToolCall,
    ToolCalls,
    Turn,
)
from tests.sandbox.asking import chat, code, message

USER = {"role": "user", "content": "What is the weather in Oslo?"}
CALL = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
RESULT = [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]},
          {"role": "tool", "tool_call_id": "c", "content": "Rain"}]  # fmt: skip


def request(*messages: Any, tools: tuple[str, ...] = (), model: str = "m") -> ChatRequest:
    offered = [{"type": "function", "function": {"name": name}} for name in tools]
    return ChatRequest({"model": model, "messages": list(messages or (USER,)), "tools": offered})


def test_answers_come_in_order_and_running_out_shows_the_request():
    script = Script("One.", Turn("Two."), lambda given: f"Three for {given.model}.")
    assert [script(request()).text for _ in range(3)] == ["One.", "Two.", "Three for m."]
    assert script.remaining == 0
    script.assert_exhausted()
    old = {"role": "user", "content": "Long ago."}
    with pytest.raises(ScriptError, match="no answer left after 3") as caught:
        script(request(old, old, *RESULT, tools=("weather", "maps")))
    for shown in ("weather, maps", "Oslo", '"name": "weather"', "tool: Rain", "1 earlier"):
        assert shown in str(caught.value)


def test_answers_that_were_never_asked_for():
    script = Script("One.").when(contains="Oslo", then=Script("Rain.", "Sun."))
    with pytest.raises(ScriptError, match=r"1 answers .* 'One\.'"):
        script.assert_exhausted()
    script(request({"role": "user", "content": "Hello"}))
    script(request())
    with pytest.raises(ScriptError, match="Sun"):
        script.assert_exhausted()
    script(request())
    script.assert_exhausted()


def test_rules_come_before_the_answers_in_order():
    script = (
        Script("Else.")
        .when(result_of="weather", then="It rains.")
        .when(contains="Oslo", tool="weather", then=ToolCalls(weather={"city": "Oslo"}))
        .when(model="n", then="I am n.")
    )
    assert script(request(*RESULT, tools=("weather",))).text == "It rains."
    for _ in range(2):
        turn = script(request(tools=("weather",)))
        assert turn.tool_calls == (ToolCall("weather", {"city": "Oslo"}),)
    assert script(request(model="n")).text == "I am n."
    assert script.remaining == 1
    assert script(request()).text == "Else."


def test_calls_of_one_tool_and_of_tools_with_any_name():
    calls = ToolCalls(ToolCall("look", {"at": 1}), look={"at": 2}, text={}, self={}, reasoning="{")
    said = calls.saying("Let me look.", reasoning="Hm.")
    assert [each.name for each in said.tool_calls] == ["look", "look", "text", "self", "reasoning"]
    assert (said.text, said.reasoning) == ("Let me look.", "Hm.")
    assert said.tool_calls[-1].arguments == "{"


def test_a_tool_that_is_not_offered_is_a_mistake_of_the_script():
    with pytest.raises(ScriptError, match=r"calls 'wether'.*\n.*\n  tools: weather"):
        Script(ToolCalls(wether={}))(request(tools=("weather",)))
    raw = Turn(tool_calls=(ToolCall("wether"),))
    assert Script(raw)(request(tools=("weather",))) is raw
    with pytest.raises(ScriptError, match="look"):
        Script().when(contains="Oslo", then=Script(ToolCalls(look={})))(request())


@pytest.mark.parametrize(("fault", "expected"), [
    (429, (429, "rate_limit_exceeded")), ("policy", (400, "content_policy_violation")),
])  # fmt: skip
def test_a_failure_is_an_answer(fault, expected):
    app = SandboxApp(model=Script(Failure(fault), "Well again."))
    assert code(chat(app)) == expected
    assert app.balance == 5
    assert message(chat(app))["content"] == "Well again."
    with pytest.raises(ValueError, match=r"unknown fault '428'.*429"):
        Failure(428)


def test_choices_and_threads_share_a_script():
    reply = chat(SandboxApp(model=Script("One.", "Two.")), n=2).json()
    assert [choice["message"]["content"] for choice in reply["choices"]] == ["One.", "Two."]
    script = Script(*map(str, range(200)))
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: script(request()).text, range(200)))
    assert sorted(said, key=int) == [str(number) for number in range(200)]
