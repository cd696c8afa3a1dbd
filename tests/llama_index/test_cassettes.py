"""Recorded exchanges through LlamaIndex, replayed with nothing listening; see tests/cassettes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import NanoGPTClient
from tests.llama_index.conformance.base import CHAT_WAYS, ask

pytestmark = [
    pytest.mark.vcr,
    pytest.mark.usefixtures("litter_stays_here"),
    # LlamaIndex's own; see test_agents.py
    pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince211"),
    pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:<aiosqlite:ResourceWarning"),
]

MODEL = "openai/gpt-5.2"
FACTS = [
    "The Brunnen bridge was built in 1887 by Clara Moss.",
    "Wombats sleep sixteen hours a day.",
]


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It is sunny in {city}."


@pytest.fixture
def client(recorded) -> Iterator[NanoGPTClient]:
    with NanoGPTClient(recorded.api_key, base_url=recorded.base_url, max_retries=0) as client:
        yield client


@pytest.fixture
def llm(client) -> NanoGPT:
    return NanoGPT(model=MODEL, client=client, max_tokens=500)


@pytest.mark.parametrize("way", CHAT_WAYS)
async def test_chats(llm, way):
    llm.reasoning_effort = "low"
    last = (await ask(llm, way, "Reply with exactly one word: pong"))[-1]
    assert "pong" in (last.message.content or "").lower()
    assert last.raw["usage"]["completion_tokens"] > 0
    assert last.raw["finish_reason"] == "stop"
    assert last.raw["cost"] > 0


@pytest.mark.parametrize("way", ["stream_chat_with_tools", "achat_with_tools"])
async def test_tools(llm, way):
    tools = [FunctionTool.from_defaults(get_weather)]
    answer = getattr(llm, way)(tools, user_msg="What is the weather in Paris?")
    last = list(answer)[-1] if "stream" in way else await answer
    (call,) = llm.get_tool_calls_from_response(last)
    assert (call.tool_name, call.tool_kwargs) == ("get_weather", {"city": "Paris"})


@pytest.mark.parametrize("model", [MODEL, "deepseek/deepseek-v3.2"])
def test_structured(llm, model):
    structured = llm.model_copy(update={"model": model}).as_structured_llm(Person)
    question = [ChatMessage("My name is Ada and I am 36 years old.")]
    assert structured.chat(question).raw == Person(name="Ada", age=36)
    assert list(structured.stream_chat(question))[-1].raw == Person(name="Ada", age=36)


async def test_an_agent(llm):
    handler = FunctionAgent(tools=[get_weather], llm=llm).run("What is the weather in Paris?")
    results = [e async for e in handler.stream_events() if isinstance(e, ToolCallResult)]
    assert [str(result.tool_output) for result in results] == ["It is sunny in Paris."]
    assert "sunny" in str(await handler)


def test_an_index(llm, client):
    embedding = NanoGPTEmbedding(model_name="text-embedding-3-small", client=client, dimensions=64)
    index = VectorStoreIndex([Document(text=fact) for fact in FACTS], embed_model=embedding)
    engine = index.as_query_engine(llm=llm, similarity_top_k=1, streaming=True)
    answer: Any = engine.query("Who built the Brunnen bridge?")
    assert "Clara Moss" in "".join(answer.response_gen)
    assert [node.get_content() for node in answer.source_nodes] == FACTS[:1]
