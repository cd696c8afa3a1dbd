"""Who calls: the core and both adapters, blocking and async, whole and streamed.

Each caller takes a client, makes one call as a user would, and returns the text that it got (also
of what broke, from the error's ``partial``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient
from tests.faults.matrix.faults import RETRIES

MODEL = "openai/gpt-5.2"


@dataclass(frozen=True)
class Caller:
    """One way to call; ``streams`` says which answer it reads, ``embeds`` what it asks for."""

    name: str
    call: Callable[[NanoGPTClient], Any]
    streams: bool = False
    embeds: bool = False


def client_for(base_url: str, limit: float) -> NanoGPTClient:
    """Return a client that waits ``limit`` seconds for answers, and not at all between retries."""
    client = NanoGPTClient(
        "sk-nano-fault-matrix",
        base_url=base_url,
        timeout=limit,
        first_event_timeout=limit,
        stream_idle_timeout=limit,
        max_retries=RETRIES,
        rate_limit_wait=0.0,
    )
    retry = replace(client._context.retry, jitter=lambda: 0.0)
    client._context = replace(client._context, retry=retry)
    return client


def _core_stream(client: NanoGPTClient) -> str:
    return "".join(chunk.text for chunk in client.stream_chat("hi", model=MODEL))


async def _acore(client: NanoGPTClient) -> str:
    async with AsyncNanoGPTClient.sharing(client) as shared:
        return (await shared.chat("hi", model=MODEL)).text


async def _acore_stream(client: NanoGPTClient) -> str:
    async with AsyncNanoGPTClient.sharing(client) as shared:
        return "".join([chunk.text async for chunk in shared.stream_chat("hi", model=MODEL)])


async def _acore_embed(client: NanoGPTClient) -> Any:
    async with AsyncNanoGPTClient.sharing(client) as shared:
        return await shared.embed(["hi"], model=MODEL)


def _chat(client: NanoGPTClient) -> ChatNanoGPT:
    return ChatNanoGPT(model=MODEL, client=client)


def _langchain_stream(client: NanoGPTClient) -> str:
    return "".join(chunk.text for chunk in _chat(client).stream([HumanMessage("hi")]))


async def _langchain_astream(client: NanoGPTClient) -> str:
    return "".join([chunk.text async for chunk in _chat(client).astream([HumanMessage("hi")])])


def _llm(client: NanoGPTClient) -> NanoGPT:
    return NanoGPT(model=MODEL, client=client)


_ASK = [ChatMessage(content="hi")]


def _llama_stream(client: NanoGPTClient) -> str:
    text = ""
    for item in _llm(client).stream_chat(_ASK):
        text = item.message.content or ""
    return text


async def _llama_astream(client: NanoGPTClient) -> str:
    text = ""
    async for item in await _llm(client).astream_chat(_ASK):
        text = item.message.content or ""
    return text


def _run(function: Callable[[NanoGPTClient], Any]) -> Callable[[NanoGPTClient], Any]:
    return lambda client: asyncio.run(function(client))


CALLERS = (
    Caller("core chat", lambda client: client.chat("hi", model=MODEL).text),
    Caller("core async chat", _run(_acore)),
    Caller("core stream", _core_stream, streams=True),
    Caller("core async stream", _run(_acore_stream), streams=True),
    Caller("core embed", lambda client: client.embed(["hi"], model=MODEL), embeds=True),
    Caller("core async embed", _run(_acore_embed), embeds=True),
    Caller("LangChain invoke", lambda client: _chat(client).invoke("hi").text),
    Caller("LangChain ainvoke", lambda client: asyncio.run(_chat(client).ainvoke("hi")).text),
    Caller("LangChain stream", _langchain_stream, streams=True),
    Caller("LangChain astream", _run(_langchain_astream), streams=True),
    Caller(
        "LangChain embed",
        lambda client: NanoGPTEmbeddings(model=MODEL, client=client).embed_documents(["hi"]),
        embeds=True,
    ),
    Caller(
        "LangChain aembed",
        lambda client: asyncio.run(
            NanoGPTEmbeddings(model=MODEL, client=client).aembed_documents(["hi"])
        ),
        embeds=True,
    ),
    Caller("LlamaIndex chat", lambda client: _llm(client).chat(_ASK).message.content),
    Caller(
        "LlamaIndex achat",
        lambda client: asyncio.run(_llm(client).achat(_ASK)).message.content,
    ),
    Caller("LlamaIndex stream_chat", _llama_stream, streams=True),
    Caller("LlamaIndex astream_chat", _run(_llama_astream), streams=True),
    Caller(
        "LlamaIndex embed",
        lambda client: NanoGPTEmbedding(model_name=MODEL, client=client).get_text_embedding("hi"),
        embeds=True,
    ),
    Caller(
        "LlamaIndex aembed",
        lambda client: asyncio.run(
            NanoGPTEmbedding(model_name=MODEL, client=client).aget_text_embedding("hi")
        ),
        embeds=True,
    ),
)
