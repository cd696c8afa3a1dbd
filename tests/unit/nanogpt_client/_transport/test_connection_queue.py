"""Calls wait for a connection in the order of arrival, and no turn is ever lost."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from nanogpt_client._transport import connection_queue
from nanogpt_client._transport.connection_queue import Line, Queue, Turn
from tests.support.forks import in_a_fork
from tests.support.interrupts import interrupted_at, lines_of


def hold(line: Line) -> Turn:
    turn = Turn()
    line.wait(turn)
    return turn


async def hold_async(line: Line) -> Turn:
    turn = Turn()
    await line.wait_async(turn)
    return turn


def waiting(line: Line) -> int:
    return len(line._waiting)


def test_threads_wait_in_the_order_of_arrival():
    line, order = Line(1), []
    first = hold(line)

    def call(name: int) -> None:
        turn = hold(line)
        order.append(name)
        line.end(turn)

    threads = [threading.Thread(target=call, args=(name,)) for name in range(5)]
    for count, thread in enumerate(threads):
        thread.start()
        while waiting(line) <= count:
            time.sleep(0.001)
    line.end(first)
    for thread in threads:
        thread.join(2)
    assert (order, len(line), waiting(line)) == ([0, 1, 2, 3, 4], 0, 0)


async def test_tasks_wait_and_never_are_more_than_allowed():
    line, most = Line(3), 0

    async def call() -> None:
        nonlocal most
        turn = await hold_async(line)
        most = max(most, len(line))
        await asyncio.sleep(0)
        line.end(turn)

    started = time.monotonic()
    await asyncio.gather(*(call() for _ in range(200)))
    assert (most, len(line), waiting(line)) == (3, 0, 0)
    assert time.monotonic() - started < connection_queue.LOOK_AGAIN_SECONDS  # woken, not polled


async def test_a_cancelled_waiter_gives_its_turn_on():
    line = Line(1)
    first = await hold_async(line)
    second, third = (asyncio.create_task(hold_async(line)) for _ in range(2))
    await asyncio.sleep(0)
    line.end(first)  # the second has its turn, and is cancelled before it learns of it
    second.cancel()
    async with asyncio.timeout(0.5):
        turn = await third
    assert (len(line), second.cancelled()) == (1, True)
    line.end(turn)


async def test_a_cancelled_waiter_leaves_the_queue():
    line = Line(1)
    first = await hold_async(line)
    second = asyncio.create_task(hold_async(line))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    assert waiting(line) == 0
    line.end(first)


def test_threads_and_loops_share_one_queue():
    line = Line(1)

    async def one() -> None:
        line.end(await hold_async(line))

    def blocking(_: int) -> None:
        line.end(hold(line))

    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(asyncio.run, one()) for _ in range(20)]
        done += [pool.submit(blocking, n) for n in range(20)]
        for future in done:
            future.result(5)
    assert (len(line), waiting(line)) == (0, 0)


def test_a_lost_turn_is_free_again(monkeypatch):
    monkeypatch.setattr(connection_queue, "LOOK_AGAIN_SECONDS", 0.02)
    line = Line(1)
    lost = hold(line)
    del lost
    assert len(line) == 0
    second = hold(line)
    threading.Timer(0.05, line._held.clear).start()  # as if its end woke nobody
    third = hold(line)
    assert third is not second


def test_a_waiter_whose_loop_is_closed_is_passed_over():
    line = Line(1)
    first = hold(line)
    loop = asyncio.new_event_loop()
    task = loop.create_task(hold_async(line))
    loop.run_until_complete(asyncio.sleep(0))
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    line.end(first)
    assert len(line) == 0
    del task, loop
    gc.collect()
    line.end(hold(line))


def test_a_forked_child_begins_with_an_empty_queue():
    queue = Queue(1)
    turn = hold(queue.line)

    def work() -> None:
        assert len(queue.line) == 0

    assert in_a_fork(work) == 0
    assert len(queue.line) == 1
    queue.line.end(turn)


def test_an_interrupt_at_any_line_costs_no_turn():
    line = Line(1)

    def call() -> None:
        turn = Turn()
        try:
            line.wait(turn)
        finally:
            line.end(turn)

    number = lines_of(call, "connection_queue.py")
    assert number > 5
    for at in range(1, number + 1):
        interrupted_at(call, at, "connection_queue.py")
        assert (len(line), waiting(line)) == (0, 0), at
        assert line._lock.acquire(timeout=1), at
        line._lock.release()


def test_an_interrupt_of_a_waiter_costs_no_turn():
    line = Line(1)

    def call() -> None:
        turn = Turn()
        try:
            line.wait(turn)
        finally:
            line.end(turn)

    for at in range(1, 40):
        first = hold(line)
        ending = threading.Timer(0.005, line.end, [first])
        ending.start()
        interrupted_at(call, at, "connection_queue.py")
        ending.join()
        assert (len(line), waiting(line)) == (0, 0), at
