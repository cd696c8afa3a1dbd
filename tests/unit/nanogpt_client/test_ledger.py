"""The ledger."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import sys
import threading
import timeit
import tracemalloc
from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.errors import ConfigurationError
from nanogpt_client.ledger import AccountingWarning, Ledger, LedgerEntry, Totals
from tests.support.driving import ODD_VALUES
from tests.support.typed import as_declared

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
    assert ledger.totals == Totals(3, CENT, 1, 3, 4, free=1)
    assert ledger.spent == CENT
    assert repr(ledger) == (
        "<Ledger: 3 calls (1 free, 1 of unknown cost), 0.01 USD, 3 tokens in, 4 out>"
    )


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


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_has_the_settings_and_no_history(again, tmp_path):
    ledger = Ledger(keep=2)
    for _ in range(5000):
        ledger.record(entry())
    other = again(ledger)
    for _ in range(3):
        other.record(entry())
    assert (len(ledger), len(other), len(other.entries)) == (5000, 3, 2)
    assert len(pickle.dumps(ledger)) < 500


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_appends_to_the_same_file_and_counts_its_own(again, tmp_path, monkeypatch):
    path = tmp_path / "calls.jsonl"
    monkeypatch.chdir(tmp_path)
    ledger = Ledger("calls.jsonl")
    ledger.record(entry())
    other = again(ledger)
    monkeypatch.chdir("/")  # as in a worker that was started elsewhere
    other.record(entry(model="n"))
    assert (len(other), [e.model for e in other.entries]) == (1, ["n"])
    assert [e.model for e in Ledger(path)] == [e.model for e in other] == ["m", "n"]


def test_a_table_for_notebooks():
    table = ledger_of(entry(model="<b>"), entry(None))._repr_html_()
    assert "&lt;b&gt;" in table
    assert "<b>" not in table
    assert table.count("<tr>") == 4  # titles, two models, all


def test_a_ledger_prints_a_table():
    ledger = ledger_of(
        entry(Decimal("1E-7"), prompt_tokens=12_000),
        entry(None, model=None, kind="search"),
        entry(Decimal("0E-9"), model=None, kind="catalog"),
    )
    assert str(ledger).splitlines() == [
        "kind     model  calls  free  unknown  tokens in        USD",
        "chat     m          1                    12,000  0.0000001",
        "search              1              1                     0",
        "catalog             1     1                              0",
        "all                 3     1        1     12,000  0.0000001",
    ]


def test_a_data_frame_has_floats_and_times():
    pd = pytest.importorskip("pandas")
    ledger = ledger_of(
        entry(Decimal("0.25"), prompt_tokens=7, started_at=1767225600.5, model="a"),
        entry(None, model="b"),
        entry(Decimal(1), model="a"),
    )
    frame = ledger.to_frame()
    assert list(frame.columns) == [field.name for field in fields(LedgerEntry)]
    assert frame["cost"].dtype == float
    assert frame["cost"].isna().tolist() == [False, True, False]
    assert frame["prompt_tokens"].tolist()[0] == 7
    assert frame["started_at"][0] == pd.Timestamp("2026-01-01 00:00:00.5", tz="UTC")
    assert frame["started_at"].isna().tolist() == [False, True, True]
    assert frame.groupby("model")["cost"].sum().to_dict() == {"a": 1.25, "b": 0.0}


def test_a_data_frame_of_nothing_has_its_columns_and_types():
    pytest.importorskip("pandas")
    frame = Ledger().to_frame()
    assert len(frame) == 0
    assert frame["cost"].dtype == float
    assert str(frame["started_at"].dtype).endswith("UTC]")


def test_without_pandas_a_data_frame_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match="to_frame needs pandas: pip install pandas"):
        Ledger().to_frame()


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


@pytest.mark.unwatched
@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
@pytest.mark.parametrize("field", [field.name for field in fields(LedgerEntry)])
def test_odd_lines_break_nothing(tmp_path, field, value):
    line = json.dumps(json.loads(entry().to_json()) | {field: value})
    path = tmp_path / "calls.jsonl"
    path.write_text(f"{line}\n" * 3)
    ledger = Ledger(path, keep=1)
    read = as_declared(next(iter(ledger)))
    others = {name.name for name in fields(LedgerEntry)} - {field}
    assert {name: getattr(read, name) for name in others} == {
        name: getattr(entry(), name) for name in others
    }
    assert ledger.totals.calls == len(list(ledger)) == len(ledger.rows()) == 3
    for name in fields(LedgerEntry):
        assert sum(total.calls for total in ledger.totals_by(name.name).values()) == 3
    assert "all" in ledger._repr_html_()


def test_what_is_no_count_counts_as_not_reported():
    values: dict[str, Any] = {
        "prompt_tokens": "x",
        "completion_tokens": "7",
        "sends": None,
        "started_at": [],
    }
    read = LedgerEntry.from_json(json.dumps(json.loads(entry().to_json()) | values))
    assert read == entry(completion_tokens=7, sends=0)


def test_payments_that_were_begun_and_not_completed_are_open(tmp_path):
    ledger = Ledger(tmp_path / "x")
    for number, outcomes in enumerate((["begun", "ok"], ["begun"], ["begun", "PaymentError"],
                                       ["begun", "PaymentError", "ok"])):  # fmt: skip
        for outcome in outcomes:
            ledger.record(entry(outcome=outcome, payment_id=f"pay_{number}", paid="1 XNO"))
    ledger.record(entry(outcome="APIConnectionError"))
    assert Ledger(tmp_path / "x").open_payments() == ledger.open_payments() == ["pay_1", "pay_2"]


def test_lines_of_other_calls_do_not_mention_payments():
    assert "pay" not in entry().to_json()
    paid = entry(payment_id="pay_1", paid="0.17 XNO")
    assert LedgerEntry.from_json(paid.to_json()) == paid


# Memory


def test_the_last_entries_are_kept_and_all_are_summed_up():
    ledger = Ledger(keep=3)
    for number in range(5000):
        ledger.record(entry(model=f"m{number % 7}", prompt_tokens=number))
    assert [e.prompt_tokens for e in ledger.entries] == [4997, 4998, 4999]
    assert (len(ledger), ledger.spent) == (5000, Decimal(50))
    assert ledger.totals.prompt_tokens == sum(range(5000))
    by_model = ledger.totals_by("model")
    assert list(by_model) == [f"m{number}" for number in range(7)]
    assert sum(by_model.values(), Totals()) == ledger.totals
    assert by_model["m6"].prompt_tokens == sum(range(6, 5000, 7))


@pytest.mark.parametrize(("keep", "kept"), [(0, 0), (1, 1), (1_000, 1_000), (None, 2_500)])
def test_how_many_entries_are_kept(keep, kept):
    ledger = Ledger(keep=keep)
    for number in range(2_500):
        ledger.record(entry(prompt_tokens=number))
    assert [e.prompt_tokens for e in ledger.entries] == list(range(2_500 - kept, 2_500))


def test_keep_is_no_negative_number():
    with pytest.raises(ConfigurationError, match="keep"):
        Ledger(keep=-1)


def test_sums_that_need_every_entry_are_whole_or_refused(tmp_path):
    ledger, on_file = Ledger(keep=2), Ledger(tmp_path / "x", keep=2)
    for number in range(5):
        for each in (ledger, on_file):
            each.record(entry(request_id=f"r{number % 2}"))
            if number == 1:
                assert len(each.totals_by("request_id")) == 2
    with pytest.raises(ConfigurationError, match="request_id need every entry"):
        ledger.totals_by("model", "request_id")
    assert {k: t.calls for k, t in on_file.totals_by("request_id").items()} == {"r0": 3, "r1": 2}
    assert ledger.totals_by("model")["m"].calls == 5


def test_scopes_beyond_number_are_merged_and_sums_by_them_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("nanogpt_client.ledger._MAX_GROUPS", 10)
    ledger, on_file = Ledger(keep=2), Ledger(tmp_path / "x", keep=2)
    for each in (ledger, on_file):
        for number in range(30):
            with each.scope(f"user {number}"):
                each.record(entry(model=f"m{number % 5}"))
    assert {t.calls for t in ledger.totals_by("model").values()} == {6}
    with pytest.raises(ConfigurationError, match="scope need every entry"):
        ledger.totals_by("scope")
    assert len(on_file.totals_by("scope")) == 30
    for number in range(30):
        ledger.record(entry(model=f"n{number}"))
    with pytest.raises(ConfigurationError, match="model need every entry"):
        ledger.totals_by("model")
    assert ledger.totals.calls == 60
    assert len(ledger._groups(ledger._last())) <= 21


def test_entries_that_are_gone_are_not_passed_over_in_silence(tmp_path):
    ledger = Ledger(keep=2)
    for _ in range(5):
        ledger.record(entry())
    for use in (list, Ledger.rows, lambda ledger: ledger.export(tmp_path / "x")):
        with pytest.warns(AccountingWarning, match="only the last 2 entries; 3 are missing"):
            use(ledger)
    assert len(Ledger(tmp_path / "x")) == 2


def test_the_file_has_what_memory_has_not(tmp_path):
    ledger = Ledger(tmp_path / "x", keep=2)
    for number in range(5):
        ledger.record(entry(prompt_tokens=number))
    again = Ledger(tmp_path / "x", keep=3)
    for each in (ledger, again):
        assert [e.prompt_tokens for e in each] == [row["prompt_tokens"] for row in each.rows()]
        assert [e.prompt_tokens for e in each] == list(range(5))
    assert (len(ledger.entries), len(again.entries), len(again)) == (2, 3, 5)
    again.export(tmp_path / "y")
    assert (tmp_path / "y").read_bytes() == (tmp_path / "x").read_bytes()
    assert again.totals_by("kind", "outcome") == ledger.totals_by("kind", "outcome")


@pytest.mark.unwatched
def test_a_hundred_thousand_calls_take_little_memory_and_no_time_to_sum_up():
    ledger = Ledger()
    tracemalloc.start()
    for number in range(100_000):
        ledger.record(entry(Decimal("0.001") + number, request_id=f"req_{number}"))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 5e6
    assert timeit.timeit(lambda: (ledger.spent, repr(ledger), len(ledger)), number=100) < 0.1


@pytest.mark.unwatched
def test_a_long_file_is_not_loaded_into_memory(tmp_path):
    line = entry(request_id="req_0123456789abcdef", prompt_tokens=1).to_json() + "\n"
    (tmp_path / "x").write_text(line * 50_000)
    tracemalloc.start()
    ledger = Ledger(tmp_path / "x")
    assert sum(each.prompt_tokens or 0 for each in ledger) == 50_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3e6
    assert (len(ledger), ledger.spent) == (50_000, Decimal(500))


@pytest.mark.unwatched
def test_a_long_history_is_let_go_at_once():
    ledger = Ledger(keep=None)
    for _ in range(100_000):
        ledger.record(entry())
    del ledger  # a chain, whose links must not be freed by recursion


def test_a_lost_stream_may_be_recorded_while_a_call_is(monkeypatch):
    """Python collects it whenever it wants, also between any two steps of `record`."""
    ledger, plus = Ledger(keep=None), Totals.plus
    nested: list[LedgerEntry] = []

    def interrupted(totals, each):
        if len(nested) < 3:
            nested.append(each)
            ledger.record(entry(model="lost"))
        return plus(totals, each)

    monkeypatch.setattr(Totals, "plus", interrupted)
    ledger.record(entry())
    assert sorted(str(e.model) for e in ledger.entries) == ["lost", "lost", "lost", "m"]
    assert ledger.totals == Totals(4, CENT * 4)


# Files that others could misuse


def test_an_export_is_private_and_follows_no_link(tmp_path):
    victim, target = tmp_path / "victim", tmp_path / "out.jsonl"
    victim.write_text("mine")
    target.symlink_to(victim)
    ledger = ledger_of(entry())
    ledger.export(target)
    assert victim.read_text() == "mine"
    assert not target.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert Ledger(target).entries == ledger.entries
    assert {path.name for path in tmp_path.iterdir()} == {"victim", "out.jsonl"}


def test_an_export_that_fails_leaves_nothing(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(OSError, match="directory"):
        ledger_of(entry()).export(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
