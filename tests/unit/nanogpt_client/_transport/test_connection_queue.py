"""Calls wait for a connection in the order of arrival, and no slot is ever lost."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from nanogpt_client._transport import connection_queue
from nanogpt_client._transport.connection_queue import ConnectionQueue, ProcessQueue, Slot
from tests.support.forks import in_a_fork
from tests.support.interrupts import interrupted_at, lines_of


def hold(queue: ProcessQueue) -> Slot:
    slot = Slot()
    queue.acquire(slot)
    return slot


async def hold_async(queue: ProcessQueue) -> Slot:
    slot = Slot()
    await queue.acquire_async(slot)
    return slot


def waiting(queue: ProcessQueue) -> int:
    return len(queue._waiting)


def test_threads_wait_in_the_order_of_arrival():
    queue, order = ProcessQueue(1), []
    first = hold(queue)

    def call(name: int) -> None:
        slot = hold(queue)
        order.append(name)
        queue.release(slot)

    threads = [threading.Thread(target=call, args=(name,)) for name in range(5)]
    for count, thread in enumerate(threads):
        thread.start()
        while waiting(queue) <= count:
            time.sleep(0.001)
    queue.release(first)
    for thread in threads:
        thread.join(2)
    assert (order, len(queue), waiting(queue)) == ([0, 1, 2, 3, 4], 0, 0)


async def test_tasks_wait_and_never_are_more_than_allowed():
    queue, most = ProcessQueue(3), 0

    async def call() -> None:
        nonlocal most
        slot = await hold_async(queue)
        most = max(most, len(queue))
        await asyncio.sleep(0)
        queue.release(slot)

    started = time.monotonic()
    await asyncio.gather(*(call() for _ in range(200)))
    assert (most, len(queue), waiting(queue)) == (3, 0, 0)
    assert time.monotonic() - started < connection_queue.RECHECK_SECONDS  # woken, not polled


async def test_a_cancelled_waiter_gives_its_turn_on():
    queue = ProcessQueue(1)
    first = await hold_async(queue)
    second, third = (asyncio.create_task(hold_async(queue)) for _ in range(2))
    await asyncio.sleep(0)
    queue.release(first)  # the second has its slot, and is cancelled before it learns of it
    second.cancel()
    async with asyncio.timeout(0.5):
        slot = await third
    assert (len(queue), second.cancelled()) == (1, True)
    queue.release(slot)


async def test_a_cancelled_waiter_leaves_the_queue():
    queue = ProcessQueue(1)
    first = await hold_async(queue)
    second = asyncio.create_task(hold_async(queue))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    assert waiting(queue) == 0
    queue.release(first)


def test_threads_and_loops_share_one_queue():
    queue = ProcessQueue(1)

    async def one() -> None:
        queue.release(await hold_async(queue))

    def blocking(_: int) -> None:
        queue.release(hold(queue))

    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(asyncio.run, one()) for _ in range(20)]
        done += [pool.submit(blocking, n) for n in range(20)]
        for future in done:
            future.result(5)
    assert (len(queue), waiting(queue)) == (0, 0)


def test_a_lost_turn_is_free_again(monkeypatch):
    monkeypatch.setattr(connection_queue, "RECHECK_SECONDS", 0.02)
    queue = ProcessQueue(1)
    lost = hold(queue)
    del lost
    assert len(queue) == 0
    second = hold(queue)
    threading.Timer(0.05, queue._in_use.clear).start()  # as if its end woke nobody
    third = hold(queue)
    assert third is not second


def test_a_waiter_whose_loop_is_closed_is_passed_over():
    queue = ProcessQueue(1)
    first = hold(queue)
    loop = asyncio.new_event_loop()
    task = loop.create_task(hold_async(queue))
    loop.run_until_complete(asyncio.sleep(0))
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    queue.release(first)
    assert len(queue) == 0
    del task, loop
    gc.collect()
    queue.release(hold(queue))


def test_a_forked_child_begins_with_an_empty_queue():
    queue = ConnectionQueue(1)
    slot = hold(queue.of_process)

    def work() -> None:
        assert len(queue.of_process) == 0

    assert in_a_fork(work) == 0
    assert len(queue.of_process) == 1
    queue.of_process.release(slot)


def acquired_and_released(queue: ProcessQueue) -> None:
    slot = Slot()
    try:
        queue.acquire(slot)
    finally:
        queue.release(slot)


def test_an_interrupt_at_any_line_costs_no_turn():
    queue = ProcessQueue(1)
    call = partial(acquired_and_released, queue)
    number = lines_of(call, "connection_queue.py")
    assert number > 5
    for at in range(1, number + 1):
        interrupted_at(call, at, "connection_queue.py")
        assert (len(queue), waiting(queue)) == (0, 0), at
        assert queue._lock.acquire(timeout=1), at
        queue._lock.release()


def test_an_interrupt_of_a_waiter_costs_no_turn():
    queue = ProcessQueue(1)
    call = partial(acquired_and_released, queue)
    for at in range(1, 40):
        first = hold(queue)
        ending = threading.Timer(0.005, queue.release, [first])
        ending.start()
        interrupted_at(call, at, "connection_queue.py")
        ending.join()
        assert (len(queue), waiting(queue)) == (0, 0), at
