"""However a stream is left, nothing of it stays: no connection, descriptor, task or memory.

A round is over when the server has seen its connection go, which may take a second at most.
"""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient
from nanogpt_client._transport import stream
from nanogpt_client._transport.stall_timer import stall_timer
from tests.promises.answers import UNENDING, langchain_chat, llama_chat
from tests.support.driving import DONE, frame, sse
from tests.support.rawserver import EVENT_STREAM, LAST_CHUNK, RawServer, chunked

ROUNDS = 200
AT_ONCE = 10
SECONDS_TO_FREE = 1.0
STEP = 0.002


@pytest.fixture(autouse=True)
def open_streams(monkeypatch):
    """Keep what holds a socket, so that closing it frees the connection, not the collector."""
    kept: list[object] = []
    for cls in (stream.Connection, stream.AsyncConnection):
        monkeypatch.setattr(cls, "__init__", keeping(cls.__init__, kept))
    return kept


def keeping(construct: Callable[..., None], kept: list[object]) -> Callable[..., None]:
    def constructed(self: object, *args: Any) -> None:
        construct(self, *args)
        kept.append((self, self._chunks))  # type: ignore[attr-defined]

    return constructed


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def descriptors_back_at(before: int) -> bool:
    """Tell whether as few are open as before; the server closes its own ends in other threads."""
    deadline = time.monotonic() + SECONDS_TO_FREE
    while descriptors() > before and time.monotonic() < deadline:
        time.sleep(STEP)
    return descriptors() <= before


def freed(server: RawServer) -> bool:
    return not server._open


def wait_until_freed(server: RawServer) -> None:
    deadline = time.monotonic() + SECONDS_TO_FREE
    while not freed(server):
        assert time.monotonic() < deadline, "the connection was not freed in time"
        time.sleep(STEP)


async def await_freed(server: RawServer) -> None:
    """Wait for the connections, and for the tasks in which the loop closes dropped generators."""
    async with asyncio.timeout(SECONDS_TO_FREE):
        while not freed(server) or len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - a server's thread
            await asyncio.sleep(STEP)


def check_books(client: NanoGPTClient, rounds: int) -> None:
    """Every round is one entry, nothing else is."""
    assert [entry.outcome for entry in client.ledger] == ["abandoned"] * rounds
    assert {(entry.sends, entry.cost) for entry in client.ledger} == {(1, None)}


# Blocking

Begin = Callable[[], Any]


def core(client: NanoGPTClient) -> Begin:
    return lambda: client.stream_chat("hi", model="m")


def langchain(client: NanoGPTClient) -> Begin:
    model = langchain_chat(client=client)
    return lambda: model.stream("hi")


def llama_index(client: NanoGPTClient) -> Begin:
    llm = llama_chat(client=client)
    return lambda: llm.stream_chat([ChatMessage("hi")])


def left_by_break(stream: Any) -> None:
    for _ in stream:
        break


def left_by_close(stream: Any) -> None:
    next(stream)
    stream.close()


@pytest.mark.parametrize("leave", [left_by_break, left_by_close])
@pytest.mark.parametrize("streams", [core, langchain, llama_index])
def test_leaving_a_stream(streams, leave):
    with RawServer(UNENDING) as server, NanoGPTClient("any", base_url=server.base_url) as client:
        begin = streams(client)
        leave(begin())
        wait_until_freed(server)
        before = descriptors()
        for _ in range(ROUNDS):
            leave(begin())
            wait_until_freed(server)
        assert descriptors_back_at(before)
        assert not stall_timer._deadlines
        assert server.posts == server.connections == ROUNDS + 1
    check_books(client, ROUNDS + 1)


# Async


def acore(client: NanoGPTClient) -> Begin:
    shared = AsyncNanoGPTClient.sharing(client)
    return lambda: shared.stream_chat("hi", model="m")


def alangchain(client: NanoGPTClient) -> Begin:
    model = langchain_chat(client=client)
    return lambda: model.astream("hi")


def allama_index(client: NanoGPTClient) -> Begin:
    llm = llama_chat(client=client)

    async def items() -> AsyncIterator[Any]:
        async for item in await llm.astream_chat([ChatMessage("hi")]):
            yield item

    return items


async def aleft_by_break(stream: Any) -> None:
    async for _ in stream:
        break


async def aleft_by_aclose(stream: Any) -> None:
    await anext(stream)
    await stream.aclose()


async def read_to_the_end(stream: Any, begun: asyncio.Event) -> None:
    async for _ in stream:
        begun.set()


async def aleft_by_cancelling(stream: Any) -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(read_to_the_end(stream, begun))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def aleft_by_timeout(stream: Any) -> None:
    begun = asyncio.Event()
    limit = asyncio.timeout(None)
    shorten = asyncio.create_task(shortened(limit, begun))
    with pytest.raises(TimeoutError):
        async with limit:
            await read_to_the_end(stream, begun)
    await shorten


async def shortened(limit: asyncio.Timeout, begun: asyncio.Event) -> None:
    """Let the time be up as soon as the stream has begun."""
    await begun.wait()
    limit.reschedule(asyncio.get_running_loop().time())


@pytest.mark.parametrize(
    "leave", [aleft_by_break, aleft_by_aclose, aleft_by_cancelling, aleft_by_timeout]
)
@pytest.mark.parametrize("streams", [acore, alangchain, allama_index])
async def test_leaving_an_async_stream(streams, leave):
    with RawServer(UNENDING) as server, NanoGPTClient("any", base_url=server.base_url) as client:
        begin = streams(client)
        await leave(begin())
        await await_freed(server)
        before = descriptors()
        for _ in range(ROUNDS // AT_ONCE):
            await asyncio.gather(*(leave(begin()) for _ in range(AT_ONCE)))
            await await_freed(server)
        assert descriptors_back_at(before)
        assert server.posts == server.connections == ROUNDS + 1
    check_books(client, ROUNDS + 1)


async def test_cancelling_before_the_first_byte():
    """Whole answers, too: the server is still thinking when the caller goes away."""
    with RawServer([30.0]) as server:
        client = AsyncNanoGPTClient("any", base_url=server.base_url)
        for asked in range(3):
            task = asyncio.create_task(client.chat("hi", model="m"))
            while server.posts == asked:  # noqa: ASYNC110 - a server's thread
                await asyncio.sleep(STEP)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert len(asyncio.all_tasks()) == 1
        assert [entry.outcome for entry in client.ledger] == ["abandoned"] * 3
        await client.aclose()
        gc.collect()
        assert server.posts == 3


# Memory


def long_answer(chunks: int) -> list[bytes]:
    text = chunked(sse(frame("a")) * (chunks // 100)) * 100
    end = chunked(sse(frame(finish="stop"), DONE))
    return [EVENT_STREAM, text, end, LAST_CHUNK]


def peak_of_reading(chunks: int) -> int:
    """Return the most bytes that were held at once while an answer was read."""
    with RawServer(long_answer(chunks)) as server:
        with NanoGPTClient("any", base_url=server.base_url) as client:
            gc.collect()
            tracemalloc.start()
            read = sum(len(chunk.text) for chunk in client.stream_chat("hi", model="m"))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
    assert read == chunks
    return peak


def test_memory_does_not_grow_with_the_number_of_chunks():
    peak_of_reading(100)  # what is imported and cached at the first call is not a stream's
    short, long = peak_of_reading(2_000), peak_of_reading(10_000)
    grown = (long - short) / 8_000
    print(f"peak: {short} bytes for 2,000 chunks, {long} for 10,000, {grown:.1f} per chunk")  # noqa: T201
    # A chunk's text is kept, by a reference or two in a list; its frame, 140 bytes, must not be.
    assert grown < 32
