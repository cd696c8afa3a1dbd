"""Balance, usage, estimates and deposits as values."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nanogpt_client.types.account import (
    Affordability,
    Balance,
    CostEstimate,
    Deposit,
    DepositLimits,
    SubscriptionUsage,
    UsageReport,
)
from tests.support.driving import ODD_VALUES
from tests.support.typed import as_declared


def test_a_balance_is_exact():
    balance = Balance.read(
        {"usd_balance": "129.46956147", "nano_balance": "26.71", "nanoDepositAddress": "nano_1"}
    )
    assert (balance.usd, balance.nano) == (Decimal("129.46956147"), Decimal("26.71"))
    assert balance.nano_deposit_address == "nano_1"


def test_an_unknown_balance_is_none():
    balance = Balance.read({})
    assert (balance.usd, balance.nano, balance.nano_deposit_address) == (None, None, None)


@pytest.mark.parametrize(
    ("body", "usd"),
    [
        ({"cost": 0.5}, "0.5"),
        ({"cost": 0}, "0"),
        ({"data": {"cost": "0.5"}}, "0.5"),
        ({"estimatedCost": 0.5}, "0.5"),
        ({"total_cost": "0.5"}, "0.5"),
        ({"usdCost": 0.5}, "0.5"),
        ({"price": "0.5"}, "0.5"),
        ({"price": "free"}, None),
        ({"price": 0.5, "currency": "XNO"}, None),
        ({"cost": 0.5, "paymentSource": "nano"}, None),
        ({"data": {"cost": 0.5}, "paymentSource": "XNO"}, None),
        ({"data": {"estimated_cost": 0.5, "currency": "xno"}}, None),
        ({"data": {"cost": 0.5, "currency": "XNO", "costUsd": 0.4}}, "0.4"),
        ({"price": 0.5, "currency": "USD"}, "0.5"),
        ({}, None),
    ],
)
def test_estimates(body, usd):
    estimate = CostEstimate.read(body)
    assert estimate.usd == (None if usd is None else Decimal(usd))
    assert estimate.raw == body


@pytest.mark.parametrize(("affordable", "truth"), [(True, True), (False, False), (None, False)])
def test_unknown_is_not_affordable(affordable, truth):
    assert bool(Affordability(affordable, CostEstimate.read({}), Balance.read({}))) is truth


def test_usage():
    report = UsageReport.read(
        {
            "totals": {"requests": 3, "costUsd": 0, "netCostUsd": 5},
            "byDay": [{"day": 1}, 7],
            "byModel": None,
        }
    )
    assert (report.requests, report.cost_usd) == (3, Decimal(0))
    assert (report.by_day, report.by_model) == (({"day": 1},), ())


def test_subscription_usage():
    used = SubscriptionUsage.read(
        {
            "active": True,
            "state": "active",
            "limits": {"daily": 10},
            "daily": {"used": 1},
            "monthly": [],
        }
    )
    assert (used.active, used.state, used.limits) == (True, "active", {"daily": 10})
    assert (used.daily, used.monthly) == ({"used": 1}, {})
    assert SubscriptionUsage.read({"active": "yes"}).active is False


@pytest.mark.parametrize("wrap", [lambda b: b, lambda b: {"data": b}, lambda b: {"transaction": b}])
def test_deposits(wrap):
    body = wrap(
        {"txId": "t", "address": "a", "amount": "0.001", "status": "New", "paymentLink": "l"}
    )
    deposit = Deposit.read(body)
    assert (deposit.id, deposit.address, deposit.amount) == ("t", "a", Decimal("0.001"))
    assert (deposit.status, deposit.payment_link, deposit.raw) == ("New", "l", body)


@pytest.mark.parametrize(
    "body",
    [
        {"min": 1, "max": 2},
        {"minimum": "1", "maximum": 2},
        {"data": {"minAmount": 1, "maxAmount": 2}},
    ],
)
def test_deposit_limits(body):
    limits = DepositLimits.read(body)
    assert (limits.minimum, limits.maximum) == (Decimal(1), Decimal(2))


@pytest.mark.parametrize(
    "cls", [Balance, CostEstimate, UsageReport, SubscriptionUsage, Deposit, DepositLimits]
)
def test_any_field_may_be_anything(cls):
    fields = (
        "usd_balance nano_balance nanoDepositAddress cost price totals byDay byModel active state "
        "limits daily monthly data transaction txId address amount status paymentLink min max"
    ).split()
    for value in ODD_VALUES:
        for field in fields:
            totals = {field: value, "requests": value, "costUsd": value}
            for body in ({field: value}, {"totals": totals}):
                assert as_declared(cls.read(body)).raw is body


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ({"paymentId": "p"}, ("p", None)),  # Daimo
        ({"data": {"paymentId": "p"}}, ("p", None)),
        ({"paymentLink": "https://pay"}, (None, "https://pay")),  # a card
        ({"txId": "t", "paymentId": "p"}, ("t", None)),
    ],
)
def test_deposits_of_every_provider(body, known):
    deposit = Deposit.read(body)
    assert (deposit.id, deposit.payment_link) == known
    assert deposit.raw == body


def test_what_was_given_back():
    totals = {"requests": 3, "costUsd": 5, "refundedUsd": "1.25", "netCostUsd": 3.75}
    report = UsageReport.read({"totals": totals})
    assert (report.cost_usd, report.refunded_usd, report.net_cost_usd) == (
        Decimal(5), Decimal("1.25"), Decimal("3.75"),
    )  # fmt: skip


def test_a_usage_report_prints_a_table():
    report = UsageReport.read(
        {
            "totals": {"requests": 1200, "costUsd": 3e-07, "netCostUsd": 2e-07},
            "byModel": [{"model": "m", "requests": 1200, "totalTokens": 5000, "netCostUsd": 2e-07}],
            "byDay": [{"date": "2026-01-31", "requests": 1200, "costUsd": 3e-07}],
        }
    )
    assert str(report).splitlines() == [
        "model  requests  tokens        USD",
        "m         1,200   5,000  0.0000002",
        "all       1,200          0.0000002",
    ]
    assert report.rows("day")[0] == ("2026-01-31", 1200, None, Decimal("3E-7"))
    assert "0.0000002</td>" in report._repr_html_()
    assert "e-07" not in repr(report)
