"""Answers that never end: how long a call of 1 second takes, blocking and async, whole and not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient, NanoGPTError
from tests.support.rawserver import EVENT_STREAM, End, RawServer, Script, Step, chunked, http_head

SECONDS = 1.0
LIMIT = 4.0
"""Seconds after which a call counts as hanging."""

_PAUSE = 0.1
_ROLE = b'data: {"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}\n\n'


def _drip(data: bytes, first: bytes = b"") -> Script:
    steps: list[Step] = [data, _PAUSE]
    return [first, *steps * 200, End.HOLD]


SCRIPTS: dict[str, Script] = {
    "103 for ever": _drip(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a header byte by byte": _drip(b"a", b"HTTP/1.1 200 OK\r\nx-a: "),
    "digits of a chunk's size": _drip(
        b"0",
        http_head(200, {"content-type": "application/json", "transfer-encoding": "chunked"}),
    ),
    "a body without end": _drip(b" ", http_head(200, {"content-type": "application/json"})),
    "`data:` for ever": _drip(chunked(b"data:\n\n"), EVENT_STREAM),
    "`data: {}` for ever": _drip(chunked(b"data: {}\n\n"), EVENT_STREAM),
    "comments for ever": _drip(chunked(b": still here\n\n"), EVENT_STREAM),
    "roles for ever": _drip(chunked(_ROLE), EVENT_STREAM),
    "pings for ever": _drip(chunked(b'data: {"type": "ping"}\n\n'), EVENT_STREAM),
}
_LIMITS: dict[str, Any] = {
    "timeout": SECONDS,
    "first_event_timeout": SECONDS,
    "stream_idle_timeout": SECONDS,
}


def _chat(base_url: str) -> None:
    with NanoGPTClient("any", base_url=base_url, **_LIMITS) as client:
        client.chat("hi", model="m")


def _stream(base_url: str) -> None:
    with NanoGPTClient("any", base_url=base_url, **_LIMITS) as client:
        list(client.stream_chat("hi", model="m"))


async def _achat(base_url: str) -> None:
    async with AsyncNanoGPTClient("any", base_url=base_url, **_LIMITS) as client:
        await client.chat("hi", model="m")


async def _astream(base_url: str) -> None:
    async with AsyncNanoGPTClient("any", base_url=base_url, **_LIMITS) as client:
        async for _ in client.stream_chat("hi", model="m"):
            pass


WAYS: dict[str, Callable[[str], Any]] = {
    "whole": _chat,
    "streamed": _stream,
    "async whole": lambda url: asyncio.run(_achat(url)),
    "async streamed": lambda url: asyncio.run(_astream(url)),
}


def _ended_after(script: Script, way: Callable[[str], Any]) -> tuple[float, str]:
    """Return the seconds that a call took, and what it ended with."""
    with RawServer(script) as server:
        started = time.monotonic()
        try:
            way(server.base_url)
            ending = "an answer"
        except NanoGPTError as error:
            ending = type(error).__name__
        return time.monotonic() - started, ending


def table(name: str) -> dict[str, Any]:
    """Return the row of one kind of answer."""
    ends = {way: _ended_after(SCRIPTS[name], call) for way, call in WAYS.items()}
    said = "; ".join(f"{way} {seconds:.1f} s, {ending}" for way, (seconds, ending) in ends.items())
    holds = all(seconds < LIMIT and ending != "an answer" for seconds, ending in ends.values())
    return {"holds": holds, "said": said}
