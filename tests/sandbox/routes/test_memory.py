"""Context memory: one message with what each message said; price and refusals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from nanogpt_client.sandbox.answers.text import count_tokens
from tests.sandbox.asking import ask

MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": [{"type": "text", "text": "My cat is called Ada."}]},
    {"role": "assistant", "content": None, "tool_calls": []},
    {"role": "tool", "tool_call_id": "1", "content": "ok"},
]


def compress(messages: Any, app: SandboxApp | None = None, **extra: Any) -> Reply:
    return ask(app or SandboxApp(), "POST", "/api/v1/memory", {"messages": messages} | extra)


def test_a_reply_and_its_price():
    app = SandboxApp()
    reply = compress(MESSAGES, app, expiration_days=45, model_context_limit=128_000)
    found = reply.json()
    (message,) = found["messages"]
    assert message["role"] == "system"
    assert "Ada" in message["content"]
    usage = found["usage"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0}
    price = usage["prompt_tokens"] * Decimal("5e-6") + usage["completion_tokens"] * Decimal("1e-5")
    assert Decimal(reply.headers["x-cost"]) == 5 - app.balance == price


def test_a_long_conversation_gets_shorter_and_all_messages_remain():
    long = [{"role": "user", "content": f"number{n} " + "and so on " * 1000} for n in range(20)]
    found = compress(long).json()
    text = found["messages"][0]["content"]
    assert count_tokens(text) <= 21_000 < found["usage"]["prompt_tokens"]
    assert all(f"number{n} " in text for n in range(20))


@pytest.mark.parametrize(
    ("messages", "extra", "match"),
    [
        ([], {}, "messages must be a non-empty array"),
        (None, {}, "messages must be a non-empty array"),
        ([{"role": "nobody"}], {}, "a role of"),
        (MESSAGES, {"expiration_days": "many"}, "expiration_days"),
    ],
)
def test_refusals_are_free(messages, extra, match):
    app = SandboxApp()
    reply = compress(messages, app, **extra)
    assert reply.status == 400
    assert app.balance == 5
    assert match in reply.json()["error"]
