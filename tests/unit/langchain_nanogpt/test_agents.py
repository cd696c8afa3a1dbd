"""Agents of LangChain and LangGraph with NanoGPT's (here: the sandbox's) models."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from langchain_nanogpt import ChatNanoGPT, with_footnotes
from nanogpt_client import Budget, BudgetExceededError
from nanogpt_client.sandbox import SandboxApp, Script, ToolCall, ToolCalls
from tests.support.in_process import connection

MODEL = "openai/gpt-5.2"


def asked(text: str) -> Any:
    return {"messages": [{"role": "user", "content": text}]}


QUESTION = asked("What is 17 times 23? Use the tool.")
THANKS = asked("Thank you")
SEARCH = asked("What is Nano?")


class Product(BaseModel):
    """A product."""

    value: int


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It is sunny in {city}."


def results(messages):
    return [message.content for message in messages if isinstance(message, ToolMessage)]


def said(messages):
    return [message for message in messages if isinstance(message, AIMessage)]


def test_an_agent_calls_a_tool_and_answers(llm):
    messages = create_agent(llm, [multiply]).invoke(QUESTION)["messages"]
    assert results(messages) == ["391"]
    assert "391" in messages[-1].text
    assert all(message.response_metadata["cost"] > 0 for message in said(messages))


@pytest.mark.parametrize("model", ["mistralai/mistral-large", "google/gemma-4-31b-it"])
def test_a_model_whose_roles_must_alternate_gets_a_history_of_any_order(model):
    """The sandbox refuses it as it is, as those providers do."""
    call: Any = {"name": "multiply", "args": {"a": 12, "b": 7}, "id": "call00001"}
    history = [
        HumanMessage("Context: x"),
        HumanMessage("What is 12 times 7?"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("84", tool_call_id="call00001"),
        HumanMessage("Never mind."),
        HumanMessage("Thanks!"),
    ]
    app = SandboxApp(model=Script("You are welcome."), rate=None)
    assert ChatNanoGPT(model=model, **connection(app)).invoke(history).text == "You are welcome."
    sent = app.requests[-1].messages
    assert [m["role"] for m in sent] == ["user", "assistant", "tool", "assistant", "user"]
    assert sent[-1]["content"] == "Never mind.\n\nThanks!"


MULTIPLY, WEATHER = ToolCall("multiply", {"a": 12, "b": 7}), ToolCall("weather", {"city": "Paris"})


@pytest.mark.parametrize("calls", [[[MULTIPLY, WEATHER]], [[MULTIPLY], [WEATHER]]])
async def test_several_tools_one_after_another_and_at_once(calls):
    answers: list[Any] = [*(ToolCalls(*each) for each in calls), "84, and it is sunny."]
    script = Script(*answers, *answers)
    agent = create_agent(ChatNanoGPT(model=MODEL, **connection(script)), [multiply, weather])
    for state in (agent.invoke(QUESTION), await agent.ainvoke(QUESTION)):
        messages = state["messages"]
        assert [len(m.tool_calls) for m in said(messages)] == [*map(len, calls), 0]
        assert results(messages) == ["84", "It is sunny in Paris."]
        assert messages[-1].text == "84, and it is sunny."


@pytest.mark.parametrize("strategy", [ProviderStrategy, ToolStrategy])
async def test_an_agent_ends_with_a_structured_answer(llm, strategy):
    agent = create_agent(llm, [multiply], response_format=strategy(Product))
    state = await agent.ainvoke(QUESTION)
    assert isinstance(state["structured_response"], Product)


@pytest.mark.parametrize("strategy", [ProviderStrategy, ToolStrategy, lambda schema: schema])
def test_a_structured_answer_streams_to_its_end(llm, strategy):
    agent = create_agent(llm, [multiply], response_format=strategy(Product))
    *_, last = agent.stream(QUESTION, stream_mode="values")
    assert isinstance(last["structured_response"], Product)


@pytest.mark.parametrize("version", ["v0", "v1"])
async def test_tokens_of_a_graph_stream_with_their_provider(llm, version):
    agent = create_agent(llm.model_copy(update={"output_version": version}), [multiply])
    sync = list(agent.stream(QUESTION, stream_mode="messages"))
    also = [each async for each in agent.astream(QUESTION, stream_mode="messages")]
    for each in (sync, also):
        chunks = [chunk for chunk, _ in each if isinstance(chunk, AIMessageChunk)]
        assert len(chunks) > 4
        assert "391" in "".join(chunk.text for chunk in chunks)
        with_metadata = [c for c in chunks if c.response_metadata]
        assert {c.response_metadata["model_provider"] for c in with_metadata} == {"nanogpt"}
        assert sum(c.usage_metadata is not None for c in chunks) == 2  # one for each call


@pytest.mark.parametrize("mode", ["values", "updates", "debug", "tasks", "checkpoints"])
def test_other_streams_of_a_graph_end_with_the_answer(llm, mode):
    saver = InMemorySaver()
    agent = create_agent(llm, [multiply], checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "1"}}
    assert list(agent.stream(QUESTION, config, stream_mode=mode))
    assert "391" in agent.get_state(config).values["messages"][-1].text


async def test_events_of_a_graph_bring_every_token(llm):
    agent = create_agent(llm, [multiply])
    events = [e async for e in agent.astream_events(QUESTION, version="v2")]
    chunks = [e["data"]["chunk"] for e in events if e["event"] == "on_chat_model_stream"]
    assert "391" in "".join(chunk.text for chunk in chunks)


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("streamed", [False, True])
def test_what_an_agent_found_in_the_web_is_cited_in_its_last_message(llm, streamed, version):
    searching = llm.model_copy(update={"web_search": True, "output_version": version})
    agent = create_agent(searching, [multiply])
    state: Any
    if streamed:
        *_, (_, state) = agent.stream(SEARCH, stream_mode=["messages", "values"])
    else:
        state = agent.invoke(SEARCH)
    answer = state["messages"][-1]
    text = next(block for block in answer.content_blocks if block["type"] == "text")
    assert text["annotations"]
    for note in text["annotations"]:
        assert note["type"] == "citation"
        assert note["url"].startswith("https://")
        assert answer.text[note["start_index"] : note["end_index"]]
    assert "[^1]: [" in with_footnotes(answer)


def test_the_built_in_search_tool_serves_agents(llm):
    agent = create_agent(llm, [{"type": "web_search"}, multiply])
    answer = agent.invoke(SEARCH)["messages"][-1]
    assert answer.content_blocks[0]["annotations"]


@pytest.mark.parametrize("limit", [{"max_calls": 1}, {"usd": Decimal("0.0000001")}])
async def test_a_budget_stops_an_agent(sandbox_environment, limit):
    llm = ChatNanoGPT(model=MODEL, budget=Budget(**limit))
    agent = create_agent(llm, [multiply])
    with pytest.raises(BudgetExceededError):
        agent.invoke(QUESTION)
    with pytest.raises(BudgetExceededError):
        await agent.ainvoke(QUESTION)
    assert llm.ledger.totals.calls == limit.get("max_calls", 0)


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_graph_goes_on_from_its_checkpoint(version):
    script = Script(ToolCalls(MULTIPLY).saying(reasoning="I multiply."), "84", "You are welcome.")
    llm = ChatNanoGPT(model=MODEL, **connection(script))
    saver = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    thinking = llm.model_copy(update={"output_version": version, "reasoning_effort": "high"})
    create_agent(thinking, [multiply], checkpointer=saver).invoke(QUESTION, config)
    again = create_agent(thinking, [multiply], checkpointer=saver)
    messages = again.invoke(THANKS, config)["messages"]
    assert len(said(messages)) == 3
    assert sum(m.response_metadata["cost"] for m in said(messages)) == pytest.approx(
        float(llm.ledger.spent)
    )


@pytest.mark.parametrize("streaming", [False, True])
def test_a_thread_goes_on_although_its_last_calls_were_never_approved(streaming):
    app = SandboxApp(model=Script(ToolCalls(MULTIPLY), "You are welcome."), rate=None)
    approval: Any = HumanInTheLoopMiddleware(interrupt_on={"multiply": True})
    llm = ChatNanoGPT(model=MODEL, streaming=streaming, **connection(app))
    agent = create_agent(llm, [multiply], middleware=[approval], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    assert "__interrupt__" in agent.invoke(QUESTION, config)
    assert said(agent.invoke(THANKS, config)["messages"])[-1].text == "You are welcome."
    _, calls, result, _ = app.requests[-1].messages
    assert result["tool_call_id"] == calls["tool_calls"][0]["id"]
    assert result["content"].startswith("(no result")


async def test_an_interrupted_graph_resumes_without_paying_twice(llm):
    def ask(state: MessagesState) -> Any:
        return {"messages": [llm.invoke(state["messages"])]}

    def approve(state: MessagesState) -> Any:
        return {"messages": [HumanMessage(interrupt("Go on?"))]}

    graph = StateGraph(MessagesState)
    graph.add_node("ask", ask)
    graph.add_node("approve", approve)
    graph.add_node("again", ask)
    for start, end in ((START, "ask"), ("ask", "approve"), ("approve", "again"), ("again", END)):
        graph.add_edge(start, end)
    saver = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    graph.compile(checkpointer=saver).invoke(SEARCH, config)
    assert llm.ledger.totals.calls == 1
    state = await graph.compile(checkpointer=saver).ainvoke(Command(resume="And who?"), config)
    assert llm.ledger.totals.calls == 2
    assert [type(message) for message in state["messages"]] == [
        HumanMessage,
        AIMessage,
        HumanMessage,
        AIMessage,
    ]
