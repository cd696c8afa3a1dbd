"""Connections that the server closes while they are idle, met by ours and by the openai SDK."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import httpx  # noqa: F401 - whole, before threads find it half imported
import openai

from nanogpt_client import NanoGPTClient
from tests.faults.load.server import LoadServer

KEY = "sk-nano-attack"
THREADS = 40


class Pattern(NamedTuple):
    """When the server closes and when it is called, in seconds, and how far away it is."""

    idle: tuple[float, float]
    pauses: tuple[float, float]
    delay: float = 0.0


PATTERNS = {
    "closed after 0-20 ms, calls 0-20 ms apart": Pattern((0, 0.02), (0, 0.02)),
    "closed after 0-0.5 s, calls 0-0.5 s apart, 50 ms away": Pattern((0, 0.5), (0, 0.5), 0.025),
    "closed after 2 s, calls 1.9-2.1 s apart, 50 ms away": Pattern((2, 2), (1.9, 2.1), 0.025),
    "closed after 5 s, calls 4.8-5.2 s apart, 50 ms away": Pattern((5, 5), (4.8, 5.2), 0.025),
}

Ask = Callable[[str], Any]


def _ours(server: LoadServer) -> Ask:
    client = NanoGPTClient(KEY, base_url=server.base_url)
    return lambda prompt: client.chat(prompt, model="m")


def _openai(server: LoadServer, **settings: Any) -> Ask:
    client = openai.OpenAI(api_key=KEY, base_url=server.base_url, **settings)
    return lambda prompt: client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": prompt}]
    )


CLIENTS: dict[str, Callable[[LoadServer], Ask]] = {
    "ours": _ours,
    "openai, 0 retries": lambda server: _openai(server, max_retries=0),
    "openai": _openai,
}


def lost(pattern: Pattern, make: Callable[[LoadServer], Ask], calls: int) -> tuple[int, int]:
    """Make so many calls from threads; return how many failed, and how many came twice."""
    with LoadServer(seconds=0, idle=pattern.idle, delay=pattern.delay) as server:
        ask, failed = make(server), 0
        lock = threading.Lock()

        def work(thread: int) -> None:
            nonlocal failed
            chance = random.Random(thread)
            for n in range(calls // THREADS):
                try:
                    ask(f"{thread} {n}")
                except Exception:  # noqa: BLE001 - counted
                    with lock:
                        failed += 1
                time.sleep(chance.uniform(*pattern.pauses))

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
        return failed, server.counts().doubles


def table(name: str, calls: int) -> dict[str, Any]:
    """Return the row of a pattern, all clients at the same time."""
    with ThreadPoolExecutor(len(CLIENTS)) as pool:
        runs = {
            who: pool.submit(lost, PATTERNS[name], make, calls) for who, make in CLIENTS.items()
        }
        counts = {who: run.result() for who, run in runs.items()}
    said = "; ".join(f"{who}: {failed}" for who, (failed, _) in counts.items())
    failed, doubles = counts["ours"]
    return {
        "holds": failed == doubles == 0,
        "said": f"failed of {calls}: {said}; sent twice by us: {doubles}",
    }
