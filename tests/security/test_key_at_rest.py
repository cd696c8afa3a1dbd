"""What is written down of a client, model or tool holds no key, and works where it is read."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import ConfigurableField
from langchain_core.tools import ToolException
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from llama_index.core.schema import NodeWithScore, TextNode
from typing_extensions import TypedDict

from langchain_nanogpt import (
    ChatNanoGPT,
    NanoGPTEmbeddings,
    NanoGPTRerank,
    NanoGPTToolkit,
    NanoGPTWebSearchRetriever,
)
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding, NanoGPTToolSpec
from llama_index_nanogpt import NanoGPTRerank as LlamaIndexRerank
from nanogpt_client import AsyncNanoGPTClient, ConfigurationError, NanoGPTClient
from tests.security.ways import KEY

Use = Callable[[Any], Any]


class Thing(NamedTuple):
    """Something that holds a key: how it is made, and a call of it."""

    make: Callable[..., Any]
    use: Use


def chat(settings: dict[str, Any]) -> ChatNanoGPT:
    return ChatNanoGPT(model="openai/gpt-5.2", **settings)


def tool(settings: dict[str, Any]) -> Any:
    made = next(t for t in NanoGPTToolkit(**settings).get_tools() if t.name == "search_web")
    made.handle_tool_error = False
    return made


def search(made: Any) -> Any:
    try:
        return made.invoke({"query": "Nano"})
    except ToolException as error:
        raise error.__cause__ or error from None


EMBEDDING = "text-embedding-3-small"

THINGS = {
    "client": Thing(
        lambda settings: NanoGPTClient(**settings),
        lambda c: c.chat("hi", model="openai/gpt-5.2").text,
    ),
    "async client": Thing(
        lambda settings: AsyncNanoGPTClient(**settings),
        lambda c: asyncio.run(c.chat("hi", model="openai/gpt-5.2")).text,
    ),
    "ChatNanoGPT": Thing(chat, lambda llm: llm.invoke("hi").text),
    "ChatNanoGPT of a client": Thing(
        lambda settings: chat({"client": NanoGPTClient(**settings)}),
        lambda llm: llm.invoke("hi").text,
    ),
    "ChatNanoGPT, bound": Thing(
        lambda settings: chat(settings).bind(temperature=0), lambda llm: llm.invoke("hi").text
    ),
    "NanoGPTEmbeddings": Thing(
        lambda settings: NanoGPTEmbeddings(model=EMBEDDING, **settings),
        lambda e: e.embed_query("hi"),
    ),
    "NanoGPTWebSearchRetriever": Thing(
        lambda settings: NanoGPTWebSearchRetriever(**settings), lambda r: r.invoke("Nano")
    ),
    "NanoGPTRerank of LangChain": Thing(
        lambda settings: NanoGPTRerank(**settings),
        lambda r: r.compress_documents([Document("Nano")], "Nano"),
    ),
    "NanoGPTRerank of LlamaIndex": Thing(
        lambda settings: LlamaIndexRerank(**settings),
        lambda r: r.postprocess_nodes([NodeWithScore(node=TextNode(text="Nano"))], query_str="Na"),
    ),
    "LangChain tool": Thing(tool, search),
    "NanoGPT": Thing(
        lambda settings: NanoGPT(model="openai/gpt-5.2", **settings),
        lambda llm: llm.complete("hi").text,
    ),
    "NanoGPTEmbedding": Thing(
        lambda settings: NanoGPTEmbedding(model_name=EMBEDDING, **settings),
        lambda e: e.get_query_embedding("hi"),
    ),
    "NanoGPTToolSpec": Thing(
        lambda settings: NanoGPTToolSpec(**settings),
        lambda spec: spec.search_web(query="Nano").text,
    ),
}

every_thing = pytest.mark.parametrize("thing", THINGS.values(), ids=list(THINGS))
CHECKPOINTED = ["ChatNanoGPT", "ChatNanoGPT of a client", "NanoGPTEmbeddings"]


@pytest.fixture
def given(sandbox) -> dict[str, Any]:
    return {"api_key": sandbox.api_key, "base_url": sandbox.base_url}


@pytest.fixture
def key(sandbox) -> bytes:
    return bytes(sandbox.api_key, "ascii")


@every_thing
@pytest.mark.parametrize("used", [False, True])
def test_a_pickle_holds_no_key_and_takes_that_of_the_environment(
    thing, used, given, key, monkeypatch
):
    made = thing.make(given)
    if used:
        assert thing.use(made)
    pickled = pickle.dumps(made)
    assert key not in pickled
    monkeypatch.setenv("NANOGPT_API_KEY", key.decode())
    assert thing.use(pickle.loads(pickled))


@every_thing
def test_where_there_is_no_key_either_the_first_call_says_what_to_do(thing, given):
    again = pickle.loads(pickle.dumps(thing.make(given)))
    with pytest.raises(ConfigurationError, match=r"NANOGPT_API_KEY.*pickle_api_key=True"):
        thing.use(again)


@every_thing
def test_a_pickle_holds_it_where_a_setting_says_so(thing, given, key):
    pickled = pickle.dumps(thing.make({**given, "pickle_api_key": True}))
    assert key in pickled
    assert thing.use(pickle.loads(pickled))


@every_thing
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
def test_copies_within_the_process_keep_it(thing, given, again):
    assert thing.use(again(thing.make(given)))


def test_copies_that_change_something_keep_it(given):
    llm = chat(given)
    assert llm.model_copy(update={"temperature": 0}).invoke("hi").text
    configurable = llm.configurable_fields(temperature=ConfigurableField(id="heat"))
    assert configurable.with_config(configurable={"heat": 0}).invoke("hi").text


# LangGraph's checkpoints


def checkpoint(thing: Any) -> tuple[str, bytes]:
    return JsonPlusSerializer().dumps_typed(thing)


@pytest.mark.parametrize("name", CHECKPOINTED)
@pytest.mark.parametrize("setting", [{}, {"pickle_api_key": True}])
@pytest.mark.filterwarnings("ignore:Deserializing unregistered type")
def test_a_checkpoint_holds_no_key_and_takes_that_of_the_environment(
    name, setting, given, key, monkeypatch
):
    thing = THINGS[name]
    kind, data = checkpoint(thing.make(given | setting))
    assert key not in data
    with pytest.raises(ConfigurationError, match="NANOGPT_API_KEY"):
        thing.use(JsonPlusSerializer().loads_typed((kind, data)))
    monkeypatch.setenv("NANOGPT_API_KEY", key.decode())
    again = JsonPlusSerializer().loads_typed((kind, data))
    assert type(again) is type(thing.make(given))
    assert thing.use(again)


class State(TypedDict):
    """A state with a model in it."""

    llm: Any
    answer: str


@pytest.mark.filterwarnings("ignore:Deserializing unregistered type")
def test_a_graph_whose_state_holds_a_model_keeps_the_key_out_of_its_checkpoints(
    sandbox, monkeypatch
):
    monkeypatch.setenv("NANOGPT_API_KEY", sandbox.api_key)
    saver = InMemorySaver()
    graph = StateGraph(State)
    graph.add_node("ask", lambda state: {"answer": state["llm"].invoke("hi").text})
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    thread: Any = {"configurable": {"thread_id": "1"}}
    compiled = graph.compile(checkpointer=saver)
    compiled.invoke({"llm": chat({"base_url": sandbox.base_url}), "answer": ""}, thread)
    kept = repr((saver.storage, saver.blobs, saver.writes))
    assert "ChatNanoGPT" in kept
    assert sandbox.api_key not in kept
    assert compiled.get_state(thread).values["llm"].invoke("hi").text


@pytest.mark.parametrize("name", ["ChatNanoGPT", "NanoGPTEmbeddings", "NanoGPTToolSpec", "NanoGPT"])
def test_dumps_hold_no_key(name):
    thing = THINGS[name].make({"api_key": KEY, "base_url": "http://localhost:1/api/v1"})
    assert KEY not in repr([thing.model_dump(), thing.model_dump_json()])
    dumped = thing.model_dump().get("api_key")
    assert dumped is None  # not even as a secret, which LangGraph would open
