"""The budget: what it lets through, to the cent."""

from __future__ import annotations

import copy
import pickle
import threading
from decimal import Decimal

import pytest

from nanogpt_client.budget import Reservation
from nanogpt_client.errors import BudgetExceededError, ConfigurationError
from nanogpt_client.hooks import AccountingWarning
from nanogpt_client.ledger import Budget

CENT = Decimal("0.01")


@pytest.mark.parametrize("usd", [-1, "x", float("nan"), float("inf"), ""])
def test_a_budget_refuses_what_is_no_amount(usd):
    with pytest.raises(ConfigurationError, match="usd must be a number"):
        Budget(usd)


def test_a_budget_needs_a_limit():
    with pytest.raises(ConfigurationError, match="usd=…, max_calls=…"):
        Budget()
    with pytest.raises(ConfigurationError, match="max_calls"):
        Budget(max_calls=-1)


def test_the_call_that_finds_the_limit_reached_is_refused():
    budget = Budget("0.02")
    for _ in range(2):
        budget.reserve()
        budget.settle(Decimal(0), CENT)
    with pytest.raises(BudgetExceededError, match=r"0\.02 spent.*nothing was sent"):
        budget.reserve()
    assert (budget.calls, budget.remaining_usd) == (2, Decimal(0))


def test_reservations_of_calls_in_flight_count():
    budget = Budget(1)
    budget.reserve(Decimal("0.6"))
    with pytest.raises(BudgetExceededError, match=r"0\.6 reserved"):
        budget.reserve(Decimal("0.6"))
    budget.settle(Decimal("0.6"), Decimal("0.1"))
    budget.reserve(Decimal("0.9"))
    assert budget.remaining_usd == 0


def test_unknown_keeps_its_reservation():
    budget = Budget(1)
    budget.reserve(Decimal("0.6"))
    budget.settle(Decimal("0.6"), None)
    assert (budget.spent, budget.assumed, budget.unknown_calls) == (Decimal(0), Decimal("0.6"), 1)
    with pytest.raises(BudgetExceededError):
        budget.reserve(Decimal("0.6"))


def test_zero_is_not_unknown():
    budget = Budget(1)
    budget.reserve()
    budget.settle(Decimal(0), Decimal(0))
    assert (budget.unknown_calls, budget.remaining_usd) == (0, Decimal(1))


def test_a_budget_of_calls():
    budget = Budget(max_calls=1)
    assert budget.remaining_usd is None
    budget.reserve()
    with pytest.raises(BudgetExceededError, match="of 1 call is"):
        budget.reserve()


def test_overspending_shows_as_nothing_left():
    budget = Budget(1)
    budget.reserve()
    budget.settle(Decimal(0), Decimal(7))
    assert budget.remaining_usd == 0
    assert repr(budget) == "<Budget: 7 of 1 USD, 1 call>"


def test_a_pickled_budget_remembers_what_is_spent_and_forgets_what_is_in_flight():
    budget = Budget(1)
    budget.reserve(Decimal("0.5"))
    budget.settle(Decimal("0.5"), Decimal("0.25"))
    budget.reserve(Decimal("0.5"))
    other = pickle.loads(pickle.dumps(budget))
    assert (other.spent, other.remaining_usd) == (Decimal("0.25"), Decimal("0.75"))
    other.reserve()


def test_threads_never_pass_the_limit():
    budget, granted = Budget(1), []

    def work() -> None:
        for _ in range(50):
            try:
                budget.reserve(CENT)
            except BudgetExceededError:
                continue
            granted.append(1)
            budget.settle(CENT, CENT)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(granted), budget.spent) == (100, Decimal(1))


# Limits, to the last cent


@pytest.mark.parametrize(
    ("spent", "estimate", "allowed"),
    [
        ("0.99", "0.01", True),  # exactly to the limit
        ("0.99", "0.0100000001", False),
        ("0.9999999999", "0", True),
        ("1", "0", False),  # reached, also for what is free
        ("1", "0.0000000001", False),
        ("0", "1", True),
        ("0", "1.0000000001", False),
        ("1.5", "0", False),
    ],
)
@pytest.mark.parametrize("committed_as", ["spent", "assumed", "reserved"])
def test_a_limit_may_be_reached_and_not_passed(spent, estimate, allowed, committed_as):
    budget = Budget(usd=2)  # reached by what comes first, and then by one dollar less
    budget.reserve(Decimal(spent))
    if committed_as != "reserved":
        cost = Decimal(spent) if committed_as == "spent" else None
        budget.settle(Decimal(spent), cost)
    budget.usd = Decimal(1)
    if allowed:
        budget.reserve(Decimal(estimate))
        assert budget.remaining_usd == 1 - Decimal(spent) - Decimal(estimate)
    else:
        with pytest.raises(BudgetExceededError, match="does not allow this call"):
            budget.reserve(Decimal(estimate))
        assert budget.remaining_usd == max(1 - Decimal(spent), 0)
    assert budget.calls == 1 + allowed


def test_a_budget_of_nothing_allows_nothing():
    for budget in (Budget(usd=0), Budget(max_calls=0)):
        with pytest.raises(BudgetExceededError):
            budget.reserve()
        assert budget.calls == 0


@pytest.mark.parametrize("most", [1, 2, 5])
def test_exactly_so_many_calls_are_allowed(most):
    budget = Budget(max_calls=most)
    for _ in range(most):
        budget.reserve()
        budget.settle(Decimal(0), None)
    with pytest.raises(BudgetExceededError, match=f"of {most} call"):
        budget.reserve()
    assert budget.calls == most


# Where no price is known


def test_a_call_without_price_counts_with_an_assumed_one_until_its_cost_is_known():
    budget = Budget(usd="0.05", assumed_usd="0.02")
    budget.reserve(None)
    assert budget.remaining_usd == Decimal("0.03")
    budget.settle(None, Decimal("0.001"))
    assert (budget.spent, budget.assumed) == (Decimal("0.001"), Decimal(0))
    for _ in range(2):
        budget.reserve(None)
    with pytest.raises(BudgetExceededError, match=r"0\.02 estimated for it"):
        budget.reserve(None)
    with pytest.warns(AccountingWarning, match=r"counts 0\.02 USD.*assumed_usd"):
        budget.settle(None, None)
    budget.settle(None, None)  # told once
    assert (budget.assumed, budget.unknown_calls) == (Decimal("0.04"), 2)


def test_what_is_free_assumes_nothing():
    budget = Budget(usd=CENT)
    for _ in range(300):
        budget.reserve(Decimal(0))
        budget.settle(Decimal(0), None)
    assert (budget.assumed, budget.unknown_calls, budget.remaining_usd) == (Decimal(0), 300, CENT)


def test_a_warning_that_is_an_error_costs_no_answer(caplog):
    budget = Budget(usd=1)
    budget.reserve(None)
    budget.settle(None, None)  # in these tests, warnings are errors
    assert "the budget counts 0.01 USD" in caplog.text


@pytest.mark.parametrize("usd", [-1, "x", float("nan"), None])
def test_an_assumed_price_is_an_amount(usd):
    with pytest.raises(ConfigurationError, match="assumed_usd must be a number"):
        Budget(1, assumed_usd=usd)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_a_copy_has_limits_and_sums(again):
    budget = Budget(usd=3, max_calls=9, assumed_usd="0.5")
    budget.reserve(None)
    budget.settle(None, None)
    budget.reserve(Decimal(1))
    budget.settle(Decimal(1), Decimal("0.25"))
    other = again(budget)
    for each in (budget, other):
        assert (each.usd, each.max_calls, each.assumed_usd) == (3, 9, Decimal("0.5"))
        assert (each.spent, each.assumed) == (Decimal("0.25"), Decimal("0.5"))
        assert (each.calls, each.unknown_calls) == (2, 1)
    other.reserve()
    assert budget.calls == 2


def test_a_reservation_is_made_and_settled_once():
    budget, reservation = Budget(usd=1), Reservation(CENT)
    for _ in range(3):
        budget.make(reservation)
    assert (budget.calls, budget.remaining_usd) == (1, Decimal("0.99"))
    for _ in range(3):
        budget.close(reservation, CENT)
    assert (budget.calls, budget.spent, budget.remaining_usd) == (1, CENT, Decimal("0.99"))


def test_a_refused_reservation_is_not_settled():
    budget, reservation = Budget(usd=1), Reservation(Decimal(2))
    with pytest.raises(BudgetExceededError):
        budget.make(reservation)
    budget.close(reservation, CENT)
    assert (budget.spent, budget.remaining_usd) == (Decimal(0), Decimal(1))
