"""Fifty calls at once against a budget for ten: what `Budget` says gets through, 0 beyond it.

A refused call sends nothing, so the server counts; it holds its answers back until every call has
been let through or refused, as `at_once` needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.exceptions import ModelError
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.indices import SummaryIndex
from llama_index.core.llms import ChatMessage
from llama_index.core.schema import TextNode

from nanogpt_client import (
    AsyncNanoGPTClient,
    Budget,
    BudgetExceededError,
    NanoGPTClient,
)
from nanogpt_client.endpoints import chat
from tests.promises.answers import (
    CHAT_MODEL,
    STREAM,
    chat_answer,
    embedding_answer,
    langchain_chat,
    langchain_embeddings,
    llama_chat,
    llama_embedding,
)
from tests.support.llama_index import agents_own_warnings
from tests.support.rawserver import RawServer, http_reply

pytestmark = agents_own_warnings

CALLS = 50
ALLOWED = 10
# What a call of `OPTIONS` reserves: the catalogue's price of its prompt and of ``max_tokens``.
OPTIONS: dict[str, Any] = {"model": CHAT_MODEL, "max_tokens": 1000}


def price_of(max_tokens: int) -> Decimal:
    estimate = chat.chat("hi", model=CHAT_MODEL, max_tokens=max_tokens).estimate
    usd = None if estimate is None else estimate()
    assert usd is not None
    return usd


PRICE = price_of(1000)
UNLISTED: dict[str, Any] = {"model": "nobody/knows-its-price"}


def attempted(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - agents wrap the refusal in errors of any kind
        return error


def in_threads(call: Callable[[], Any], calls: int = CALLS) -> list[Any]:
    """Make calls at once; return their answers and errors."""
    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(lambda _: attempted(call), range(calls)))


def in_tasks(call: Callable[[], Any], calls: int = CALLS) -> list[Any]:
    """Make calls at once on one event loop; return their answers and errors."""

    async def main() -> list[Any]:
        return await asyncio.gather(*(call() for _ in range(calls)), return_exceptions=True)

    return asyncio.run(main())


def core(client: NanoGPTClient) -> list[Any]:
    return in_threads(lambda: client.chat("hi", **OPTIONS))


def core_streams(client: NanoGPTClient) -> list[Any]:
    return in_threads(lambda: list(client.stream_chat("hi", **OPTIONS)))


def core_async(client: NanoGPTClient) -> list[Any]:
    return in_tasks(lambda: AsyncNanoGPTClient.sharing(client).chat("hi", **OPTIONS))


def langchain_batch(client: NanoGPTClient) -> list[Any]:
    chain = langchain_chat(client=client, max_tokens=1000) | (lambda message: message.text)
    return chain.batch(["hi"] * CALLS, {"max_concurrency": CALLS}, return_exceptions=True)


def langchain_abatch(client: NanoGPTClient) -> list[Any]:
    model = langchain_chat(client=client, max_tokens=1000)
    return asyncio.run(model.abatch(["hi"] * CALLS, return_exceptions=True))


def langchain_agents(client: NanoGPTClient) -> list[Any]:
    agent = create_agent(langchain_chat(client=client, max_tokens=1000), [])
    asked: Any = [{"messages": [("user", "hi")]}] * CALLS
    return asyncio.run(agent.abatch(asked, return_exceptions=True))


def llama_threads(client: NanoGPTClient) -> list[Any]:
    llm = llama_chat(client=client, max_tokens=1000)
    return in_threads(lambda: llm.complete("hi"))


def llama_tasks(client: NanoGPTClient) -> list[Any]:
    llm = llama_chat(client=client, max_tokens=1000)
    return in_tasks(lambda: llm.achat([ChatMessage("hi")]))


def llama_query_engines(client: NanoGPTClient) -> list[Any]:
    index = SummaryIndex([TextNode(text="Nano is fast.")])
    engine = index.as_query_engine(llm=llama_chat(client=client, max_tokens=1000))
    return in_tasks(lambda: engine.aquery("What is Nano?"))


def llama_agents(client: NanoGPTClient) -> list[Any]:
    llm = llama_chat(client=client, max_tokens=1000)

    async def ask() -> Any:
        return await FunctionAgent(llm=llm, tools=[]).run("hi")

    return in_tasks(ask)


def langchain_texts(client: NanoGPTClient) -> list[Any]:
    return in_threads(lambda: langchain_embeddings(client=client).embed_query("hi"))


def llama_texts(client: NanoGPTClient) -> list[Any]:
    return in_threads(lambda: llama_embedding(client=client).get_text_embedding("hi"))


CHATS = [
    core, core_streams, core_async, langchain_batch, langchain_abatch, langchain_agents,
    llama_threads, llama_tasks, llama_query_engines, llama_agents,
]  # fmt: skip
EMBEDDINGS = [langchain_texts, llama_texts]


def refusal(outcome: Any) -> BudgetExceededError | None:
    """Return the budget's refusal, which workflows may wrap in errors of their own."""
    while isinstance(outcome, BaseException):
        if isinstance(outcome, BudgetExceededError):
            return outcome
        outcome = outcome.__cause__ or outcome.__context__
    return None


def counts(outcomes: list[Any]) -> tuple[int, int]:
    """Return how many were answered, and how many were refused by the budget."""
    answered = sum(not isinstance(outcome, BaseException) for outcome in outcomes)
    return answered, sum(refusal(outcome) is not None for outcome in outcomes)


@pytest.mark.parametrize("at_once", [*CHATS, *EMBEDDINGS])
def test_a_budget_of_calls_lets_exactly_so_many_through(at_once):
    budget = Budget(max_calls=ALLOWED)
    answer = embedding_answer if at_once in EMBEDDINGS else chat_answer
    with (
        RawServer([0.2, *answer(cost=0.01)]) as server,
        NanoGPTClient("any", base_url=server.base_url, budget=budget) as client,
    ):
        assert counts(at_once(client)) == (ALLOWED, CALLS - ALLOWED)
        assert server.posts == ALLOWED
    assert budget.calls == ALLOWED
    assert client.ledger.totals.calls == ALLOWED  # a refused call is no call
    assert budget.spent == client.ledger.spent == Decimal("0.01") * ALLOWED


@pytest.mark.parametrize("at_once", CHATS)
def test_a_budget_of_dollars_is_never_passed_where_the_price_is_known(at_once):
    """Ten reservations fit and half of one is left; nothing settles before all have asked."""
    allowed = PRICE * ALLOWED + PRICE / 2
    budget = Budget(usd=allowed)
    with (
        RawServer([0.2, *chat_answer(cost=str(PRICE))]) as server,
        NanoGPTClient("any", base_url=server.base_url, budget=budget) as client,
    ):
        assert counts(at_once(client)) == (ALLOWED, CALLS - ALLOWED)
        assert server.posts == ALLOWED
        assert budget.spent == client.ledger.spent == PRICE * ALLOWED <= allowed
        assert budget.remaining_usd == PRICE / 2


def test_a_reservation_is_the_prompt_and_the_longest_answer():
    budget = Budget(usd=1)
    with (
        RawServer([0.3, *chat_answer(cost=0)]) as server,
        NanoGPTClient("any", base_url=server.base_url, budget=budget) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        call = pool.submit(client.chat, "hi", **OPTIONS)
        while not server.posts:
            pass
        assert budget.remaining_usd == 1 - PRICE
        call.result()
        assert budget.remaining_usd == 1
    assert 0 < PRICE < price_of(2000) < 2 * PRICE + Decimal("1e-9")


@pytest.mark.parametrize("at_once", [core, core_async, langchain_abatch, llama_tasks])
def test_unknown_costs_keep_their_reservation(at_once):
    budget = Budget(usd=PRICE * ALLOWED + PRICE / 2)
    with (
        RawServer(chat_answer()) as server,
        NanoGPTClient("any", base_url=server.base_url, budget=budget) as client,
    ):
        assert counts(at_once(client)) == (ALLOWED, CALLS - ALLOWED)
        assert counts(at_once(client)) == (0, CALLS)
        assert server.posts == ALLOWED
    assert (budget.spent, budget.assumed) == (Decimal(0), PRICE * ALLOWED)
    assert budget.unknown_calls == client.ledger.totals.unknown_costs == ALLOWED


@pytest.mark.parametrize("way", ["chat", "stream_chat"])
def test_an_answer_without_a_limit_and_a_cost_counts_for_the_assumed_price(way):
    """The price of its input alone, all that was reserved, is almost nothing."""
    budget = Budget(usd="0.02")
    with (
        RawServer(chat_answer() if way == "chat" else STREAM) as server,
        NanoGPTClient("any", base_url=server.base_url, budget=budget) as client,
    ):

        def call() -> Any:
            return list(getattr(client, way)("hi", model=CHAT_MODEL))

        def whole() -> Any:
            return client.chat("hi", model=CHAT_MODEL)

        outcomes = [attempted(whole if way == "chat" else call) for _ in range(5)]
    assert counts(outcomes) == (2, 3)
    assert (budget.assumed, budget.unknown_calls) == (Decimal("0.02"), 2)


@pytest.mark.parametrize("workers", [1, 5, CALLS])
def test_where_calls_cost_more_than_assumed_it_is_passed_by_those_in_flight_at_most(workers):
    """Every call costs the whole budget, which only the answers tell."""
    budget = Budget(usd=1)
    with (
        RawServer([0.2, *chat_answer(cost=1)]) as server,
        NanoGPTClient("any", base_url=server.base_url, budget=budget) as client,
        ThreadPoolExecutor(workers) as pool,
    ):
        outcomes = list(
            pool.map(lambda _: attempted(lambda: client.chat("hi", **UNLISTED)), range(CALLS))
        )
        sent = server.posts
        assert counts(outcomes) == (sent, CALLS - sent)
        assert counts(in_threads(lambda: client.chat("hi", **UNLISTED))) == (0, CALLS)
        assert server.posts == sent
    assert budget.spent == sent
    assert 1 <= sent <= workers


def test_what_fails_unsent_or_refused_gives_its_dollars_back():
    budget = Budget(usd=PRICE)
    client = NanoGPTClient("any", base_url="http://127.0.0.1:1", budget=budget, max_retries=0)
    for _ in range(3):
        assert refusal(attempted(lambda: client.chat("hi", **OPTIONS))) is None
    assert (budget.remaining_usd, budget.assumed) == (PRICE, Decimal(0))


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream", "embed", "aembed"])
def test_langchain_gets_a_model_error_that_is_not_retried(way):
    async def all_of(stream: Any) -> list[Any]:
        return [chunk async for chunk in stream]

    with RawServer(chat_answer()) as server:
        words: dict[str, Any] = {
            "api_key": "any", "base_url": server.base_url, "budget": Budget(max_calls=0),
        }  # fmt: skip
        model, embeddings = langchain_chat(**words), langchain_embeddings(**words)
        ways: dict[str, Callable[[], Any]] = {
            "invoke": lambda: model.invoke("hi"),
            "ainvoke": lambda: asyncio.run(model.ainvoke("hi")),
            "stream": lambda: list(model.stream("hi")),
            "astream": lambda: asyncio.run(all_of(model.astream("hi"))),
            "embed": lambda: embeddings.embed_documents(["hi"]),
            "aembed": lambda: asyncio.run(embeddings.aembed_documents(["hi"])),
        }
        with pytest.raises(ModelError) as caught:
            ways[way]()
        assert server.requests == []
    assert isinstance(caught.value, BudgetExceededError)
    assert caught.value.is_retryable is False
    assert caught.value.maybe_billed is False
    assert len(model.ledger) == 0


BILLABLE = "chat stream_chat search_web transcribe embed video speak generate_image".split()


@pytest.mark.parametrize("way", BILLABLE)
def test_it_trips_where_neither_prices_nor_costs_are_known(way):
    answers: dict[str, Any] = {
        "chat": chat_answer(),
        "stream_chat": STREAM,
        "search_web": [http_reply(b'{"data": [{"title": "t", "url": "u", "content": "c"}]}')],
        "transcribe": [http_reply(b'{"text": "x"}')],
        "embed": embedding_answer(),
        "video": [http_reply(b'{"runId": "r", "status": "pending"}')],
        "speak": [http_reply(b"ID3x", headers={"content-type": "audio/mpeg"})],
        "generate_image": [http_reply(b'{"data": [{"b64_json": "iVBORw0KGgo="}]}')],
    }
    model = UNLISTED["model"]
    with (
        RawServer(answers[way]) as server,
        NanoGPTClient("any", base_url=server.base_url, budget=Budget(usd="0.05")) as client,
    ):
        ways: dict[str, Callable[[], Any]] = {
            "chat": lambda: client.chat("hi", model=model),
            "stream_chat": lambda: list(client.stream_chat("hi", model=model)),
            "search_web": lambda: client.search_web("x"),
            "transcribe": lambda: client.transcribe(b"RIFFxxxxWAVE", model=model),
            "embed": lambda: client.embed("x", model=model),
            "video": lambda: client.submit_video("x", model=model),
            "speak": lambda: client.speak("x", model=model),
            "generate_image": lambda: client.generate_image("x", model=model),
        }
        outcomes = [attempted(ways[way]) for _ in range(10)]
        assert counts(outcomes) == (5, 5), outcomes
        assert server.posts == 5
    assert client.budget is not None
    assert (client.budget.spent, client.budget.assumed) == (Decimal(0), Decimal("0.05"))
