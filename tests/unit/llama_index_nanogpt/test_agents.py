"""LlamaIndex's agents and workflows, unmocked, over the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.agent.workflow import (
    AgentStream,
    AgentWorkflow,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool
from PIL import Image

from nanogpt_client.sandbox import SandboxApp, Script, ToolCall, ToolCalls, Turn
from tests.conformance.llama_index.wire import call, stream
from tests.support.llama_index import agents_own_warnings
from tests.unit.llama_index_nanogpt.scripted import Scripted, llm_of

pytestmark = [pytest.mark.usefixtures("litter_stays_here"), agents_own_warnings]


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It is 21 degrees and sunny in {city}."


async def run(agent, question):
    """The answer, and the events on the way to it."""
    handler = agent.run(question)
    events = [event async for event in handler.stream_events()]
    return await handler, events


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_function_agent_calls_its_tool(streaming):
    app = SandboxApp(model=Script(ToolCalls(multiply={"a": 12, "b": 34}), "It is 408."))
    agent = FunctionAgent(tools=[multiply], llm=llm_of(app), streaming=streaming)
    response, events = await run(agent, "What is 12 times 34?")
    results = [event for event in events if isinstance(event, ToolCallResult)]
    assert [str(result.tool_output) for result in results] == ["408"]
    assert str(response) == "It is 408."
    assert app.requests[-1].messages[-1]["content"] == "408"


async def test_a_react_agent_calls_its_tool():
    script = Script(
        'Thought: I need a tool.\nAction: get_weather\nAction Input: {"city": "Paris"}',
        "Thought: I can answer.\nAnswer: It is sunny in Paris.",
    )
    app = SandboxApp(model=script)
    agent = ReActAgent(tools=[get_weather], llm=llm_of(app))
    response, events = await run(agent, "What is the weather in Paris?")
    assert any(isinstance(event, ToolCallResult) for event in events)
    assert str(response) == "It is sunny in Paris."
    assert "21 degrees" in str(app.requests[-1].messages)


async def test_a_workflow_hands_off():
    handoff = {"to_agent": "weather_agent", "reason": "It is about the weather."}
    answers = (ToolCalls(handoff=handoff), ToolCalls(get_weather={"city": "Paris"}), "It is sunny.")
    llm = llm_of(SandboxApp(model=Script(*answers)))
    weather = FunctionAgent(
        name="weather_agent",
        description="Tells the weather in a city.",
        tools=[get_weather],
        llm=llm,
    )
    reception = FunctionAgent(
        name="reception",
        description="Hands questions to the agent that can answer them.",
        system_prompt="Hand questions about the weather to weather_agent.",
        tools=[],
        llm=llm,
        can_handoff_to=["weather_agent"],
    )
    workflow = AgentWorkflow(agents=[reception, weather], root_agent="reception")
    response, events = await run(workflow, "What is the weather in Paris?")
    names = [event.tool_name for event in events if isinstance(event, ToolCallResult)]
    assert names == ["handoff", "get_weather"]
    assert str(response) == "It is sunny."


async def test_reasoning_streams_through_an_agent(llm):
    llm.reasoning_effort = "high"
    _, events = await run(FunctionAgent(tools=[multiply], llm=llm), "What is 12 times 34?")
    deltas = [event.thinking_delta for event in events if isinstance(event, AgentStream)]
    assert "".join(delta or "" for delta in deltas)


async def test_an_agents_conversation_goes_back_as_it_came():
    asked = stream(
        {"reasoning": "I multiply."},
        {"tool_calls": [call(0, "c1", "multiply", ' {"a":12')]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ',"b":34}'}}]},
        finish_reason="tool_calls",
    )
    server = Scripted(asked, stream({"content": "It is 408."}))
    response, _ = await run(FunctionAgent(tools=[multiply], llm=server.llm()), "What is 12 * 34?")
    assert str(response) == "It is 408."
    _, said, result = server.body["messages"]
    function = {"name": "multiply", "arguments": ' {"a":12,"b":34}'}
    assert said == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        "reasoning_content": "I multiply.",
    }
    assert result == {"role": "tool", "content": "408", "tool_call_id": "c1"}


UNREADABLE = {
    "cut": ("delete", '{"customer": "c1'),
    "a list": ("delete", "[1]"),
    "nameless": ("", '{"customer": "c1"}'),
}


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("workflow", [True, False], ids=["workflow", "agent"])
@pytest.mark.parametrize(("name", "arguments"), UNREADABLE.values(), ids=UNREADABLE)
async def test_the_model_is_told_of_calls_that_cannot_be_run(name, arguments, workflow, streaming):
    ran = []

    def delete(customer: str | None = None) -> str:
        """Delete a customer's orders; everybody's if no customer is given."""
        ran.append(customer)
        return "deleted"

    calls = (ToolCall(name, arguments), ToolCall("delete", {"customer": "c2"}))
    app = SandboxApp(model=Script(Turn(tool_calls=calls, finish_reason="length"), "Half is done."))
    agent: Any = FunctionAgent(tools=[delete], llm=llm_of(app), streaming=streaming)
    if workflow:
        agent = AgentWorkflow(agents=[agent])
    response, events = await run(agent, "Delete the orders of c1 and c2.")
    assert ran == ["c2"]
    assert str(response) == "Half is done."
    failed = [e for e in events if isinstance(e, ToolCallResult) and e.tool_output.is_error]
    messages = app.requests[-1].messages
    (made,) = [m["tool_calls"] for m in messages if m.get("tool_calls")]
    first, second = (c["id"] for c in made)
    assert [e.tool_id for e in failed] == [first]
    assert all(json.loads(c["function"]["arguments"]) in ({}, {"customer": n}) for c, n in zip(
        made, ["c1", "c2"], strict=True
    ))  # fmt: skip
    results = {m["tool_call_id"]: m["content"] for m in messages if m["role"] == "tool"}
    assert results[second] == "deleted"
    assert "not run" in results[first]
    assert "not found" not in results[first]
    assert name == "" or arguments in results[first]


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("arguments", ["", "{}"])
async def test_a_call_that_was_cut_off_before_its_arguments_is_not_run(arguments, streaming):
    """Its tool would take all its defaults."""
    ran = []

    def delete(customer: str | None = None) -> str:
        """Delete a customer's orders; everybody's if no customer is given."""
        ran.append(customer)
        return "deleted"

    cut = Turn(tool_calls=(ToolCall("delete", arguments),), finish_reason="length")
    app = SandboxApp(model=Script(cut, "Again?"))
    agent: Any = FunctionAgent(tools=[delete], llm=llm_of(app), streaming=streaming)
    response, _ = await run(agent, "Delete the orders of c1.")
    assert (ran, str(response)) == ([], "Again?")
    result = next(m["content"] for m in app.requests[-1].messages if m["role"] == "tool")
    assert "not run" in result


async def test_a_tool_may_return_a_picture(llm, tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGB", (64, 48), "red").save(path)

    def take_picture() -> list[ImageBlock]:
        """Take a picture of the room."""
        return [ImageBlock(path=path)]

    agent = FunctionAgent(tools=[FunctionTool.from_defaults(take_picture)], llm=llm)
    response, _ = await run(agent, "Take a picture of the room and describe it.")
    assert "red" in str(response).lower()


def test_a_picture_is_seen(llm, tmp_path):
    path = tmp_path / "blue.png"
    Image.new("RGB", (64, 48), "blue").save(path)
    blocks = [TextBlock(text="What is in this picture?"), ImageBlock(path=path)]
    answer = llm.chat([ChatMessage(role="user", blocks=blocks)])
    assert "blue" in (answer.message.content or "").lower()


async def test_sources_of_a_web_search_reach_the_agents_answer(llm):
    llm.web_search = True
    response, _ = await run(FunctionAgent(tools=[], llm=llm), "What is Python?")
    sources = response.response.additional_kwargs["annotations"]
    assert all(source["url"].startswith("https://") for source in sources)
