"""What a budget reserves for a chat: catalogue price times tokens."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client._protocol.policy import send_with_retries, stream_events
from nanogpt_client.budget import AtLeast
from nanogpt_client.bundled_models import models
from nanogpt_client.endpoints.chat import chat, stream_chat
from nanogpt_client.errors import BudgetExceededError
from nanogpt_client.ledger import Budget
from tests.support.driving import context, drive

PRICED = next(m for m in models().values() if m.prompt_usd and m.completion_usd)
INPUT, OUTPUT = PRICED.prompt_usd or 0, PRICED.completion_usd or 0


def estimate(messages: Any, **options: Any) -> Decimal:
    """Return the estimate in millionths of a dollar, alike for whole and streamed answers."""
    whole = chat(messages, model=PRICED.id, **options).estimate
    streamed = stream_chat(messages, model=PRICED.id, **options).estimate
    assert whole is not None
    assert streamed is not None
    assert whole() == streamed()
    usd = whole()
    assert usd is not None
    return usd * 1_000_000


def parts(*content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]


TEXT = {"type": "text", "text": "x" * 400}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9999}}


@pytest.mark.parametrize(
    ("messages", "options", "tokens_in", "tokens_out"),
    [
        ("x" * 4000, {}, 1000, 0),
        ("x" * 4000, {"max_tokens": 500}, 1000, 500),
        ("x" * 4000, {"max_tokens": 500, "n": 2}, 1000, 1000),
        ("x" * 4000, {"n": 2, "extra_body": {"max_completion_tokens": 500}}, 1000, 1000),
        ("x" * 4000, {"extra_body": {"max_tokens": "500", "n": "two"}}, 1000, 500),
        (parts(TEXT, TEXT), {}, 200, 0),
        (parts(TEXT, IMAGE), {}, 1100, 0),
        (parts("x" * 400), {}, 100, 0),
        ([{"role": "assistant", "content": None, "tool_calls": []}], {}, 0, 0),
    ],
)
def test_tokens_times_price(messages, options, tokens_in, tokens_out):
    # A token more or less for the brackets of an empty tools list.
    assert abs(estimate(messages, **options) - tokens_in * INPUT - tokens_out * OUTPUT) <= INPUT


def test_tools_are_counted():
    tool = {"type": "function", "function": {"name": "f", "description": "x" * 40_000}}
    assert estimate("hi", tools=[tool]) > 10_000 * INPUT


@pytest.mark.parametrize("make", [chat, stream_chat])
def test_unknown_is_not_free(make):
    call = make("hi", model="nobody/knows-this", max_tokens=10**6)
    assert call.estimate is not None
    assert call.estimate() is None
    free = next(m for m in models().values() if m.prompt_usd == m.completion_usd == 0)
    assert make("hi", model=free.id, max_tokens=10**6).estimate() == 0


def test_a_budget_refuses_what_it_cannot_cover():
    budget = Budget(usd=Decimal("0.000001"))
    for steps in (
        send_with_retries(
            chat("x" * 40_000, model=PRICED.id, max_tokens=9999), context(budget=budget)
        ),
        stream_events(
            stream_chat("x" * 40_000, model=PRICED.id, max_tokens=9999), context(budget=budget)
        ),
    ):
        drive(steps).failure(BudgetExceededError)


def test_a_chat_with_an_advisor_is_at_least_two():
    options: Any = {"max_tokens": 500, "extra_body": {"advisor": {"model": "a"}}}
    usd = estimate("x" * 4000, **options)
    assert usd == 2 * estimate("x" * 4000, max_tokens=500)
    whole = chat("x", model=PRICED.id, **options).estimate
    assert whole is not None
    assert isinstance(whole(), AtLeast)
