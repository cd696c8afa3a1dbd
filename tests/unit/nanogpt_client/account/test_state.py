"""The rules of an account as plain values, with a clock of the test's."""

from __future__ import annotations

import json

import pytest

from nanogpt_client.account._backend import Limits, NewCall
from nanogpt_client.account._state import LATE, MARGIN, START, State

RATE = Limits(per_second=25)
INTERVAL = 1 / (25 * MARGIN)


def send_all(state: State, requests: int, waiting: int, late: float = 0.0) -> list[float]:
    """Send requests, so many at the same time, each late by so much; return when they were sent."""
    free, sent = [100.0] * waiting, []
    for number in range(requests):
        now = free.pop(0)
        admission = state.admit(now, RATE, None)
        while admission.seconds > 0.001:
            now += admission.seconds + late * (number % 2)
            admission = state.confirm(now, admission.slot)
        sent.append(now)
        free.append(max(now, free[-1]) if free else now)
    return sent


@pytest.mark.parametrize("late", [0.0, LATE])
def test_no_second_has_more_requests_than_the_limit(late):
    sent = sorted(send_all(State(), 250, 16, late))
    for start in sent:
        assert sum(start <= at < start + 1 for at in sent) <= 25
    assert 249 / (sent[-1] - sent[0]) >= 0.95 * 25


def test_requests_that_come_too_late_delay_those_behind_them():
    state = State()
    _, second, third = (state.admit(0, RATE, None) for _ in range(3))
    assert third.slot - second.slot == pytest.approx(INTERVAL)
    state.confirm(second.seconds + 0.5, second.slot)
    delayed = state.confirm(second.seconds + 0.5, third.slot).seconds
    assert delayed == pytest.approx(INTERVAL - LATE)


def test_a_process_that_slept_for_long_delays_nobody_for_longer_than_a_second():
    state = State()
    _, second, third = (state.admit(0, RATE, None) for _ in range(3))
    state.confirm(3600, second.slot)
    assert state.delay == 1
    assert state.confirm(3600, third.slot).seconds == 0


def test_the_first_request_after_a_quiet_second_has_more_time():
    state = State()
    for quiet_until in (100.0, 200.0):
        first, second = (state.admit(quiet_until, RATE, None) for _ in range(2))
        assert first.seconds == 0
        assert second.seconds == pytest.approx(INTERVAL + START)


def test_a_clock_that_is_set_back_sets_the_queue_back():
    state = State()
    for _ in range(3):
        state.admit(1000, RATE, None)
    state.pause(1000, 5, "rate")
    before = state.sums(1000).queued
    state.tick(400)
    assert state.sums(400).queued == pytest.approx(before)
    assert state.sums(405).paused == ""


def test_pauses_add_up_once():
    state = State()
    slot = state.admit(0, RATE, None).slot
    state.pause(0, 2, "rate")
    state.pause(1, 2, "balance")
    assert state.confirm(1, slot).seconds == 2
    assert state.confirm(3, slot).seconds == 0
    state.pause(10, 1, "rate")
    assert state.delay == 4


def test_it_is_stored_as_json():
    state = State()
    state.admit(5, Limits(10, 3, None), NewCall("a", 7, 9, 1.0, "{}"))
    assert State(**json.loads(json.dumps(state.as_dict()))) == state
