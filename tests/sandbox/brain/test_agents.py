"""Agents of both frameworks, unmocked, over the sandbox: few steps, and answers that hold up."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage
from langgraph.checkpoint.memory import InMemorySaver
from llama_index.core.agent.workflow import (
    AgentWorkflow,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.memory import ChatMemoryBuffer
from pydantic import BaseModel, Field

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT

# LlamaIndex's own, as in the tests of its adapter.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince211"),
    pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:<aiosqlite:ResourceWarning"),
]

MODEL = "openai/gpt-5.2"


class Weather(BaseModel):
    """A weather report."""

    city: str
    degrees: int
    sky: str = Field(description="such as sunny or cloudy")


def get_capital(country: str) -> str:
    """Return the capital of a country."""
    return {"France": "Paris", "Norway": "Oslo"}[country]


def get_weather(city: str) -> str:
    """Get the weather for a city."""
    return f"It is sunny in {city}, 21 degrees."


def get_population(city: str) -> int:
    """Return the number of inhabitants of a city."""
    return {"Paris": 2_100_000, "Oslo": 700_000}[city]


def multiply(a: float, b: float) -> float:
    """Multiply two numbers."""
    return a * b


def air_quality(city: str) -> str:
    """Tell the air quality of a city."""
    raise ValueError(f"the sensor of {city} is offline")


TOOLS: list[Any] = [get_capital, get_weather, get_population, multiply]
TASKS = [
    ("What is the population of Oslo?", 1, ["The population of Oslo is 700000."]),
    ("What's the weather in the capital of France?", 2, ["It is sunny in Paris, 21 degrees."]),
    ("What is the population of Paris? Multiply it by 2.", 2, ["2100000", "4200000"]),
    ("What is the weather in Paris and Oslo, and what is 3 times 4?", 3,
     ["sunny in Paris", "sunny in Oslo", "12"]),
    ("What is photosynthesis?", 0, ["Photosynthesis is how plants"]),
    ("Who is the mayor of Springfield?", 0, ["NanoGPT's sandbox emulator"]),
]  # fmt: skip


@pytest.fixture
def chat(sandbox) -> ChatNanoGPT:
    return ChatNanoGPT(model=MODEL, api_key=sandbox.api_key, base_url=sandbox.base_url)


@pytest.fixture
def llm(sandbox) -> Iterator[NanoGPT]:
    yield NanoGPT(model=MODEL, api_key=sandbox.api_key, base_url=sandbox.base_url)
    gc.collect()


def _asked(question) -> Any:
    return {"messages": [{"role": "user", "content": question}]}


def _calls(state):
    said = [message for message in state["messages"] if isinstance(message, AIMessage)]
    return [call["name"] for message in said for call in message.tool_calls]


@pytest.mark.parametrize(("question", "count", "held"), TASKS)
def test_langchain_agents(chat, question, count, held):
    state = create_agent(chat, TOOLS).invoke(_asked(question), {"recursion_limit": 10})
    assert len(_calls(state)) == count
    assert all(each in state["messages"][-1].text for each in held)


@pytest.mark.parametrize("strategy", [ToolStrategy, ProviderStrategy])
def test_langchain_agents_end_in_a_class(chat, strategy):
    agent = create_agent(chat, TOOLS, response_format=strategy(Weather))
    state = agent.invoke(_asked("What is the weather in the capital of Norway?"))
    assert _calls(state)[:2] == ["get_capital", "get_weather"]
    assert state["structured_response"] == Weather(city="Oslo", degrees=21, sky="sunny")


def test_langchain_agents_remember(chat):
    agent = create_agent(chat, TOOLS, checkpointer=InMemorySaver())
    answers = [
        agent.invoke(_asked(each), {"configurable": {"thread_id": "1"}})["messages"][-1].text
        for each in ("Hi, my name is Ada.", "What is the weather in Paris?", "And in Oslo?",
                     "How many people live there?", "What is my name?")
    ]  # fmt: skip
    assert answers[2] == "It is sunny in Oslo, 21 degrees."
    assert answers[3] == "700000 people live there."
    assert "Your name is Ada" in answers[4]


async def _run(agent, question, **options):
    """The answer, and the names of the tools called on the way to it."""
    handler = agent.run(question, max_iterations=8, **options)
    events = [event async for event in handler.stream_events()]
    names = [event.tool_name for event in events if isinstance(event, ToolCallResult)]
    return str(await handler), names


@pytest.mark.parametrize("kind", [FunctionAgent, ReActAgent])
@pytest.mark.parametrize(("question", "count", "held"), TASKS)
async def test_llama_index_agents(llm, kind, question, count, held):
    text, names = await _run(kind(tools=TOOLS, llm=llm), question)
    assert len(names) == count
    assert all(each in text for each in held)


@pytest.mark.parametrize("kind", [FunctionAgent, ReActAgent])
async def test_llama_index_agents_report_a_tool_that_fails(llm, kind):
    agent = kind(tools=[air_quality, multiply], llm=llm)
    text, names = await _run(agent, "What is the air quality in Paris, and what is 3 times 4?")
    assert len(names) == 2
    assert "the sensor of Paris is offline" in text
    assert "12" in text


async def test_llama_index_agents_remember(llm):
    agent = FunctionAgent(tools=TOOLS, llm=llm)
    memory = ChatMemoryBuffer.from_defaults(llm=llm)
    for question, held in (
        ("Hi, my name is Ada.", "Ada"),
        ("What is the weather in Paris?", "sunny in Paris"),
        ("And in Oslo?", "sunny in Oslo"),
        ("How many people live there?", "700000"),
        ("What is my name?", "Ada"),
    ):
        text, _ = await _run(agent, question, memory=memory)
        assert held in text


async def test_llama_index_workflows_hand_work_on(llm):
    places = FunctionAgent(
        name="places", description="Knows capitals and populations of cities and countries.",
        tools=[get_capital, get_population], llm=llm, can_handoff_to=["sums"],
    )  # fmt: skip
    sums = FunctionAgent(
        name="sums", description="Does arithmetic: adds and multiplies numbers.",
        tools=[multiply], llm=llm,
    )  # fmt: skip
    workflow = AgentWorkflow(agents=[places, sums], root_agent="places")
    text, names = await _run(workflow, "What is the population of Paris? Multiply it by 2.")
    assert names == ["get_population", "handoff", "multiply"]
    assert "4200000" in text
