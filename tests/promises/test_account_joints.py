"""An account beside what else spends: batches, jobs, nested budgets and payments per call."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

import langchain_nanogpt
import llama_index_nanogpt
from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import (
    Budget,
    BudgetExceededError,
    ConfigurationError,
    InvalidArgumentError,
    NanoGPTClient,
)
from nanogpt_client.account import Account
from nanogpt_client.jobs import ChatRows, EmbedTexts
from nanogpt_client.sandbox import Sandbox
from tests.promises.answers import CHAT_MODEL
from tests.support.account_workers import ROWS, collect, submit
from tests.support.stores import store_url, valkey

__all__ = ["store_url", "valkey"]

EMBEDDING_MODEL = "text-embedding-3-small"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(job_pace=0, rate=None) as made:
        yield made


def where(box: Sandbox) -> dict[str, Any]:
    return {"api_key": box.api_key, "base_url": box.base_url}


def test_a_batch_that_one_process_submits_and_others_collect_is_counted_once(box, store_url):
    account, before = Account(store_url, usd=1), box.balance
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        batch = pool.submit(submit, where(box), account).result()
        assert (account.unknown, account.spent) == (1, Decimal(0))
        assert account.status().assumed > 0
        collected = [pool.submit(collect, where(box), account, batch) for _ in range(4)]
        assert [each.result() for each in collected] == [3] * 4
    assert collect(where(box), account, batch) == 3
    charged = before - box.balance
    status = account.status()
    assert charged > 0
    assert (status.spent, status.assumed, status.reserved) == (charged, Decimal(0), Decimal(0))
    assert (status.calls, status.unknown) == (1, 0)
    rows = [row for row in account.rows() if row["cost"]]
    assert [(row["cost"], row["request_id"]) for row in rows] == [(charged, batch)]


def test_the_process_that_submitted_a_batch_may_collect_it(box, store_url):
    account, before = Account(store_url, usd=1), box.balance
    with NanoGPTClient(**where(box), account=account) as client:
        batch = client.batches.submit(ROWS)
        for _ in range(2):
            assert len(list(client.batches.results(batch, poll_interval=0.01))) == 3
    status = account.status()
    assert (status.spent, status.assumed) == (before - box.balance, Decimal(0))
    assert (status.calls, status.unknown) == (1, 0)


def test_a_batch_that_the_account_cannot_pay_is_not_submitted(box, store_url):
    account = Account(store_url, usd="0.00001")
    with pytest.raises(BudgetExceededError, match="account's budget"):
        submit(where(box), account)
    assert "/api/v1/batches" not in [request.path for request in box.requests]


def test_each_row_of_a_batch_is_paid_once(box, store_url):
    prompts = ["a", "b", "a", [{"role": "user", "content": "c"}]]
    settings = where(box) | {"store": store_url, "max_tokens": 9}
    account, before = Account(store_url, usd=1), box.balance
    answer = ChatRows(CHAT_MODEL, account=account, **settings)
    single = answer({"prompt": ["b"]})["answer"][0]
    rows = answer.batch_rows(prompts)
    assert [row["body"]["messages"][0]["content"] for row in rows] == ["a", "c"]
    with NanoGPTClient(**where(box), account=account) as client:
        batch = client.batches.submit(rows)
        for _ in range(2):
            assert answer.keep(client.batches.results(batch, poll_interval=0.01)) == 2
    posts = len([request for request in box.requests if request.method == "POST"])
    other = ChatRows(CHAT_MODEL, **settings)
    found = other({"prompt": prompts})
    assert found["answer"][1] == single
    assert all(found["answer"])
    assert found["error"].tolist() == [None] * 4
    assert other.batch_rows(prompts) == []
    assert posts == len([request for request in box.requests if request.method == "POST"])
    assert 0 < found["cost_usd"][0] < found["cost_usd"][1]  # half of it
    assert (account.spent, account.unknown) == (before - box.balance, 0)
    with pytest.raises(ConfigurationError, match="needs store="):
        ChatRows(CHAT_MODEL, **where(box)).batch_rows(prompts)
    with pytest.raises(InvalidArgumentError, match="prompt"):
        answer.batch_rows([""])


def chat(**settings: Any) -> None:
    NanoGPTClient(**settings).chat("hi", model=CHAT_MODEL, max_tokens=9)


def batch(**settings: Any) -> None:
    NanoGPTClient(**settings).batches.submit(ROWS)


def chat_rows(**settings: Any) -> None:
    ChatRows(CHAT_MODEL, max_tokens=9, **settings)({"prompt": ["hi"]})


def embed_texts(**settings: Any) -> None:
    EmbedTexts(EMBEDDING_MODEL, **settings)({"text": ["hi"]})


def langchain_chat(**settings: Any) -> None:
    ChatNanoGPT(model=CHAT_MODEL, max_tokens=9, **settings).invoke("hi")


def langchain_embeddings(**settings: Any) -> None:
    NanoGPTEmbeddings(model=EMBEDDING_MODEL, **settings).embed_query("hi")


def langchain_batch(**settings: Any) -> None:
    model = ChatNanoGPT(model=CHAT_MODEL, max_tokens=9, **settings)
    langchain_nanogpt.batch_api(model, ["hi"])


def llama_index_chat(**settings: Any) -> None:
    NanoGPT(model=CHAT_MODEL, max_tokens=9, **settings).chat([ChatMessage("hi")])


def llama_index_embedding(**settings: Any) -> None:
    NanoGPTEmbedding(model_name=EMBEDDING_MODEL, **settings).get_text_embedding("hi")


def llama_index_batch(**settings: Any) -> None:
    llm = NanoGPT(model=CHAT_MODEL, max_tokens=9, **settings)
    llama_index_nanogpt.batch_api(llm, ["hi"])


SPENDERS = [
    chat, batch, chat_rows, embed_texts, langchain_chat, langchain_embeddings, langchain_batch,
    llama_index_chat, llama_index_embedding, llama_index_batch,
]  # fmt: skip


@pytest.mark.parametrize("spend", SPENDERS)
def test_a_nested_budget_holds_for_all_that_spends(spend, box, tmp_path):
    account = Account(f"sqlite:///{tmp_path}/spent.db", usd=1)
    budget = Budget(1, max_calls=1, within=account)
    spend(**where(box), budget=budget)
    with pytest.raises(BudgetExceededError, match="the budget of 1 call "):
        spend(**where(box), budget=budget)
    spend(**where(box), budget=Budget("0.05", within=account))
    status = account.status()
    assert (status.calls, budget.calls) == (2, 1)
    assert budget.spent + budget.assumed > 0
    assert status.spent + status.assumed == 2 * (budget.spent + budget.assumed)
    # The account's own limit, with plenty in the budget.
    full = Account(account.url, max_calls=2)
    budget = Budget(1, within=full)
    with pytest.raises(BudgetExceededError, match="account's budget of 2 calls"):
        spend(**where(box), budget=budget)
    assert budget.remaining_usd == Decimal(1)


@pytest.mark.parametrize("setting", ["account", "budget"])
def test_a_client_that_pays_for_each_call_has_no_account(setting):
    account = Account()
    settings: Any = {"account": account, "budget": Budget(1, within=account)}
    with pytest.raises(ConfigurationError, match="pass one of them"):
        NanoGPTClient(pay=print, **{setting: settings[setting]})
