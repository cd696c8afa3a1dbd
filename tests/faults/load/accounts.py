"""Processes that share one account, against a server that takes 25 requests in any second."""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal

from nanogpt_client import LedgerEntry
from nanogpt_client.account import Account
from nanogpt_client.account.call import AccountCall
from tests.faults.load.rows import Row
from tests.faults.load.server import LoadServer
from tests.support.account_workers import ask, ready
from tests.support.stores import valkey_server

WORKERS, CALLS, PER_SECOND = 4, 60, 25
_MEASURED = 1_000  # calls


def in_sqlite() -> Row:
    """Return the figures of processes that share a file."""
    with tempfile.TemporaryDirectory() as folder:
        return _shared(f"sqlite:///{folder}/spent.db")


def in_redis() -> Row:
    """Return the figures of processes that share a server."""
    with valkey_server() as server:
        return _shared(f"redis://{server.host}:{server.port}/0")


def overhead() -> Row:
    """Return how long an account takes for a call, in each kind of store."""
    with tempfile.TemporaryDirectory() as folder, valkey_server() as server:
        urls = ("memory:", f"sqlite:///{folder}/spent.db", f"redis://{server.host}:{server.port}/0")
        took = {url.partition(":")[0]: milliseconds(url) for url in urls}
    return {
        "answers": 3 * _MEASURED,
        "holds": max(took.values()) <= 1,
        "outcomes": ", ".join(f"{name} {each:.2f} ms a call" for name, each in took.items()),
    }


def milliseconds(url: str) -> float:
    """Return the median of what one call takes: reserving, its slot, its outcome."""
    account = Account(url, usd=1000, requests_per_second=None)
    entry = LedgerEntry("chat", "m", "ok", Decimal("0.001"), 3, 4, "req", 1, 5.0, 0.5)
    took = []
    for _ in range(_MEASURED):
        started = time.perf_counter()
        call = AccountCall(account, entry, Decimal("0.001"), billable=True)
        call.admit()
        call.finish(entry)
        account.flush()
        took.append(time.perf_counter() - started)
    return 1_000 * statistics.median(took)


def _shared(url: str) -> Row:
    account = Account(url, requests_per_second=PER_SECOND)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=spawn) as pool:
        with LoadServer(seconds=0.2) as server:
            for warm in [pool.submit(ready, server.base_url) for _ in range(WORKERS)]:
                warm.result()
        with LoadServer(per_second=PER_SECOND) as server:
            started = time.monotonic()
            running = [pool.submit(ask, account, server.base_url, CALLS) for _ in range(WORKERS)]
            answers = [answer for each in running for answer in each.result()]
            seconds = time.monotonic() - started
            counts = server.counts()
    rate = (len(answers) - 1) / seconds
    all_right = answers == ["ok"] * WORKERS * CALLS and len(account.rows()) == len(answers)
    return {
        "answers": answers.count("ok"),
        "refusals": f"{counts.refused} of {counts.posts}",
        "seconds": round(seconds, 1),
        "connections": counts.connections,
        "holds": all_right and counts.refused == 0 and rate >= 0.95 * PER_SECOND,
        "outcomes": f"{rate:.1f}/s; {dict(Counter(answers))}",
    }
