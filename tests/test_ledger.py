"""The ledger and the budget."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.errors import BudgetExceededError, ConfigurationError
from nanogpt_client.ledger import Budget, Ledger, LedgerEntry, Totals
from tests.driving import ODD_VALUES

CENT = Decimal("0.01")


def entry(cost: Decimal | None = CENT, **fields) -> LedgerEntry:
    fields = {"kind": "chat", "model": "m", "outcome": "ok"} | fields
    return LedgerEntry(cost=cost, **fields)


def ledger_of(*entries: LedgerEntry) -> Ledger:
    ledger = Ledger()
    for each in entries:
        ledger.record(each)
    return ledger


def test_an_empty_ledger():
    ledger = Ledger()
    assert (len(ledger), list(ledger), ledger.totals) == (0, [], Totals())
    assert ledger.rows() == []
    assert "all" in ledger._repr_html_()


def test_totals_keep_unknown_apart_from_zero():
    ledger = ledger_of(
        entry(CENT, prompt_tokens=3, completion_tokens=4), entry(Decimal(0)), entry(None)
    )
    assert ledger.totals == Totals(3, CENT, 1, 3, 4)
    assert ledger.spent == CENT
    assert repr(ledger) == "<Ledger: 3 calls, 0.01 USD known>"


def test_dollars_add_up_exactly():
    assert ledger_of(*[entry(Decimal("0.1"))] * 3).spent == Decimal("0.3")


def test_totals_by_one_field_and_by_several():
    ledger = ledger_of(entry(), entry(model=None, kind="account"), entry(model="n"), entry())
    assert {name: t.calls for name, t in ledger.totals_by("model").items()} == {
        "m": 2,
        "": 1,
        "n": 1,
    }
    assert list(ledger.totals_by("kind", "model")) == [
        ("chat", "m"),
        ("account", ""),
        ("chat", "n"),
    ]


def test_rows_are_plain_dicts():
    assert ledger_of(entry()).rows()[0]["cost"] == CENT


def test_scopes_nest_and_end():
    ledger = Ledger()
    with ledger.scope("outer"):
        with ledger.scope("inner"):
            ledger.record(entry())
        ledger.record(entry())
    ledger.record(entry())
    assert [e.scope for e in ledger] == [("outer", "inner"), ("outer",), ()]


async def test_scopes_of_tasks_do_not_mix():
    ledger = Ledger()

    async def work(name: str) -> None:
        with ledger.scope(name):
            await asyncio.sleep(0)
            ledger.record(entry(model=name))

    await asyncio.gather(work("a"), work("b"))
    assert {(e.model, e.scope) for e in ledger} == {("a", ("a",)), ("b", ("b",))}


def test_entries_are_a_copy():
    ledger = ledger_of(entry())
    before = ledger.entries
    ledger.record(entry())
    assert len(before) == 1


def test_threads_lose_nothing():
    ledger = Ledger()

    def record() -> None:
        for _ in range(200):
            ledger.record(entry())

    threads = [threading.Thread(target=record) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ledger), ledger.spent) == (1600, Decimal(16))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_ledger_is_copied_with_its_entries(again):
    ledger = ledger_of(entry())
    other = again(ledger)
    other.record(entry())
    assert (len(ledger), len(other)) == (1, 2)


def test_a_table_for_notebooks():
    table = ledger_of(entry(model="<b>"), entry(None))._repr_html_()
    assert "&lt;b&gt;" in table
    assert "<b>" not in table
    assert table.count("<tr>") == 4  # titles, two models, all


def test_a_file_keeps_the_entries(tmp_path):
    path = tmp_path / "calls.jsonl"
    first = Ledger(path)
    with first.scope("é"):
        first.record(entry(None, model="m\n2"))
    first.record(entry(Decimal("1E-7")))
    assert Ledger(path).entries == first.entries
    assert len(path.read_text("utf-8").splitlines()) == 2


def test_two_ledgers_may_share_a_file(tmp_path):
    one, two = Ledger(tmp_path / "x"), Ledger(tmp_path / "x")
    one.record(entry())
    two.record(entry(model="n"))
    assert [e.model for e in Ledger(tmp_path / "x")] == ["m", "n"]


@pytest.mark.parametrize("rest", ['{"kind": "ch', "[1]", "null", "{}", "\x00", '{"kind": 1}'])
def test_a_line_that_was_cut_off_is_passed_over(tmp_path, rest):
    path = tmp_path / "calls.jsonl"
    path.write_text(f"{entry().to_json()}\n{rest}")
    ledger = Ledger(path)
    ledger.record(entry(model="n"))
    assert [e.model for e in Ledger(path)] == ["m", "n"]


def test_export_writes_what_a_ledger_reads(tmp_path):
    ledger = ledger_of(entry(), entry(None))
    ledger.export(tmp_path / "out.jsonl")
    assert Ledger(tmp_path / "out.jsonl").entries == ledger.entries
    assert [p.name for p in tmp_path.iterdir()] == ["out.jsonl"]


COSTS = st.none() | st.decimals(0, 1000, allow_nan=False, places=12)


@given(COSTS, st.text(), st.none() | st.integers(0, 10**9), st.lists(st.text(), max_size=2))
def test_a_line_of_json_reads_back_exactly(cost, model, tokens, scope):
    given_entry = entry(cost, model=model, prompt_tokens=tokens, scope=tuple(scope))
    assert "\n" not in given_entry.to_json()
    assert LedgerEntry.from_json(given_entry.to_json()) == given_entry


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
@pytest.mark.parametrize("field", ["cost", "scope", "sends"])
def test_odd_lines_break_nothing(field, value):
    line = json.dumps(json.loads(entry().to_json()) | {field: value})
    LedgerEntry.from_json(line)


# Budget


@pytest.mark.parametrize("usd", [-1, "x", float("nan"), float("inf"), ""])
def test_a_budget_refuses_what_is_no_amount(usd):
    with pytest.raises(ConfigurationError, match="usd is a number"):
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
    with pytest.raises(BudgetExceededError, match="1 calls"):
        budget.reserve()


def test_overspending_shows_as_nothing_left():
    budget = Budget(1)
    budget.reserve()
    budget.settle(Decimal(0), Decimal(7))
    assert budget.remaining_usd == 0
    assert repr(budget) == "<Budget: 7 of 1 USD, 1 of None calls>"


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
