"""The flows, driven by hand: every outcome a transport can report, every decision about it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol import sse as sse_module
from nanogpt_client._protocol.call import Reply, Request, RetrySafety
from nanogpt_client._protocol.policy import (
    AFTER_DONE_SECONDS,
    AFTER_FINISH_SECONDS,
    run_flow,
    send_with_retries,
    stream_events,
)
from nanogpt_client._protocol.steps import (
    Block,
    Chunk,
    Open,
    Read,
    Send,
    Sleep,
    Unreachable,
    ask,
    off_loop,
)
from nanogpt_client.endpoints.chat import stream_chat
from nanogpt_client.endpoints.speech import stream_speech
from nanogpt_client.errors import (
    APIConnectionError,
    APITimeoutError,
    BadRequestError,
    BudgetExceededError,
    ConfigurationError,
    ContextLengthExceededError,
    DailyLimitError,
    InsufficientBalanceError,
    InvalidResponseError,
    NanoGPTError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    StreamStalledError,
    error_from_reply,
)
from nanogpt_client.ledger import Budget
from tests.support.driving import (
    CLOCKS,
    DONE,
    END,
    connected,
    context,
    drive,
    frame,
    only_entry,
    piece,
    reply,
    requests_of,
    sse,
    text_call,
)

OK = Reply(200, {}, b"hello")
REFUSED = Unreachable(sent=False, reason="connection refused")
LOST = Unreachable(sent=True, reason="connection reset")
SILENT = Unreachable(sent=True, reason="read timeout", timed_out=True)
FIRST, IDLE = 60.0, 20.0


# One call


def test_one_call_one_send():
    driven = drive(send_with_retries(text_call(), context()), OK)
    assert driven.result == "hello"
    assert driven.steps == [Send(Request("POST", "/any"))]


@pytest.mark.parametrize("resend", RetrySafety)
def test_what_never_reached_nanogpt_is_sent_again(resend):
    rules = context()
    driven = drive(send_with_retries(text_call(resend), rules), REFUSED, REFUSED, OK)
    assert driven.result == "hello"
    assert driven.sleeps == [0.5, 1.0]
    assert only_entry(rules).sends == 3


@pytest.mark.parametrize("resend", RetrySafety)
def test_connection_errors_are_raised_once_the_retries_are_used_up(resend):
    driven = drive(send_with_retries(text_call(resend), context()), REFUSED, REFUSED, REFUSED)
    error = driven.failure(APIConnectionError)
    assert (error.sends, error.maybe_billed) == (3, False)
    assert str(error) == "POST /any could not be sent: connection refused"


@pytest.mark.parametrize(
    ("outcome", "cls"), [(LOST, OutcomeUnknownError), (SILENT, APITimeoutError)]
)
@pytest.mark.parametrize("resend", [RetrySafety.IF_REJECTED, RetrySafety.IF_NOT_SENT])
def test_what_may_have_been_billed_is_never_sent_again(outcome, cls, resend):
    rules = context(max_retries=9)
    error = drive(send_with_retries(text_call(resend), rules), outcome).failure(cls)
    assert (error.sends, error.maybe_billed) == (1, True)
    assert "may have been billed" in str(error)
    assert only_entry(rules).cost is None


@pytest.mark.parametrize("outcome", [LOST, SILENT])
def test_what_is_free_is_asked_again(outcome):
    call = text_call(RetrySafety.ALWAYS, billable=False)
    assert drive(send_with_retries(call, context()), outcome, OK).result == "hello"
    error = drive(send_with_retries(call, context(max_retries=0)), outcome).error
    assert error is not None
    assert not error.maybe_billed
    assert "billed" not in str(error)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
@pytest.mark.parametrize("resend", RetrySafety)
def test_try_again_statuses(status, resend):
    failed = reply({"error": {"message": "later"}}, status)
    if resend is RetrySafety.IF_NOT_SENT:
        assert drive(send_with_retries(text_call(resend), context()), failed).error is not None
    else:
        driven = drive(send_with_retries(text_call(resend), context()), failed, OK)
        assert (driven.result, driven.sleeps) == ("hello", [0.5])


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 301])
@pytest.mark.parametrize("resend", RetrySafety)
def test_final_statuses(status, resend):
    error = drive(send_with_retries(text_call(resend), context()), Reply(status)).error
    assert error is not None
    assert (error.status_code, error.sends) == (status, 1)


SLOW_DOWN = reply({"error": {"code": "rate_limit_exceeded"}}, 429, retry_after="7")


@pytest.mark.parametrize("max_retries", [0, 2])
@pytest.mark.parametrize("resend", RetrySafety)
def test_who_is_asked_to_wait_waits_whatever_the_retries(resend, max_retries):
    rules = context(max_retries=max_retries)
    driven = drive(send_with_retries(text_call(resend), rules), *[SLOW_DOWN] * 5, OK)
    assert driven.result == "hello"
    assert sum(driven.sleeps) >= 35
    assert rules.retry.quota.take()
    assert only_entry(rules).sends == 6


def test_nobody_waits_for_longer_than_allowed():
    driven = drive(send_with_retries(text_call(), context(rate_limit_wait=20.0)), *[SLOW_DOWN] * 3)
    assert driven.failure(RateLimitError).retry_after == 7.0
    assert sum(driven.sleeps) <= 20


def test_a_wait_that_is_too_long_is_not_begun():
    driven = drive(send_with_retries(text_call(), context(rate_limit_wait=6.0)), SLOW_DOWN)
    assert driven.failure(RateLimitError).sends == 1
    assert driven.sleeps == []


def test_the_timeout_is_what_may_be_waited_by_default():
    driven = drive(send_with_retries(text_call(), context(timeout=10.0)), SLOW_DOWN, SLOW_DOWN)
    assert driven.failure(RateLimitError).sends == 2


def test_as_long_as_others_are_accepted_nobody_gives_up():
    rules = context(timeout=10.0)
    patient = send_with_retries(text_call(), rules)
    step = next(patient)
    for _ in range(10):
        step = patient.send(SLOW_DOWN)
        while isinstance(step, Sleep):
            CLOCKS[-1].now += step.seconds
            step = patient.send(None)
        assert drive(send_with_retries(text_call(), rules), OK).result == "hello"
    with pytest.raises(StopIteration):
        patient.send(OK)


def test_a_call_that_waits_for_its_turn_in_vain_is_not_sent():
    rules = context(rate_limit_wait=6.0)
    assert drive(send_with_retries(text_call(), rules), SLOW_DOWN).error
    waiting = context(rate_limit_wait=20.0)
    refused = send_with_retries(text_call(), waiting)
    next(refused)
    assert isinstance(refused.send(SLOW_DOWN), Sleep)
    error = drive(send_with_retries(text_call(), replace(waiting, rate_limit_wait=6.0))).failure(
        RateLimitError
    )
    assert (error.sends, error.maybe_billed) == (0, False)
    assert "not sent" in str(error)


def test_files_of_other_servers_stand_in_no_line():
    rules = context(requests_per_second=0.1)
    file = replace(text_call(), request=Request("GET", "https://cdn.example/x", download_limit=9))
    assert [sum(drive(send_with_retries(file, rules), OK).sleeps) for _ in range(3)] == [0, 0, 0]
    drive(send_with_retries(text_call(), rules), OK)
    assert sum(drive(send_with_retries(text_call(), rules), OK).sleeps) == 10


def test_a_pace_that_is_set_is_kept_before_anybody_refuses():
    rules = context(requests_per_second=4)
    sleeps = [sum(drive(send_with_retries(text_call(), rules), OK).sleeps) for _ in range(5)]
    assert sleeps == [0, 0.25, 0.25, 0.25, 0.25]


def test_a_daily_limit_is_raised_at_once():
    daily = reply({"error": {"code": "daily_usd_limit_exceeded"}}, 429, retry_after="10")
    error = drive(send_with_retries(text_call(), context()), daily).failure(DailyLimitError)
    assert error.retry_after == 10.0


def test_an_outage_ends_in_errors_at_once_and_a_success_in_hope():
    rules = context()
    for _ in range(25):
        drive(send_with_retries(text_call(), rules), *[Reply(503)] * 3)
    assert (
        drive(send_with_retries(text_call(), rules), Reply(503)).error is not None
    )  # 50 retries are gone
    for _ in range(10):
        drive(send_with_retries(text_call(), rules), OK)
    assert drive(send_with_retries(text_call(), rules), Reply(503), OK).result == "hello"


def test_the_cause_is_kept():
    cause = OSError("no route")
    driven = drive(
        send_with_retries(text_call(), context(max_retries=0)),
        Unreachable(False, "no route", cause=cause),
    )
    assert driven.failure(APIConnectionError).__cause__ is cause


def test_an_answer_that_cannot_be_read_is_complete_and_maybe_billed():
    def parse(_: Reply):
        raise InvalidResponseError("nonsense")

    page = Reply(200, {"x-request-id": "req_1"}, b"<html>")
    error = drive(send_with_retries(text_call(parse=parse), context()), page).failure(
        InvalidResponseError
    )
    assert (error.status_code, error.request_id, error.response) == (200, "req_1", page)
    assert (error.maybe_billed, error.sends) == (True, 1)


def test_an_answer_that_an_error_brings_along_is_kept():
    other = Reply(404, {"x-request-id": "req_2"})

    def parse(_: Reply):
        raise error_from_reply(other)

    error = drive(send_with_retries(text_call(parse=parse), context()), OK).failure(NotFoundError)
    assert (error.status_code, error.request_id, error.response) == (404, "req_2", other)


def test_a_transport_that_answers_nonsense_is_a_bug_and_shows():
    with pytest.raises(TypeError, match="returned None"):
        drive(send_with_retries(text_call(), context()), None)


def test_a_spent_budget_refuses_before_sending():
    rules = context(budget=Budget(usd=0))
    driven = drive(send_with_retries(text_call(), rules))
    assert driven.failure(BudgetExceededError).sends == 0
    assert driven.steps == []
    assert len(rules.ledger) == 0


def test_a_spent_budget_does_not_stop_free_calls():
    rules = context(budget=Budget(usd=0))
    assert drive(send_with_retries(text_call(billable=False), rules), OK).result == "hello"


# Flows of several calls


def test_a_flow_asks_sleeps_and_answers():
    def flow():
        one = yield from ask(text_call())
        yield Sleep(3.0)
        two = yield from ask(text_call())
        return one + two

    rules = context()
    driven = drive(run_flow(flow(), rules), OK, Reply(200, {}, b" again"))
    assert driven.result == "hello again"
    assert driven.sleeps == [3.0]
    assert len(rules.ledger) == 2


def test_a_flow_may_handle_an_error():
    def flow():
        try:
            yield from ask(text_call())
        except BadRequestError:
            return "handled"

    assert drive(run_flow(flow(), context()), Reply(400)).result == "handled"


def test_a_flow_that_does_not_handle_it_ends_with_it():
    def flow():
        yield from ask(text_call())

    drive(run_flow(flow(), context()), Reply(400)).failure(BadRequestError)


def test_a_flow_may_refuse_before_it_asks():
    def flow():
        raise ConfigurationError("no")
        yield

    assert drive(run_flow(flow(), context())).failure(ConfigurationError).sends == 0


def test_an_interrupted_flow_is_closed():
    closed = []

    def flow():
        try:
            yield from ask(text_call())
        finally:
            closed.append(True)

    rules = context()
    steps = run_flow(flow(), rules)
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())
    assert closed == [True]
    assert only_entry(rules).outcome == "KeyboardInterrupt"


# Streams


def chat_stream(*outcomes, n=1, rules=None, **limits):
    limits = {"first_event_timeout": FIRST, "stream_idle_timeout": IDLE} | limits
    rules = rules or context(**limits)
    call = stream_chat("hi", model="m", n=n)
    return drive(stream_events(call, rules), *outcomes), rules


def limits_of(driven):
    return [step.limit for step in driven.steps if isinstance(step, Read | Open)]


PRICED: Any = {"x_nanogpt_pricing": {"costUsd": "0.25", "requestId": "req_9"}}
USAGE: Any = {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def test_a_whole_stream():
    driven, rules = chat_stream(
        connected(),
        piece(frame(delta={"role": "assistant"})),
        piece(frame("Hel"), frame("lo")),
        piece(frame(finish="stop", **PRICED), {"choices": [], **USAGE}, DONE),
    )
    assert driven.error is None
    assert driven.text == "Hello"
    last = driven.items[-1]
    assert (last.finish_reason, last.usage.prompt_tokens) == ("stop", 3)
    entry = only_entry(rules)
    assert (entry.outcome, str(entry.cost), entry.request_id) == ("ok", "0.25", "req_9")
    assert (entry.prompt_tokens, entry.completion_tokens, entry.sends) == (3, 2, 1)


@pytest.mark.parametrize("outcome", [END, LOST, SILENT, piece(frame("b"))])
def test_after_done_only_the_end_is_looked_for(outcome):
    driven, rules = chat_stream(connected(), piece(frame("a", finish="stop"), DONE), outcome)
    assert driven.error is None
    assert limits_of(driven) == [FIRST, FIRST, AFTER_DONE_SECONDS]
    assert [item.text for item in driven.items] == ["a", ""]
    assert only_entry(rules).outcome == "ok"


def test_a_stream_is_recorded_before_its_end_is_looked_for():
    rules = context()
    steps = stream_events(stream_chat("hi", model="m"), rules)
    step = next(steps)
    while not (isinstance(step, Read) and step.limit == AFTER_DONE_SECONDS):
        answers: Any = {
            Open: connected(), Read: piece(frame("a", finish="stop", **PRICED), DONE)
        }  # fmt: skip
        step = steps.send(answers.get(type(step)))
    steps.close()
    assert (only_entry(rules).outcome, str(only_entry(rules).cost)) == ("ok", "0.25")


@pytest.mark.parametrize("outcome", [END, LOST, SILENT], ids=["eof", "lost", "silence"])
def test_after_the_finish_reason_the_rest_may_stay_away(outcome):
    driven, rules = chat_stream(connected(), piece(frame("a", finish="stop", **PRICED)), outcome)
    assert driven.error is None
    assert driven.text == "a"
    assert driven.items[-1].finish_reason == "stop"
    assert limits_of(driven)[-1] == AFTER_FINISH_SECONDS
    assert only_entry(rules).outcome == "ok"


def test_usage_after_the_finish_reason_is_waited_for():
    driven, _ = chat_stream(
        connected(), piece(frame("a", finish="stop")), piece({"choices": [], **USAGE}), END
    )
    assert driven.items[-1].usage.prompt_tokens == 3


def test_the_last_event_may_lack_its_blank_line():
    cut_short = Chunk(sse(frame("a"), frame("b", finish="stop")).rstrip(b"\n"))
    driven, _ = chat_stream(connected(), cut_short, END)
    assert driven.error is None
    assert driven.text == "ab"


@pytest.mark.parametrize(
    ("outcome", "cls", "why"),
    [
        (END, StreamInterruptedError, "ended before the response was finished"),
        (LOST, StreamInterruptedError, "connection broke while streaming: connection reset"),
        (SILENT, StreamStalledError, "no event for 20 seconds"),
    ],
    ids=["eof", "lost", "silence"],
)
def test_a_stream_without_finish_reason_has_failed(outcome, cls, why):
    driven, rules = chat_stream(
        connected(x_request_id="req_7"), piece(frame("Hello wor", **USAGE)), outcome
    )
    error = driven.failure(cls)
    assert why in str(error)
    assert driven.text == error.partial.text == "Hello wor"
    assert error.partial.finish_reason is None
    assert (error.sends, error.maybe_billed, error.request_id) == (1, True, "req_7")
    entry = only_entry(rules)
    assert (entry.outcome, entry.cost, entry.prompt_tokens) == (cls.__name__, None, 3)


def test_a_fragment_at_the_end_is_a_cut_stream():
    driven, _ = chat_stream(connected(), Chunk(sse(frame("a")) + b'data: {"choices": [{"del'), END)
    assert driven.failure(StreamInterruptedError).partial.text == "a"


def test_done_without_finish_reason_has_failed():
    driven, _ = chat_stream(connected(), piece(frame("a"), DONE))
    assert "[DONE] before" in str(driven.failure(StreamInterruptedError))
    assert driven.text == "a"


def test_silence_before_the_first_event():
    driven, _ = chat_stream(connected(), SILENT)
    error = driven.failure(StreamStalledError)
    assert "no first event for 60 seconds" in str(error)
    assert error.partial.text == ""


def test_the_headers_time_counts_towards_the_first_event():
    driven, _ = chat_stream(connected(seconds=25.0), SILENT)
    assert limits_of(driven) == [FIRST, FIRST - 25.0]


def test_comments_do_not_feed_the_stall_limit():
    driven, _ = chat_stream(
        connected(seconds=10.0),
        piece(": keep-alive\n\n", seconds=30.0),
        piece(": keep-alive\n\n", seconds=19.0),
        piece(frame("a"), seconds=0.5),
        piece(": keep-alive\n\n", seconds=15.0),
        piece(": keep-alive\n\n", seconds=6.0),
        SILENT,
    )
    driven.failure(StreamStalledError)
    assert limits_of(driven) == [60.0, 50.0, 20.0, 1.0, 20.0, 5.0, 0]


def test_half_an_event_does_not_feed_the_stall_limit_either():
    driven, _ = chat_stream(
        connected(), piece(frame("a")), Chunk(b"data: {", 12.0), Chunk(b'"choices"', 7.0), SILENT
    )
    assert limits_of(driven)[-2:] == [8.0, 1.0]


def test_without_limits_nothing_is_watched():
    driven, _ = chat_stream(
        connected(),
        piece(": x\n\n", seconds=1e6),
        piece(frame("a", finish="stop"), DONE),
        first_event_timeout=None,
        stream_idle_timeout=None,
    )
    assert driven.error is None
    assert limits_of(driven) == [None, None, None, AFTER_DONE_SECONDS]


def test_text_before_an_error_event_in_the_same_bytes_is_not_lost():
    bad = frame(
        finish="error", error={"status": 429, "message": "slow", "code": "rate_limit_exceeded"}
    )
    driven, _ = chat_stream(connected(), piece(frame("Hel"), frame("lo"), bad, DONE))
    error = driven.failure(RateLimitError)
    assert driven.text == error.partial.text == "Hello"
    assert (error.status_code, error.code, error.maybe_billed) == (429, "rate_limit_exceeded", True)
    assert "slow" in str(error)


def test_text_in_the_error_event_itself_is_not_lost():
    driven, _ = chat_stream(
        connected(), piece(frame("bye", finish="error", error={"message": "x"}))
    )
    assert driven.text == "bye"
    assert driven.error is not None


def test_an_error_event_is_never_a_reason_to_send_again():
    bad = {"error": {"status": 503, "message": "overloaded"}}
    driven, rules = chat_stream(connected(), piece(bad))
    driven.failure(ServerError)
    assert only_entry(rules).sends == 1


def test_an_error_reason_without_detail():
    driven, _ = chat_stream(connected(), piece(frame("a", finish="error"), DONE))
    assert "finish_reason 'error'" in str(driven.failure(StreamInterruptedError))


@pytest.mark.parametrize("data", [b"data: {oops\n\n", b"data: [1]\n\n", b"data: null\n\n"])
def test_an_event_nobody_can_read(data):
    driven, _ = chat_stream(connected(), Chunk(sse(frame("a")) + data))
    assert driven.failure(InvalidResponseError).partial.text == "a"


def test_the_opening_follows_the_retry_rules():
    driven, rules = chat_stream(
        REFUSED, Reply(503), connected(), piece(frame("a", finish="stop"), DONE)
    )
    assert driven.sleeps == [0.5, 1.0]
    assert driven.text == "a"
    assert only_entry(rules).sends == 3


@pytest.mark.parametrize("outcome", [LOST, SILENT])
def test_a_lost_opening_is_not_repeated(outcome):
    driven, _ = chat_stream(outcome)
    assert isinstance(driven.error, OutcomeUnknownError)
    assert driven.error.partial is None


def test_an_error_status_instead_of_a_stream():
    body = {"error": {"code": "context_length_exceeded", "message": "too long"}}
    driven, rules = chat_stream(reply(body, 400))
    driven.failure(ContextLengthExceededError)
    assert only_entry(rules).cost == 0


@pytest.mark.parametrize(
    ("whole", "cls"),
    [
        (
            Reply(200, {"content-type": "text/html"}, b"<html>Bad gateway</html>"),
            InvalidResponseError,
        ),
        (Reply(200, {"content-type": "application/json"}, b""), InvalidResponseError),
        (reply([1]), InvalidResponseError),
        (reply({}), InvalidResponseError),
        (reply({"choices": []}), InvalidResponseError),
        (reply({"error": "Insufficient balance", "status": 402}), InsufficientBalanceError),
    ],
    ids=["html", "empty", "list", "object", "no-choices", "json-error"],
)
def test_a_200_that_is_no_stream_and_no_answer(whole, cls):
    driven, rules = chat_stream(whole)
    assert driven.failure(cls).maybe_billed
    assert only_entry(rules).cost is None


def test_a_200_with_a_whole_answer_is_one():
    body = {
        "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}], "id": "c", **PRICED
    }  # fmt: skip
    driven, rules = chat_stream(reply(body))
    assert (driven.text, driven.items[-1].finish_reason) == ("Hello", "stop")
    assert str(only_entry(rules).cost) == "0.25"


@pytest.mark.parametrize(
    ("body", "cls"),
    [
        (b'{"error": {"message": "no", "status": 402}}', InsufficientBalanceError),
        (b"<html>Bad gateway</html>", InvalidResponseError),
        (b"   \n", StreamInterruptedError),
        (b"", StreamInterruptedError),
    ],
    ids=["json-error", "html", "blank", "empty"],
)
def test_a_stream_that_is_none_though_it_says_so(body, cls):
    driven, _ = chat_stream(
        connected(content_type="text/event-stream"), Chunk(body), *[END] * bool(body)
    )
    driven.failure(cls)


def test_a_whole_answer_that_calls_itself_a_stream():
    body = b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}'
    driven, _ = chat_stream(connected(), Chunk(body), END)
    assert driven.error is None
    assert driven.text == "Hello"


def test_an_event_without_end_breaks_the_stream(monkeypatch):
    monkeypatch.setattr(sse_module, "MAX_EVENT_BYTES", 20)
    driven, _ = chat_stream(connected(), piece(frame("a")), Chunk(b"data: " + b"x" * 20))
    assert driven.failure(InvalidResponseError).partial.text == "a"


def test_an_event_without_data_is_no_sign_of_life():
    driven, _ = chat_stream(
        connected(), Chunk(b"data:\n\n", 9.0), piece(frame("a", finish="stop"), DONE)
    )
    assert driven.text == "a"
    assert limits_of(driven)[-2:] == [FIRST - 9.0, AFTER_DONE_SECONDS]


def test_every_answer_of_n_is_waited_for():
    two = {"choices": [{"index": 1, "delta": {"content": "B"}, "finish_reason": "length"}]}
    driven, _ = chat_stream(connected(), piece(frame("A", finish="stop")), piece(two), SILENT, n=2)
    assert driven.error is None
    assert limits_of(driven)[-2:] == [IDLE, AFTER_FINISH_SECONDS]
    assert [(c.index, c.finish_reason) for c in driven.items[-2:]] == [(0, "stop"), (1, "length")]


def test_fewer_answers_than_asked_for_are_whole_once_the_stream_is_done():
    driven, _ = chat_stream(connected(), piece(frame("A", finish="stop"), DONE), n=2)
    assert driven.error is None


def test_one_unfinished_answer_of_two_has_failed():
    two = {"choices": [{"index": 1, "delta": {"content": "B"}}]}
    driven, _ = chat_stream(connected(), piece(frame("A", finish="stop"), two, DONE), n=2)
    assert driven.failure(StreamInterruptedError).partial.choices[1].message.text == "B"


def test_an_error_reason_counts_whichever_answer_has_it():
    two = {"choices": [{"index": 1, "delta": {}, "finish_reason": "error"}]}
    driven, _ = chat_stream(connected(), piece(frame("A", finish="stop"), two, DONE), n=2)
    driven.failure(StreamInterruptedError)


def test_leaving_a_stream_records_what_had_arrived():
    rules = context()
    steps = stream_events(stream_chat("hi", model="m"), rules)
    next(steps)
    steps.send(connected(x_request_id="req_5"))
    steps.send(piece(frame("Hel", **USAGE)))
    steps.close()
    entry = only_entry(rules)
    assert (entry.outcome, entry.cost, entry.sends) == ("abandoned", None, 1)
    assert (entry.prompt_tokens, entry.request_id) == (3, "req_5")


def test_leaving_a_stream_after_its_price_came_records_the_price():
    rules = context()
    steps = stream_events(stream_chat("hi", model="m"), rules)
    next(steps)
    steps.send(connected())
    steps.send(piece(frame("Hel", **PRICED)))
    steps.close()
    assert str(only_entry(rules).cost) == "0.25"


def test_a_cancelled_stream_leaves_an_entry():
    driven_rules = context()
    steps = stream_events(stream_chat("hi", model="m"), driven_rules)
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())
    assert only_entry(driven_rules).outcome == "KeyboardInterrupt"


def test_a_spent_budget_refuses_a_stream_before_it_opens():
    driven, rules = chat_stream(rules=context(budget=Budget(max_calls=0)))
    driven.failure(BudgetExceededError)
    assert requests_of(driven) == []
    assert len(rules.ledger) == 0


@given(data=st.data())
def test_any_cut_of_a_stream_folds_to_the_same(data):
    frames: list[Any] = [
        frame("Hé"),
        ": ping\n\n",
        frame("llo ✓"),
        frame(finish="stop", **USAGE),
        DONE,
    ]
    whole = sse(*frames)
    end = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    whole = whole.replace(b"\n", end)
    places = sorted(data.draw(st.lists(st.integers(0, len(whole) - len(end) * 2), max_size=9)))
    edges = [0, *places, len(whole)]
    pieces = [Chunk(whole[a:b]) for a, b in pairwise(edges) if a < b]
    driven, _ = chat_stream(connected(), *pieces)
    assert driven.error is None
    assert driven.text == "Héllo ✓"
    assert driven.items[-1].usage.completion_tokens == 2


@given(body=st.binary(max_size=80), ends=st.booleans())
def test_no_bytes_break_the_client(body, ends):
    rules = context()
    steps = stream_events(stream_chat("hi", model="m"), rules)
    outcomes = iter([connected(), Chunk(body or b"\n"), *[END] * ends])
    step = next(steps)
    try:
        while True:
            asks = isinstance(step, Open | Read)
            outcome: Any = next(outcomes, LOST) if asks else None
            step = steps.send(outcome)
    except (StopIteration, NanoGPTError):
        pass
    assert len(rules.ledger) == 1


# Sound


def test_a_streamed_sound_ends_with_the_connection():
    rules = context()
    call = stream_speech("hi", model="tts-1")
    driven = drive(
        stream_events(call, rules), connected(x_cost="0.01"), Chunk(b"ab"), Chunk(b"c"), END
    )
    assert driven.items == [b"ab", b"c"]
    assert str(only_entry(rules).cost) == "0.01"


def test_a_broken_sound_keeps_what_came():
    call = stream_speech("hi", model="tts-1")
    driven = drive(stream_events(call, context()), connected(), Chunk(b"ab"), LOST)
    assert driven.failure(StreamInterruptedError).partial.data == b"ab"


def test_an_empty_sound_is_an_error():
    call = stream_speech("hi", model="tts-1")
    drive(stream_events(call, context()), connected(), END).failure(InvalidResponseError)


def test_a_sound_in_one_chunk_is_handed_on():
    call = stream_speech("hi", model="tts-1")
    driven = drive(
        stream_events(call, context()), Reply(200, {"content-type": "audio/mpeg"}, b"mp3")
    )
    assert driven.items == [b"mp3"]


@pytest.mark.parametrize(
    ("body", "match"),
    [({"url": "https://x/y.mp3"}, "use speak"), ({"error": "no"}, "no"), ({}, "without audio")],
)
def test_json_instead_of_a_streamed_sound(body, match):
    call = stream_speech("hi", model="tts-1")
    error = drive(stream_events(call, context()), reply(body)).error
    assert error is not None
    assert match in str(error)


def test_work_that_blocks_is_a_step_of_its_own():
    def flow(function):
        return (yield from off_loop(function, 2, base=10))

    driven = drive(flow(lambda number, *, base: number * base))
    assert driven.result == 20
    assert [type(step) for step in driven.steps] == [Block]


@pytest.mark.parametrize("error", [OSError("no"), ValueError("no"), NanoGPTError("no")])
def test_what_it_raises_is_raised_in_the_flow(error):
    def fails():
        raise error

    def flow():
        try:
            yield from off_loop(fails)
        except type(error) as caught:
            return caught

    assert drive(flow()).result is error
