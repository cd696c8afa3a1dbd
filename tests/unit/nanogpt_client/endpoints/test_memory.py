"""Context memory without a chat: what is asked, and how the answer is read."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client import (
    AuthenticationError,
    BadRequestError,
    Budget,
    BudgetExceededError,
    CompressedMemory,
    InsufficientBalanceError,
    InvalidArgumentError,
    InvalidResponseError,
    NanoGPTError,
    RateLimitError,
)
from nanogpt_client._protocol.policy import send_with_retries
from nanogpt_client.endpoints.memory import compress_memory
from tests.support.driving import ODD_VALUES, context, drive, only_entry, reply

ASKED = [{"role": "user", "content": "Summarize our previous discussion and continue."}]
COMPRESSED = {"role": "system", "content": "<compressed-context>…"}


def read(body: Any) -> CompressedMemory:
    driven = drive(send_with_retries(compress_memory(ASKED), context()), reply(body))
    if driven.error is not None:
        raise driven.error
    found: CompressedMemory = driven.result
    return found


def test_the_request():
    call = compress_memory(ASKED, expiration_days=45, model_context_limit=128_000)
    assert (call.request.path, call.kind, call.billable) == ("/memory", "memory", True)
    assert call.request.json == {
        "messages": ASKED, "expiration_days": 45, "model_context_limit": 128_000,
    }  # fmt: skip
    assert compress_memory("Hi").request.json == {"messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("messages", "options", "param"),
    [
        ([], {}, "messages"),
        ([{"role": "nobody", "content": "Hi"}], {}, "messages"),
        (ASKED, {"expiration_days": -1}, "expiration_days"),
        (ASKED, {"model_context_limit": "many"}, "model_context_limit"),
        (ASKED, {"days": 3}, "days"),
    ],
)
def test_what_nanogpt_would_refuse_is_not_sent(messages, options, param):
    with pytest.raises(InvalidArgumentError) as caught:
        compress_memory(messages, **options)
    assert caught.value.param == param


def test_the_answer_is_read():
    usage = {
        "prompt_tokens": 51234, "completion_tokens": 1234, "total_tokens": 52468,
        "prompt_tokens_details": {"cached_tokens": 4096},
    }  # fmt: skip
    found = read({"messages": [COMPRESSED], "usage": usage})
    assert (found.messages, found.text) == ((COMPRESSED,), "<compressed-context>…")
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.cache_read_tokens) == (51234, 4096)
    assert found.billing.cost is None  # the page shows no cost in the reply
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert read({"messages": [{"role": "user", "content": parts}]}).text == "one\n\ntwo"


@pytest.mark.parametrize("messages", [[], None, [{"role": "system", "content": " "}], "text"])
def test_an_answer_without_memory_is_an_error(messages):
    with pytest.raises(InvalidResponseError, match="without a compressed conversation"):
        read({"messages": messages})


@given(st.sampled_from(ODD_VALUES), st.sampled_from(ODD_VALUES))
def test_no_response_raises_anything_else(value, usage):
    for messages in (value, [value], [{"content": value}], [{"content": [value]}]):
        with suppress(NanoGPTError):
            read({"messages": messages, "usage": usage})


@pytest.mark.parametrize(
    ("status", "message", "cls"),
    [
        (400, "messages must be a non-empty array", BadRequestError),
        (401, "Invalid session", AuthenticationError),
        (402, "Insufficient balance", InsufficientBalanceError),
        (429, "Rate limit exceeded. Please wait before sending another request.", RateLimitError),
    ],
)
def test_documented_errors(status, message, cls):
    rules = context(max_retries=0, rate_limit_wait=0.0)
    driven = drive(
        send_with_retries(compress_memory(ASKED), rules), reply({"error": message}, status)
    )
    assert message.partition(".")[0] in str(driven.failure(cls))
    assert only_entry(rules).cost == 0


def test_a_budget_reserves_at_least_the_price_of_the_input():
    long = [{"role": "user", "content": "word " * 40_000}]  # 50,000 tokens: 0.25 USD
    rules = context(budget=Budget(usd="0.2"))
    driven = drive(send_with_retries(compress_memory(long), rules))
    driven.failure(BudgetExceededError)
    budget = Budget(usd="0.3")
    body = {"messages": [COMPRESSED]}
    drive(send_with_retries(compress_memory(long), context(budget=budget)), reply(body))
    assert budget.assumed == Decimal("0.25")
