"""Load: limits of NanoGPT and of the machine, met by very many calls: ``make load``.

Each row runs in a process of its own, against a server in another one.
"""

from __future__ import annotations

import asyncio
import resource
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

from llama_index.core.llms import ChatMessage
from rich.console import Console
from rich.table import Table

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT
from nanogpt_client import Ledger, LedgerEntry, NanoGPTClient
from tests.faults.load import accounts
from tests.faults.load.rows import Row, in_processes, run
from tests.faults.load.server import LoadServer

KEY = "sk-nano-load"
PROMPTS = 800


def _langchain(server: LoadServer, **settings: Any) -> ChatNanoGPT:
    return ChatNanoGPT(model="m", base_url=server.base_url, api_key=KEY, **settings)


def _llama_index(server: LoadServer, **settings: Any) -> NanoGPT:
    return NanoGPT(model="m", base_url=server.base_url, api_key=KEY, **settings)


def _outcomes(answers: list[Any]) -> dict[str, int]:
    return dict(Counter(type(answer).__name__ for answer in answers))


def _of_server(server: LoadServer, answers: list[Any], started: float, expected: int) -> Row:
    counts = server.counts()
    lost = sum(isinstance(answer, BaseException) for answer in answers)
    return {
        "answers": len(answers) - lost,
        "refusals": f"{counts.refused} of {counts.posts} ({counts.refused / counts.posts:.1%})",
        "seconds": round(time.monotonic() - started, 1),
        "connections": counts.connections,
        "holds": lost == 0 and len(answers) == expected and counts.answered == expected,
        "outcomes": _outcomes(answers),
    }


async def _gathered(asks: list[Callable[[], Any]], max_concurrency: int) -> list[Any]:
    gate = asyncio.Semaphore(max_concurrency)

    async def one(ask: Callable[[], Any]) -> Any:
        async with gate:
            return await ask()

    return await asyncio.gather(*map(one, asks), return_exceptions=True)


def _limited(answers: Callable[[LoadServer], list[Any]], most_refused: float) -> Row:
    with LoadServer(per_second=25) as server:
        started = time.monotonic()
        row = _of_server(server, answers(server), started, PROMPTS)
        counts = server.counts()
        row["holds"] &= counts.refused <= most_refused * counts.posts
        return row


def _langchain_async(settings: dict[str, Any]) -> Callable[[LoadServer], list[Any]]:
    def ask(server: LoadServer) -> list[Any]:
        llm = _langchain(server, **settings)
        prompts: list[Any] = [f"{n}" for n in range(PROMPTS)]
        config: Any = {"max_concurrency": 64}
        return asyncio.run(llm.abatch(prompts, config, return_exceptions=True))

    return ask


def _langchain_threads(settings: dict[str, Any]) -> Callable[[LoadServer], list[Any]]:
    def ask(server: LoadServer) -> list[Any]:
        llm = _langchain(server, **settings)
        prompts: list[Any] = [f"{n}" for n in range(PROMPTS)]
        config: Any = {"max_concurrency": 16}
        return llm.batch(prompts, config, return_exceptions=True)

    return ask


def _llama_index_async(settings: dict[str, Any]) -> Callable[[LoadServer], list[Any]]:
    def ask(server: LoadServer) -> list[Any]:
        llm = _llama_index(server, **settings)
        asks: list[Callable[[], Any]] = [
            partial(llm.achat, [ChatMessage(f"{n}")]) for n in range(PROMPTS)
        ]
        return asyncio.run(_gathered(asks, 64))

    return ask


def _few_descriptors(
    call: Callable[[LoadServer], list[Any]], expected: int = 600, descriptors: int = 256
) -> Row:
    with LoadServer(seconds=0.2) as server:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
        started = time.monotonic()
        return _of_server(server, call(server), started, expected)


def _ainvoke(server: LoadServer) -> list[Any]:
    llm = _langchain(server)
    return asyncio.run(_gathered([lambda: llm.ainvoke("hi")] * 600, 600))


def _ainvoke_many(server: LoadServer) -> list[Any]:
    llm = _langchain(server)
    return asyncio.run(_gathered([lambda: llm.ainvoke("hi")] * 2_000, 2_000))


def _aembed(server: LoadServer) -> list[Any]:
    embeddings = NanoGPTEmbeddings(model="m", base_url=server.base_url, api_key=KEY)
    return asyncio.run(_gathered([lambda: embeddings.aembed_query("hi")] * 600, 600))


def _in_threads(server: LoadServer) -> list[Any]:
    client = NanoGPTClient(KEY, base_url=server.base_url)

    def ask(_: int) -> Any:
        try:
            return client.chat("hi", model="m")
        except Exception as error:  # noqa: BLE001 - counted
            return error

    with ThreadPoolExecutor(600) as pool:
        return list(pool.map(ask, range(600)))


def _achat(server: LoadServer) -> list[Any]:
    llm = _llama_index(server)
    return asyncio.run(_gathered([lambda: llm.achat([ChatMessage("hi")])] * 600, 600))


async def _text(llm: ChatNanoGPT) -> str:
    return "".join([chunk.text async for chunk in llm.astream("hi")])


def _astream(server: LoadServer) -> list[Any]:
    llm = _langchain(server)
    return asyncio.run(_gathered([lambda: _text(llm)] * 600, 600))


def _many_streams() -> Row:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    with LoadServer(seconds=0.3, chunks=10) as server:
        llm = _langchain(server, max_connections=2_000)
        asyncio.run(_text(llm))  # loads what a first call loads
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.monotonic()
        answers = asyncio.run(_gathered([lambda: _text(llm)] * 2_000, 2_000))
        row = _of_server(server, answers, started, 2_000)
        row["holds"] = answers == ["".join(f"{n} " for n in range(10))] * 2_000
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        row["outcomes"] = f"{grown / 2_000:.0f} kB per stream; {row['outcomes']}"
        return row


def _ledger() -> Row:
    ledger = Ledger()
    tracemalloc.start()
    started = time.monotonic()
    for n in range(1_000_000):
        ledger.record(LedgerEntry("chat", "m", "ok", Decimal("0.001"), 5, 7, f"req_{n}", 1, n, 0.5))
    seconds = time.monotonic() - started
    megabytes = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    started = time.perf_counter()
    spent = ledger.spent
    took = time.perf_counter() - started
    return {
        "answers": len(ledger),
        "seconds": round(seconds, 1),
        "holds": megabytes < 20 and took < 0.001 and spent == Decimal(1000),
        "outcomes": f"{megabytes:.1f} MB, spent in {took * 1e6:.1f} µs",
    }


_PACED = {"requests_per_second": 24}

ROWS: dict[str, Callable[[], Row]] = {
    "25/s: LangChain abatch, 64 at once": lambda: _limited(_langchain_async({}), 0.15),
    "25/s: LangChain batch, 16 threads": lambda: _limited(_langchain_threads({}), 0.15),
    "25/s: LlamaIndex achat, 64 at once": lambda: _limited(_llama_index_async({}), 0.15),
    "25/s: LangChain abatch at 24/s": lambda: _limited(_langchain_async(_PACED), 0),
    "25/s: LangChain batch at 24/s": lambda: _limited(_langchain_threads(_PACED), 0),
    "25/s: LlamaIndex achat at 24/s": lambda: _limited(_llama_index_async(_PACED), 0),
    "25/s: 4 processes share an account in SQLite": accounts.in_sqlite,
    "25/s: 4 processes share an account in Redis": accounts.in_redis,
    "what an account takes for a call": accounts.overhead,
    "256 descriptors: 600 LangChain ainvoke": lambda: _few_descriptors(_ainvoke),
    "256 descriptors: 600 LangChain astream": lambda: _few_descriptors(_astream),
    "256 descriptors: 600 LlamaIndex achat": lambda: _few_descriptors(_achat),
    "256 descriptors: 600 threads": lambda: _few_descriptors(_in_threads),
    "1,024 descriptors: 2,000 LangChain ainvoke": lambda: _few_descriptors(
        _ainvoke_many, 2_000, 1_024
    ),
    "2,000 LangChain streams at once": _many_streams,
    "1,000,000 ledger entries": _ledger,
}


def main(words: list[str]) -> int:
    """Run the rows whose names hold one of the words, each in a process of its own."""
    console = Console(width=180)
    table = Table("row", "answers", "refusals", "seconds", "connections", "holds", "")
    failed = 0
    for name, row, errors in in_processes("tests.faults.load", ROWS, words, timeout=300):
        failed += not row.get("holds")
        said = str(row.get("outcomes", errors))
        columns = ("answers", "refusals", "seconds", "connections")
        cells = [str(row.get(column, "-")) for column in columns]
        table.add_row(name, *cells, "yes" if row.get("holds") else "NO", said)
        console.print(name, *cells)
    console.print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    run(ROWS, main)
