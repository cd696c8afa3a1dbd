"""Every way to a tool: both frameworks, blocking and asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.calling import acall_tool_with_selection, call_tool_with_selection

from langchain_nanogpt import NanoGPTToolkit
from llama_index_nanogpt import NanoGPTToolSpec
from nanogpt_client import NanoGPTClient

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


class Seen(NamedTuple):
    """What came of a tool's call: what the model reads, what the program gets."""

    text: str
    artifact: Mapping[str, Any] | None
    failed: bool
    message: Any  # the framework's own


class Way(NamedTuple):
    """One way to call a tool, as an agent does."""

    name: str
    call: Callable[..., Seen]


def _langchain(client: NanoGPTClient, tool: str, arguments: dict[str, Any], **settings: Any) -> Any:
    tools = {t.name: t for t in NanoGPTToolkit(client=client, **settings).get_tools()}
    return tools[tool], {"type": "tool_call", "id": "1", "name": tool, "args": arguments}


def _of_message(message: Any) -> Seen:
    return Seen(str(message.content), message.artifact, message.status == "error", message)


def invoke(*args: Any, **settings: Any) -> Seen:
    tool, call = _langchain(*args, **settings)
    return _of_message(tool.invoke(call))


def ainvoke(*args: Any, **settings: Any) -> Seen:
    tool, call = _langchain(*args, **settings)
    return _of_message(asyncio.run(tool.ainvoke(call)))


def _llama(client: NanoGPTClient, tool: str, arguments: dict[str, Any], **settings: Any) -> Any:
    tools = NanoGPTToolSpec(client=client, **settings).to_tool_list()
    return ToolSelection(tool_id="1", tool_name=tool, tool_kwargs=arguments), [*tools]


def _of_output(output: Any) -> Seen:
    artifact = getattr(output.raw_output, "artifact", None)
    return Seen(output.content, artifact, output.is_error, output)


def call(*args: Any, **settings: Any) -> Seen:
    return _of_output(call_tool_with_selection(*_llama(*args, **settings)))


def acall(*args: Any, **settings: Any) -> Seen:
    return _of_output(asyncio.run(acall_tool_with_selection(*_llama(*args, **settings))))


WAYS = [Way(way.__name__, way) for way in (invoke, ainvoke, call, acall)]
