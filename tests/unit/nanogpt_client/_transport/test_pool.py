"""HTTP clients serve one call at a time and are not kept open for ever."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient
from nanogpt_client._transport import pool
from nanogpt_client._transport.connection_queue import Slot
from nanogpt_client._transport.pool import ClientPool, IdlePolicy, idle_policy_of
from tests.support.rawserver import RawServer, http_reply

ANSWER = [http_reply(b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}')]
KEY = "sk-nano-clients"


class Made:
    """Stands for an HTTP client, and for its connection."""

    def __init__(self) -> None:
        self.closed = self.ended = False

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, info: str) -> bool:
        return info == "is_readable" and self.ended


@pytest.fixture
def clients():
    return ClientPool(Made)


def acquire(clients: ClientPool[Made]) -> tuple[Slot, Made]:
    slot = Slot()
    pooled = clients.acquire(slot)
    pooled.stream = pooled.client
    return slot, pooled.client


def test_nobody_shares_a_client(clients):
    in_use = [acquire(clients) for _ in range(3)]
    assert len({id(client) for _, client in in_use}) == 3


def test_the_one_that_was_used_last_is_used_next(clients):
    (first, a), (second, b) = acquire(clients), acquire(clients)
    clients.release(second, reusable=True)
    clients.release(first, reusable=True)
    in_use = [acquire(clients) for _ in range(3)]
    assert [client for _, client in in_use][:2] == [a, b]


def test_a_client_released_twice_is_used_once(clients):
    slot, client = acquire(clients)
    clients.release(slot, reusable=True)
    clients.release(slot, reusable=True)
    (again, same), (further, other) = acquire(clients), acquire(clients)
    assert (same is client, other is client) == (True, False)
    del again, further


def test_one_that_did_not_come_to_a_regular_end_is_closed_and_not_reused(clients):
    slot, client = acquire(clients)
    clients.release(slot, reusable=False)
    assert client.closed
    assert acquire(clients)[1] is not client


def test_one_that_the_server_has_closed_is_not_reused_and_teaches(clients):
    (first, early), (second, late) = acquire(clients), acquire(clients)
    clients.release(first, reusable=True)
    clients.release(second, reusable=True)
    time.sleep(0.02)
    late.ended = True
    (_third, other) = acquire(clients)
    assert late.closed
    assert early.closed  # as old as the one that the server has closed
    assert other not in {early, late}


def test_idle_connections_are_used_once_the_server_has_left_open_others_for_long(monkeypatch):
    monkeypatch.setattr(pool, "OBSERVED_TIMES", 4)
    policy, now = IdlePolicy(), time.monotonic()
    assert not policy.allows(0.5)
    for _ in range(4):
        policy.found_open(0.6)
    assert policy.allows(0.49)
    assert not policy.allows(0.6)
    assert policy.allows(0.6, others=0.5)
    assert not policy.allows(pool.IDLE_SECONDS + 0.1, others=100)
    policy.found_closed()
    assert not policy.allows(0.0)
    assert [policy.distrusts(now + later) for later in (0, 59, 61)] == [True, True, False]
    assert idle_policy_of("https://a") is idle_policy_of("https://a")
    assert idle_policy_of("https://a") is not idle_policy_of("https://b")


@pytest.mark.parametrize("closes", [False, True])
def test_until_then_they_stay_and_are_watched(clients, monkeypatch, closes):
    monkeypatch.setattr(pool, "OBSERVED_TIMES", 2)
    monkeypatch.setattr(pool, "NEWS_SECONDS", 0.02)
    (first, older), (second, newer) = acquire(clients), acquire(clients)
    clients.release(first, reusable=True)
    clients.release(second, reusable=True)
    (third, other) = acquire(clients)  # what was just used says nothing about its server
    assert (other in {older, newer}, older.closed, newer.closed) == (False, False, False)
    time.sleep(0.1)
    older.ended = closes
    clients.release(third, reusable=True)
    (fourth, other_again) = acquire(clients)
    assert (other_again is other) is not closes
    clients.release(fourth, reusable=True)
    assert (acquire(clients)[1] in {older, newer, other}) is not closes
    assert (older.closed, newer.closed) == (closes, closes)


def test_those_that_nobody_used_teach_as_well(clients, monkeypatch):
    monkeypatch.setattr(pool, "OBSERVED_TIMES", 2)
    monkeypatch.setattr(pool, "NEWS_SECONDS", 0.02)
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.1)
    slot, idle = acquire(clients)
    clients.release(slot, reusable=True)
    time.sleep(0.2)
    slot, next_ = acquire(clients)
    clients.release(slot, reusable=True)
    assert (idle.closed, acquire(clients)[1] is next_) == (True, True)


def test_one_whose_call_is_lost_is_closed(clients):
    slot, client = acquire(clients)
    del slot
    assert client.closed
    assert len(clients) == 0


def test_those_that_are_idle_are_closed_without_a_further_call(clients, monkeypatch):
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.1)
    (first, early), (second, late), (third, in_use) = (acquire(clients) for _ in range(3))
    clients.release(first, reusable=True)
    time.sleep(0.06)
    clients.release(second, reusable=True)
    time.sleep(0.07)
    assert (early.closed, late.closed) == (True, False)
    time.sleep(0.15)
    assert (late.closed, in_use.closed) == (True, False)
    del third


def test_closing_closes_all(clients):
    (first, idle), (_second, in_use) = acquire(clients), acquire(clients)
    clients.release(first, reusable=True)
    clients.close()
    assert (idle.closed, in_use.closed, clients._alarm) == (True, True, None)


def test_threads_never_share_a_client(clients):
    used: list[object] = []
    barrier = Barrier(8)

    def borrow() -> None:
        barrier.wait()
        for _ in range(200):
            slot, client = acquire(clients)
            assert client not in used
            used.append(client)
            used.remove(client)
            clients.release(slot, reusable=True)

    with ThreadPoolExecutor(8) as threads:
        for future in [threads.submit(borrow) for _ in range(8)]:
            future.result()
    assert len(clients) <= 8


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


def none_is_left(server: RawServer) -> None:
    """Wait until the server has noticed that all connections were closed."""
    deadline = time.monotonic() + 5
    while server.open_connections:
        assert time.monotonic() < deadline, f"{server.open_connections} connections are open"
        time.sleep(0.01)


def test_connections_of_a_burst_are_closed_soon(monkeypatch):
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.2)
    with RawServer(ANSWER) as server, NanoGPTClient(KEY, base_url=server.base_url) as client:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: client.chat("hi", model="m"), range(8)))
        none_is_left(server)


async def test_connections_of_an_async_burst_are_closed_soon(monkeypatch):
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.2)
    with RawServer(ANSWER) as server:
        async with AsyncNanoGPTClient(KEY, base_url=server.base_url) as client:
            await asyncio.gather(*(client.chat("hi", model="m") for _ in range(4)))
            assert server.open_connections == 4
            async with asyncio.timeout(5):
                while server.open_connections:  # noqa: ASYNC110 - a server's thread
                    await asyncio.sleep(0.01)
