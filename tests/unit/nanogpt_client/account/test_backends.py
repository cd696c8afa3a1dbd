"""What every store of an account does: one suite, with real servers and the stores' own clocks."""

from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from nanogpt_client.account._backend import Backend, FinishedCall, Limits, NewCall
from nanogpt_client.account._ray import RayBackend
from nanogpt_client.account._sqlite import SqliteBackend
from nanogpt_client.account._store import opened

RATE = Limits(per_second=100)
INTERVAL = 1 / 97  # seconds between two slots at that rate: 97 % of it is used
START = 0.03  # seconds more after the first one


@pytest.fixture
def store(url: str):
    opened_store = opened(url)
    yield opened_store  # kept, as a store in memory lives as long as it is used
    opened_store.backend.close()


@pytest.fixture
def backend(store: Any) -> Backend:
    found: Backend = store.backend
    return found


def new(token: str, usd: int = 10, lease: float = 60.0, if_unknown: int = 25) -> NewCall:
    return NewCall(token, usd, if_unknown, lease, entry(token, "lost"))


def ended(token: str, cost: int | None = 7, corrects: int | None = None) -> FinishedCall:
    return FinishedCall(token, cost, 25, corrects, entry(token, "ok"))


def entry(token: str, outcome: str) -> str:
    return json.dumps({"token": token, "outcome": outcome})


def outcomes(backend: Backend) -> dict[str, str]:
    entries = map(json.loads, backend.entries())
    return {each["token"]: each["outcome"] for each in entries}


def money(backend: Backend) -> tuple[int, ...]:
    sums = backend.sums()
    return sums.spent, sums.assumed, sums.reserved, sums.calls, sums.unknown


def test_an_empty_account(backend):
    assert money(backend) == (0, 0, 0, 0, 0)
    assert backend.sums().limits == Limits()
    assert backend.entries() == []


def test_a_reservation_is_replaced_by_the_cost(backend):
    backend.admit(Limits(100), new("a"))
    assert money(backend) == (0, 0, 10, 1, 0)
    backend.finish([ended("a")])
    assert money(backend) == (7, 0, 0, 1, 0)
    assert outcomes(backend) == {"a": "ok"}


def test_an_unknown_cost_counts_what_was_agreed(backend):
    backend.admit(Limits(100), new("a"))
    backend.finish([ended("a", cost=None)])
    assert money(backend) == (0, 25, 0, 1, 1)


def test_a_later_cost_takes_the_assumed_amount_back(backend):
    backend.admit(Limits(100), new("a"))
    backend.finish([ended("a", cost=None)])
    backend.finish([ended("b", cost=-3, corrects=25)])
    assert money(backend) == (-3, 0, 0, 1, 0)


def submitted(token: str, job: str) -> FinishedCall:
    return FinishedCall(token, None, 25, None, entry(token, "ok"), job)


@pytest.mark.parametrize("corrects", [None, 25])
def test_the_cost_of_a_job_replaces_what_was_assumed_once(backend, corrects):
    """``corrects`` is what only the process that submitted the job knows."""
    backend.admit(Limits(100), new("a"))
    for _ in range(2):
        backend.finish([submitted("a", "batch/1")])
        assert money(backend) == (0, 25, 0, 1, 1)
    for _ in range(2):
        backend.finish([ended("batch/1", 12, corrects)])
        assert money(backend) == (12, 0, 0, 1, 0)
    assert outcomes(backend) == {"a": "ok", "batch/1": "ok"}


def test_the_cost_of_a_job_may_come_before_its_submission_is_reported(backend):
    backend.admit(Limits(100), new("a"))
    backend.finish([ended("batch/1", 12)])
    backend.finish([submitted("a", "batch/1")])
    assert money(backend) == (12, 0, 0, 1, 0)
    assert list(outcomes(backend)) == ["batch/1", "a"]


def test_everything_may_be_repeated(backend):
    for _ in range(2):
        backend.admit(Limits(100), new("a"))
    assert money(backend) == (0, 0, 10, 1, 0)
    for _ in range(2):
        backend.finish([ended("a"), ended("a"), ended("b")])
    assert money(backend) == (14, 0, 0, 1, 0)
    assert list(outcomes(backend)) == ["a", "b"]


def test_a_call_that_ended_is_not_admitted_again(backend):
    """It was abandoned while a thread was still admitting it."""
    backend.finish([ended("a", cost=0)])
    backend.admit(Limits(100), new("a"))
    assert money(backend) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [(Limits(usd=30), 3), (Limits(usd=29), 2), (Limits(max_calls=2), 2), (Limits(usd=0), 0)],
)
def test_a_budget_refuses_what_it_does_not_cover(backend, limits, allowed):
    for number in range(allowed):
        assert backend.admit(limits, new(str(number))).refused is None
    refused = backend.admit(limits, new("more")).refused
    assert refused is not None
    assert tuple(refused)[:5] == (0, 0, 10 * allowed, allowed, 0)
    assert refused.limits == limits
    assert money(backend) == (0, 0, 10 * allowed, allowed, 0)
    # What was admitted may be sent again.
    if allowed:
        assert backend.admit(limits, new("0")).refused is None


def test_a_budget_that_is_passed_refuses_free_calls_as_well(backend):
    backend.finish([ended("a", cost=31)])
    assert backend.admit(Limits(usd=30), new("b", usd=0)).refused is not None


def test_amounts_are_exact(backend):
    large = 9_000_000_123_456_789_012  # about nine million USD
    backend.admit(Limits(), new("a", usd=large))
    assert backend.sums().reserved == large
    backend.finish([ended("a", cost=large - 1)])
    assert money(backend) == (large - 1, 0, 0, 1, 0)


def test_slots_follow_each_other(backend):
    started = time.monotonic()
    waits = [backend.admit(RATE, new(str(number))).seconds for number in range(10)]
    took = time.monotonic() - started
    assert waits[0] == 0
    # Each is one interval later than the one before, less the time that passed between the two.
    assert waits[1] <= INTERVAL + START + 1e-4
    later = itertools.pairwise(waits[1:])
    assert all(late - early <= INTERVAL + 1e-4 for early, late in later)
    assert waits[-1] >= START + 9 * INTERVAL - took - 1e-4
    assert backend.sums().queued > waits[-1] - (time.monotonic() - started)


def test_a_slot_that_was_waited_for_is_due(backend):
    slots = [backend.admit(RATE, None) for _ in range(3)]
    time.sleep(slots[-1].seconds)
    assert backend.confirm(slots[-1].slot).seconds == pytest.approx(0, abs=0.001)


def test_without_a_rate_nobody_waits(backend):
    assert [backend.admit(Limits(), None).seconds for _ in range(5)] == [0.0] * 5


def test_idle_time_is_not_saved_up(backend):
    backend.admit(RATE, None)
    time.sleep(5 * INTERVAL)
    first, second = (backend.admit(RATE, None) for _ in range(2))
    assert first.seconds == 0
    assert second.slot - first.slot > 0.99 * INTERVAL


@pytest.mark.parametrize("reason", ["rate", "balance"])
def test_a_pause_delays_every_slot(backend, reason):
    started = time.monotonic()
    slots = [backend.admit(RATE, None) for _ in range(3)]
    backend.pause(0.2, reason)
    for reserved in slots:
        delayed = backend.confirm(reserved.slot)
        took = time.monotonic() - started  # by which the first slots may be late
        assert delayed.paused == reason
        assert 0.2 - took < delayed.seconds < reserved.seconds + 0.2 + took
    following = backend.admit(RATE, None)
    assert (following.paused, backend.sums().paused) == (reason, reason)
    assert following.seconds > backend.confirm(slots[-1].slot).seconds
    time.sleep(0.2)
    assert backend.confirm(slots[0].slot) == (0.0, slots[0].slot, "", None)


def test_a_shorter_pause_changes_nothing(backend):
    backend.pause(0.3, "rate")
    backend.pause(0.1, "balance")
    assert backend.sums().paused == "rate"
    assert 0.2 < backend.admit(Limits(), None).seconds <= 0.3


def test_pauses_at_the_same_time_count_once(backend):
    first = backend.admit(Limits(), None)
    for _ in range(5):
        backend.pause(0.2, "rate")
    assert backend.confirm(first.slot).seconds <= 0.2


def test_during_a_daily_limit_nothing_is_reserved(backend):
    backend.pause(60, "daily")
    admission = backend.admit(Limits(100), new("a"))
    assert admission.paused == "daily"
    assert 59 < admission.seconds <= 60
    assert money(backend) == (0, 0, 0, 0, 0)


def test_the_call_of_a_lost_worker_counts_as_unknown(backend):
    backend.admit(Limits(100), new("dead", lease=0.05))
    backend.admit(Limits(100), new("alive"))
    time.sleep(0.1)
    assert money(backend) == (0, 25, 10, 2, 1)
    assert outcomes(backend) == {"dead": "lost"}
    # 25 assumed and 10 reserved leave 65.
    assert backend.admit(Limits(100), new("big", usd=66)).refused is not None


def test_a_worker_that_was_only_slow_is_corrected(backend):
    backend.admit(Limits(100), new("slow", lease=0.01))
    time.sleep(0.05)
    assert money(backend) == (0, 25, 0, 1, 1)
    for _ in range(2):
        backend.finish([ended("slow")])
    assert money(backend) == (7, 0, 0, 1, 0)
    assert outcomes(backend) == {"slow": "ok"}


def test_sending_again_renews_the_lease(backend):
    backend.admit(Limits(100), new("a", lease=0.05))
    backend.admit(Limits(100), new("a", lease=60))
    time.sleep(0.1)
    assert money(backend) == (0, 0, 10, 1, 0)


def test_the_limits_that_were_set_last_are_shown(backend):
    backend.admit(Limits(100, 5, 25.0), None)
    backend.admit(RATE, None)
    assert backend.sums().limits == RATE


def test_threads_share_it(backend):
    def work(number: int) -> None:
        for step in range(20):
            token = f"{number}/{step}"
            backend.admit(Limits(10_000_000), new(token))
            backend.finish([ended(token)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert money(backend) == (8 * 20 * 7, 0, 0, 160, 0)
    assert len(backend.entries()) == 160


def test_it_opens_again_after_it_was_closed(backend):
    backend.finish([ended("a")])
    backend.close()
    backend.finish([ended("b")])
    assert money(backend) == (14, 0, 0, 0, 0)


def set_back(backend: Any, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the store's clock back, or as Redis' clock is not ours, all that it has noted ahead."""
    if isinstance(backend, SqliteBackend):
        monkeypatch.setattr(backend, "_now", lambda: time.time() - seconds)
        return
    state = backend._keys[0]
    for name in ("seen", "next_slot", "paused_until"):
        noted = float(backend._redis.hget(state, name) or 0)
        backend._redis.hset(state, name, noted + seconds)


@pytest.mark.parametrize("paused", [0, 1])
def test_a_clock_that_is_set_back_delays_nobody(backend, paused, monkeypatch):
    if isinstance(backend, RayBackend):
        pytest.skip("its clock is in another process; its rules are those of a file")
    backend.admit(RATE, None)
    if paused:
        backend.pause(paused, "rate")
    set_back(backend, 3_600, monkeypatch)
    assert backend.admit(RATE, None).seconds < paused + 0.2
    assert backend.sums().queued < paused + 0.2
