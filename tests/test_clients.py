"""Who uses which HTTP client: one call at a time, and none is kept for ever."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier

import pytest

from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient, _clients
from nanogpt_client._clients import Clients, Injected
from tests.rawserver import RawServer, http_reply

ANSWER = [http_reply(b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}')]
KEY = "sk-nano-clients"


@pytest.fixture
def clients():
    return Clients(count().__next__)


def one_is_left(server: RawServer) -> None:
    """Wait until the server has noticed that all connections but one were closed."""
    deadline = time.monotonic() + 5
    while server.open_connections != 1:
        assert time.monotonic() < deadline, f"{server.open_connections} connections are open"
        time.sleep(0.01)


def test_nobody_shares_a_client(clients):
    assert [clients.take() for _ in range(3)] == [0, 1, 2]


def test_the_one_that_was_used_last_is_used_next(clients):
    a, b = clients.take(), clients.take()
    clients.give(b)
    clients.give(a)
    assert [clients.take(), clients.take(), clients.take()] == [a, b, 2]


def test_one_that_is_given_back_twice_is_lent_once(clients):
    only = clients.take()
    clients.give(only)
    clients.give(only)
    assert [clients.take(), clients.take()] == [only, 1]


def test_those_that_are_long_idle_are_let_go(clients, monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    early, late, lent = clients.take(), clients.take(), clients.take()
    clients.give(early)
    now += _clients.IDLE_SECONDS
    clients.give(late)
    assert not clients.expired()
    now += 1
    assert clients.expired() == [early]
    assert sorted(clients.all()) == [late, lent]


def test_the_callers_own_client_carries_everything():
    theirs = Injected("theirs")
    assert [theirs.take(), theirs.take(), *theirs.expired()] == ["theirs", "theirs"]


def test_a_client_may_be_given_back_while_another_is_made():
    first = object()

    def make() -> object:
        if made:
            clients.give(first)  # by a lost stream that is collected just now
        made.append(first if not made else object())
        return made[-1]

    made: list[object] = []
    clients = Clients(make)
    assert clients.take() is first
    assert clients.take() is made[1]
    assert clients.take() is first


def test_threads_never_meet_on_a_client():
    clients = Clients(object)
    used: list[object] = []
    barrier = Barrier(8)

    def borrow() -> None:
        barrier.wait()
        for _ in range(200):
            client = clients.take()
            assert client not in used
            used.append(client)
            used.remove(client)
            clients.give(client)

    with ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(borrow) for _ in range(8)]:
            future.result()
    assert len(clients.all()) <= 8


def test_calls_in_threads_reuse_their_connections():
    with RawServer(ANSWER) as server, NanoGPTClient(KEY, base_url=server.base_url) as client:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: client.chat("hi", model="m"), range(40)))
        assert (server.posts, server.connections <= 4) == (40, True)


async def test_calls_at_once_leave_their_connections_to_the_next():
    with RawServer(ANSWER) as server:
        async with AsyncNanoGPTClient(KEY, base_url=server.base_url) as client:
            for _ in range(3):
                await asyncio.gather(*(client.chat("hi", model="m") for _ in range(10)))
        assert (server.posts, server.connections) == (30, 10)


def test_connections_of_a_rush_hour_are_closed_by_a_later_call(monkeypatch):
    with RawServer(ANSWER) as server, NanoGPTClient(KEY, base_url=server.base_url) as client:
        barrier = Barrier(4)  # all four have a client before any call begins

        def call(_: int) -> None:
            barrier.wait()
            client.chat("hi", model="m")

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(call, range(4)))
        monkeypatch.setattr(_clients, "IDLE_SECONDS", -1.0)
        client.chat("hi", model="m")
        one_is_left(server)


async def test_connections_of_an_async_rush_hour_are_closed_by_a_later_call(monkeypatch):
    with RawServer(ANSWER) as server:
        async with AsyncNanoGPTClient(KEY, base_url=server.base_url) as client:
            await asyncio.gather(*(client.chat("hi", model="m") for _ in range(4)))
            assert server.open_connections == 4
            monkeypatch.setattr(_clients, "IDLE_SECONDS", -1.0)
            await client.chat("hi", model="m")
            one_is_left(server)
