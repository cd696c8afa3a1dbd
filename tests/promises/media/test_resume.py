"""A video outlives the process that ordered it: one order, one charge, whatever breaks.

The processes here are real ones. Each is told what to do by a small program, and killed or left
to its fate; a second one finds the video by its run id.
"""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.sandbox import Sandbox, Scenario
from tests.support.paths import ROOT
from tests.support.rawserver import End, RawServer, Script, http_reply

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
PRICE = Decimal("0.35")  # five seconds of veo2-video in the sandbox
FILM = b"\x00\x00\x00\x18ftypisomfilm"
TICKET = {"runId": "vid_1", "status": "pending", "model": "veo", "cost": 0.5}
BUSY = {"data": {"status": "IN_PROGRESS"}}
DONE = {"data": {"status": "COMPLETED", "output": {"video": {"url": "/media/v.mp4"}}, "cost": 0.5}}
LOST = {"data": [{"runId": "vid_1", "model": "veo", "status": "processing"}]}

# Orders a video, says its run id, and waits for it longer than anybody lets it live.
ORDERS = {
    "sync": """
import sys
from nanogpt_client import NanoGPTClient
with NanoGPTClient(sys.argv[2], base_url=sys.argv[1]) as client:
    job = client.submit_video("a red fox", model="veo2-video")
    print(job.run_id, flush=True)
    client.wait_for_video(job, poll_interval=0.05 if sys.argv[3:] else 60)
""",
    "async": """
import asyncio, sys
from nanogpt_client import AsyncNanoGPTClient
async def main():
    async with AsyncNanoGPTClient(sys.argv[2], base_url=sys.argv[1]) as client:
        job = await client.submit_video("a red fox", model="veo2-video")
        print(job.run_id, flush=True)
        await client.wait_for_video(job, poll_interval=0.05 if sys.argv[3:] else 60)
asyncio.run(main())
""",
}
# Finds the video: by the run id that the first process left, or among this account's videos.
RESUMES = {
    "sync": """
import sys
from nanogpt_client import NanoGPTClient
with NanoGPTClient(sys.argv[2], base_url=sys.argv[1]) as client:
    run_id = sys.argv[3] if sys.argv[3:] else client.recover_videos(limit=1)[0].run_id
    video = client.wait_for_video(run_id, poll_interval=0.05)
    sys.stdout.buffer.write(client.download(video.url))
""",
    "async": """
import asyncio, sys
from nanogpt_client import AsyncNanoGPTClient
async def main():
    async with AsyncNanoGPTClient(sys.argv[2], base_url=sys.argv[1]) as client:
        run_id = sys.argv[3] if sys.argv[3:] else (await client.recover_videos(limit=1))[0].run_id
        video = await client.wait_for_video(run_id, poll_interval=0.05)
        sys.stdout.buffer.write(await client.download(video.url))
asyncio.run(main())
""",
}
KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


def process(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def killed_after_ordering(kind: str, base_url: str, key: str = KEY, *more: str) -> str:
    """Let a process order a video, and kill it as soon as it has said the run id."""
    with process(ORDERS[kind], base_url, key, *more) as first:
        assert first.stdout is not None
        run_id = first.stdout.readline().decode().strip()
        first.kill()
    return run_id


def broken(kind: str, base_url: str, key: str = KEY, *more: str) -> str:
    """Let a process order a video and fail; return how."""
    with process(ORDERS[kind], base_url, key, *more) as first:
        _, errors = first.communicate()
        assert first.returncode == 1
    return errors.decode().splitlines()[-1]


def resumed(kind: str, base_url: str, key: str = KEY, *run_id: str) -> bytes:
    """Let another process find the video; return its bytes."""
    with process(RESUMES[kind], base_url, key, *run_id) as second:
        film, errors = second.communicate()
        assert second.returncode == 0, errors.decode()
    return film


def script(body: Any) -> Script:
    return [http_reply(body if isinstance(body, bytes) else json.dumps(body).encode())]


def asked(server: RawServer) -> list[str]:
    return [f"{r.method} {r.target.partition('?')[0]}" for r in server.requests]


STATUS = "GET /api/video/status"


@KINDS
def test_the_connection_is_lost_while_waiting(kind):
    """The ticket came; then every question about it meets a dead line, until a restart."""
    dead: list[Script] = [[End.RESET]] * 3
    with RawServer(script(TICKET), *dead, script(BUSY), script(DONE), script(FILM)) as server:
        failure = broken(kind, server.base_url, KEY, "haste")
        assert "JobError: the state of video job vid_1 could not be read" in failure
        assert resumed(kind, server.base_url, KEY, "vid_1") == FILM
    assert server.posts == 1
    assert asked(server) == ["POST /api/generate-video", *[STATUS] * 5, "GET /media/v.mp4"]


@KINDS
def test_the_process_is_killed_while_waiting(kind):
    with RawServer(script(TICKET), script(BUSY), script(DONE), script(FILM)) as server:
        run_id = killed_after_ordering(kind, server.base_url)
        assert run_id == "vid_1"
        assert resumed(kind, server.base_url, KEY, run_id) == FILM
        assert server.posts == 1


@KINDS
def test_the_submission_itself_is_lost(kind):
    """Ordered, and perhaps charged, but no answer came: it is looked for, never ordered again."""
    cut: Script = [b"HTTP/1.1 202 Accepted\r\ncontent-length: 80\r\n\r\n{", End.RESET]
    with RawServer(cut, script(LOST), script(DONE), script(FILM)) as server:
        assert "OutcomeUnknownError" in broken(kind, server.base_url)
        assert server.posts == 1
        assert resumed(kind, server.base_url) == FILM
    assert asked(server) == [
        "POST /api/generate-video", "GET /api/generate-video/recover", STATUS, "GET /media/v.mp4",
    ]  # fmt: skip


@KINDS
@pytest.mark.parametrize("loses", ["the process", "the ticket"])
def test_one_charge(kind, loses):
    """The same against an account: the balance falls by the price of one video."""
    cut = Scenario(("cut-mid-frame",), path="generate-video") if loses == "the ticket" else None
    with Sandbox(scenario=cut) as box:
        before = box.balance
        if loses == "the ticket":
            assert "OutcomeUnknownError" in broken(kind, box.base_url, box.api_key)
            film = resumed(kind, box.base_url, box.api_key)
        else:
            run_id = killed_after_ordering(kind, box.base_url, box.api_key)
            film = resumed(kind, box.base_url, box.api_key, run_id)
        assert film[4:8] == b"ftyp"
        assert sum(request.method == "POST" for request in box.requests) == 1
        assert before - box.balance == PRICE
