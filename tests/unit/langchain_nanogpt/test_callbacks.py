"""The cost handler: per run what the ledger reports in all."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import (
    FakeListChatModel,
    FakeListChatModelError,
)
from langchain_core.messages import HumanMessage
from langchain_core.tracers._streaming import _StreamingCallbackHandler

from langchain_nanogpt import ChatNanoGPT, NanoGPTCostCallbackHandler
from nanogpt_client import Ledger, LedgerEntry, NanoGPTError
from tests.support.rawserver import End, RawServer

MODEL = "openai/gpt-5.2"


@pytest.fixture
def model(sandbox):
    return ChatNanoGPT(model=MODEL, api_key=sandbox.api_key, base_url=sandbox.base_url)


class SoftTimeLimitError(Exception):
    """What a job queue raises from a signal handler."""


def multiply(a: int, b: int) -> int:
    """Multiply two whole numbers."""
    return a * b


def same(costs: NanoGPTCostCallbackHandler, ledger: Ledger) -> bool:
    return costs.total_usd == ledger.spent and costs.ledger.totals == ledger.totals


async def test_it_reports_what_the_ledger_reports(model):
    with NanoGPTCostCallbackHandler() as costs:
        model.invoke("hi")
        list(model.stream("hello"))
        model.batch(["a", "b"])
        await model.ainvoke("hi")
        assert [chunk async for chunk in model.astream("hello")]
        model.bind(n=2).invoke("two answers, one bill")
        create_agent(model, [multiply]).invoke({"messages": [HumanMessage("What is 12 times 7?")]})
    assert same(costs, model.ledger)
    assert costs.total_usd > 0
    assert costs.ledger.totals_by("model").keys() == {MODEL}


def test_outside_its_block_it_hears_nothing(model):
    with NanoGPTCostCallbackHandler() as costs:
        pass
    model.invoke("hi")
    assert len(costs.ledger) == 0


def test_a_run_that_it_hears_of_twice_counts_once(model):
    with NanoGPTCostCallbackHandler() as costs:
        model.invoke("hi", config={"callbacks": [costs]})
    assert same(costs, model.ledger)


def test_a_cached_answer_is_free(model):
    cached = ChatNanoGPT(model=MODEL, client=model._client(), cache=InMemoryCache())
    with NanoGPTCostCallbackHandler() as costs:
        cached.invoke("hi")
        cached.invoke("hi")
    assert costs.total_usd == cached.ledger.spent > 0
    assert [entry.outcome for entry in costs.ledger] == ["ok", "cached"]


def test_an_abandoned_stream_is_counted_as_unknown(model):
    with NanoGPTCostCallbackHandler() as costs:
        for _ in model.stream("Tell me about Nano."):
            break
    assert [entry.outcome for entry in costs.ledger] == ["abandoned"]
    assert same(costs, model.ledger)


@pytest.mark.parametrize(
    ("fault", "cost"), [("401", Decimal(0)), ("cut-mid-frame", None), ("html-200", None)]
)
def test_a_failed_call_is_recorded_too(sandbox, fault, cost):
    model = ChatNanoGPT(
        model=f"sandbox/fault/{fault}", api_key=sandbox.api_key, base_url=sandbox.base_url
    )
    with NanoGPTCostCallbackHandler() as costs, pytest.raises(NanoGPTError):
        list(model.stream("hi"))
    assert [entry.cost for entry in costs.ledger] == [cost]
    assert same(costs, model.ledger)


@pytest.mark.parametrize(
    "way", ["ainvoke", "ainvoke while a listener streams", "astream", "abatch"]
)
async def test_a_call_that_is_cancelled_is_counted_as_unknown(way):
    """As where a browser is closed, or a time limit passes."""

    class Listener(BaseCallbackHandler, _StreamingCallbackHandler):
        """Makes LangChain stream, as `astream_events` and LangGraph's messages do."""

        def tap_output_iter(self, _run_id, output):
            return output

        tap_output_aiter = tap_output_iter

    async def read(model, config):
        async for _ in model.astream("hi", config):
            pass

    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_request):
        loop.call_soon_threadsafe(arrived.set)
        return [End.HOLD]

    ends = Ends()
    with RawServer(hold) as server, NanoGPTCostCallbackHandler() as costs:
        model = ChatNanoGPT(model=MODEL, api_key="any", base_url=server.base_url)
        config: Any = {"callbacks": [ends, *([Listener()] if "listener" in way else [])]}
        ways = {
            "astream": lambda: read(model, config),
            "abatch": lambda: model.abatch(["hi"], config),
        }
        call = ways.get(way, lambda: model.ainvoke("hi", config))()
        task = asyncio.create_task(call)
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await model.aclose()
    assert [(e.model, e.outcome, e.cost) for e in costs.ledger] == [(MODEL, "abandoned", None)]
    assert same(costs, model.ledger)
    assert [type(error) for error in ends.errors] == [asyncio.CancelledError]


class Ends(BaseCallbackHandler):
    """Remembers what it is notified of, as tracers do."""

    def __init__(self):
        self.errors = []

    def on_llm_error(self, error, **_):
        self.errors.append(error)


@pytest.mark.parametrize("way", ["invoke", "stream"])
@pytest.mark.parametrize("raised", [KeyboardInterrupt, SoftTimeLimitError])
def test_a_call_that_is_interrupted_is_counted_as_unknown(model, monkeypatch, way, raised):
    def interrupted(*_):
        raise raised

    monkeypatch.setattr("nanogpt_client._transport.http.Transport.send", interrupted)
    monkeypatch.setattr("nanogpt_client._transport.http.Transport.open", interrupted)
    with NanoGPTCostCallbackHandler() as costs, pytest.raises(raised):
        model.invoke("hi") if way == "invoke" else list(model.stream("hi"))
    assert [(e.outcome, e.cost) for e in costs.ledger] == [("abandoned", None)]
    assert [(e.outcome, e.cost) for e in model.ledger] == [("abandoned", None)]
    assert costs._running == {}


def test_streams_of_others_that_nobody_reads_to_the_end_are_not_ours():
    with NanoGPTCostCallbackHandler() as costs:
        stream: Any = FakeListChatModel(responses=["hi there"]).stream("hi")
        next(stream)
        stream.close()
    assert len(costs.ledger) == 0


def test_other_providers_and_their_errors_are_not_ours():
    failing = FakeListChatModel(responses=["hi"], error_on_chunk_number=0)
    with NanoGPTCostCallbackHandler() as costs:
        failing.invoke("hi")
        with pytest.raises(FakeListChatModelError):
            list(failing.stream("hi"))
    assert len(costs.ledger) == 0


def test_a_handler_shows_what_its_calls_cost():
    costs = NanoGPTCostCallbackHandler()
    costs.ledger.record(LedgerEntry("chat", "m", "ok", Decimal("1E-7"), 12_000, 3))
    assert repr(costs) == (
        "<NanoGPTCostCallbackHandler: 1 call, 0.0000001 USD, 12,000 tokens in, 3 out>"
    )
    assert str(costs) == str(costs.ledger)
    assert costs._repr_html_() == costs.ledger._repr_html_()
    assert costs.total_usd == Decimal("1E-7")
