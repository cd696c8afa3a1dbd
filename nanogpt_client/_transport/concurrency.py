"""Steps other than requests: calling the user's functions, blocking work, concurrent flows.

The blocking client uses threads, the async client tasks, under the same rules: ``max_concurrency``
workers take one flow after the other, and after a failure none begins another, which would be
billed.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from inspect import isawaitable, iscoroutine, iscoroutinefunction
from typing import Any

from nanogpt_client._protocol.steps import Block, CallUser, UserResult
from nanogpt_client.errors import InvalidArgumentError, NanoGPTError

Flows = Sequence[Generator[Any, Any, Any]]


def invoke(step: CallUser) -> UserResult:
    """Call the user's function."""
    if iscoroutinefunction(step.function):  # nothing of it has run
        return UserResult(error=_asynchronous(step, None))
    try:
        value = step.function(step.value)
    except Exception as error:  # noqa: BLE001 - the user's code; the flow decides
        return UserResult(error=error)
    return UserResult(error=_asynchronous(step, value)) if isawaitable(value) else UserResult(value)


async def invoke_async(step: CallUser) -> UserResult:
    """Call the user's function and await the result if it is awaitable."""
    try:
        if step.off_loop and not iscoroutinefunction(step.function):
            value = await asyncio.to_thread(step.function, step.value)
        else:
            value = step.function(step.value)
        return UserResult(await value if isawaitable(value) else value)
    except Exception as error:  # noqa: BLE001 - the user's code; the flow decides
        return UserResult(error=error)


def block(step: Block) -> UserResult:
    """Call a blocking function, e.g. one that reads a file."""
    try:
        return UserResult(step.function())
    except (OSError, ValueError, NanoGPTError) as error:
        return UserResult(error=error)


async def block_async(step: Block) -> UserResult:
    """Call a blocking function in a thread, off the event loop."""
    return await asyncio.to_thread(block, step)


def in_threads(
    run: Callable[[Any], Any], flows: Flows, max_concurrency: int
) -> list[UserResult | None]:
    """Run the flows in threads, with this thread's context variables (ledger scopes)."""
    queue = _FlowQueue(flows)

    def worker() -> None:
        for at, flow in queue:
            try:
                queue.results[at] = UserResult(run(flow))
            except Exception as error:  # noqa: BLE001 - stored; the flow raises it
                queue.fail(at, error)

    number = min(max_concurrency, len(flows))
    if number <= 1:
        worker()
        return queue.results
    with ThreadPoolExecutor(number) as pool:
        running = [pool.submit(contextvars.copy_context().run, worker) for _ in range(number)]
        try:
            for thread in as_completed(running):
                thread.result()
        finally:
            queue.stopped = True  # after Ctrl-C, here or in a thread, begin no further flow
    return queue.results


async def in_tasks(
    run: Callable[[Any], Awaitable[Any]], flows: Flows, max_concurrency: int
) -> list[UserResult | None]:
    """Run the flows in tasks of the running loop; cancelled together with this task."""
    queue = _FlowQueue(flows)

    async def worker() -> None:
        for at, flow in queue:
            try:
                queue.results[at] = UserResult(await run(flow))
            except Exception as error:  # noqa: BLE001 - stored; the flow raises it
                queue.fail(at, error)

    number = min(max_concurrency, len(flows))
    if number <= 1:
        await worker()
        return queue.results
    async with asyncio.TaskGroup() as group:
        for _ in range(number):
            group.create_task(worker())
    return queue.results


class _FlowQueue:
    """Hands out the flows one by one, and collects their results."""

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
    """Return the error for an asynchronous function in the blocking client."""
    if iscoroutine(value):
        value.close()  # avoids the warning "was never awaited"
    name = getattr(step.function, "__name__", step.function)
    return InvalidArgumentError(f"{name!r} is asynchronous; it needs AsyncNanoGPTClient")
