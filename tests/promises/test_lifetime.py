"""One object, many lives: loops, threads, forks, fresh processes, copies, proxies.

The core's clients have such tests of their own; here are the frameworks' models, which nobody
closes, and what both have from the HTTP library: injected clients, proxies, the environment.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import importlib
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient
from nanogpt_client._transport import pool
from tests.promises.answers import (
    chat_answer,
    embedding_answer,
    langchain_chat,
    langchain_embeddings,
    llama_chat,
    llama_embedding,
)
from tests.support.forks import in_a_fork
from tests.support.rawserver import RawServer, Script

MODELS: dict[str, Callable[..., Any]] = {
    "core": NanoGPTClient,
    "LangChain chat": langchain_chat,
    "LangChain embeddings": langchain_embeddings,
    "LlamaIndex LLM": llama_chat,
    "LlamaIndex embedding": llama_embedding,
}
VECTOR = [0.5, 0.25]
ASK = [ChatMessage("hi")]
every_model = pytest.mark.parametrize("name", MODELS)
every_library = pytest.mark.parametrize("library", ["httpx", "httpx2"])


@pytest.fixture(autouse=True)
def nothing_is_left_open():
    """Unclosed sockets warn when they are collected, and warnings are errors."""
    yield
    gc.collect()


def answer_for(name: str) -> Script:
    return embedding_answer() if "embed" in name else chat_answer()


def call(thing: Any) -> Any:
    """Make one blocking call; return whether the answer is right."""
    if isinstance(thing, NanoGPTClient):
        return thing.chat("hi", model="m").text == "Hello"
    if hasattr(thing, "invoke"):
        return thing.invoke("hi").text == "Hello"
    if hasattr(thing, "embed_query"):
        return thing.embed_query("hi") == VECTOR
    if hasattr(thing, "chat"):
        return thing.chat(ASK).message.content == "Hello"
    return thing.get_text_embedding("hi") == VECTOR


async def acall(thing: Any) -> Any:
    """Make one async call; return whether the answer is right."""
    if isinstance(thing, NanoGPTClient):
        return (await AsyncNanoGPTClient.sharing(thing).chat("hi", model="m")).text == "Hello"
    if hasattr(thing, "ainvoke"):
        return (await thing.ainvoke("hi")).text == "Hello"
    if hasattr(thing, "aembed_query"):
        return await thing.aembed_query("hi") == VECTOR
    if hasattr(thing, "achat"):
        return (await thing.achat(ASK)).message.content == "Hello"
    return await thing.aget_text_embedding("hi") == VECTOR


@every_model
def test_several_event_loops(name: str):
    async def several(thing: Any) -> list[Any]:
        return await asyncio.gather(*(acall(thing) for _ in range(3)))

    with RawServer(answer_for(name)) as server:
        thing = MODELS[name](api_key="any", base_url=server.base_url)
        for _ in range(3):
            assert asyncio.run(several(thing)) == [True] * 3
        assert call(thing)
        assert server.posts == len(thing.ledger) == 10
        thing.close()


@every_model
def test_threads(name: str):
    with RawServer(answer_for(name)) as server, ThreadPoolExecutor(8) as pool:
        thing = MODELS[name](api_key="any", base_url=server.base_url)
        # Half of them with a loop of their own, all with the first call as a race.
        ways = [lambda: call(thing), lambda: asyncio.run(acall(thing))] * 8
        assert list(pool.map(lambda way: way(), ways)) == [True] * 16
        assert server.posts == len(thing.ledger) == 16
        thing.close()


@every_model
@pytest.mark.parametrize("used", [False, True])
def test_a_forked_child(name: str, used, monkeypatch):
    monkeypatch.setattr(pool, "OBSERVED_TIMES", 0)  # connections are used again from the first on
    with RawServer(answer_for(name)) as server:
        thing = MODELS[name](api_key="any", base_url=server.base_url)
        if used:
            assert call(thing)

        def work() -> None:
            assert call(thing)
            assert asyncio.run(acall(thing))

        assert in_a_fork(work) == 0
        assert call(thing)
        # The child had connections of its own; the parent's was good for both of its calls.
        assert (server.posts, server.connections) == (3 + used, 3)
        thing.close()


def call_pickled(pickled: bytes) -> tuple[Any, int]:
    thing = pickle.loads(pickled)
    right = call(thing) and asyncio.run(acall(thing))
    thing.close()
    return right, len(thing.ledger)


def call_sent(thing: Any) -> bool:
    return bool(call(thing) and asyncio.run(acall(thing)))


def test_worker_processes_get_the_key_but_stored_pickles_do_not():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as workers:
        for name, make in MODELS.items():
            with RawServer(answer_for(name)) as server:
                thing = make(api_key="any-explicit-key", base_url=server.base_url)
                assert workers.submit(call_sent, thing).result(), name
                assert server.posts == 2
                assert b"any-explicit-key" not in pickle.dumps(thing)
                thing.close()


def test_spawned_processes():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        for name, make in MODELS.items():
            with RawServer(answer_for(name)) as server:
                thing = make(api_key="any", base_url=server.base_url, pickle_api_key=True)
                assert pool.submit(call_pickled, pickle.dumps(thing)).result() == (True, 2)
                assert call(thing)
                assert pool.submit(call_pickled, pickle.dumps(thing)).result() == (True, 2)
                assert server.posts == 5
                thing.close()


@every_model
@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies(name: str, used, again):
    with RawServer(answer_for(name)) as server:
        thing = MODELS[name](api_key="any", base_url=server.base_url, pickle_api_key=True)
        if used:
            assert call(thing)
            assert asyncio.run(acall(thing))
        other = again(thing)
        for each in (other, thing, other):
            assert call(each)
            assert asyncio.run(acall(each))
        assert server.posts == 6 + 2 * used
        thing.close()
        other.close()


# The caller's own HTTP clients


def words_with(http: Any, ahttp: Any, name: str) -> dict[str, Any]:
    return {"http_client": http} | ({} if name == "core" else {"http_async_client": ahttp})


@every_model
@every_library
def test_injected_clients_stay_open_and_as_they_were(name: str, library):
    module = importlib.import_module(library)
    with RawServer(answer_for(name)) as server:
        http, ahttp = module.Client(headers={"x-mine": "1"}), module.AsyncClient(timeout=3.0)
        before = [dict(http.headers), http.timeout, dict(ahttp.headers), ahttp.timeout]
        thing = MODELS[name](
            api_key="any", base_url=server.base_url, **words_with(http, ahttp, name)
        )

        async def use_and_leave() -> None:
            if name != "core":
                assert await acall(thing)
                await thing.aclose()
            assert not ahttp.is_closed
            await ahttp.aclose()

        assert call(thing)
        thing.close()
        asyncio.run(use_and_leave())
        assert not http.is_closed
        assert before == [dict(http.headers), http.timeout, dict(ahttp.headers), ahttp.timeout]
        assert http.get(server.base_url).status_code == 200
        assert server.requests[0].headers["x-mine"] == "1"
        http.close()


@every_model
@every_library
def test_a_proxy_is_the_injected_clients(name: str, library):
    module = importlib.import_module(library)
    with RawServer(answer_for(name)) as proxy:
        address = proxy.base_url.removesuffix("/api/v1")
        with module.Client(proxy=address) as http:
            words = words_with(http, None, name)
            thing = MODELS[name](api_key="any", base_url="http://nano.invalid/api/v1", **words)
            assert call(thing)
        (request,) = proxy.requests
        assert request.target.startswith("http://nano.invalid/api/v1/")
        assert request.headers["host"] == "nano.invalid"


@every_model
def test_the_environments_proxy_is_used(name: str, monkeypatch):
    with RawServer(answer_for(name)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/api/v1"))
        thing = MODELS[name](api_key="any", base_url="http://nano.invalid/api/v1")
        assert call(thing)
        assert asyncio.run(acall(thing))
        assert [r.headers["host"] for r in proxy.requests] == ["nano.invalid"] * 2
        thing.close()


@pytest.mark.parametrize("way", ["NO_PROXY", "trust_env"])
@every_library
def test_the_environments_proxy_can_be_turned_off(way, library, monkeypatch):
    with RawServer(chat_answer()) as proxy, RawServer(chat_answer()) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/api/v1"))
        if way == "NO_PROXY":
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with importlib.import_module(library).Client(trust_env=way == "NO_PROXY") as http:
            assert call(NanoGPTClient("any", base_url=server.base_url, http_client=http))
        assert (proxy.posts, server.posts) == (0, 1)
