"""The cost handler: per block of code what the ledger reports in all."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import instrument_tags
from pydantic import BaseModel, Field

from llama_index_nanogpt import (
    NanoGPT,
    NanoGPTCostHandler,
    NanoGPTEmbedding,
    NanoGPTToolSpec,
    NanoGPTWebSearchRetriever,
)
from nanogpt_client import Ledger, LedgerEntry, NanoGPTClient, NanoGPTError
from tests.support.rawserver import End, RawServer

MODEL = "openai/gpt-5.2"
ASK = [ChatMessage(content="hi")]


class Person(BaseModel):
    """A person."""

    name: str


@pytest.fixture
def client(sandbox):
    with NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url) as client:
        yield client


@pytest.fixture
def llm(client):
    return NanoGPT(model=MODEL, client=client)


def same(costs: NanoGPTCostHandler, ledger: Ledger) -> bool:
    mine, all_of_it = costs.ledger.totals_by("kind", "outcome"), ledger.totals_by("kind", "outcome")
    return costs.total_usd == ledger.spent and mine == all_of_it


async def test_every_way_to_ask_counts_once(llm):
    with NanoGPTCostHandler() as costs:
        llm.chat(ASK)
        llm.complete("hi")
        list(llm.stream_chat(ASK))
        list(llm.stream_complete("hi"))
        await llm.achat(ASK)
        await llm.acomplete("hi")
        assert [item async for item in await llm.astream_chat(ASK)]
        assert [item async for item in await llm.astream_complete("hi")]
        llm.as_structured_llm(Person).complete("My name is Ada.")
    assert same(costs, llm.ledger)
    assert costs.ledger.totals.calls == 9
    assert costs.ledger.totals_by("model").keys() == {MODEL}


async def test_cancelled_calls_count_as_abandoned():
    arrived = threading.Semaphore(0)

    def hold(_request):
        arrived.release()
        return [End.HOLD]

    with RawServer(hold) as server, NanoGPTCostHandler() as costs:
        words: Any = {"api_key": "sk-test-key", "base_url": server.base_url}
        words["ledger"] = Ledger()
        llm, embedding = NanoGPT(model=MODEL, **words), NanoGPTEmbedding(model_name="e", **words)

        async def read():
            return [item async for item in await llm.astream_chat(ASK)]

        calls = [llm.achat(ASK), llm.acomplete("hi"), read(), embedding.aget_query_embedding("hi")]
        tasks = [asyncio.create_task(call) for call in calls]
        for _ in tasks:
            await asyncio.to_thread(arrived.acquire)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() for task in tasks)
        await llm.aclose()
        await embedding.aclose()
    assert same(costs, llm.ledger)
    assert costs.ledger.totals.calls == costs.ledger.totals.unknown_costs == len(tasks)


def test_an_index_counts_with_its_embeddings(llm, client):
    embedding = NanoGPTEmbedding(model_name="text-embedding-3-small", client=client)
    with NanoGPTCostHandler() as costs:
        index = VectorStoreIndex.from_documents(
            [Document(text="Nano has no fees.")], embed_model=embedding
        )
        index.as_query_engine(llm=llm).query("Does Nano have fees?")
    assert same(costs, client.ledger)
    assert costs.ledger.totals_by("kind").keys() == {"chat", "embedding"}


@pytest.mark.parametrize("fault", ["401", "html-200"])
async def test_a_failed_call_is_booked_too(client, fault):
    llm = NanoGPT(model=f"sandbox/fault/{fault}", client=client)
    embedding = NanoGPTEmbedding(model_name=f"sandbox/fault/{fault}", client=client)
    with NanoGPTCostHandler() as costs:
        with pytest.raises(NanoGPTError):
            llm.chat(ASK)
        with pytest.raises(NanoGPTError):
            await llm.achat(ASK)
        with pytest.raises(NanoGPTError):
            list(llm.stream_chat(ASK))
        with pytest.raises(NanoGPTError):
            llm.complete("hi")
        with pytest.raises(NanoGPTError):
            embedding.get_text_embedding("hi")
        with pytest.raises(NanoGPTError):
            await embedding.aget_text_embedding("hi")
    assert same(costs, client.ledger)
    assert costs.ledger.totals.calls == 6


def test_an_abandoned_stream_is_counted_as_unknown(llm):
    with NanoGPTCostHandler() as costs:
        stream = llm.stream_chat([ChatMessage(content="Tell me about Nano.")])
        next(stream)
        stream.close()
    assert [entry.outcome for entry in costs.ledger] == ["abandoned"]
    assert same(costs, llm.ledger)


class Tracer(BaseEventHandler):
    """Files events under their spans, and complains of those that it does not know."""

    complaints: list[str] = Field(default_factory=list)
    heard: list[str] = Field(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "Tracer"

    def handle(self, event: Any, **_: Any) -> None:
        self.heard.append(event.class_name())
        if event.span_id and type(event).__module__.startswith("llama_index_nanogpt"):
            self.complaints.append(event.class_name())


async def test_tracers_have_nothing_to_complain_of(client):
    """Tracers warn of an event of an unknown kind in a span that they follow."""
    tracer = Tracer()
    get_dispatcher().add_event_handler(tracer)
    try:
        embedding = NanoGPTEmbedding(model_name="text-embedding-3-small", client=client)
        await embedding.aget_text_embedding_batch(["a", "b"])
        NanoGPTWebSearchRetriever(client=client).retrieve("Nano")
        tools = NanoGPTToolSpec(client=client, video_poll_interval=0.01).to_tool_list()
        named = {tool.metadata.name: tool for tool in tools}
        named["search_web"](query="Nano")
        await named["generate_video"].acall(prompt="a cat")
        failing = NanoGPTEmbedding(model_name="sandbox/fault/401", client=client)
        with pytest.raises(NanoGPTError):
            failing.get_text_embedding("hi")
    finally:
        get_dispatcher().event_handlers.remove(tracer)
    assert tracer.complaints == []
    assert tracer.heard.count("NanoGPTCallEvent") == 5
    assert "NanoGPTProgressEvent" in tracer.heard


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, SystemExit])
def test_calls_that_are_interrupted_count_as_abandoned(client, monkeypatch, stopped):
    def interrupt(*_: Any) -> None:
        raise stopped

    monkeypatch.setattr("nanogpt_client._transport.http.Transport.send", interrupt)
    embedding = NanoGPTEmbedding(model_name="text-embedding-3-small", client=client)
    with NanoGPTCostHandler() as costs:
        for call in (NanoGPT(model=MODEL, client=client).complete, embedding.get_text_embedding):
            with pytest.raises(stopped):
                call("hi")
    assert same(costs, client.ledger)
    assert [(e.kind, e.cost) for e in costs.ledger] == [("chat", None), ("embedding", None)]


def test_tags_choose_what_counts(llm):
    with NanoGPTCostHandler(tags={"team": "a"}) as costs:
        llm.chat(ASK)
        with instrument_tags({"team": "b"}):
            llm.chat(ASK)
        with instrument_tags({"team": "a"}):
            llm.chat(ASK)
    assert costs.ledger.totals.calls == 1


def test_outside_its_block_and_of_others_it_hears_nothing(llm):
    with NanoGPTCostHandler() as costs:
        MockLLM().complete("hi")
    llm.chat(ASK)
    assert len(costs.ledger) == 0


def test_a_handler_shows_what_its_calls_cost():
    costs = NanoGPTCostHandler()
    costs.ledger.record(LedgerEntry("chat", "m", "ok", Decimal("1E-7"), 12_000, 3))
    assert repr(costs) == ("<NanoGPTCostHandler: 1 call, 0.0000001 USD, 12,000 tokens in, 3 out>")
    assert str(costs) == str(costs.ledger)
    assert costs._repr_html_() == costs.ledger._repr_html_()
    assert costs.total_usd == Decimal("1E-7")
