"""The in-process transports: streams event by event, stalls, cuts, sync and async."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from nanogpt_client.sandbox import AsyncSandboxTransport, SandboxApp, SandboxTransport
from tests.sandbox.asking import CHAT, HELLO, MODEL

ORIGIN = "http://sandbox.local:8080"


def body(model: str = MODEL, **extra: Any) -> dict[str, Any]:
    return {"model": model, "messages": HELLO, **extra}


def fault(name: str) -> dict[str, Any]:
    return body(f"sandbox/fault/{name}", stream=True)


def client(app: SandboxApp, **options: Any) -> httpx.Client:
    options |= {"base_url": ORIGIN, "headers": {"x-api-key": app.api_key}}
    return httpx.Client(transport=SandboxTransport(app), **options)


def async_client(app: SandboxApp, **options: Any) -> httpx.AsyncClient:
    options |= {"base_url": ORIGIN, "headers": {"x-api-key": app.api_key}}
    return httpx.AsyncClient(transport=AsyncSandboxTransport(app), **options)


@pytest.mark.parametrize("stream", [False, True])
async def test_both_kinds_answer_alike(stream):
    app = SandboxApp(clock=lambda: 0.0)
    with client(app) as http:
        first = http.post(CHAT, json=body(stream=stream))
    async with async_client(SandboxApp(clock=lambda: 0.0)) as http:
        second = await http.post(CHAT, json=body(stream=stream))
    assert first.content == second.content
    assert first.headers == second.headers
    assert first.headers.get("content-length") == (None if stream else str(len(first.content)))
    assert app.requests[0].status == 200


@pytest.mark.parametrize(("name", "error", "message"), [
    ("cut-before", httpx.RemoteProtocolError, "without sending a response"),
    ("cut-mid-frame", httpx.RemoteProtocolError, "complete message body"),
    ("stall-before", httpx.ReadTimeout, None), ("stall-mid", httpx.ReadTimeout, None),
])  # fmt: skip
async def test_cuts_and_long_stalls_are_errors(name, error, message):
    start = time.monotonic()
    with client(SandboxApp(stall=9), timeout=0.05) as http:
        with pytest.raises(error, match=message):
            http.post(CHAT, json=fault(name))
    async with async_client(SandboxApp(stall=9), timeout=0.05) as http:
        with pytest.raises(error, match=message):
            await http.post(CHAT, json=fault(name))
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("name", ["stall-before", "stall-mid"])
async def test_a_short_stall_passes(name):
    start = time.monotonic()
    with client(SandboxApp(stall=0.05)) as http:
        assert b"[DONE]" in http.post(CHAT, json=fault(name)).content
    async with async_client(SandboxApp(stall=0.05), timeout=None) as http:
        assert b"[DONE]" in (await http.post(CHAT, json=fault(name))).content
    assert time.monotonic() - start >= 0.1


async def test_an_async_stall_can_be_cancelled():
    async with async_client(SandboxApp(stall=9), timeout=None) as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await http.post(CHAT, json=fault("stall-before"))
