"""When a call is sent again, and after how long: every rule as values."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.call import Reply, RetrySafety
from nanogpt_client._protocol.retry import RetryPolicy, RetryQuota, may_resend, retry_after
from nanogpt_client.errors import (
    APIConnectionError,
    APITimeoutError,
    BudgetExceededError,
    ConfigurationError,
    InvalidArgumentError,
    InvalidResponseError,
    JobFailedError,
    OutcomeUnknownError,
    ServerError,
    StreamInterruptedError,
    StreamStalledError,
    error_from_body,
    error_from_reply,
)

ALL = set(RetrySafety)
NONE: set[RetrySafety] = set()
ANSWERED = {RetrySafety.ALWAYS, RetrySafety.IF_REJECTED}
NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("failure", "resent"),
    [
        (APIConnectionError("never sent"), ALL),
        (OutcomeUnknownError("connection lost"), {RetrySafety.ALWAYS}),
        (APITimeoutError("read timeout"), {RetrySafety.ALWAYS}),
        (InvalidResponseError("HTML"), NONE),
        (StreamInterruptedError("cut"), NONE),
        (StreamStalledError("silent"), NONE),
        (JobFailedError("failed"), NONE),
        (ConfigurationError("bad"), NONE),
        (InvalidArgumentError("bad"), NONE),
        (BudgetExceededError("spent"), NONE),
        (error_from_body({"error": {"message": "inside a 200"}}), NONE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failures_without_an_error_status(failure, resent):
    assert {resend for resend in RetrySafety if may_resend(failure, resend)} == resent


ENVELOPE = b'{"error": {"message": "later"}}'


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_statuses_with_which_nanogpt_itself_says_try_again(status):
    failure = error_from_reply(Reply(status, {}, ENVELOPE))
    assert {resend for resend in RetrySafety if may_resend(failure, resend)} == ANSWERED


@pytest.mark.parametrize("status", [500, 503])
def test_statuses_that_no_gateway_sends_of_its_own(status):
    failure = error_from_reply(Reply(status))
    assert {resend for resend in RetrySafety if may_resend(failure, resend)} == ANSWERED


def test_what_may_have_been_billed_is_not_sent_again_whatever_the_status():
    failure = error_from_reply(Reply(503, {}, ENVELOPE))
    failure.maybe_billed = True
    assert {resend for resend in RetrySafety if may_resend(failure, resend)} == {RetrySafety.ALWAYS}


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"{}", b'"x"', b"[1]"])
@pytest.mark.parametrize("status", [408, 502, 504])
def test_a_gateway_knows_of_no_outcome(status, body):
    failure = error_from_reply(Reply(status, {}, body))
    assert {resend for resend in RetrySafety if may_resend(failure, resend)} == {RetrySafety.ALWAYS}


@pytest.mark.parametrize("body", [b"", ENVELOPE])
@pytest.mark.parametrize("status", [501, 505, 507, 520, 524, 527, 529, 599])
def test_nobody_knows_what_a_status_means_that_nanogpt_does_not_send(status, body):
    failure = error_from_reply(Reply(status, {}, body))
    assert {resend for resend in RetrySafety if may_resend(failure, resend)} == {RetrySafety.ALWAYS}


@pytest.mark.parametrize("body", [b"", ENVELOPE])
@pytest.mark.parametrize("status", [521, 522, 523, 525, 526, 530])
def test_what_did_not_reach_nanogpt_is_sent_again(status, body):
    failure = error_from_reply(Reply(status, {}, body))
    assert {resend for resend in RetrySafety if may_resend(failure, resend)} == ALL


@pytest.mark.parametrize(
    "status", [301, 400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 429, 451]
)
def test_statuses_that_are_final(status):
    failure = error_from_reply(Reply(status))
    assert not any(may_resend(failure, resend) for resend in RetrySafety)


@pytest.mark.parametrize("code", ["daily_rpd_limit_exceeded", "daily_usd_limit_exceeded"])
def test_daily_limits_are_never_waited_for(code):
    failure = error_from_reply(Reply(429, {}, b'{"error": {"code": "%s"}}' % code.encode()))
    assert not any(may_resend(failure, resend) for resend in RetrySafety)


def policy(max_retries: int = 2, *, jitter: float = 1.0, quota: RetryQuota | None = None):
    return RetryPolicy(max_retries, quota or RetryQuota(), lambda: jitter, lambda: NOW)


def test_at_most_max_retries_times():
    failure = ServerError("down", status_code=503)
    delays = [policy(2).delay(failure, RetrySafety.IF_REJECTED, sends) for sends in (1, 2, 3)]
    assert [delay is None for delay in delays] == [False, False, True]


@pytest.mark.parametrize("failure", [APIConnectionError("x"), ServerError("x", status_code=500)])
def test_no_retries_at_all_with_zero(failure):
    assert policy(0).delay(failure, RetrySafety.ALWAYS, 1) is None


@given(sends=st.integers(1, 40), jitter=st.floats(0, 1))
def test_back_off_is_full_jitter_below_a_doubling_bound(sends, jitter):
    delay = policy(100, jitter=jitter).delay(APIConnectionError("x"), RetrySafety.ALWAYS, sends)
    assert delay == pytest.approx(jitter * min(0.5 * 2 ** (sends - 1), 8))


def test_jitter_is_random_by_default():
    assert RetryPolicy().jitter is random.random


@pytest.mark.parametrize("wait", [0.0, 0.25, 59.9, 60.0])
def test_retry_after_is_kept_exactly(wait):
    failure = ServerError("slow down", status_code=503, retry_after=wait)
    assert policy(jitter=0).delay(failure, RetrySafety.IF_REJECTED, 1) == wait


@pytest.mark.parametrize("wait", [60.1, 3600.0, 86400.0])
def test_a_retry_after_over_the_cap_is_raised_at_once_and_costs_no_quota(wait):
    quota = RetryQuota()
    failure = ServerError("slow down", status_code=503, retry_after=wait)
    assert policy(quota=quota).delay(failure, RetrySafety.IF_REJECTED, 1) is None
    assert all(quota.take() for _ in range(50))


def test_a_dead_service_sees_fifty_retries_whatever_comes():
    rules, failure = policy(), ServerError("down", status_code=503)
    delays = [rules.delay(failure, RetrySafety.IF_REJECTED, 1) for _ in range(1000)]
    assert sum(delay is not None for delay in delays) == 50


def test_successes_earn_retries_back_up_to_the_capacity():
    quota = RetryQuota()
    while quota.take():
        pass
    for _ in range(RetryQuota.COST - 1):
        quota.refill(0)
    assert not quota.take()
    quota.refill(0)
    assert quota.take()
    assert not quota.take()
    for _ in range(10_000):
        quota.refill(0)
    assert sum(quota.take() for _ in range(1000)) == 50


def test_a_success_gives_back_what_its_own_retries_took():
    quota = RetryQuota()
    for _ in range(1_000):
        assert quota.take()
        assert quota.take()
        quota.refill(2)
    assert sum(quota.take() for _ in range(1000)) == 50


def http_date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A date without a zone is UTC, not the machine's time."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "200", "retry-after": "9"}, 0.2),
        ({"retry-after-ms": "nonsense", "retry-after": "9"}, 9.0),
        ({"retry-after": http_date(NOW + 7)}, 7.0),
        ({"retry-after": http_date(NOW - 7)}, 0.0),
        ({"retry-after": http_date(NOW + 60), "date": http_date(NOW + 50)}, 10.0),
        ({"retry-after": http_date(NOW + 7), "date": "nonsense"}, 7.0),
        ({"retry-after": http_date(NOW + 7).replace("GMT", "-0000")}, 7.0),
        ({"retry-after": http_date(NOW + 7).removesuffix(" GMT")}, 7.0),
        ({"retry-after": "Sat, 01 Jan 100000 00:00:00 GMT"}, None),
        ({"retry-after": "-10"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_retry_after_header(headers, seconds, far_from_greenwich):
    assert retry_after(headers, NOW) == seconds


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_retry_after_header_breaks_anything(value, date):
    wait = retry_after({"retry-after": value, "date": date, "retry-after-ms": date}, NOW)
    assert wait is None or wait >= 0
