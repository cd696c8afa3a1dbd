"""Agents of LangChain and LangGraph with NanoGPT's (here: the sandbox's) models."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import BaseModel

QUESTION: Any = {"messages": [{"role": "user", "content": "What is 17 times 23? Use the tool."}]}

THANKS: Any = {"messages": [{"role": "user", "content": "Thank you"}]}


class Product(BaseModel):
    """A product."""

    value: int


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def said(messages):
    return [message for message in messages if isinstance(message, AIMessage)]


def test_an_agent_calls_a_tool_and_answers(llm):
    messages = create_agent(llm, [multiply]).invoke(QUESTION)["messages"]
    results = [message.content for message in messages if isinstance(message, ToolMessage)]
    assert results == ["391"]
    assert "391" in messages[-1].text
    assert all(message.response_metadata["cost"] > 0 for message in said(messages))


@pytest.mark.parametrize("strategy", [ProviderStrategy, ToolStrategy])
async def test_an_agent_ends_with_a_structured_answer(llm, strategy):
    agent = create_agent(llm, [multiply], response_format=strategy(Product))
    state = await agent.ainvoke(QUESTION)
    assert isinstance(state["structured_response"], Product)


def test_tokens_of_a_graph_stream_with_their_provider(llm):
    chunks = [
        chunk
        for chunk, _ in create_agent(llm, [multiply]).stream(QUESTION, stream_mode="messages")
        if isinstance(chunk, AIMessageChunk)
    ]
    assert len(chunks) > 4
    assert "391" in "".join(chunk.text for chunk in chunks)


def test_a_graph_goes_on_from_its_checkpoint(llm):
    saver = InMemorySaver()
    config: Any = {"configurable": {"thread_id": "1"}}
    create_agent(llm, [multiply], checkpointer=saver).invoke(QUESTION, config)
    again = create_agent(llm, [multiply], checkpointer=saver)
    messages = again.invoke(THANKS, config)
    assert len(said(messages["messages"])) == 3
