"""Both frameworks' MCP clients use the server, with an approval and a stop by its budget."""

from __future__ import annotations

import os
from typing import Any

import pytest
from httpx import Timeout
from langchain_core.messages import ToolMessage
from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from llama_index.core.tools import FunctionTool
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import ElicitResult

from nanogpt_client.tools import TOOLS
from tests.unit.nanogpt_client.mcp.processes import COMMAND, address, listening

IMAGE = {"prompt": "a cat", "size": "256x256"}  # 0.005 USD
NAMES = list(TOOLS)


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_call", "id": "1", "name": name, "args": arguments}


async def test_langchain_over_stdio(tmp_path):
    asked = []

    async def answer(mcp_context: Any, params: Any, context: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="decline" if len(asked) == 2 else "accept")

    options = ["--budget", "0.011", "--confirm-above", "0.004", "--output-dir", str(tmp_path)]
    python, *arguments = COMMAND
    server: Any = {
        "transport": "stdio",
        "command": python,
        "args": [*arguments, *options],
        "env": dict(os.environ),
    }
    client = MultiServerMCPClient(
        {"nanogpt": server},
        callbacks=Callbacks(on_elicitation=answer),
    )
    async with client.session("nanogpt") as session:
        tools = {
            tool.name: tool for tool in await load_mcp_tools(session, callbacks=client.callbacks)
        }
        assert list(tools) == NAMES
        draw = tools["generate_image"]
        made: ToolMessage = await draw.ainvoke(call(draw.name, IMAGE))
        assert made.status == "success"
        text, image = made.content_blocks
        assert "for 0.005 USD" in text["text"]  # type: ignore[typeddict-item]
        assert (image["type"], image["mime_type"]) == ("image", "image/png")  # type: ignore[typeddict-item]
        assert made.artifact["structured_content"]["cost_exact"] == "0.005"
        declined = await draw.ainvoke(call(draw.name, IMAGE))
        assert declined.status == "error"
        assert "the user did not confirm it" in str(declined.content)
        assert len(asked) == 2
        speak = tools["speak"]
        said = await speak.ainvoke(call(speak.name, {"text": "x" * 20}))
        assert said.status == "success"
        assert [block["type"] for block in said.content_blocks] == ["text", "file"]
        long = await speak.ainvoke(call(speak.name, {"text": "x" * 400}))
        assert long.status == "error"
        assert "Make no more paid calls" in str(long.content)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.fixture(scope="module")
def url():
    with listening("--budget", "0.008", "--inline", "audio") as process:
        yield address(process)


async def test_llama_index_over_http(url):
    async with create_mcp_http_client(timeout=Timeout(20)) as http_client:
        spec = McpToolSpec(client=BasicMCPClient(url, http_client=http_client))
        await use(await spec.to_tool_list_async())


async def use(found: list[FunctionTool]) -> None:
    tools: dict[str | None, Any] = {tool.metadata.name: tool for tool in found}
    assert list(tools) == NAMES
    made = (await tools["generate_image"].acall(**IMAGE)).raw_output
    assert made.isError is False
    assert made.structuredContent["cost_exact"] == "0.005"
    said = (await tools["speak"].acall(text="Good morning")).raw_output
    assert [part.type for part in said.content] == ["text", "audio"]
    stopped = (await tools["generate_image"].acall(**IMAGE)).raw_output
    assert stopped.isError is True
    assert "Make no more paid calls; tell the user." in stopped.content[0].text
    balance = (await tools["check_balance"].acall()).raw_output
    assert balance.structuredContent["usd_exact"] == "4.99482"
