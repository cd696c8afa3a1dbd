"""Work that is paid once, also if workers die or the store goes away; counted at a raw server."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from nanogpt_client import StoreUnavailableError
from nanogpt_client.account import Account
from nanogpt_client.hooks import AccountingWarning
from nanogpt_client.jobs import ChatRows, EmbedTexts, PaidStore
from tests.support.forks import in_a_fork
from tests.support.rawserver import End, RawServer, http_reply
from tests.support.stores import start_valkey, store_url, valkey, valkey_server
from tests.support.vectors import PRICE, reply_to, vectors_of

__all__ = ["store_url", "valkey"]

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
TEXTS = [f"text {number}" for number in range(8)]
LEASE = 0.3  # seconds; a worker that is gone is noticed after this
STEADY = 30.0  # where several work at once, and none dies
FATAL = 2  # the request during which a worker dies


def kill_me(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def at_request(number):
    """Return a hook that kills its process when it is called for the number-th time."""
    calls = iter(range(1, number))
    return lambda _: next(calls, None) or kill_me()


class Server(RawServer):
    """Answers requests for vectors; kills the worker that sends the ``fatal`` one."""

    def __init__(self, fatal=None):
        super().__init__(self._answer)
        self._fatal = fatal

    def _answer(self, request):
        if self.posts == self._fatal:
            os.kill(int(request.headers["x-worker"]), signal.SIGKILL)
            return [End.CLOSE]
        return [http_reply(reply_to(request.body))]

    @property
    def asked(self):
        """How often each text arrived: at most so often it was billed."""
        return Counter(
            text for request in self.requests for text in json.loads(request.body)["input"]
        )


def job(server, url, lease=LEASE, **settings):
    return EmbedTexts(
        "text-embedding-3-small",
        store=PaidStore(url, lease=lease),
        api_key=KEY,
        base_url=server.base_url,
        default_headers={"x-worker": str(os.getpid())},
        batch_size=2,
        max_concurrency=1,
        **settings,
    )


def finish(server, url, lease=LEASE, **settings):
    """Do the whole job in this process, and check its result."""
    embed = job(server, url, lease, **settings)
    assert (embed({"text": TEXTS})["vector"] == vectors_of(TEXTS)).all()
    embed.client.close()
    unknown = embed.store.unknown()
    embed.store.close()
    return unknown


def check_account(account, unknown):
    """The account has the cost of all answers, and lists the requests of workers that died."""
    deadline = time.monotonic() + 10
    while account.unknown < unknown and time.monotonic() < deadline:
        time.sleep(0.05)
    status = account.status()
    assert (status.unknown, status.reserved) == (unknown, Decimal(0))
    assert status.spent == Decimal(str(PRICE)) * len(TEXTS)
    outcomes = Counter(row["outcome"] for row in account.rows())
    assert outcomes["lost"] == unknown
    account.close()


# What dies when, how many texts are paid twice, and how many requests are on record.
DEATHS = {
    "before sending": ({"on_request": at_request(FATAL)}, None, 0, 1),
    "in flight": ({}, FATAL, 2, 1),
    "before the answer is stored": ({"on_response": at_request(FATAL)}, None, 2, 1),
    "after the answer": ({"on_progress": at_request(FATAL)}, None, 0, 0),
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_worker_that_dies_costs_at_most_its_request_in_flight(death, store_url):
    settings, fatal, twice, unknown = DEATHS[death]
    account = Account(store_url, usd=1, requests_per_second=None, lease=1)  # in the same database
    with Server(fatal) as server:

        def work():
            job(server, store_url, account=account, **settings)({"text": TEXTS})

        assert in_a_fork(work) == -signal.SIGKILL
        before = server.posts
        found = finish(server, store_url, account=account)
        assert [request.items for request in found] == [2] * unknown
        check_account(account, unknown)
        asked = server.asked
        assert asked.keys() == set(TEXTS)
        assert sum(count - 1 for count in asked.values()) == twice
        assert max(asked.values()) <= 2
        assert server.posts - before == 4 - (1 if unknown else 2)  # only the rest
        done = server.posts
        assert finish(server, store_url) == found
        assert server.posts == done  # the finished job again


def test_a_worker_that_dies_after_its_work_costs_nothing(store_url):
    with Server() as server:

        def work():
            job(server, store_url)({"text": TEXTS})
            kill_me()

        assert in_a_fork(work) == -signal.SIGKILL
        assert finish(server, store_url) == []
        assert server.posts == 4


def test_workers_that_do_the_same_at_once_pay_once(store_url):
    with Server() as server:

        def work():
            finish(server, store_url, STEADY)

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _: in_a_fork(work), range(4))) == [0] * 4
        assert set(server.asked.values()) == {1}
        assert finish(server, store_url) == []


def test_an_account_has_what_all_workers_paid(store_url, tmp_path):
    account = Account(f"sqlite:///{tmp_path}/spent.db", usd="1", requests_per_second=None)
    with Server() as server:

        def work(start):
            texts = TEXTS[start:] + TEXTS[:start]
            job(server, store_url, STEADY, account=account)({"text": texts})

        with ThreadPoolExecutor(3) as pool:
            codes = pool.map(lambda start: in_a_fork(lambda: work(start)), (0, 2, 4))
            assert list(codes) == [0] * 3
        assert set(server.asked.values()) == {1}
        status = account.status()
        assert status.spent == Decimal(str(PRICE)) * len(TEXTS)
        assert (status.calls, status.unknown) == (server.posts, 0)
        assert status.reserved == Decimal(0)
    account.close()


def test_a_chat_whose_worker_dies_is_asked_again(store_url):
    choice = {"index": 0, "message": {"content": "yes"}, "finish_reason": "stop"}
    reply = http_reply(json.dumps({"id": "1", "model": "m", "choices": [choice]}).encode())
    prompts = {"prompt": ["a", "b", "c"]}
    with RawServer([reply]) as server:

        def answer(**settings):
            return ChatRows(
                "m", store=PaidStore(store_url, lease=LEASE), api_key=KEY,
                base_url=server.base_url, max_concurrency=1, **settings,
            )  # fmt: skip

        dying = {"on_response": at_request(FATAL)}
        assert in_a_fork(lambda: answer(**dying)(prompts)) == -signal.SIGKILL
        assert server.posts == 2
        last = answer()
        assert list(last(prompts)["answer"]) == ["yes"] * 3
        assert server.posts == 4  # the first was stored
        assert len(last.store.unknown()) == 1


def test_a_store_that_goes_away_loses_no_answer():
    store = start_valkey()
    port, url = store.port, f"redis://{store.host}:{store.port}/0"
    stopped = threading.Event()

    def stop_the_store(request):
        store.stop()
        stopped.set()
        return [http_reply(reply_to(request.body))]

    with RawServer(stop_the_store) as server:
        embed = job(server, url)
        # During the call: its answer is returned, and kept.
        with pytest.warns(AccountingWarning, match="2 paid answers stay in memory"):
            first = embed({"text": TEXTS[:2]})
        assert stopped.is_set()
        assert (first["vector"] == vectors_of(TEXTS[:2])).all()
        # Before the next call: nothing is sent.
        with pytest.raises(StoreUnavailableError):
            embed({"text": TEXTS[2:4]})
        assert server.posts == 1
        # After it is back: the answer is there, for others, too.
        with valkey_server(port):
            embed.store.close()
            other = job(server, url)
            assert (other({"text": TEXTS[:2]})["vector"] == vectors_of(TEXTS[:2])).all()
            assert server.posts == 1
            other.store.close()
