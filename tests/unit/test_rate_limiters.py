"""`NanoGPTRateLimiter` of both frameworks: an account's queue for models of other integrations."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.exceptions import ModelConnectionError
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from llama_index.core import MockEmbedding
from llama_index.core.llms import MockLLM

import langchain_nanogpt
import llama_index_nanogpt
from nanogpt_client import AccountUnavailableError
from nanogpt_client.account import Account

LIMITERS = [langchain_nanogpt.NanoGPTRateLimiter, llama_index_nanogpt.NanoGPTRateLimiter]
every_limiter = pytest.mark.parametrize("limiter_class", LIMITERS)
INTERVAL = 1 / (20 * 0.97)


def acquire(limiter: Any, way: str) -> Any:
    if way == "blocking":
        return limiter.acquire()
    name = "aacquire" if hasattr(limiter, "aacquire") else "async_acquire"
    return asyncio.run(getattr(limiter, name)())


def seconds_of(work: Callable[[], Any]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


@every_limiter
@pytest.mark.parametrize("way", ["blocking", "async"])
def test_calls_wait_for_their_slots(limiter_class, way):
    account = Account(requests_per_second=20)
    # Two limiters, as in two models: the account is what they share.
    limiters = [limiter_class(account), limiter_class(account=account)]
    took = seconds_of(lambda: [acquire(limiters[n % 2], way) for n in range(5)])
    assert took >= 4 * INTERVAL


def test_langchain_may_ask_without_waiting():
    limiter = langchain_nanogpt.NanoGPTRateLimiter(Account(requests_per_second=1))
    assert [limiter.acquire(blocking=False) for _ in range(2)] == [True, False]
    assert asyncio.run(limiter.aacquire(blocking=False)) is False


def test_models_of_other_integrations_use_it():
    account = Account(requests_per_second=20)
    theirs = langchain_nanogpt.NanoGPTRateLimiter(account)
    model = GenericFakeChatModel(messages=iter([AIMessage("a")] * 3), rate_limiter=theirs)
    limiter = llama_index_nanogpt.NanoGPTRateLimiter(account)
    llm, embedding = MockLLM(), MockEmbedding(3, rate_limiter=limiter)
    llm.rate_limiter = limiter
    took = seconds_of(
        lambda: [
            model.invoke("x"), llm.complete("x"), embedding.get_text_embedding("x"),
            asyncio.run(model.ainvoke("x")), asyncio.run(llm.acomplete("x")),
        ]
    )  # fmt: skip
    assert took >= 4 * INTERVAL


@every_limiter
def test_it_travels(limiter_class, tmp_path):
    limiter = limiter_class(Account(f"sqlite:///{tmp_path}/spent.db"))
    assert pickle.loads(pickle.dumps(limiter)).account.url == limiter.account.url


@every_limiter
def test_a_store_that_is_away_is_a_typed_error(limiter_class):
    limiter = limiter_class(Account("redis://127.0.0.1:1/0"))
    for way in ("blocking", "async"):
        with pytest.raises(AccountUnavailableError) as caught:
            acquire(limiter, way)
    is_langchain = limiter_class is langchain_nanogpt.NanoGPTRateLimiter
    assert isinstance(caught.value, ModelConnectionError) == is_langchain
