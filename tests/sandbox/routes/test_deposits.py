"""Pretend deposits: made, limited, completed, credited once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import ask


def create(app: SandboxApp, ticker: str, amount: object = 10):
    return ask(app, "POST", f"/api/transaction/create/{ticker}", {"amount": amount})


def test_a_deposit_completes_and_is_credited_once():
    app = SandboxApp()
    made = create(app, "btc", 0.001).json()
    assert made["status"] == "New"
    assert made["address"] in made["paymentLink"]
    assert made["paymentLink"].startswith("bitcoin:")
    path = f"/api/transaction/status/btc/{made['txId']}"
    states = [ask(app, "GET", path).json()["status"] for _ in range(5)]
    assert states == ["New", "Processing", "Completed", "Completed", "Completed"]
    assert app.balance == 5 + Decimal("0.001") * 60_000


def test_other_ways_to_pay():
    card = create(SandboxApp(), "USD").json()
    assert card["paymentLink"].startswith("http://sandbox.invalid/checkout/cs_test_")
    assert create(SandboxApp(), "daimo/usdc").json()["paymentId"]


def test_limits_are_kept():
    app = SandboxApp()
    limits = ask(app, "GET", "/api/transaction/limits/kas").json()
    assert limits["minimum"] == 10
    assert limits["fiatEquivalentMinimum"] == 1
    assert create(app, "kas", limits["minimum"]).status == 200
    assert create(app, "kas", limits["minimum"] - 1).status == 400
    assert create(app, "kas", limits["maximum"] * 2).status == 400
    assert ask(app, "GET", "/api/transaction/limits/btc-ln").json()["fiatEquivalentMinimum"] == 0.1


@pytest.mark.parametrize("amount", [None, 0, -1, "10", True, []])
def test_an_amount_is_a_positive_number(amount):
    assert create(SandboxApp(), "ltc", amount).status == 400


@pytest.mark.parametrize("path", ["create/gold", "create/daimo/btc"])
def test_unknown_tickers(path):
    reply = ask(SandboxApp(), "POST", f"/api/transaction/{path}", {"amount": 10})
    assert reply.status == 400
    assert "Unsupported ticker" in reply.json()["error"]


def test_unknown_transactions():
    app = SandboxApp()
    made = create(app, "ltc").json()
    assert ask(app, "GET", "/api/transaction/status/ltc/tx_none").status == 404
    assert ask(app, "GET", f"/api/transaction/status/btc/{made['txId']}").status == 404
    assert ask(app, "GET", "/api/transaction/limits/gold").status == 400
