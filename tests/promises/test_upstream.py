"""Agents of both frameworks over a local server behind the sandbox, and over what it recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from llama_index.core.agent.workflow import FunctionAgent

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT
from nanogpt_client.sandbox import Recorded, Sandbox, Script, ToolCalls, Upstream
from tests.support.llama_index import agents_own_warnings
from tests.unit.llama_index_nanogpt.conftest import litter_stays_here  # noqa: F401 - a fixture

NAME = "openai/gpt-5.2"
pytestmark = [pytest.mark.usefixtures("litter_stays_here"), agents_own_warnings]


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


async def by_langchain(**settings: Any) -> str:
    llm = ChatNanoGPT(model=NAME, **settings)
    agent: Any = create_agent(llm, [multiply])
    state = await agent.ainvoke({"messages": [("user", "12 * 34?")]})
    await llm.aclose()
    return str(state["messages"][-1].text)


async def by_llama_index(**settings: Any) -> str:
    llm = NanoGPT(model=NAME, **settings)
    response = await FunctionAgent(tools=[multiply], llm=llm).run("12 * 34?")
    await llm.aclose()
    return str(response)


@pytest.mark.parametrize("ask", [by_langchain, by_llama_index])
async def test_agents_over_an_upstream_and_its_recording(ask, tmp_path: Path):
    """The upstream is another sandbox: any server that speaks OpenAI's protocol serves."""
    script = Script(ToolCalls(multiply={"a": 12, "b": 34}), "It is 408.")
    path = tmp_path / "turns.jsonl"
    with Sandbox(model=script, api_key="local-key") as local:
        upstream = Upstream(local.base_url, model="qwen3:4b", api_key="local-key")
        with Sandbox(model=Recorded(path, model=upstream)) as box:
            assert await ask(api_key=box.api_key, base_url=box.base_url) == "It is 408."
            assert box.balance < 5
        assert [request.json["model"] for request in local.requests] == ["qwen3:4b"] * 2
        assert local.requests[-1].messages[-1]["content"] == "408"
    script.assert_exhausted()
    with Sandbox(model=Recorded(path, record="none")) as box:
        assert await ask(api_key=box.api_key, base_url=box.base_url) == "It is 408."
