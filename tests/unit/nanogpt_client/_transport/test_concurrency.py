"""What clients do for flows besides requests: other people's functions, several flows at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator
from typing import Any

import pytest

from nanogpt_client import InvalidArgumentError, NanoGPTError
from nanogpt_client._protocol.steps import CallUser, Sleep, ask_user
from nanogpt_client._transport.concurrency import in_tasks, in_threads, invoke, invoke_async
from tests.unit.nanogpt_client.clients.shell import BOTH

Flow = Generator[Any, Any, Any]


def both(flows: Any, max_concurrency: int, run: Any = None) -> list[Any]:
    """Run fresh flows in threads and in tasks; return what both made of them."""

    def blocking(flow: Flow) -> Any:
        return next(flow)

    async def awaited(flow: Flow) -> Any:
        await asyncio.sleep(0)
        return next(flow)

    return [
        in_threads(blocking, flows(), max_concurrency),
        asyncio.run(in_tasks(awaited, flows(), max_concurrency)),
    ]


def giving(value: Any) -> Flow:
    if isinstance(value, Exception):
        raise value
    yield value


def test_results_keep_the_order():
    for results in both(lambda: [giving(n) for n in range(7)], 3):
        assert [result.value for result in results] == list(range(7))


def test_after_a_failure_nothing_is_begun():
    error = NanoGPTError("no")
    for results in both(lambda: [giving(1), giving(error), giving(3)], 1):
        assert [results[0].value, results[1].error, results[2]] == [1, error, None]


def test_no_flows_are_no_work():
    assert both(list, 4) == [[], []]


def test_never_more_than_so_many_at_once_in_threads():
    lock, inside, most = threading.Lock(), [0], [0]

    def run(flow: Flow) -> Any:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        with lock:
            inside[0] -= 1
        return next(flow)

    in_threads(run, [giving(n) for n in range(12)], 3)
    assert most[0] == 3


def test_never_more_than_so_many_at_once_in_tasks():
    inside, most = [0], [0]

    async def run(flow: Flow) -> Any:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        await asyncio.sleep(0.001)
        inside[0] -= 1
        return next(flow)

    asyncio.run(in_tasks(run, [giving(n) for n in range(12)], 3))
    assert most[0] == 3


async def test_tasks_end_with_whoever_waits_for_them():
    ended: list[int] = []

    async def run(flow: Flow) -> Any:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(next(flow))

    work = asyncio.ensure_future(in_tasks(run, [giving(n) for n in range(5)], 2))
    await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert sorted(ended) == [0, 1]


def test_threads_see_the_ledger_scopes_of_their_caller():
    from nanogpt_client.ledger import Ledger, LedgerEntry  # noqa: PLC0415 - used here alone

    ledger = Ledger()
    with ledger.scope("batch"):
        in_threads(
            lambda flow: ledger.record(LedgerEntry("chat", next(flow), "ok", None)),
            [giving("a"), giving("b")],
            2,
        )
    assert {entry.scope for entry in ledger} == {("batch",)}


def fails(_: Any) -> None:
    raise RuntimeError("foreign")


async def later(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


async def later_fails(_: Any) -> None:
    raise RuntimeError("foreign")


def test_functions_of_the_caller():
    assert invoke(CallUser(lambda value: value + 1, 1)).value == 2
    assert str(invoke(CallUser(fails, 1)).error) == "foreign"
    error = invoke(CallUser(later, 1)).error
    assert isinstance(error, InvalidArgumentError)
    assert str(error) == "'later' is asynchronous; it needs AsyncNanoGPTClient"


async def test_functions_of_the_caller_may_be_asynchronous():
    assert (await invoke_async(CallUser(lambda value: value + 1, 1))).value == 2
    assert (await invoke_async(CallUser(later, 3))).value == 3
    assert str((await invoke_async(CallUser(later_fails, 1))).error) == "foreign"


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_a_flow_asks_the_caller(shell):
    def flow(function: Any) -> Flow:
        yield Sleep(0)
        return (yield from ask_user(function, 20))

    assert shell.use({}, "run", flow(lambda value: value + 1))[0] == 21
    with pytest.raises(RuntimeError, match="foreign"):
        shell.use({}, "run", flow(fails))


def test_a_function_that_may_block_is_called_off_the_event_loop():
    def blocking(_: object) -> threading.Thread:
        return threading.current_thread()

    async def awaited(_: object) -> threading.Thread:
        return threading.current_thread()

    main = threading.current_thread()
    on_loop = asyncio.run(invoke_async(CallUser(blocking, 1))).value
    off_loop = asyncio.run(invoke_async(CallUser(blocking, 1, off_loop=True))).value
    own = asyncio.run(invoke_async(CallUser(awaited, 1, off_loop=True))).value
    assert (on_loop, own) == (main, main)
    assert off_loop is not main


def test_no_part_of_an_asynchronous_function_runs_in_a_blocking_client():
    ran = []

    async def awaited(_: object) -> None:
        ran.append(1)

    assert isinstance(invoke(CallUser(awaited, 1)).error, InvalidArgumentError)
    assert ran == []
