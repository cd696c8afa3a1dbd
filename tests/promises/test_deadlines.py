"""A limit on the whole answer holds also against a server that is slow but never silent."""

from __future__ import annotations

import time

import pytest

from nanogpt_client import APITimeoutError, AsyncNanoGPTClient, NanoGPTClient, StreamStalledError
from tests.rawserver import EVENT_STREAM, End, RawServer, Script, http_head

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
