"""Performs the steps that flows yield: `Runner` blocks, `AsyncRunner` is the same with ``await``.

A flow decides and a runner acts, so no rule is written twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, TypeVar

from nanogpt_client._protocol.accounting import CallContext
from nanogpt_client._protocol.call import Call, StreamCall
from nanogpt_client._protocol.policy import run_flow, send_with_retries, stream_events
from nanogpt_client._protocol.steps import (
    Block,
    CallUser,
    Chunk,
    Connected,
    Flow,
    Gather,
    Open,
    OtherStep,
    Outcome,
    Read,
    Resolve,
    Send,
    Sleep,
    Step,
    Steps,
    Unreachable,
    Yield,
)
from nanogpt_client._transport.concurrency import (
    block,
    block_async,
    in_tasks,
    in_threads,
    invoke,
    invoke_async,
)

if TYPE_CHECKING:
    from nanogpt_client._transport.http import AsyncTransport, Transport

__all__ = ["AsyncRunner", "Runner"]

T = TypeVar("T")
Item = TypeVar("Item")


class Runner:
    """Performs calls, flows and streams with a blocking transport."""

    def __init__(self, transport: Transport, context: CallContext) -> None:
        self._transport = transport
        self._context = context

    def send(self, call: Call[T]) -> T:
        """Perform one call and return its parsed response."""
        return self._run(send_with_retries(call, self._context))

    def run(self, flow: Flow[T]) -> T:
        """Perform the calls and steps of a flow and return its result."""
        return self._run(run_flow(flow, self._context))

    def stream(self, call: StreamCall[Item]) -> Generator[Item, None, None]:
        """Yield the items of a stream; close its connection in any case."""
        self._transport.ready()
        steps = stream_events(call, self._context)
        connection: Any = None
        try:
            step = next(steps)
            while True:
                if isinstance(step, Yield):
                    for item in step.items:  # noqa: UP028 - the async twin cannot `yield from`
                        yield item
                    step = next(steps)
                    continue
                outcome = self._perform(step)
                if isinstance(outcome, Connected):
                    connection = outcome.connection
                step = steps.send(outcome)
        except StopIteration:
            pass
        finally:
            steps.close()
            if connection is not None:
                connection.close()

    def _run(self, steps: Steps[T]) -> T:
        self._transport.ready()
        try:
            step = next(steps)
            while True:
                step = steps.send(self._perform(step))
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()  # ends a cancelled call, which is recorded as abandoned

    def _perform(self, step: Step) -> Outcome:
        match step:
            case Send(request):
                return self._transport.send(request)
            case Open(request, limit):
                return self._transport.open(request, limit)
            case Read(connection, limit):
                outcome: Chunk | Unreachable = connection.read(limit)
                return outcome
            case _:
                return self._perform_other(step)

    def _perform_other(self, step: OtherStep) -> Outcome:
        match step:
            case Resolve(url):
                return self._transport.resolve(url)
            case CallUser():
                return invoke(step)
            case Block():
                return block(step)
            case Gather(flows, max_concurrency):
                return in_threads(self.run, flows, max_concurrency)
            case Sleep(seconds):
                time.sleep(seconds)
                return None


class AsyncRunner:
    """Performs calls, flows and streams with the transport of the running event loop."""

    def __init__(self, transport: AsyncTransport, context: CallContext) -> None:
        self._transport = transport
        self._context = context

    async def send(self, call: Call[T]) -> T:
        """Perform one call and return its parsed response."""
        return await self._run(send_with_retries(call, self._context))

    async def run(self, flow: Flow[T]) -> T:
        """Perform the calls and steps of a flow and return its result."""
        return await self._run(run_flow(flow, self._context))

    async def stream(self, call: StreamCall[Item]) -> AsyncGenerator[Item, None]:
        """Yield the items of a stream; close its connection in any case."""
        self._transport.ready()
        steps = stream_events(call, self._context)
        connection: Any = None
        try:
            step = next(steps)
            while True:
                if isinstance(step, Yield):
                    for item in step.items:
                        yield item
                    step = next(steps)
                    continue
                outcome = await self._perform(step)
                if isinstance(outcome, Connected):
                    connection = outcome.connection
                step = steps.send(outcome)
        except StopIteration:
            pass
        finally:
            steps.close()
            if connection is not None:
                await connection.aclose()

    async def _run(self, steps: Steps[T]) -> T:
        self._transport.ready()
        try:
            step = next(steps)
            while True:
                step = steps.send(await self._perform(step))
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()  # ends a cancelled call, which is recorded as abandoned

    async def _perform(self, step: Step) -> Outcome:
        match step:
            case Send(request):
                return await self._transport.send(request)
            case Open(request, limit):
                return await self._transport.open(request, limit)
            case Read(connection, limit):
                outcome: Chunk | Unreachable = await connection.read(limit)
                return outcome
            case _:
                return await self._perform_other(step)

    async def _perform_other(self, step: OtherStep) -> Outcome:
        match step:
            case Resolve(url):
                return await self._transport.resolve(url)
            case CallUser():
                return await invoke_async(step)
            case Block():
                return await block_async(step)
            case Gather(flows, max_concurrency):
                return await in_tasks(self.run, flows, max_concurrency)
            case Sleep(seconds):
                await asyncio.sleep(seconds)
                return None
