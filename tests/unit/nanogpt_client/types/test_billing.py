"""The one rule of contract §2 for dollars, as a table."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.types.billing import Billing
from tests.support.driving import ODD_VALUES

P, U, M = "x_nanogpt_pricing", "usage", "metadata"


@pytest.mark.parametrize(
    ("body", "headers", "cost", "source"),
    [
        # body.cost above zero beats all
        ({"cost": 3, P: {"costUsd": 2}}, {}, "3", "cost"),
        ({"cost": "0.0035"}, {}, "0.0035", "cost"),
        ({"cost": 3, "currency": "USD"}, {}, "3", "cost"),
        ({"cost": 3, "currency": "XNO"}, {}, None, None),
        # pricing: costUsd, usdCost, then cost and amount if they are dollars
        ({P: {"costUsd": 1, "usdCost": 2, "cost": 3, "currency": "USD"}}, {}, "1", f"{P}.costUsd"),
        ({P: {"usdCost": "2", "cost": 3, "currency": "USD"}}, {}, "2", f"{P}.usdCost"),
        ({P: {"cost": 3, "amount": 4, "currency": "USD"}}, {}, "3", f"{P}.cost"),
        ({P: {"amount": "0.000013", "currency": "usd"}}, {}, "0.000013", f"{P}.amount"),
        ({P: {"amount": 4, "paymentSource": "USD"}}, {}, "4", f"{P}.amount"),
        ({P: {"amount": 4, "paymentSource": "XNO"}}, {}, None, None),
        ({P: {"amount": 4, "paymentSource": "nano"}}, {}, None, None),
        ({P: {"amount": 4, "currency": "XNO", "paymentSource": "USD"}}, {}, None, None),
        ({P: {"amount": 4}}, {}, None, None),
        ({P: {"amount": 4, "currency": "XNO", "costUsd": 1}}, {}, "1", f"{P}.costUsd"),
        ({"nanoGPT": {"costUsd": 1}}, {}, "1", f"{P}.costUsd"),
        # Nano, wherever a reply says so: the key and its value in any case, each place for itself
        *[
            (body, {}, None, None)
            for word in ("XNO", "xno", "Nano", "NANO", " nano ")
            for name in ("paymentSource", "currency")
            for body in (
                {"cost": 3, name: word},
                {"cost": 3, P: {name: word}},
                {"cost": 3, U: {name: word}},
                {"cost": 3, M: {name: word}},
                {P: {"cost": 3, name: word}},
                {P: {"amount": 3, "currency": "USD", "paymentSource": word}},
                {P: {"cost": 3}, name: word},
                {U: {"cost": 3}, name: word},
                {U: {"cost": 3, name: word}},
                {U: {"cost": 3}, P: {name: word}},
                {M: {"cost": 3}, name: word},
                {M: {"cost": 3, name: word}},
            )
        ],
        ({"paymentSource": "XNO"}, {"x-cost": "3"}, None, None),
        ({}, {"x-cost": "3", "x-payment-source": "nano"}, None, None),
        ({}, {"x-cost": "3", "x-cost-currency": "XNO"}, None, None),
        # but what names dollars is dollars
        ({"cost": 3, "paymentSource": "XNO", "costUsd": 1}, {}, "1", "costUsd"),
        ({"cost": 3, "paymentSource": "XNO", P: {"usdCost": 1}}, {}, "1", f"{P}.usdCost"),
        ({M: {"cost": 3, "costUsd": 1, "currency": "XNO"}}, {}, "1", "metadata.costUsd"),
        (
            {P: {"cost": 3, "paymentSource": "XNO"}, U: {"cost": 1, "currency": "USD"}},
            {},
            "1",
            "usage.cost",
        ),
        # nothing is nothing in any coin
        ({"cost": 0, "paymentSource": "XNO"}, {}, "0", "cost"),
        ({P: {"amount": 0, "currency": "XNO"}}, {}, "0", f"{P}.amount"),
        (
            {P: {"amount": 0, "currency": "XNO"}, U: {"cost": 2, "currency": "USD"}},
            {},
            "2",
            "usage.cost",
        ),
        # other coins and other payers
        ({"cost": 3, "currency": "EUR"}, {}, None, None),
        ({"cost": 3, "paymentSource": "subscription"}, {}, "3", "cost"),
        ({P: {"amount": 3}, "paymentSource": "USD"}, {}, "3", f"{P}.amount"),
        # 0 is an answer: covered by the subscription
        ({P: {"costUsd": 0}}, {}, "0", f"{P}.costUsd"),
        ({P: {"costUsd": 0}, U: {"cost": 2}}, {}, "0", f"{P}.costUsd"),
        ({P: {"costUsd": None, "usdCost": "0"}}, {}, "0", f"{P}.usdCost"),
        ({"cost": 0, P: {"costUsd": 2}}, {}, "2", f"{P}.costUsd"),
        ({"cost": 0, U: {"cost": 2}}, {}, "2", "usage.cost"),
        ({"cost": 0}, {"x-cost": "9"}, "0", "cost"),
        # usage, metadata, headers
        ({U: {"cost": 2}}, {}, "2", "usage.cost"),
        ({U: {"cost": 2, "currency": "USD"}}, {}, "2", "usage.cost"),
        ({U: {"cost": 2, "currency": "XNO"}}, {}, None, None),
        ({U: {"cost": 2}, M: {"cost": 3}}, {}, "2", "usage.cost"),
        ({M: {"cost": 3}}, {"x-cost": "9"}, "3", "metadata.cost"),
        ({}, {"x-cost": "0.5", "x-nano-cost": "9"}, "0.5", "header x-cost"),
        ({}, {"x-nano-cost": "9"}, "9", "header x-nano-cost"),
        # unknown stays unknown
        ({}, {}, None, None),
        ({"cost": None, P: None, U: None, M: None}, {}, None, None),
        ({"cost": -1, P: {"costUsd": "free"}, U: {"cost": True}}, {"x-cost": "nan"}, None, None),
        ({"cost": float("inf")}, {}, None, None),
    ],
)
def test_dollars(body, headers, cost, source):
    billing = Billing.read(body, headers)
    assert (billing.cost, billing.source) == (None if cost is None else Decimal(cost), source)


@pytest.mark.parametrize(
    ("body", "cost", "balance"),
    [
        ({"cost": 0.35, "paymentSource": "XNO", "remainingBalance": 12.5}, "0.35", "12.5"),
        ({P: {"amount": "4", "currency": "XNO", "costUsd": 1, "remainingBalance": 7}}, "4", "7"),
        ({U: {"cost": 2, "currency": "nano"}}, "2", None),
        ({"cost": 1, "paymentSource": "USD", "remainingBalance": 2}, None, None),
        ({}, None, None),
    ],
)
def test_nano_is_kept_as_nano(body, cost, balance):
    billing = Billing.read(body)
    found = [None if n is None else str(n) for n in (billing.cost_nano, billing.balance_nano)]
    assert found == [cost, balance]


@pytest.mark.parametrize(
    ("body", "currency"),
    [
        ({"paymentSource": "XNO"}, "XNO"), ({"currency": "nano"}, "XNO"),
        ({P: {"paymentSource": "xno", "currency": "USD"}}, "XNO"),
        ({M: {"currency": "XNO"}}, "XNO"), ({"paymentSource": "USD"}, "USD"),
        ({P: {"currency": "usd"}}, "USD"), ({"currency": "eur"}, "EUR"),
        ({"paymentSource": "subscription"}, None), ({"cost": 1}, None),
    ],
)  # fmt: skip
def test_the_currency_that_was_named(body, currency):
    assert Billing.read(body).currency == currency


def test_a_price_is_exact():
    assert str(Billing.read({P: {"costUsd": 0.1}}).cost) == "0.1"


@pytest.mark.parametrize(
    ("body", "headers", "balance"),
    [
        ({"remainingBalance": 2, P: {"remainingBalance": 3}}, {"x-remaining-balance": "1"}, 1),
        ({"remainingBalance": 2, P: {"remainingBalance": 3}}, {"x-remaining-balance": "?"}, 2),
        ({P: {"remainingBalance": "3"}}, {}, 3),
        ({"remainingBalance": 0}, {}, 0),
        ({"remainingBalance": 5, "paymentSource": "XNO"}, {}, None),
        ({"remainingBalance": 5, "currency": "xno"}, {}, None),
        ({"remainingBalance": 5, P: {"paymentSource": "nano"}}, {}, None),
        ({P: {"remainingBalance": 5, "paymentSource": "nano"}}, {}, None),
        ({"paymentSource": "XNO"}, {"x-remaining-balance": "5"}, None),
        ({}, {}, None),
    ],
)
def test_balance(body, headers, balance):
    assert Billing.read(body, headers).balance == balance


@pytest.mark.parametrize(
    ("body", "headers", "request_id"),
    [
        ({"id": "c", P: {"requestId": "p"}}, {"x-request-id": "h"}, "h"),
        ({"id": "c", P: {"requestId": "p"}}, {}, "p"),
        ({"id": "c"}, {}, "c"),
        ({}, {}, None),
    ],
)
def test_request_id(body, headers, request_id):
    assert Billing.read(body, headers).request_id == request_id


def test_payment_source_and_pricing_are_kept():
    billing = Billing.read({P: {"paymentSource": "XNO", "new": 1}, "paymentSource": "USD"})
    assert billing.payment_source == "XNO"
    assert billing.pricing["new"] == 1
    assert Billing.read({"paymentSource": "USD"}).payment_source == "USD"


ODD = st.sampled_from(ODD_VALUES)
FIELDS = ("cost", "currency", "costUsd", "usdCost", "amount", "paymentSource", "remainingBalance")


@given(
    st.dictionaries(
        st.sampled_from([*FIELDS, P, U, M, "id"]),
        ODD | st.dictionaries(st.sampled_from([*FIELDS, "requestId"]), ODD),
    )
)
def test_no_value_breaks_it(body):
    cost = Billing.read(body).cost
    assert cost is None or cost >= 0
