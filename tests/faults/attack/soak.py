"""Mixed calls for minutes: nothing is sent twice, every call is booked, memory stays flat."""

from __future__ import annotations

import asyncio
import gc
import itertools
import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from llama_index.core.llms import ChatMessage

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT
from nanogpt_client import Budget, NanoGPTClient, NanoGPTError
from tests.faults.load.server import LoadServer

KEY = "sk-nano-attack"
ROUND = 1_000


def _megabytes() -> float:
    """Return what of this process is in memory now."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _descriptors() -> int:
    opened = Path("/proc/self/fd")
    return len(list(opened.iterdir())) if opened.exists() else 0


class _Calls:
    """All ways to call, over one client, each call with a text of its own."""

    def __init__(self, client: NanoGPTClient) -> None:
        chat = ChatNanoGPT(model="m", client=client)
        embeddings = NanoGPTEmbeddings(model="m", client=client)
        llm = NanoGPT(model="m", client=client)
        self.blocking: list[Callable[[str], Any]] = [
            chat.invoke,
            lambda text: list(chat.stream(text)),
            embeddings.embed_query,
            lambda text: llm.chat([ChatMessage(text)]),
            lambda text: list(llm.stream_chat([ChatMessage(text)])),
            lambda text: client.chat(text, model="m"),
            lambda text: _leave(client, text),
        ]
        self.asynchronous: list[Callable[[str], Any]] = [
            chat.ainvoke,
            embeddings.aembed_query,
            lambda text: llm.achat([ChatMessage(text)]),
            lambda text: _all_of(chat, text),
            lambda text: _cancelled(chat, text),
        ]


def _leave(client: NanoGPTClient, text: str) -> None:
    with client.stream_chat(text, model="m") as stream:
        next(iter(stream), None)


async def _all_of(chat: ChatNanoGPT, text: str) -> None:
    async for _ in chat.astream(text):
        pass


async def _cancelled(chat: ChatNanoGPT, text: str) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(chat.ainvoke(text), 0.003)


def _in_threads(ways: list[Callable[[str], Any]], texts: list[str]) -> int:
    def attempt(text: str, way: Callable[[str], Any]) -> bool:
        try:
            way(text)
        except NanoGPTError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        return sum(pool.map(attempt, texts, itertools.cycle(ways)))


async def _in_tasks(ways: list[Callable[[str], Any]], texts: list[str]) -> int:
    gate = asyncio.Semaphore(32)

    async def attempt(text: str, way: Callable[[str], Any]) -> bool:
        async with gate:
            try:
                await way(text)
            except NanoGPTError:
                return False
            return True

    pairs = zip(texts, itertools.cycle(ways), strict=False)
    return sum(await asyncio.gather(*(attempt(text, way) for text, way in pairs)))


def table(calls: int) -> dict[str, Any]:
    """Make so many calls, by turns from threads and from tasks; one in fifty meets a fault."""
    with LoadServer(seconds=0.002, chunks=3, faults=0.02) as server:
        budget = Budget(usd=1_000_000, assumed_usd="0.01")
        client = NanoGPTClient(KEY, base_url=server.base_url, budget=budget)
        ways, answered, sizes = _Calls(client), 0, []
        for start in range(0, calls, ROUND):
            texts = [f"text {n}" for n in range(start, start + ROUND)]
            if start // ROUND % 2:
                answered += asyncio.run(_in_tasks(ways.asynchronous, texts))
            else:
                answered += _in_threads(ways.blocking, texts)
            gc.collect()
            sizes.append(_megabytes())
        entries = client.ledger.totals.calls
        client.close()
        counts = server.counts()
        warm = sizes[min(2, len(sizes) - 1)]
        holds = counts.doubles == 0 and entries == calls and sizes[-1] - warm < 30
        return {
            "holds": holds and budget.calls == calls,
            "said": f"{answered} answers to {calls} calls, {counts.posts} POSTs, sent twice: "
            f"{counts.doubles}, {entries} entries; {warm:.0f} MB after the first rounds, "
            f"{sizes[-1]:.0f} MB at the end; {_descriptors()} descriptors",
        }
