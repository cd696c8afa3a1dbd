"""A limit on the whole answer holds also against a server that is slow but never silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

import pytest

from nanogpt_client import (
    APITimeoutError,
    AsyncNanoGPTClient,
    ConfigurationError,
    NanoGPTClient,
    RateLimitError,
    ServerError,
    StreamStalledError,
)
from tests.support.rawserver import EVENT_STREAM, End, RawServer, Script, http_head, http_reply

LONG = {"content-type": "application/json", "content-length": "1000"}
SLOWLY: Script = [b" ", 0.05]
TRICKLE: Script = [http_head(200, LONG), *(list(SLOWLY) * 100), End.HOLD]


async def test_a_trickling_answer_is_too_late():
    with RawServer(TRICKLE) as server, NanoGPTClient("k" * 9, base_url=server.base_url) as client:
        started = time.monotonic()
        with pytest.raises(APITimeoutError, match="too slowly"):
            client.chat("hi", model="m", timeout=0.3)
        async with AsyncNanoGPTClient.sharing(client) as shared:
            with pytest.raises(APITimeoutError, match="too slowly"):
                await shared.chat("hi", model="m", timeout=0.3)
        assert time.monotonic() - started < 3
        assert server.posts == 2


async def test_a_calls_own_timeout_is_for_its_streams_first_event():
    silent: Script = [EVENT_STREAM, End.HOLD]
    with RawServer(silent) as server, NanoGPTClient("k" * 9, base_url=server.base_url) as client:
        with pytest.raises(StreamStalledError, match="first event"):
            list(client.stream_chat("hi", model="m", timeout=0.2))
        async with AsyncNanoGPTClient.sharing(client) as shared:
            with pytest.raises(StreamStalledError, match="first event"):
                [chunk async for chunk in shared.stream_chat("hi", model="m", timeout=0.2)]


BUSY: Script = [http_reply(b"{}", status=429, headers={"retry-after": "5"})]


async def within(limit: asyncio.Timeout, answer: Awaitable[object]) -> None:
    async with limit:
        await answer


async def test_a_deadline_interrupts_the_wait_before_a_retry():
    with RawServer(BUSY) as server:
        waiting = asyncio.Event()
        client = AsyncNanoGPTClient(
            "k" * 9, base_url=server.base_url, on_retry=lambda _: waiting.set()
        )
        async with client:
            limit = asyncio.timeout(None)
            asked = asyncio.create_task(within(limit, client.chat("hi", model="m")))
            await waiting.wait()
            started = time.monotonic()
            limit.reschedule(asyncio.get_running_loop().time())
            with pytest.raises(TimeoutError):
                await asked
            assert time.monotonic() - started < 1
        assert server.posts == 1
        assert [entry.outcome for entry in client.ledger] == ["abandoned"]


DOWN: Script = [http_reply(b"{}", status=503, headers={"retry-after": "5"})]


@pytest.mark.parametrize(
    ("answer", "settings", "error"),
    [
        (DOWN, {"retry_after_cap": 4}, ServerError),
        (BUSY, {"rate_limit_wait": 4}, RateLimitError),
        (BUSY, {"timeout": 4}, RateLimitError),
    ],
)
def test_a_wait_above_the_cap_is_raised_at_once(answer, settings, error):
    with RawServer(answer) as server:
        started = time.monotonic()
        client = NanoGPTClient("k" * 9, base_url=server.base_url, **settings)
        with client, pytest.raises(error) as caught:
            client.chat("hi", model="m")
        assert time.monotonic() - started < 2
        assert server.posts == 1
    assert caught.value.retry_after == 5


@pytest.mark.parametrize("cap", [-1, float("inf"), float("nan"), "9", True])
def test_a_cap_must_be_seconds(cap):
    with pytest.raises(ConfigurationError, match="retry_after_cap"):
        NanoGPTClient("k" * 9, retry_after_cap=cap)
