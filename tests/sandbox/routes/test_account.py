"""Balance, usage, subscription usage, estimated costs, and pretend deposits."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from tests.sandbox.asking import HELLO, MODEL, ask, chat

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC).timestamp()
DAY = 86_400


def get(app: SandboxApp, path: str) -> Any:
    reply = ask(app, "GET", path)
    assert reply.status == 200, reply.content
    return reply.json()


def test_the_balance_is_a_decimal_string():
    app = SandboxApp(balance="5.10")
    found = ask(app, "POST", "/api/check-balance").json()
    assert found["usd_balance"] == "5.1"
    assert found["nanoDepositAddress"].startswith("nano_")
    chat(app)
    found = ask(app, "POST", "/api/check-balance").json()
    assert Decimal(found["usd_balance"]) == app.balance


def test_the_estimate_is_the_price():
    app = SandboxApp()
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 1}
    estimate = ask(app, "POST", "/api/get-completion-cost", body).json()
    paid = chat(app, max_tokens=1).json()
    assert estimate["cost"] == paid["x_nanogpt_pricing"]["cost"]
    assert estimate["inputTokens"] == paid["usage"]["prompt_tokens"]
    assert app.balance == 5 - Decimal(str(estimate["cost"]))


@pytest.mark.parametrize(("body", "cost"), [
    ({"model": "hidream", "size": "1024x1024"}, 0.014),
    ({"model": "hidream", "size": "256x256", "n": 4}, 0.02), ({"model": "hidream"}, 0.014),
    ({"model": "gpt-image-1", "size": "1536x1024"}, 0.063),
])  # fmt: skip
def test_the_price_of_an_image(body, cost):
    assert ask(SandboxApp(), "POST", "/api/estimate-image-cost", body).json()["cost"] == cost


@pytest.mark.parametrize("path", ["/api/get-completion-cost", "/api/estimate-image-cost"])
def test_an_estimate_needs_a_listed_model(path):
    body = {"model": "nobody/nothing", "messages": HELLO}
    reply = ask(SandboxApp(strict_models=True), "POST", path, body)
    assert (reply.status, reply.json()["code"]) == (404, "model_not_found")


def test_usage_adds_up_by_day_and_model():
    now = [NOON - DAY]
    app = SandboxApp(clock=lambda: now[0])
    chat(app)
    now[0] = NOON
    chat(app)
    chat(app, model="anthropic/claude-opus-4.6:thinking")
    found = get(app, "/api/v1/usage")
    assert (found["from"], found["to"]) == ("2026-03-02", "2026-03-31")
    assert found["totals"]["requests"] == 3
    assert Decimal(str(found["totals"]["costUsd"])) == 5 - app.balance
    assert [bucket["date"] for bucket in found["byDay"]] == ["2026-03-30", "2026-03-31"]
    assert [bucket["requests"] for bucket in found["byModel"]] == [1, 2]
    assert len(found["byDayModel"]) == 3
    assert found["totals"]["reasoningTokens"] > 0
    one = get(app, "/api/v1/usage?from=2026-03-30&to=2026-03-30&group_by=model")
    assert one["totals"]["requests"] == 1
    assert "byDay" not in one


@pytest.mark.parametrize("query", [
    "from=2026-03-01", "from=2026-03-02&to=2026-03-01", "from=2026-03-01&to=2026-04-01",
    "from=2024-01-01&to=2026-03-01", "from=yesterday&to=today", "group_by=hour",
])  # fmt: skip
def test_usage_refuses(query):
    reply = ask(SandboxApp(clock=lambda: NOON), "GET", f"/api/v1/usage?{query}")
    assert (reply.status, reply.json()["error"]["type"]) == (400, "invalid_request_error")


def test_subscription_usage_counts_covered_requests():
    now = [NOON - DAY]
    app = SandboxApp(clock=lambda: now[0])
    body = {"model": "zai-org/glm-5", "messages": HELLO}
    for now[0] in (NOON - DAY, NOON):
        assert ask(app, "POST", "/api/subscription/v1/chat/completions", body).status == 200
    chat(app)
    found = get(app, "/api/subscription/v1/usage")
    assert (found["active"], found["state"]) == (True, "active")
    assert (found["daily"]["used"], found["monthly"]["used"]) == (1, 2)
    assert found["daily"]["remaining"] == found["limits"]["daily"] - 1
    assert found["daily"]["resetAt"] == int(NOON + DAY / 2) * 1000
    assert found["period"]["currentPeriodEnd"] == "2026-04-01T00:00:00.000Z"


def deposit(app: SandboxApp, ticker: str, amount: object = 10) -> Reply:
    return ask(app, "POST", f"/api/transaction/create/{ticker}", {"amount": amount})


def test_a_deposit_completes_and_is_credited_once():
    app = SandboxApp()
    made = deposit(app, "btc", 0.001).json()
    assert made["status"] == "New"
    assert made["address"] in made["paymentLink"]
    assert made["paymentLink"].startswith("bitcoin:")
    path = f"/api/transaction/status/btc/{made['txId']}"
    states = [get(app, path)["status"] for _ in range(5)]
    assert states == ["New", "Processing", "Completed", "Completed", "Completed"]
    assert app.balance == 5 + Decimal("0.001") * 60_000
    card = deposit(app, "USD").json()
    assert card["paymentLink"].startswith("http://sandbox.invalid/checkout/cs_test_")
    assert deposit(app, "daimo/usdc").json()["paymentId"]


def test_deposits_that_are_refused():
    app = SandboxApp()
    limits = get(app, "/api/transaction/limits/doge")
    assert (limits["minimum"], limits["fiatEquivalentMinimum"]) == (5, 1)
    assert get(app, "/api/transaction/limits/btc-ln")["fiatEquivalentMinimum"] == 0.1
    made = deposit(app, "doge", limits["minimum"])
    assert made.status == 200
    odd: list[Any] = [limits["minimum"] - 1, limits["maximum"] * 2, None, 0, -1, "10", True, []]
    for amount in odd:
        assert deposit(app, "doge", amount).status == 400
    for ticker in ("gold", "daimo/btc"):
        reply = deposit(app, ticker)
        assert (reply.status, "Unsupported ticker" in reply.json()["error"]) == (400, True)
    assert ask(app, "GET", "/api/transaction/limits/gold").status == 400
    for path in ("doge/tx_none", f"btc/{made.json()['txId']}"):
        assert ask(app, "GET", f"/api/transaction/status/{path}").status == 404
