"""The clients' hands for what is not a request: other people's functions, several flows at once.

The blocking client uses threads, the async one tasks; the rules are the same: ``max_concurrency``
workers take flow after flow, and after the first failure no further flow is begun, for it would be
paid.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from inspect import isawaitable, iscoroutine
from typing import Any

from nanogpt_client._protocol.steps import Block, CallUser, UserResult
from nanogpt_client.errors import InvalidArgumentError, NanoGPTError

Flows = Sequence[Generator[Any, Any, Any]]


def invoke(step: CallUser) -> UserResult:
    """Call the caller's function."""
    try:
        value = step.function(step.value)
    except Exception as error:  # noqa: BLE001 - foreign code; the flow decides what it means
        return UserResult(error=error)
    return UserResult(error=_asynchronous(step, value)) if isawaitable(value) else UserResult(value)


async def invoke_async(step: CallUser) -> UserResult:
    """Call the caller's function, and await what it returns if that can be awaited."""
    try:
        value = step.function(step.value)
        return UserResult(await value if isawaitable(value) else value)
    except Exception as error:  # noqa: BLE001 - foreign code; the flow decides what it means
        return UserResult(error=error)


def block(step: Block) -> UserResult:
    """Do work that blocks, e.g. with files."""
    try:
        return UserResult(step.function())
    except (OSError, ValueError, NanoGPTError) as error:
        return UserResult(error=error)


async def block_async(step: Block) -> UserResult:
    """Do work that blocks in a thread, so that the event loop goes on."""
    return await asyncio.to_thread(block, step)


def in_threads(
    run: Callable[[Any], Any], flows: Flows, max_concurrency: int
) -> list[UserResult | None]:
    """Perform the flows in threads, under the context (ledger scopes) of this one."""
    work = _Work(flows)

    def worker() -> None:
        for at, flow in work:
            try:
                work.results[at] = UserResult(run(flow))
            except Exception as error:  # noqa: BLE001 - kept, and raised by the flow
                work.fail(at, error)

    number = min(max_concurrency, len(flows))
    if number <= 1:
        worker()
        return work.results
    with ThreadPoolExecutor(number) as pool:
        running = [pool.submit(contextvars.copy_context().run, worker) for _ in range(number)]
        try:
            for thread in as_completed(running):
                thread.result()
        finally:
            work.stopped = True  # after Ctrl-C, here or in a thread, begin nothing more
    return work.results


async def in_tasks(
    run: Callable[[Any], Awaitable[Any]], flows: Flows, max_concurrency: int
) -> list[UserResult | None]:
    """Perform the flows in tasks of the running loop; if this one is cancelled, so are they."""
    work = _Work(flows)

    async def worker() -> None:
        for at, flow in work:
            try:
                work.results[at] = UserResult(await run(flow))
            except Exception as error:  # noqa: BLE001 - kept, and raised by the flow
                work.fail(at, error)

    number = min(max_concurrency, len(flows))
    if number <= 1:
        await worker()
        return work.results
    async with asyncio.TaskGroup() as group:
        for _ in range(number):
            group.create_task(worker())
    return work.results


class _Work:
    """The flows that are still to be begun, handed out one by one, and the results so far."""

    def __init__(self, flows: Flows) -> None:
        self.results: list[UserResult | None] = [None] * len(flows)
        self.stopped = False
        self._flows = iter(enumerate(flows))  # its `next` is atomic

    def __iter__(self) -> Iterator[tuple[int, Generator[Any, Any, Any]]]:
        while not self.stopped:
            following = next(self._flows, None)
            if following is None:
                return
            yield following

    def fail(self, at: int, error: Exception) -> None:
        self.results[at] = UserResult(error=error)
        self.stopped = True


def _asynchronous(step: CallUser, value: Any) -> InvalidArgumentError:
    """Return the error for a function that nobody here can await."""
    if iscoroutine(value):
        value.close()  # or Python complains of it
    name = getattr(step.function, "__name__", step.function)
    return InvalidArgumentError(f"{name!r} is asynchronous; it needs AsyncNanoGPTClient")
