"""One ledger entry per call, and what it cost: reported, surely nothing, or unknown."""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from nanogpt_client._protocol.accounting import CallAccounting, CallContext
from nanogpt_client._protocol.call import Call, Reply, Request
from nanogpt_client._protocol.policy import run_flow, send_with_retries, stream_events
from nanogpt_client.endpoints.chat import chat, stream_chat
from nanogpt_client.endpoints.images import generate_image
from nanogpt_client.endpoints.speech import speak
from nanogpt_client.endpoints.video import generate_video, submit_video
from nanogpt_client.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    InvalidResponseError,
    OutcomeUnknownError,
    StreamInterruptedError,
    error_from_body,
    error_from_reply,
)
from nanogpt_client.ledger import AccountingWarning, Budget, Ledger, LedgerEntry
from nanogpt_client.types.billing import Billing
from tests.support.driving import context, drive, only_entry, reply
from tests.support.forks import in_a_fork

ZERO, SOME, ASSUMED = Decimal(0), Decimal("0.25"), Decimal("0.125")


def call(*, billable: bool = True, estimate=None) -> Call[None]:
    return Call(
        Request("POST", "/x"), lambda _: None, "chat", "m", billable=billable, estimate=estimate
    )


def book(rules: CallContext, *, cost=None, error=None, sends=1, billable=True, **rest):
    """Book one call that ended with this; return the entry."""
    result = SimpleNamespace(billing=Billing(cost=cost), usage=None)
    ends_with = nullcontext() if error is None else pytest.raises(type(error))
    with ends_with, CallAccounting(call(billable=billable, **rest), rules) as booking:
        booking.sends = sends
        booking.result = lambda: result
        if error is not None:
            raise error
    return only_entry(rules)


def status(code: int):
    return error_from_reply(Reply(code))


@pytest.mark.parametrize(
    ("how", "cost"),
    [
        ({"cost": SOME}, SOME),
        ({"cost": ZERO}, ZERO),
        ({"cost": None}, None),  # unknown is not zero
        ({"cost": SOME, "billable": False}, ZERO),  # a poll repeats the job's price
        ({"error": APIConnectionError("never sent")}, ZERO),
        ({"error": ConfigurationError("refused here")}, ZERO),
        ({"error": status(400)}, ZERO),
        ({"error": status(401)}, ZERO),
        ({"error": status(402)}, ZERO),
        ({"error": status(429)}, ZERO),
        ({"error": status(408)}, None),
        ({"error": status(500)}, None),
        ({"error": status(504)}, None),
        ({"error": status(302)}, None),
        ({"error": OutcomeUnknownError("lost", maybe_billed=True)}, None),
        ({"error": APITimeoutError("slow", maybe_billed=True)}, None),
        ({"error": InvalidResponseError("html", maybe_billed=True)}, None),
        ({"error": error_from_body({"error": "x", "status": 400})}, None),
        ({"error": StreamInterruptedError("cut", maybe_billed=True), "cost": SOME}, SOME),
        ({"error": KeyboardInterrupt(), "cost": SOME}, SOME),
        ({"error": KeyboardInterrupt()}, None),
        ({"error": KeyboardInterrupt(), "sends": 0}, ZERO),
        ({"error": GeneratorExit()}, None),
    ],
)
def test_cost(how, cost):
    assert book(context(), **how).cost == cost


def test_the_entry_of_a_success():
    rules = context()
    with CallAccounting(call(), rules) as booking:
        booking.sends = 2
        booking.result = lambda: SimpleNamespace(
            billing=Billing(cost=SOME, request_id="req_1"),
            usage=SimpleNamespace(prompt_tokens=3, completion_tokens=4),
        )
    entry = only_entry(rules)
    assert (entry.kind, entry.model, entry.outcome, entry.sends) == ("chat", "m", "ok", 2)
    assert (entry.prompt_tokens, entry.completion_tokens) == (3, 4)
    assert (entry.request_id, entry.started_at, entry.seconds) == ("req_1", 1.7e9, 0.0)


def test_the_entry_of_a_failure_has_its_name_and_request_id():
    error = error_from_reply(Reply(500, {"x-request-id": "req_2"}))
    entry = book(context(), error=error, sends=3)
    assert (entry.outcome, entry.request_id, entry.sends) == ("ServerError", "req_2", 3)
    assert error.sends == 3


def test_who_walks_away_is_recorded_as_that():
    assert book(context(), error=GeneratorExit()).outcome == "abandoned"


def test_the_estimate_is_reserved_while_the_call_is_in_flight():
    budget = Budget(usd=1)
    estimate = lambda: Decimal("0.75")
    with CallAccounting(call(estimate=estimate), context(budget=budget)) as booking:
        assert budget.remaining_usd == SOME
        booking.sends = 1
        booking.result = lambda: SimpleNamespace(billing=Billing(cost=SOME))
    assert (budget.spent, budget.remaining_usd) == (SOME, Decimal("0.75"))


@pytest.mark.parametrize(
    ("how", "spent", "assumed", "unknown"),
    [
        ({"cost": SOME}, SOME, ZERO, 0),
        ({"cost": ZERO}, ZERO, ZERO, 0),
        ({"cost": None}, ZERO, ASSUMED, 1),
        ({"cost": None, "estimate": lambda: None}, ZERO, ASSUMED, 1),
        ({"cost": None, "estimate": lambda: ZERO}, ZERO, ZERO, 1),  # free, and known to be
        ({"cost": None, "estimate": lambda: SOME}, ZERO, SOME, 1),
        ({"error": status(400), "estimate": lambda: SOME}, ZERO, ZERO, 0),
        ({"error": status(500), "estimate": lambda: SOME}, ZERO, SOME, 1),
    ],
)
def test_a_budget_is_settled_by_what_is_known(how, spent, assumed, unknown):
    budget = Budget(usd=5, assumed_usd=ASSUMED)
    book(context(budget=budget), **how)
    assert (budget.spent, budget.assumed, budget.unknown_calls) == (spent, assumed, unknown)
    assert budget.remaining_usd == 5 - spent - assumed
    assert budget.calls == 1


def test_a_budget_of_calls_needs_no_estimate():
    def never() -> Decimal:
        raise AssertionError

    book(context(budget=Budget(max_calls=1)), cost=SOME, estimate=never)


def test_free_calls_leave_the_budget_alone():
    budget = Budget(max_calls=1)
    book(context(budget=budget), billable=False)
    assert budget.calls == 0


def test_a_ledger_of_the_users_own_making_is_asked_to_record():
    class Forwarding(Ledger):
        def record(self, entry: LedgerEntry) -> None:
            forwarded.append(entry)
            super().record(entry)

    forwarded: list[LedgerEntry] = []
    rules = replace(context(), ledger=Forwarding())
    book(rules, cost=SOME)
    assert forwarded == list(rules.ledger)


@pytest.mark.parametrize("leave", ["close", "forget"])
def test_a_call_is_recorded_by_the_process_that_began_it(tmp_path, leave):
    """A forked child has copies of the streams that were open; dropping them is no end."""
    ledger, budget = Ledger(tmp_path / "calls.jsonl"), Budget(usd=1)
    rules = replace(context(budget=budget), ledger=ledger)
    open_calls = [send_with_retries(call(estimate=lambda: SOME), rules)]
    next(open_calls[0])

    def work() -> None:
        if leave == "close":
            open_calls[0].close()
        open_calls.clear()
        assert (len(ledger), budget.calls, budget.remaining_usd) == (0, 1, Decimal(1))
        book(rules, cost=SOME)  # its own calls are
        assert len(ledger) == 1

    assert in_a_fork(work) == 0
    assert budget.remaining_usd == 1 - SOME
    open_calls[0].close()
    assert [e.outcome for e in ledger.entries] == ["abandoned"]
    assert [e.outcome for e in Ledger(tmp_path / "calls.jsonl")] == ["ok", "abandoned"]


def test_what_waits_for_the_disk_is_written_by_its_own_process(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("full")

    ledger, real = Ledger(tmp_path / "calls.jsonl"), os.write
    monkeypatch.setattr(os, "write", full)
    with pytest.warns(AccountingWarning):
        ledger.record(LedgerEntry("chat", "parent", "ok", None))
    monkeypatch.setattr(os, "write", real)

    def work() -> None:
        new = LedgerEntry("chat", "child", "ok", None)
        thread = threading.Thread(target=ledger.record, args=(new,), daemon=True)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()

    with ledger._lock:  # taken by another thread, at the moment of the fork
        assert in_a_fork(work) == 0
    assert [e.model for e in ledger] == ["child", "parent"]


TICKET = {"runId": "run_1", "status": "pending", "cost": 0.5, "paymentSource": "USD"}


def test_polls_never_record_the_price_of_a_video_again():
    rules = context(budget=Budget(usd=10))
    state = {"data": {"status": "IN_PROGRESS", "cost": 0.5}}
    done = {"data": {"status": "COMPLETED", "cost": 0.5, "output": {"video": {"url": "/v.mp4"}}}}
    flow = generate_video("a cat", model="veo2-video")
    driven = drive(
        run_flow(flow, rules), reply(TICKET, 202), reply(state), reply(state), reply(done)
    )
    assert driven.result.billing.cost == Decimal("0.5")
    assert [entry.cost for entry in rules.ledger] == [Decimal("0.5"), 0, 0, 0]
    assert rules.budget is not None
    assert rules.budget.spent == Decimal("0.5")


def test_polls_never_record_the_price_of_a_spoken_job_again():
    rules = context()
    done = {"status": "completed", "audioUrl": "https://cdn/x.mp3", "cost": 0.5}
    flow = speak("hi", model="Elevenlabs-Turbo-V2.5")
    driven = drive(run_flow(flow, rules), reply(TICKET, 202), reply(done), reply(b"ID3mp3"))
    assert driven.result.data == b"ID3mp3"
    assert [(e.kind, e.cost) for e in rules.ledger] == [
        ("speech", Decimal("0.5")), ("speech", 0), ("download", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "body"),
    [
        (lambda rules: run_flow(submit_video("a fox", model="m"), rules), {"status": "pending"}),
        (lambda rules: run_flow(generate_image("a fox", model="m"), rules), {"data": []}),
        (lambda rules: send_with_retries(chat("hi", model="m"), rules), {"choices": []}),
        (lambda rules: send_with_retries(chat("hi", model="m"), rules), {"error": "gone"}),
        (lambda rules: stream_events(stream_chat("hi", model="m"), rules), {"choices": []}),
        (lambda rules: stream_events(stream_chat("hi", model="m"), rules), {"error": "gone"}),
    ],
)
@pytest.mark.parametrize(
    ("billed", "cost"),
    [
        ({"cost": 0.25}, SOME),
        ({"x_nanogpt_pricing": {"costUsd": "0.25"}}, SOME),
        ({"cost": 0.25, "paymentSource": "XNO"}, None),
        ({}, None),
    ],
)
def test_a_response_without_an_answer_costs_what_it_reports(steps, body, billed, cost):
    rules = context()
    driven = drive(steps(rules), reply({**body, **billed}))
    assert driven.error is not None
    assert driven.error.maybe_billed
    assert only_entry(rules).cost == cost
