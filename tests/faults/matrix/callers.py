"""Who calls: the core and both adapters, blocking and async, whole and streamed, every paid route.

Each caller takes a client, makes one call as a user would, and returns the text that it got (also
of what broke, from the error's ``partial``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from langchain_core.documents import Document
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage
from llama_index.core.schema import NodeWithScore, TextNode

import langchain_nanogpt as lc
import llama_index_nanogpt as li
from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings, middleware
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient, batch_row
from tests.faults.matrix.faults import RETRIES

MODEL = "openai/gpt-5.2"
_Call: TypeAlias = Callable[[NanoGPTClient], Any]


@dataclass(frozen=True)
class Caller:
    """One way to call: ``streams`` says which answer it reads, ``embeds`` what it asks for.

    ``submits`` says that it starts a job, which is never sent again once it reached NanoGPT.
    """

    name: str
    call: Callable[[NanoGPTClient], Any]
    streams: bool = False
    embeds: bool = False
    submits: bool = False


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
    client._set_up(client.config, replace(client._context, retry=retry), None, client._queue)
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


PAGE, VIDEO = "https://93.184.215.14/", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
_DOCUMENTS, _NODES = [Document("hi")], [NodeWithScore(node=TextNode(text="hi"))]
_STATE: Any = {"messages": [HumanMessage("hi"), HumanMessage("hi"), HumanMessage("hi")]}
_NO_RUNTIME: Any = None

# One call of each further route that bills; with an async client it returns an awaitable.
_ROUTES: dict[str, Callable[[Any], Any]] = {
    "rerank": lambda client: client.rerank("hi", ["hi"], model=MODEL),
    "moderation": lambda client: client.moderate("hi"),
    "memory": lambda client: client.compress_memory("hi"),
    "scrape": lambda client: client.scrape(PAGE),
    "YouTube": lambda client: client.transcribe_youtube(VIDEO),
    "batch": lambda client: client.batches.submit([batch_row("hi", model=MODEL)]),
    "voice clone": lambda client: client.submit_voice_clone(b"hi", provider="qwen"),
    "video upscale": lambda client: client.submit_video(model="upscaler", video=PAGE),
    "video extension": lambda client: client.submit_video_extension("run"),
}


_SUBMISSIONS = {"batch", "voice clone", "video upscale", "video extension"}


def _guard(client: NanoGPTClient) -> middleware.NanoGPTModerationMiddleware:
    return middleware.NanoGPTModerationMiddleware(client=client)


def _memory(client: NanoGPTClient) -> middleware.NanoGPTMemoryCompressionMiddleware:
    when: Any = ("messages", 2)
    return middleware.NanoGPTMemoryCompressionMiddleware(
        _chat(client), trigger=when, keep=("messages", 1), client=client
    )


# The same routes in the frameworks, where these have a place for them: blocking, and awaited.
_LANGCHAIN: dict[str, tuple[_Call | None, _Call]] = {
    "rerank": (
        lambda client: lc.NanoGPTRerank(client=client).compress_documents(_DOCUMENTS, "hi"),
        lambda client: lc.NanoGPTRerank(client=client).acompress_documents(_DOCUMENTS, "hi"),
    ),
    "moderation": (
        lambda client: _guard(client).before_model(_STATE, _NO_RUNTIME),
        lambda client: _guard(client).abefore_model(_STATE, _NO_RUNTIME),
    ),
    "memory": (
        lambda client: _memory(client).before_model(_STATE, _NO_RUNTIME),
        lambda client: _memory(client).abefore_model(_STATE, _NO_RUNTIME),
    ),
    "web loader": (
        lambda client: lc.NanoGPTWebLoader(urls=PAGE, client=client).load(),
        lambda client: lc.NanoGPTWebLoader(urls=PAGE, client=client).aload(),
    ),
    "YouTube loader": (
        lambda client: lc.NanoGPTYoutubeLoader(urls=VIDEO, client=client).load(),
        lambda client: lc.NanoGPTYoutubeLoader(urls=VIDEO, client=client).aload(),
    ),
    "batch": (
        lambda client: lc.batch_api(_chat(client), ["hi"]),
        lambda client: lc.abatch_api(_chat(client), ["hi"]),
    ),
}
_LLAMA_INDEX: dict[str, tuple[_Call | None, _Call]] = {
    "rerank": (
        lambda client: li.NanoGPTRerank(client=client).postprocess_nodes(_NODES, None, "hi"),
        lambda client: li.NanoGPTRerank(client=client).apostprocess_nodes(_NODES, None, "hi"),
    ),
    "moderation": (
        lambda client: li.NanoGPTModerator(client=client).check(_ASK),
        lambda client: li.NanoGPTModerator(client=client).acheck(_ASK),
    ),
    "memory": (
        None,  # LlamaIndex has blocks of memory in async form only
        lambda client: li.NanoGPTMemoryBlock(client=client).aput(_ASK),
    ),
    "web reader": (
        lambda client: li.NanoGPTWebReader(client=client).load_data(PAGE),
        lambda client: li.NanoGPTWebReader(client=client).aload_data(PAGE),
    ),
    "YouTube reader": (
        lambda client: li.NanoGPTYoutubeReader(client=client).load_data(VIDEO),
        lambda client: li.NanoGPTYoutubeReader(client=client).aload_data(VIDEO),
    ),
    "batch": (
        lambda client: li.batch_api(_llm(client), ["hi"]),
        lambda client: li.abatch_api(_llm(client), ["hi"]),
    ),
}


async def _awaited(call: Callable[[Any], Any], client: Any) -> Any:
    return await call(client)


async def _shared(call: Callable[[Any], Any], client: NanoGPTClient) -> Any:
    async with AsyncNanoGPTClient.sharing(client) as shared:
        return await call(shared)


def _of_routes() -> Iterator[Caller]:
    for name, call in _ROUTES.items():
        submits = name in _SUBMISSIONS
        yield Caller(f"core {name}", call, submits=submits)
        yield Caller(f"core async {name}", _run(partial(_shared, call)), submits=submits)
    for package, parts in (("LangChain", _LANGCHAIN), ("LlamaIndex", _LLAMA_INDEX)):
        for name, (blocking, awaited) in parts.items():
            submits = name in _SUBMISSIONS
            if blocking is not None:
                yield Caller(f"{package} {name}", blocking, submits=submits)
            yield Caller(
                f"{package} async {name}", _run(partial(_awaited, awaited)), submits=submits
            )


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
    *_of_routes(),
)
