"""Account routes: balance, usage, estimates, affordability, deposits."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.call import RetrySafety
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client.endpoints.account import (
    balance,
    can_afford,
    create_deposit,
    deposit_limits,
    deposit_status,
    estimate_chat_cost,
    estimate_image_cost,
    subscription_usage,
    usage,
)
from nanogpt_client.errors import InvalidArgumentError, NanoGPTError
from tests.support.driving import ODD_VALUES, answer, context, drive, reply, requests_of
from tests.support.typed import as_declared

MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("call", "method", "root", "path", "sent"),
    [
        (balance(), "POST", "api", "/check-balance", {}),
        (subscription_usage(), "GET", "api", "/subscription/v1/usage", {}),
        (usage(), "GET", "v1", "/usage", {}),
        (
            usage(from_date="2026-01-01", to_date="2026-01-31", group_by="day,model"),
            "GET",
            "v1",
            "/usage",
            {"from": "2026-01-01", "to": "2026-01-31", "group_by": "day,model"},
        ),
        (
            estimate_chat_cost("hi", model="m"),
            "POST",
            "api",
            "/get-completion-cost",
            {"model": "m", "messages": MESSAGES},
        ),
        (estimate_image_cost(model="m"), "POST", "api", "/estimate-image-cost", {"model": "m"}),
        (
            estimate_image_cost(model="m", size="1x1", n=2),
            "POST",
            "api",
            "/estimate-image-cost",
            {"model": "m", "size": "1x1"},
        ),
        (
            create_deposit("BTC", "0.001"),
            "POST",
            "api",
            "/transaction/create/btc",
            {"amount": 0.001},
        ),
        (
            create_deposit("usd", Decimal(5)),
            "POST",
            "api",
            "/transaction/create/usd",
            {"amount": 5.0},
        ),
        (
            create_deposit("usdc", 5),
            "POST",
            "api",
            "/transaction/create/daimo/usdc",
            {"amount": 5.0},
        ),
        (deposit_limits("BTC"), "GET", "api", "/transaction/limits/btc", {}),
        (deposit_status("btc", "a/b ?"), "GET", "api", "/transaction/status/btc/a%2Fb%20%3F", {}),
    ],
)
def test_requests(call, method, root, path, sent):
    request = call.request
    assert (request.method, request.root, request.path) == (method, root, path)
    assert (json.loads(request.content) if method == "POST" else request.query) == sent
    assert not call.billable
    submits = path.startswith("/transaction/create")
    assert call.resend is (RetrySafety.IF_NOT_SENT if submits else RetrySafety.ALWAYS)


@pytest.mark.parametrize(
    ("ask", "match"),
    [
        (lambda: usage(from_date="2026-01-01"), "passed together"),
        (lambda: usage(to_date="2026-01-01"), "passed together"),
        (lambda: estimate_chat_cost([], model="m"), "at least one message"),
        (lambda: estimate_chat_cost("hi", model=""), "model must be"),
        (lambda: estimate_image_cost(model="m", n=0), "n must be at least 1"),
        (lambda: create_deposit("btc", 0), "above 0, not 0"),
        (lambda: create_deposit("btc", -1), "above 0"),
        (lambda: create_deposit("btc", "much"), "above 0, not 'much'"),
        (lambda: create_deposit("btc", float("nan")), "above 0"),
        (lambda: create_deposit("btc", float("inf")), "above 0"),
        (lambda: create_deposit("nano", 1), "nano_deposit_address"),
        (lambda: create_deposit("XNO", 1), "nano_deposit_address"),
        (lambda: create_deposit("../x", 1), "ticker must be a coin"),
        (lambda: create_deposit("", 1), "ticker must be"),
        (lambda: deposit_limits("b/tc"), "ticker must be a coin"),
        (lambda: deposit_status("btc", ""), "deposit_id must be"),
    ],
)
def test_what_cannot_work_is_refused_before_sending(ask, match):
    with pytest.raises(InvalidArgumentError, match=match):
        ask()


def test_answers():
    assert balance().parse(reply({"usd_balance": "129.46"})).usd == Decimal("129.46")
    assert usage().parse(reply({"totals": {"requests": 3}})).requests == 3
    assert subscription_usage().parse(reply({"active": True})).active
    assert estimate_chat_cost("hi", model="m").parse(reply({"cost": "0.5"})).usd == Decimal("0.5")
    assert deposit_limits("btc").parse(reply({"minimum": "0.1"})).minimum == Decimal("0.1")
    assert deposit_status("btc", "t").parse(reply({"status": "Paid"})).status == "Paid"
    assert create_deposit("btc", 1).parse(reply({"address": "a"})).address == "a"


@pytest.mark.parametrize(("body", "usd"), [({"cost": 0.1}, Decimal("0.3")), ({}, None)])
def test_an_estimate_for_several_pictures(body, usd):
    assert estimate_image_cost(model="m", n=3).parse(reply(body)).usd == usd


@pytest.mark.parametrize(
    ("cost", "money", "affordable"),
    [("1", "2", True), ("2", "2", True), ("3", "2", False), (None, "2", None), ("1", None, None)],
)
def test_what_can_be_afforded(cost, money, affordable):
    verdict = answer(
        can_afford("hi", model="m"), reply({"cost": cost}), reply({"usd_balance": money})
    )
    assert verdict.affordable is affordable
    assert bool(verdict) is (affordable is True)


def test_pictures_can_be_afforded_too():
    driven = drive(
        run_flow(can_afford(model="m", size="1x1", n=3), context()),
        reply({"cost": 1}), reply({"usd_balance": "2.5"}),
    )  # fmt: skip
    assert driven.result.affordable is False
    assert requests_of(driven)[0].path == "/estimate-image-cost"


CALLS: list[Any] = [
    balance(), usage(), subscription_usage(), estimate_chat_cost("hi", model="m"),
    estimate_image_cost(model="m", n=2), create_deposit("btc", 1), deposit_limits("btc"),
    deposit_status("btc", "t"),
]  # fmt: skip
KEYS = st.sampled_from(
    "usd_balance totals requests costUsd cost data transaction txId amount error min active".split()
)


@given(
    st.recursive(st.sampled_from(ODD_VALUES), lambda inner: st.dictionaries(KEYS, inner)),
    st.sampled_from(CALLS),
)
def test_any_json_is_an_answer_or_an_error(body, call):
    with suppress(NanoGPTError):
        as_declared(call.parse(reply(body)))


@pytest.mark.parametrize("ticker", ["usdc", "USDT", "eth", "sol", "daimo/usdc", "Daimo/SOL"])
def test_coins_by_daimo(ticker):
    call = create_deposit(ticker, 10)
    coin = ticker.lower().rpartition("/")[2]
    assert call.request.path == f"/transaction/create/daimo/{coin}"
    assert call.parse(reply({"paymentId": "p_1"})).id == "p_1"
