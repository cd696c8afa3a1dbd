"""Measure what the client itself costs: ``python -m tests.benchmarks``, or ``make bench``.

No network is involved: a transport in memory answers at once, and the same exchange by httpx
alone is the floor that the client's own work is compared with. Each figure is the best of
several rounds, because everything else on a machine only ever adds time.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import httpx
import numpy as np

from nanogpt_client import NanoGPTClient

BASE_URL = "http://bench.invalid/api/v1"
MODEL = "openai/gpt-5.2"
CHUNKS = 2000
TEXTS, DIMENSIONS = 256, 1536
ROUNDS = 7


def main() -> None:
    chat, stream, vectors = chat_reply(), stream_reply(), embedding_reply()
    calls, chunks = 200, CHUNKS
    report("import nanogpt_client", best(import_client, rounds=3), 1e3, "ms")
    report("chat, httpx alone", best(lambda: repeat(calls, bare(chat))) / calls, 1e6, "us/call")
    report("chat", best(lambda: repeat(calls, chat_call(chat))) / calls, 1e6, "us/call")
    report("stream, httpx alone", best(bare(stream)) / chunks, 1e6, "us/chunk")
    report("stream_chat", best(stream_call(stream)) / chunks, 1e6, "us/chunk")
    report(f"embed, {TEXTS} x {DIMENSIONS}, httpx alone", best(bare(vectors)), 1e3, "ms")
    report(f"embed, {TEXTS} x {DIMENSIONS}", best(embed_call(vectors)), 1e3, "ms")


def report(name: str, seconds: float, scale: float, unit: str) -> None:
    print(f"{name:34} {seconds * scale:10.1f} {unit}")  # noqa: T201 - a program


def best(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the seconds of the fastest of `rounds` runs."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return min(times)


def repeat(times: int, action: Callable[[], object]) -> None:
    for _ in range(times):
        action()


def import_client() -> None:
    subprocess.run([sys.executable, "-c", "import nanogpt_client"], check=True, timeout=30)


def http_client(reply: httpx.Response) -> httpx.Client:
    """Return a client whose every request is answered with a copy of `reply`, from memory."""
    headers = {"content-type": reply.headers["content-type"]}
    return httpx.Client(
        transport=httpx.MockTransport(
            lambda _: httpx.Response(200, content=reply.content, headers=headers)
        )
    )


def bare(reply: httpx.Response) -> Callable[[], object]:
    client = http_client(reply)
    return lambda: client.post(f"{BASE_URL}/x", json={"model": MODEL}).content


def nanogpt(reply: httpx.Response) -> NanoGPTClient:
    return NanoGPTClient("key", base_url=BASE_URL, http_client=http_client(reply))


def chat_call(reply: httpx.Response) -> Callable[[], object]:
    return partial(nanogpt(reply).chat, "hi", model=MODEL)


def stream_call(reply: httpx.Response) -> Callable[[], object]:
    client = nanogpt(reply)
    return lambda: sum(1 for _ in client.stream_chat("hi", model=MODEL))


def embed_call(reply: httpx.Response) -> Callable[[], object]:
    return partial(nanogpt(reply).embed, ["text"] * TEXTS, model="text-embedding-3-small")


def chat_reply() -> httpx.Response:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "hi"},
        "finish_reason": "stop",
    }
    return httpx.Response(200, json={"id": "1", "model": MODEL, "choices": [choice]})


def stream_reply() -> httpx.Response:
    frames = [{"choices": [{"index": 0, "delta": {"content": "word "}}]}] * (CHUNKS - 1)
    frames.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    lines = [f"data: {json.dumps({'id': '1', 'model': MODEL, **frame})}\n\n" for frame in frames]
    text = "".join([*lines, "data: [DONE]\n\n"])
    return httpx.Response(200, content=text, headers={"content-type": "text/event-stream"})


def embedding_reply() -> httpx.Response:
    vectors = np.random.default_rng(0).random((TEXTS, DIMENSIONS), dtype=np.float32)
    data = [
        {"index": index, "embedding": base64.b64encode(row.tobytes()).decode()}
        for index, row in enumerate(vectors)
    ]
    return httpx.Response(200, json={"data": data, "model": "text-embedding-3-small"})


if __name__ == "__main__":
    main()
