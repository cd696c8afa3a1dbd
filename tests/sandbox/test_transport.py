"""The in-process transports: streams piece by piece, stalls, cuts, sync and async."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from nanogpt_client.sandbox import AsyncSandboxTransport, SandboxApp, SandboxTransport

CHAT = "/api/v1/chat/completions"
ORIGIN = "http://sandbox.local:8080"


def body(model: str = "openai/gpt-5.2", **extra: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello!"}], **extra}


def client(app: SandboxApp, **options: Any) -> httpx.Client:
    headers = {"x-api-key": app.api_key}
    return httpx.Client(
        transport=SandboxTransport(app), base_url=ORIGIN, headers=headers, **options
    )


def async_client(app: SandboxApp, **options: Any) -> httpx.AsyncClient:
    headers = {"x-api-key": app.api_key}
    transport = AsyncSandboxTransport(app)
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers, **options)


def test_a_whole_reply():
    app = SandboxApp()
    with client(app) as http:
        reply = http.post(CHAT, json=body())
    assert reply.json()["choices"]
    assert int(reply.headers["content-length"]) == len(reply.content)
    assert app.requests[0].status == 200


async def test_both_kinds_answer_alike():
    with client(SandboxApp(clock=lambda: 0.0)) as http:
        first = http.post(CHAT, json=body(stream=True))
    async with async_client(SandboxApp(clock=lambda: 0.0)) as http:
        second = await http.post(CHAT, json=body(stream=True))
    assert first.content == second.content
    assert first.headers == second.headers
    assert "content-length" not in first.headers


def test_query_form_and_media_pass():
    app = SandboxApp(job_pace=0)
    with client(app) as http:
        spoken = http.post("/api/v1/audio/speech", json={"model": "Kokoro-82m", "input": "Hello"})
        url = spoken.json()["audioUrl"]
        assert url.startswith(f"{ORIGIN}/media/")
        heard = http.post(
            "/api/v1/audio/transcriptions",
            files={"file": ("a.wav", http.get(url).content)},
            data={"model": "Wizper"},
        )
        assert heard.json()["text"] == "Hello"
        run = http.post("/api/generate-video", json={"model": "sora-2", "prompt": "x"}).json()["id"]
        polled = http.get("/api/video/status", params={"requestId": run}).json()
    assert polled["data"]["status"] == "COMPLETED"


def test_a_stream_arrives_frame_by_frame():
    app = SandboxApp(stall=0.05)
    with client(app) as http, http.stream("POST", CHAT, json=body(stream=True)) as reply:
        pieces = list(reply.iter_raw())
    assert len(pieces) > 3
    assert pieces[-1] == b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("fault", "message"),
    [("cut-before", "without sending a response"), ("cut-mid-frame", "complete message body")],
)
async def test_cuts(fault, message):
    asked = body(f"sandbox/fault/{fault}", stream=True)
    with client(SandboxApp()) as http, pytest.raises(httpx.RemoteProtocolError, match=message):
        http.post(CHAT, json=asked)
    async with async_client(SandboxApp()) as http:
        with pytest.raises(httpx.RemoteProtocolError, match=message):
            await http.post(CHAT, json=asked)


def test_what_came_before_a_cut_is_seen():
    asked = body("sandbox/fault/cut-mid-frame", stream=True)
    seen: list[bytes] = []
    with client(SandboxApp()) as http, http.stream("POST", CHAT, json=asked) as reply:
        with pytest.raises(httpx.RemoteProtocolError):
            seen.extend(reply.iter_raw())
    assert seen[0].startswith(b"data: ")


@pytest.mark.parametrize("fault", ["stall-before", "stall-mid"])
async def test_a_stall_ends_by_the_read_timeout(fault):
    asked = body(f"sandbox/fault/{fault}", stream=True)
    start = time.monotonic()
    with client(SandboxApp(stall=9), timeout=0.05) as http, pytest.raises(httpx.ReadTimeout):
        http.post(CHAT, json=asked)
    async with async_client(SandboxApp(stall=9), timeout=0.05) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(CHAT, json=asked)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("fault", ["stall-before", "stall-mid"])
async def test_a_short_stall_passes(fault):
    asked = body(f"sandbox/fault/{fault}", stream=True)
    start = time.monotonic()
    with client(SandboxApp(stall=0.05)) as http:
        assert b"[DONE]" in http.post(CHAT, json=asked).content
    async with async_client(SandboxApp(stall=0.05), timeout=None) as http:
        assert b"[DONE]" in (await http.post(CHAT, json=asked)).content
    assert time.monotonic() - start >= 0.1


async def test_an_async_stall_can_be_cancelled():
    async with async_client(SandboxApp(stall=9), timeout=None) as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await http.post(CHAT, json=body("sandbox/fault/stall-before"))
