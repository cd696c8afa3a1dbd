"""Reads a long answer in a process of its own; imports little, for the process imports it anew."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import httpx

from nanogpt_client import NanoGPTClient


class Long(httpx.SyncByteStream):
    """10 MB of text in 20,000 pieces, made while they are read."""

    def __iter__(self) -> Iterator[bytes]:
        for at in range(20_000):
            yield b'data: {"choices":[{"index":0,"delta":{"content":"%500d"}}]}\n\n' % at
        yield b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        yield b"data: [DONE]\n\n"


def held() -> int:
    """Read the long stream; return the bytes that this took at the most."""
    head = {"content-type": "text/event-stream"}
    answer = httpx.MockTransport(lambda _: httpx.Response(200, headers=head, stream=Long()))
    with httpx.Client(transport=answer) as http:
        client = NanoGPTClient("any", http_client=http)
        stream = client.stream_chat("hi", model="m")
        tracemalloc.start()
        for chunk in stream:
            last = chunk
        peak = tracemalloc.get_traced_memory()[1]
    assert last.billing is not None
    assert len(stream.snapshot.text) == 10_000_000
    return peak
