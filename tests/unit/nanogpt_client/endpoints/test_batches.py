"""Batches: rows checked before anything is sent, submitted once, read back in their order."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client import batch_row
from nanogpt_client._protocol.accounting import CallContext
from nanogpt_client._protocol.call import Reply, Request, RetrySafety
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client._protocol.steps import Block, CallUser, Send, Sleep, Unreachable
from nanogpt_client._transport.concurrency import block, invoke
from nanogpt_client.endpoints import batches
from nanogpt_client.endpoints._batch_output import Output, _in_order
from nanogpt_client.endpoints._batch_rows import own_id, own_index
from nanogpt_client.errors import (
    APIStatusError,
    BadRequestError,
    BudgetExceededError,
    InvalidArgumentError,
    InvalidResponseError,
    JobError,
    JobFailedError,
    JobTimeoutError,
    NanoGPTError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
)
from nanogpt_client.ledger import Budget, Ledger
from nanogpt_client.types.batches import Batch
from tests.support.driving import ODD_VALUES, context, first_call, reply

MODEL = "openai/gpt-5.2"
SLOW = {"error": {"message": "slow", "code": "rate_limit_exceeded"}}
LOST = Unreachable(sent=True, reason="reset")
Answer = Reply | Unreachable


def row(name: str | None = None, **body: Any) -> dict[str, Any]:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9} | body
    return {"body": body} if name is None else {"custom_id": name, "body": body}


def answered(name: str, text: str = "Hello", cost: Any = 0.5, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"content": text}, "finish_reason": "stop"}
    body = {"id": "c", "choices": [choice], "x_nanogpt_pricing": {"costUsd": cost}, **more}
    return {"custom_id": name, "response": {"status_code": 200, "body": body}, "error": None}


def batch(status: str = "completed", **fields: Any) -> dict[str, Any]:
    counts = {"total": 2, "completed": 2, "failed": 0}
    files = {"input_file_id": "file_in", "output_file_id": "file_out", "error_file_id": None}
    return {"id": "batch_1", "status": status, "request_counts": counts} | files | fields


class FakeNanoGPT:
    """Answers by path; what a request writes to a file goes there. Keeps what was sent."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.sent: list[tuple[str, str, Any]] = []
        self.slept: list[float] = []

    def run(self, flow: Any, rules: CallContext | None = None) -> Any:
        steps, outcome = run_flow(flow, rules or context()), None
        try:
            while True:
                outcome = self._perform(steps.send(outcome))
        except StopIteration as stop:
            return stop.value

    def _perform(self, step: Any) -> Any:
        match step:
            case Block():
                return block(step)
            case CallUser():
                return invoke(step)
            case Sleep(seconds):
                self.slept.append(seconds)
                return None
            case Send(request):
                return self._answer(request)
        raise AssertionError(step)

    def _answer(self, request: Request) -> Answer:
        body = json.loads(request.content) if request.content else None
        if request.files:
            stream = request.files[0][1].stream
            assert stream is not None
            body = [json.loads(line) for line in stream]
        self.sent.append((request.method, f"{request.root}{request.path}", body))
        name = "_".join(part for part in request.path.split("/") if part)
        found = self.answers.get(f"{request.method}_{name}")
        if isinstance(found, list) and request.sink is None:
            found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(found, list) and request.sink is not None:
            lines = [
                line if isinstance(line, bytes) else json.dumps(line).encode() for line in found
            ]
            request.sink.write(b"\n".join(lines) + b"\n")
            return Reply(200)
        if found is None:
            return reply({"error": {"message": "none", "code": "not_found"}}, 404)
        return found if isinstance(found, Reply | Unreachable) else reply(found)

    @property
    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.sent]


# --- submitting


def test_a_small_batch_is_one_request():
    api = FakeNanoGPT(POST_batches=reply(batch("validating", input_file_id=None), 202))
    rows = [row("a"), row(n=2), row("c")]
    assert api.run(batches.submit(rows)).status == "validating"
    ((method, path, body),) = api.sent
    assert (method, path) == ("POST", "beta/batches")
    assert list(body) == ["endpoint", "model", "requests"]  # in this order
    assert (body["endpoint"], body["model"]) == ("/v1/chat/completions", MODEL)
    assert [each["custom_id"] for each in body["requests"]] == ["a", own_id(1), "c"]
    assert body["requests"][1]["body"] == {
        "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9, "n": 2,
    }  # fmt: skip


def test_a_large_batch_is_a_file_and_a_batch():
    api = FakeNanoGPT(POST_files={"id": "file_in"}, POST_batches=batch("validating"))
    rows = [row(max_tokens=200_000), row(max_tokens=200_000)]
    assert not api.run(batches.submit(rows)).is_inline
    (_, upload, lines), (_, path, body) = api.sent
    assert (upload, path) == ("direct/files", "direct/batches")
    assert [line["custom_id"] for line in lines] == [own_id(0), own_id(1)]
    first = {"method": "POST", "url": "/v1/chat/completions"}
    assert first.items() <= lines[0].items()
    assert lines[0]["body"]["model"] == MODEL
    assert body == {
        "input_file_id": "file_in", "endpoint": "/v1/chat/completions", "completion_window": "24h",
    }  # fmt: skip


def test_metadata_needs_a_file():
    api = FakeNanoGPT(POST_files={"id": "file_in"}, POST_batches=batch("validating"))
    api.run(batches.submit([row()], metadata={"run": "7"}))
    assert api.sent[-1][2]["metadata"] == {"run": "7"}


def test_rows_of_a_jsonl_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n\n".join(json.dumps(row(name)) for name in "ab"), "utf-8")
    for source in (path, str(path)):
        api = FakeNanoGPT(POST_batches=batch("validating"))
        api.run(batches.submit(source))
        assert len(api.sent[0][2]["requests"]) == 2


def test_rows_are_read_one_by_one():
    """Five million characters at a time would be 100 of these rows."""
    read = 0

    def rows():
        nonlocal read
        for _ in range(300):
            read += 1
            yield row(messages=[{"role": "user", "content": "x" * 50_000}])

    api = FakeNanoGPT(POST_files={"id": "file_in"}, POST_batches=batch("validating"))
    api.run(batches.submit(rows(), inline=False))
    assert read == len(api.sent[0][2]) == 300


def test_responses_rows():
    api = FakeNanoGPT(POST_batches=batch("validating"))
    body = {"model": "gpt-4.1-mini", "input": "Summarize this."}
    api.run(batches.submit([{"body": body}], endpoint="/v1/responses"))
    assert api.sent[0][2]["endpoint"] == "/v1/responses"
    with pytest.raises(InvalidArgumentError, match="at least 16"):
        api.run(
            batches.submit([{"body": body | {"max_output_tokens": 8}}], endpoint="/v1/responses")
        )


BAD: dict[str, tuple[Any, str]] = {
    "no row": ([], "at least one row"),
    "no list": ({"body": {}}, "rows must be dicts"),
    "no body": ([{"custom_id": "a"}], r"rows\[0\] must be"),
    "no dict": (["a"], r"rows\[0\] must be"),
    "no model": ([row(model=None)], "names no model"),
    "another model": ([row("a"), row("b", model="other")], r"\('b'\) has the model 'other'"),
    "an id twice": ([row("a"), row("a")], "taken by an earlier row"),
    "an empty id": ([row("")], "non-empty"),
    "an id that is a number": ([{"custom_id": 1} | row()], "non-empty"),
    "a stream": ([row(stream=True)], "stream=True"),
    "no messages": ([row(messages=[])], "has no messages"),
    "an odd message": ([row(messages=[{"role": "robot"}])], "role 'robot'"),
    "an odd limit": ([row(max_tokens=0)], "max_tokens must be an integer of at least 1"),
    "another method": ([row() | {"method": "GET"}], "must be 'POST'"),
    "another endpoint": ([row() | {"url": "/v1/embeddings"}], "batches support"),
    "two endpoints": ([row("a"), row("b") | {"url": "/v1/responses"}], "one batch each"),
    "no JSON": ([row(seed=float("nan"))], "JSON"),
    "no limit in a file": ([row(max_tokens=None)] * 1, "must limit their output"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_invalid_rows_are_refused_before_anything_is_sent(what):
    rows, message = BAD[what]
    api = FakeNanoGPT()
    options: Any = {"inline": False} if "file" in what else {}
    with pytest.raises(InvalidArgumentError, match=message):
        api.run(batches.submit(rows, **options))
    assert api.sent == []


def test_what_does_not_fit_inline_is_refused_or_uploaded():
    api = FakeNanoGPT()
    with pytest.raises(InvalidArgumentError, match="250000 of an inline batch: use inline=False"):
        api.run(batches.submit([row(max_tokens=250_001)], inline=True))
    many = [row(max_tokens=None) for _ in range(62)]  # 4,096 tokens are assumed for each
    with pytest.raises(InvalidArgumentError, match="needs max_tokens or max_completion_tokens"):
        api.run(batches.submit(many))
    assert api.sent == []


def test_a_missing_or_broken_file_is_named(tmp_path):
    api = FakeNanoGPT()
    with pytest.raises(InvalidArgumentError, match="cannot read"):
        api.run(batches.submit(tmp_path / "none.jsonl"))
    path: Path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(row())}\n{{half\n")
    with pytest.raises(InvalidArgumentError, match="line 2 is not JSON"):
        api.run(batches.submit(path))


def test_a_row_of_a_chat_is_what_a_chat_sends():
    made = batch_row("Hi", model=MODEL, custom_id="a", temperature=0, web_search=True,
                     extra_body={"x": 1})  # fmt: skip
    assert made["custom_id"] == "a"
    assert made["body"] == {
        "model": f"{MODEL}:online", "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0, "x": 1,
    }  # fmt: skip
    with pytest.raises(InvalidArgumentError, match="no headers"):
        batch_row("Hi", model=MODEL, extra_headers={"memory": "true"})
    with pytest.raises(InvalidArgumentError):
        batch_row("Hi", model=MODEL, temperature=9)


@pytest.mark.parametrize("lost", [LOST, reply(b"<html>", 502, content_type="text/html")])
def test_a_lost_submission_is_found_by_its_file(lost):
    api = FakeNanoGPT(
        POST_files={"id": "file_in"},
        POST_batches=lost,
        GET_batches=[
            {"data": []},
            {"data": [batch(id="other", input_file_id="f"), batch("validating")]},
        ],
    )
    found = api.run(batches.submit([row()], inline=False))
    assert found.id == "batch_1"
    assert api.paths.count("POST direct/batches") == 1
    assert api.slept == [1.0, 4.0]


def test_a_lost_submission_that_is_not_found_says_how_to_look_for_it():
    api = FakeNanoGPT(POST_files={"id": "file_in"}, POST_batches=LOST, GET_batches=LOST)
    with pytest.raises(OutcomeUnknownError, match="one with input_file_id 'file_in'") as caught:
        api.run(batches.submit([row()], inline=False))
    assert caught.value.partial == {"input_file_id": "file_in"}
    assert caught.value.maybe_billed
    api = FakeNanoGPT(POST_batches=LOST, GET_batches={"data": [
        batch(id="mine", model="gpt-5.2"), batch(id="other", model="gpt-4"),
    ]})  # fmt: skip
    with pytest.raises(OutcomeUnknownError, match=r"2 rows of openai/gpt-5.2: mine$"):
        api.run(batches.submit([row(), row()]))
    assert api.paths.count("POST beta/batches") == 1


def test_a_refused_submission_is_raised_as_it_is():
    refusal = {"error": {"message": "no", "code": "unsupported_model"}}
    api = FakeNanoGPT(POST_batches=reply(refusal, 400))
    with pytest.raises(BadRequestError) as caught:
        api.run(batches.submit([row()]))
    assert caught.value.code == "unsupported_model"
    assert api.paths == ["POST beta/batches"]


def test_the_submission_is_never_sent_again_and_the_upload_may_be():
    api = FakeNanoGPT(
        POST_batches=reply({"error": {"message": "busy"}}, 503), GET_batches={"data": []}
    )
    with pytest.raises(ServerError):
        api.run(batches.submit([row()]))
    assert api.paths.count("POST beta/batches") == 1
    upload = first_call(batches.submit([row()], inline=False))
    assert (upload.resend, upload.billable) == (RetrySafety.ALWAYS, False)


# --- money


def test_the_budget_reserves_the_most_that_a_batch_may_cost():
    api = FakeNanoGPT(POST_batches=batch("validating"))
    rules = context(budget=(budget := Budget("0.01")))
    api.run(batches.submit([row(max_tokens=500), row(max_tokens=500)]), rules)
    # Half of 1,000 tokens at 14 USD per million, and of two at 1.75.
    assert budget.assumed == Decimal("0.00700175")
    assert budget.spent == 0
    (entry,) = rules.ledger
    assert (entry.kind, entry.cost) == ("batch", Decimal(0))  # nothing is charged yet
    with pytest.raises(BudgetExceededError):
        api.run(batches.submit([row(max_tokens=500), row(max_tokens=500)]), rules)
    assert len(api.sent) == 1


def test_rows_of_unknown_price_count_as_as_many_calls():
    api = FakeNanoGPT(POST_batches=batch("validating"))
    rules = context(budget=(budget := Budget("1")))
    api.run(batches.submit([row(model="new/model")] * 2), rules)
    assert budget.assumed == Decimal("0.02")
    collected(rules, answered("a"), answered("b", cost=0.25))
    assert (budget.assumed, budget.spent) == (Decimal(0), Decimal("0.75"))
    with pytest.raises(BudgetExceededError):
        api.run(batches.submit(row(model="new/model") for _ in range(30)), rules)


def collected(rules: CallContext, *lines: Any, **fields: Any) -> Any:
    api = FakeNanoGPT(GET_batches_batch_1=batch(**fields), GET_files_file_out_content=list(lines))
    return api.run(batches.results("batch_1", order=["a", "b"]), rules)


def test_the_cost_is_recorded_once_by_the_process_that_submitted():
    api = FakeNanoGPT(POST_batches=batch("validating"))
    rules = context(budget=(budget := Budget("1")))
    api.run(batches.submit([row("a"), row("b")]), rules)
    for _ in range(2):
        assert collected(rules, answered("a"), answered("b", cost="0.25")).cost == Decimal("0.75")
    assert rules.ledger.totals.cost == budget.spent == Decimal("0.75")
    assert budget.assumed == 0
    assert rules.ledger.totals.unknown_costs == 0
    (entry,) = [each for each in rules.ledger if each.cost]
    assert (entry.request_id, entry.outcome, entry.sends) == ("batch_1", "ok", 0)


def test_a_ledger_that_forgets_has_the_cost_once_too():
    rules = CallContext(ledger=Ledger(keep=0))
    for _ in range(2):
        collected(rules, answered("a"), answered("a", cost=9), answered("b"))
    assert rules.ledger.totals.cost == 1  # and a row that comes twice counts once
    calls = rules.ledger.totals.calls
    collected(rules, answered("a"))
    assert rules.ledger.totals.calls == calls + 2  # two requests, no further charge


def test_tokens_are_recorded_once():
    rules = context()
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    collected(rules, answered("a"), answered("b"), usage=usage)
    totals = rules.ledger.totals
    assert (totals.prompt_tokens, totals.completion_tokens) == (3, 4)


def test_another_process_records_the_cost_once_in_a_shared_ledger(tmp_path):
    for _ in range(2):
        rules = CallContext(
            ledger=Ledger(tmp_path / "ledger.jsonl"), budget=(budget := Budget("9"))
        )
        collected(rules, answered("a"), answered("b"))
        assert budget.spent == 1  # of this process's own budget
    assert Ledger(tmp_path / "ledger.jsonl").totals.cost == 1


def test_a_cost_that_is_not_reported_stays_unknown():
    rules = context()
    assert collected(rules, answered("a"), answered("b", cost=None)).cost is None
    assert rules.ledger.totals.cost == 0
    assert collected(
        rules, answered("a"), usage={"cost": 0.125, "prompt_tokens": 3}
    ).cost == Decimal("0.125")


def test_a_batch_without_an_answer_is_free():
    counts = {"total": 2, "completed": 0, "failed": 0}
    found = collected(context(), status="cancelled", request_counts=counts, output_file_id=None)
    assert found.cost == 0
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    paid = collected(context(), status="failed", usage=usage, output_file_id=None)
    assert paid.cost is None  # tokens without an answer may be charged
    assert [type(each.error) for each in found] == [JobFailedError, JobFailedError]


# --- waiting


def test_waiting_polls_until_the_end_and_reports_the_rows():
    counts = {"total": 2, "completed": 1, "failed": 0}
    api = FakeNanoGPT(GET_batches_batch_1=[
        batch("validating"), batch("in_progress", request_counts=counts), batch(),
    ])  # fmt: skip
    seen: list[Any] = []
    final = api.run(batches.wait("batch_1", poll_interval=5, on_progress=seen.append))
    assert final.status == "completed"
    assert api.slept == [5.0]
    assert [(p.status, p.done, p.total) for p in seen[1:]] == [
        ("in_progress", 1, 2),
        ("completed", 2, 2),
    ]


def test_a_batch_that_still_runs_is_no_loss():
    api = FakeNanoGPT(GET_batches_batch_1=batch("in_progress"))
    with pytest.raises(JobTimeoutError) as caught:
        api.run(batches.wait("batch_1", poll_interval=1, poll_timeout=2))
    assert caught.value.run_id == "batch_1"
    api = FakeNanoGPT(GET_batches_batch_1=[batch("in_progress"), reply({"error": "no"}, 401)])
    with pytest.raises(JobError, match="job batch_1 could not be read"):
        api.run(batches.wait("batch_1"))
    with pytest.raises(InvalidArgumentError):
        api.run(batches.wait("batch_1", poll_interval=0))


def test_an_id_may_be_of_either_form():
    inline = {"id": "batch_1", "status": "completed", "results": [answered("a")]}
    api = FakeNanoGPT()
    api.answers = {"GET_batches_batch_1": [reply({"error": "no"}, 404), inline]}
    found = api.run(batches.results("batch_1"))
    assert api.paths == ["GET direct/batches/batch_1", "GET beta/batches/batch_1"]
    assert found[0].completion.text == "Hello"
    with pytest.raises(NotFoundError):
        FakeNanoGPT().run(batches.status("batch_1"))
    with pytest.raises(InvalidArgumentError):
        FakeNanoGPT().run(batches.status(""))


def test_an_id_cannot_leave_its_route():
    with pytest.raises(NotFoundError):
        (api := FakeNanoGPT()).run(batches.status("../files/x?y"))
    assert api.paths[0] == "GET direct/batches/..%2Ffiles%2Fx%3Fy"


# --- results


def results(*lines: Any, order: list[str] | None = None, **fields: Any) -> Any:
    api = FakeNanoGPT(GET_batches_batch_1=batch(**fields), GET_files_file_out_content=list(lines))
    return api.run(batches.results("batch_1", order=order))


def test_results_come_in_the_order_of_the_uploaded_file():
    api = FakeNanoGPT(
        GET_batches_batch_1=batch(error_file_id="file_err"),
        GET_files_file_in_content=[{"custom_id": name} for name in ("c", "a", "d", "b")],
        GET_files_file_out_content=[answered("a", "A"), answered("b", "B")],
        GET_files_file_err_content=[{
            "custom_id": "c", "error": None,
            "response": {"status_code": 429, "body": SLOW},
        }],
    )  # fmt: skip
    found = api.run(batches.results("batch_1"))
    assert found.ids == ["c", "a", "d", "b"]
    assert [type(each.error) for each in found] == [
        RateLimitError,
        type(None),
        JobFailedError,
        type(None),
    ]
    assert found["b"].unwrap().text == "B"
    assert found["d"].error.code == "batch_completed"
    assert [each.custom_id for each in found[1:3]] == ["a", "d"]
    with pytest.raises(RateLimitError):
        found["c"].unwrap()
    with pytest.raises(KeyError):
        found["e"]


def test_without_the_uploaded_file_the_order_is_that_of_the_output():
    assert results(answered("b"), answered("a")).ids == ["b", "a"]


@given(st.permutations(range(5)), st.integers(0, 5))
def test_our_own_numbers_need_no_file(order, count):
    lines = [answered(own_id(at), str(at)) for at in order if at < count]
    counts = {"total": 5, "completed": count, "failed": 0}
    api = FakeNanoGPT(GET_batches_batch_1=batch("expired", request_counts=counts),
                  GET_files_file_out_content=lines)  # fmt: skip
    found = api.run(batches.results("batch_1"))
    assert found.ids == [own_id(at) for at in range(5)]
    assert [each.completion and each.completion.text for each in found] == [
        str(at) if at < count else None for at in range(5)
    ]
    assert not any("file_in" in path for path in api.paths)


@pytest.mark.parametrize("names", [("row-20261201", "row-20261130"), ("row-2", "row-000001"),
                                   ("row-999999999999999999999", "row-000000")])  # fmt: skip
def test_ids_that_look_like_our_numbers_stay_as_they_are(names):
    found = results(*map(answered, names))
    assert found.ids == list(names)
    assert [each.error for each in found] == [None, None]


def test_many_rows_in_a_given_order_are_put_into_it_at_once():
    names = [f"n{at}" for at in range(20_000)]
    started = time.process_time()
    output = Output(at=dict.fromkeys(reversed(names), (0, 0)))
    assert _in_order(Batch("b", "completed"), output, names) == names
    assert time.process_time() - started < 2


@given(st.integers(min_value=0, max_value=10**7))
def test_our_numbers_can_be_read_back(index):
    assert own_index(own_id(index), index + 1) == index
    assert own_index(own_id(index), index) is None
    assert own_index(f"x{own_id(index)}", index + 1) is None
    assert own_index(own_id(index).replace("-", "-0"), index + 1) is None


ERRORS: dict[str, tuple[dict[str, Any], type[NanoGPTError]]] = {
    "a status": (
        {"response": {"status_code": 400, "body": {"error": {"message": "bad"}}}},
        BadRequestError,
    ),
    "an error": (
        {"response": None, "error": {"code": "batch_expired", "message": "late"}},
        APIStatusError,
    ),
    "an error as text": ({"response": None, "error": "late"}, APIStatusError),
    "no choices": (
        {"response": {"status_code": 200, "body": {"choices": []}}},
        InvalidResponseError,
    ),
    "nothing": ({"response": None, "error": None}, JobFailedError),
}


@pytest.mark.parametrize("what", ERRORS)
def test_a_failed_row_has_the_exception_of_a_single_call(what):
    line, error = ERRORS[what]
    (found,) = results({"custom_id": "a"} | line)
    assert type(found.error) is error
    assert found.error.maybe_billed is (what == "no choices")
    assert found.raw == {"custom_id": "a"} | line


@pytest.mark.unwatched
@pytest.mark.parametrize("odd", ODD_VALUES, ids=repr)
@pytest.mark.parametrize("name", ["custom_id", "response", "error", "body", "status_code"])
def test_odd_lines_are_outcomes_too(name, odd):
    line: dict[str, Any] = answered("a")
    place: Any = line["response"] if name in {"body", "status_code"} else line
    place[name] = odd
    found = results(line, b"half a li", order=["a"])
    assert found["a"].error or found["a"].completion


@pytest.mark.parametrize("odd", ODD_VALUES, ids=repr)
def test_odd_batches_are_read(odd):
    for name in batch():
        read = Batch.read(batch() | {name: odd, "errors": odd, "error": odd, "usage": odd})
        assert isinstance(read.progress, tuple)
        assert isinstance(read.code, str | None)


def test_a_batch_that_failed_as_a_whole():
    errors = {"data": [{"code": "invalid_file", "message": "line 3"}]}
    counts = {"total": 0, "completed": 0, "failed": 0}
    state = batch("failed", errors=errors, output_file_id=None, request_counts=counts)
    with pytest.raises(JobFailedError, match="line 3") as caught:
        FakeNanoGPT(GET_batches_batch_1=state).run(batches.results("batch_1"))
    assert (caught.value.code, caught.value.cost) == ("invalid_file", Decimal(0))
    (found,) = FakeNanoGPT(GET_batches_batch_1=state).run(batches.results("batch_1", order=["a"]))
    assert "line 3" in str(found.error)


def test_results_can_be_written_and_are_not_in_memory(tmp_path):
    found = results(answered("b", "Ü"), order=["a", "b"])
    found.write(tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert lines[0]["error"]["code"] == "batch_completed"
    assert lines[1] == answered("b", "Ü")
    assert repr(found) == "<BatchResults of batch_1: 1 of 2 rows, 0.5 USD>"
    found.close()


def test_responses_rows_have_a_body():
    line = {"custom_id": "a", "response": {"status_code": 200, "body": {"output": []}}}
    (found,) = results(line, endpoint="/v1/responses")
    assert (found.body, found.completion, found.error) == ({"output": []}, None, None)
    with pytest.raises(ValueError, match="no chat row"):
        found.unwrap()


# --- lists, cancelling


def test_lists():
    page = {"data": [batch()], "first_id": "batch_1", "last_id": "batch_1", "has_more": True}
    api = FakeNanoGPT(GET_batches=page)
    found = api.run(ask_for(status=["failed", "expired"], limit=5, after="b", created_after=17))
    assert [each.id for each in found.batches] == ["batch_1"]
    assert (found.last_id, found.has_more) == ("batch_1", True)
    for options in ({"limit": 0}, {"limit": 101}, {"after": "a", "before": "b"}, {"limits": 3}):
        with pytest.raises(InvalidArgumentError):
            batches.listed(**options)
    assert batches.listed(inline=True, status=["failed", "expired"]).request.query == {
        "status": "failed,expired"
    }


def ask_for(**options: Any) -> Any:
    return (yield batches.listed(**options))


def test_cancelling():
    api = FakeNanoGPT(
        GET_batches_batch_1=batch("in_progress"), POST_batches_batch_1_cancel=batch("cancelling")
    )
    assert api.run(batches.cancel("batch_1")).status == "cancelling"
    assert api.paths[-1] == "POST direct/batches/batch_1/cancel"
