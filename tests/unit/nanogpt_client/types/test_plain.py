"""Money, counts and times as text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.budget import Budget
from nanogpt_client.errors import BudgetExceededError
from nanogpt_client.types.ledger_entry import Totals
from nanogpt_client.types.plain import counted, exact, moment, usd

ODD = [Decimal("0E-9"), Decimal("1E-7"), Decimal("1E+2"), Decimal("-0.0"), Decimal("0.00166600")]


@pytest.mark.parametrize(
    ("amount", "text"),
    list(zip(ODD, ["0", "0.0000001", "100", "0", "0.001666"], strict=True)),
)
def test_amounts_have_no_exponent_and_no_zeros_at_their_end(amount, text):
    assert exact(amount) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9))
def test_no_digit_of_an_amount_is_lost(amount):
    text = exact(amount)
    assert Decimal(text) == amount
    assert "E" not in text
    assert not ("." in text and text.endswith(("0", ".")))


def test_an_unknown_amount_is_not_zero():
    assert exact(None) is None
    assert usd(None) == "unknown"
    assert usd(Decimal(0)) == "0 USD"


def test_counts_have_thousands_and_a_plural():
    assert counted(1, "call") == "1 call"
    assert counted(0, "call") == "0 calls"
    assert counted(1234567, "token") == "1,234,567 tokens"


def test_times_are_utc_and_without_fractions():
    assert moment(1767225600.9) == "2026-01-01 00:00:00+00:00"


def test_totals_read_as_a_sentence():
    assert str(Totals()) == "0 calls, 0 USD"
    whole = Totals(12345, Decimal("1E-7"), 2, 4000, 1, free=3)
    assert str(whole) == (
        "12,345 calls (3 free, 2 of unknown cost), 0.0000001 USD, 4,000 tokens in, 1 out"
    )


@pytest.mark.parametrize("amount", ODD[:2])
def test_a_budget_writes_plain_decimals(amount):
    budget = Budget(amount)
    assert "E-" not in repr(budget)
    with pytest.raises(BudgetExceededError) as caught:
        budget.reserve(Decimal("2E-7"))
    assert "0.0000002 estimated" in str(caught.value)
    assert "E-" not in str(caught.value)


def test_a_budget_of_one_call_is_singular():
    budget = Budget(max_calls=1)
    budget.reserve(None)
    assert repr(budget) == "<Budget: 0 USD, 1 of 1 call>"
    with pytest.raises(BudgetExceededError, match="the budget of 1 call is used up"):
        budget.reserve(None)
