"""One account and many workers: rate, budget and ledger hold for all of them together.

The server counts. It is strict: one request more than its limit in any second is refused.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client import (
    NanoGPTClient,
)
from nanogpt_client.account import Account
from tests.promises.answers import CHAT_MODEL, UNENDING, chat_answer
from tests.support.account_workers import ask, ready
from tests.support.rawserver import RawRequest, RawServer, Script, http_reply
from tests.support.stores import store_url, valkey

__all__ = ["store_url", "valkey"]

WORKERS, THREADS = 4, 4
PER_SECOND = 40
COST = Decimal("0.001")


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessPoolExecutor]:
    """Spawned processes, which share nothing with this one."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        with RawServer([0.2, *chat_answer()]) as server:
            for started in [pool.submit(ready, server.base_url) for _ in range(WORKERS)]:
                started.result()
        yield pool


def all_ask(workers: ProcessPoolExecutor, account: Account, url: str, calls: int) -> list[str]:
    """Let each worker make so many calls; return their outcomes."""
    running = [workers.submit(ask, account, url, calls, THREADS) for _ in range(WORKERS)]
    return [outcome for each in running for outcome in each.result()]


def refusal(status: int, code: str, seconds: float | None = None) -> Script:
    body = json.dumps({"error": {"message": "no", "code": code}}).encode()
    headers = {} if seconds is None else {"retry-after-ms": str(1000 * seconds)}
    return [http_reply(body, status=status, headers=headers)]


class Limited:
    """Answers at most so many requests in any second, and notes when they came."""

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self.arrivals: list[float] = []
        self.refused = 0
        self._window: deque[float] = deque()

    def __call__(self, _: RawRequest) -> Script:
        now = time.monotonic()
        self.arrivals.append(now)
        while self._window and self._window[0] <= now - 1:
            self._window.popleft()
        if len(self._window) >= self.per_second:
            self.refused += 1
            return refusal(429, "rate_limit_exceeded", 1)
        self._window.append(now)
        return chat_answer(cost=float(COST))


def client_of(server: RawServer, account: Account, **settings: Any) -> NanoGPTClient:
    return NanoGPTClient("any", base_url=server.base_url, account=account, **settings)


def eventually(holds: Callable[[], Any], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.01)
    return False


# Many processes


def test_processes_together_keep_the_rate_and_lose_nothing(workers, store_url):
    account = Account(store_url, requests_per_second=PER_SECOND)
    limited, calls = Limited(PER_SECOND), 25
    with RawServer(limited) as server:
        outcomes = all_ask(workers, account, server.base_url, calls)
    assert outcomes == ["ok"] * WORKERS * calls
    assert limited.refused == 0
    took = limited.arrivals[-1] - limited.arrivals[0]
    assert (len(limited.arrivals) - 1) / took >= 0.95 * PER_SECOND
    assert len(account.rows()) == WORKERS * calls


def test_processes_together_keep_the_budget(workers, store_url):
    """It may be passed by the calls in flight, as only their answers tell what they cost."""
    account = Account(store_url, usd=20 * COST, requests_per_second=None)
    with RawServer([0.01, *chat_answer(cost=float(COST))]) as server:
        outcomes = all_ask(workers, account, server.base_url, 20)
        sent = server.posts
    assert outcomes.count("ok") == sent
    assert outcomes.count("BudgetExceededError") == WORKERS * 20 - sent
    assert 20 <= sent < 20 + WORKERS * THREADS
    assert account.spent == sent * COST
    assert (account.unknown, account.remaining_usd) == (0, 0)
    rows = account.rows()
    assert [row["cost"] for row in rows] == [COST] * sent
    assert sum(totals.cost for totals in account.totals_by("worker").values()) == account.spent


def test_reservations_of_listed_prices_are_never_passed(workers, store_url):
    account = Account(store_url, max_calls=10, requests_per_second=None)
    with RawServer(chat_answer(cost=float(COST))) as server:
        outcomes = all_ask(workers, account, server.base_url, 5)
        assert server.posts == 10
    assert outcomes.count("ok") == 10


# A worker dies


def test_a_killed_workers_call_is_listed_as_unknown(store_url):
    account = Account(store_url, usd=1, lease=0.5)
    with RawServer(UNENDING) as holding:
        child = os.fork()
        if child == 0:
            try:
                with account.scope("night shift"):
                    list(client_of(holding, account).stream_chat("hi", model=CHAT_MODEL))
            finally:
                os._exit(1)
        assert eventually(lambda: holding.posts)
        reserved = account.status().reserved
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert reserved > 0
        assert eventually(lambda: account.unknown == 1)
    status = account.status()
    assert (status.reserved, status.assumed, status.calls) == (0, account.assumed_usd, 1)
    (row,) = account.rows()
    assert (row["outcome"], row["cost"], row["model"]) == ("lost", None, CHAT_MODEL)
    assert (row["scope"], row["worker"].rpartition(":")[2]) == (("night shift",), str(child))
