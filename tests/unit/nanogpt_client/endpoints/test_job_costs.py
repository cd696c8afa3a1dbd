"""A job's final cost replaces its ticket's: in the result, on the error, in ledger and budget."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client._protocol.accounting import CallContext
from nanogpt_client._protocol.call import Reply
from nanogpt_client._protocol.job_costs import MAX_JOBS, JobCosts, Submitted
from nanogpt_client._protocol.policy import run_flow, send_with_retries
from nanogpt_client.endpoints.speech import speak
from nanogpt_client.endpoints.transcription import transcribe
from nanogpt_client.endpoints.video import (
    generate_video,
    recover_videos,
    submit_video,
    video_status,
    wait_for_video,
)
from nanogpt_client.errors import JobError, JobFailedError, JobTimeoutError
from nanogpt_client.ledger import Budget
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.catalog import Model, ModelList
from tests.support.driving import context, drive, reply

URL = "https://cdn/v.mp4"
MP3, WAV = b"ID3sound", b"RIFF\x00\x00\x00\x00WAVEsound"


def video(final: dict[str, Any]) -> dict[str, Any]:
    return {"requestId": "r", "data": {"status": "COMPLETED", "output": {"video": {"url": URL}}}
            | final}  # fmt: skip


def flat_video(final: dict[str, Any]) -> dict[str, Any]:
    return {"status": "completed", "videoUrl": URL, **final}


def sound(final: dict[str, Any]) -> dict[str, Any]:
    return {"status": "completed", "audioUrl": "https://cdn/x.mp3", **final}


def heard(final: dict[str, Any]) -> dict[str, Any]:
    return {"status": "completed", "transcription": "hi", "metadata": {"model": "m", **final}}


# How each kind of job is asked for, how its last status is built, and what is fetched after it.
JOBS = {
    "video": (lambda: generate_video("a cat", model="m"), video, ()),
    "video, flat": (lambda: generate_video("a cat", model="m"), flat_video, ()),
    "speech": (lambda: speak("hi", model="m"), sound, (reply(MP3, content_type="audio/mpeg"),)),
    "transcription": (lambda: transcribe(WAV, model="m"), heard, ()),
}
each_job = pytest.mark.parametrize("kind", JOBS)


def ticket(**money: Any) -> Reply:
    return reply({"runId": "r", "status": "pending", "model": "m", **money}, 202)


def rules_with_budget() -> CallContext:
    return context(budget=Budget(usd=Decimal(10)))


def unknown(rules: CallContext) -> Any:
    """Return what the budget assumes, and for how many calls."""
    assert rules.budget is not None
    return rules.budget.assumed, rules.budget.unknown_calls


def spent(rules: CallContext) -> Any:
    """Return what ledger and budget say; the budget holds nothing back for calls in flight."""
    assert rules.budget is not None
    assert rules.budget._reserved == 0
    return rules.ledger.spent, rules.budget.spent


def run(kind: str, first: dict[str, Any], last: dict[str, Any], rules: CallContext) -> Any:
    ask, final, after = JOBS[kind]
    busy = reply({"status": "processing"})
    return drive(
        run_flow(ask(), rules), ticket(**first), busy, reply(final(last)), *after, spare=True
    )


PRICES = [
    ({"cost": 0.35, "paymentSource": "USD"}, {"cost": 0.7}, "0.7"),  # more
    ({"cost": 0.35, "paymentSource": "USD"}, {"cost": "0.1"}, "0.1"),  # less
    ({"cost": 0.35, "paymentSource": "USD"}, {"cost": 0}, "0"),  # nothing
    ({"cost": 0.35}, {"cost": 0.35}, "0.35"),
    ({"cost": 0.35}, {}, "0.35"),  # the status does not say
    ({"cost": 0.35}, {"cost": None}, "0.35"),
    ({"cost": 0}, {"cost": 0.5}, "0.5"),
    ({}, {"cost": 0.35}, "0.35"),  # the ticket did not say
    ({"data": {"cost": 0.35, "runId": "r"}}, {"cost": 0.2}, "0.2"),
    ({"cost": 0.35, "paymentSource": "XNO"}, {"costUsd": 0.2}, "0.2"),
]


@each_job
@pytest.mark.parametrize(("first", "last", "usd"), PRICES)
def test_the_final_cost_counts(kind, first, last, usd):
    rules = rules_with_budget()
    result = run(kind, first, last, rules).result
    assert str(result.cost) == usd
    assert spent(rules) == (Decimal(usd), Decimal(usd))
    assert unknown(rules) == (0, 0)


@each_job
@pytest.mark.parametrize("word", ["XNO", "xno", "Nano", "nano"])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ({"cost": 0.35}, {"cost": 0.7}),
        ({"cost": 0.35}, {}),
        ({}, {"cost": 0.7}),
    ],
)
def test_nano_is_not_dollars(kind, word, first, last):
    rules = rules_with_budget()
    result = run(kind, first | {"paymentSource": word}, last, rules).result
    assert result.cost is None
    assert str(result.billing.cost_nano) == str({**first, **last}["cost"])
    assert (result.billing.currency, result.billing.payment_source) == ("XNO", word)
    assert spent(rules) == (0, 0)
    assert rules.ledger.totals.unknown_costs == 1


@each_job
@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"status": "FAILED"}, None),
        ({"status": "failed", "error": "no GPU", "cost": 0.35}, None),
        ({"status": "error", "code": "CONTENT_POLICY_VIOLATION"}, "CONTENT_POLICY_VIOLATION"),
        ({"status": "content_policy_violation"}, "content_policy_violation"),
        ({"data": {"status": "FAILED", "isNSFWError": True}}, "content_policy_violation"),
        ({"status": "failed", "error": {"message": "x", "type": "CONTENT_POLICY_VIOLATION"}},
         "CONTENT_POLICY_VIOLATION"),
        ({"status": "failed", "error": {"message": "x", "code": "bad_input", "type": "t"}},
         "bad_input"),
        ({"status": "failed", "code": 500}, None),
        ({"data": {"status": "CANCELED"}}, None),
        ({"status": "completed", "data": {"isCompleted": True, "isSuccess": False}}, None),
        ({"status": "refunded"}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", [{"cost": 0.35, "paymentSource": "USD"}, {}])
def test_a_failed_job_is_refunded(kind, state, code, first):
    rules = rules_with_budget()
    ask = JOBS[kind][0]
    error = drive(run_flow(ask(), rules), ticket(**first), reply(state)).failure(JobFailedError)
    assert (error.run_id, error.cost, error.maybe_billed) == ("r", 0, False)
    assert (error.code, error.raw) == (code, state)
    assert spent(rules) == (0, 0)


@each_job
def test_a_completed_job_that_says_refunded_cost_nothing(kind):
    rules = rules_with_budget()
    state = {"cost": 0.35, "refundMessage": "given back"}
    final = JOBS[kind][1]({}) | state
    driven = drive(
        run_flow(JOBS[kind][0](), rules), ticket(cost=0.35), reply(final), *JOBS[kind][2]
    )
    assert driven.result.cost == 0
    assert spent(rules) == (0, 0)


UNREADABLE = [
    {"status": "completed", "cost": 0.4},
    {"status": "completed", "cost": 0.4, "data": {"film": 7}},
    {"data": {"status": "COMPLETED", "output": {"video": None}, "cost": 0.4}},
]


@pytest.mark.parametrize("kind", ["video", "speech"])
@pytest.mark.parametrize("state", UNREADABLE)
def test_what_is_not_understood_is_not_lost(kind, state):
    rules = rules_with_budget()
    driven = drive(run_flow(JOBS[kind][0](), rules), ticket(cost=0.35), reply(state))
    error = driven.failure(JobFailedError)
    assert (error.run_id, str(error.cost), error.maybe_billed) == ("r", "0.4", True)
    assert error.raw == state
    assert spent(rules) == (Decimal("0.4"), Decimal("0.4"))


def test_a_job_that_goes_on_costs_what_its_ticket_said():
    rules = rules_with_budget()
    busy = reply({"status": "processing"})
    driven = drive(run_flow(generate_video("x", model="m", poll_timeout=0), rules),
                   ticket(cost=0.35), busy)  # fmt: skip
    error = driven.failure(JobTimeoutError)
    assert (str(error.cost), error.raw) == ("0.35", {"status": "processing"})
    assert spent(rules) == (Decimal("0.35"), Decimal("0.35"))


def test_an_unreadable_state_tells_why_and_what_it_costs():
    refused = reply({"error": {"message": "no", "code": "model_not_allowed"}}, 403)
    driven = drive(run_flow(speak("x", model="m"), context()), ticket(cost=0.35), refused)
    error = driven.failure(JobError)
    assert (error.code, error.status_code, str(error.cost)) == ("model_not_allowed", 403, "0.35")
    assert error.maybe_billed


def test_a_video_is_corrected_once_however_it_is_asked_about():
    """By its ticket, by its run id, by a status, and again: all in one client."""
    rules = rules_with_budget()
    done = reply(video({"cost": 0.7}))
    job = drive(run_flow(submit_video("x", model="m"), rules), ticket(cost=0.35)).result
    assert spent(rules) == (Decimal("0.35"), Decimal("0.35"))
    for ask in (
        lambda: send_with_retries(video_status("r"), rules),
        lambda: run_flow(wait_for_video(job), rules),
        lambda: run_flow(wait_for_video("r"), rules),
        lambda: send_with_retries(video_status("r"), rules),
    ):
        assert str(drive(ask(), done).result.billing.cost) == "0.7"
        assert spent(rules) == (Decimal("0.7"), Decimal("0.7"))
    entries = [(entry.kind, str(entry.cost)) for entry in rules.ledger]
    assert entries == [("video", cost) for cost in ("0.35", "0.35", "0", "0", "0")]


def test_a_job_of_another_process_is_in_its_ledger():
    rules = rules_with_budget()
    driven = drive(run_flow(wait_for_video("r"), rules), reply(video({"cost": 0.7})))
    assert str(driven.result.cost) == "0.7"
    assert spent(rules) == (0, 0)


def test_a_budget_no_longer_assumes_what_it_knows():
    rules = rules_with_budget()
    dear = Model.read({"id": "m", "pricing": {"per_second": 0.5, "currency": "USD"}})
    rules.model_cache.put("video", ModelList((dear,), {}))
    flow = submit_video("x", model="m", duration=4)
    job = drive(run_flow(flow, rules), ticket()).result
    assert unknown(rules) == (2, 1)
    drive(run_flow(wait_for_video(job), rules), reply(video({"cost": 1.5})))
    assert unknown(rules) == (0, 0)
    assert spent(rules) == (Decimal("1.5"), Decimal("1.5"))


def test_recovered_jobs_correct_nothing():
    rules = rules_with_budget()
    listed = reply({"data": [{"runId": "r", "status": "completed", "cost": 5}]})
    assert len(drive(send_with_retries(recover_videos(), rules), listed).result) == 1
    assert spent(rules) == (0, 0)


def test_the_oldest_jobs_are_forgotten():
    costs = JobCosts()
    for number in range(MAX_JOBS + 1):
        costs.submitted(Submitted("video", str(number), Billing(cost=Decimal(1)), Decimal(0)))
    done = video_status("r").parse(reply(video({"cost": 3})))
    assert costs.correction("video", "0", done).usd == 0
    assert costs.correction("speech", "1", done).usd == 0
    assert costs.correction("video", "1", done).usd == 2
