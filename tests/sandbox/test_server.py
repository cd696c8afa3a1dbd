"""The loopback server, its command and the in-process transports: streams, stalls, cuts."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from nanogpt_client.extras import install_command
from nanogpt_client.sandbox import AsyncSandboxTransport, Sandbox, SandboxApp, SandboxTransport
from nanogpt_client.sandbox.__main__ import main
from tests.sandbox.asking import CHAT as PATH
from tests.sandbox.asking import HELLO, MODEL

CHAT = "/chat/completions"
BODY = {"model": MODEL, "messages": HELLO}


def client(box: Sandbox, **options) -> httpx.Client:
    return httpx.Client(base_url=box.base_url, headers={"x-api-key": box.api_key}, **options)


def test_it_starts_and_stops_quickly_and_can_start_again():
    box = Sandbox()
    start = time.monotonic()
    for _ in range(3):
        with box:
            assert box.base_url == f"{box.origin}/api/v1"
            assert httpx.get(f"{box.base_url}/models").headers["x-request-id"]
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{box.base_url}/models")
    assert time.monotonic() - start < 5
    assert [request.status for request in box.requests] == [200] * 3
    box.stop()  # once more does no harm


def test_a_taken_port_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        box = Sandbox(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use; port 0"):
            box.start()


def test_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with Sandbox(host="::1") as box:
        assert box.origin.startswith("http://[::1]:")
        assert httpx.get(f"{box.base_url}/models").status_code == 200


def test_a_reply_is_not_held_back():
    with Sandbox(rate=None) as box, client(box) as http:
        http.post(CHAT, json=BODY)
        start = time.monotonic()
        for _ in range(10):
            http.get("/models")
        assert time.monotonic() - start < 0.4  # Nagle's delay alone would make it more


@pytest.mark.parametrize(("fault", "message"), [
    ("cut-before", "without sending a response"), ("cut-mid-frame", "incomplete chunked read"),
    ("cut-mid-character", "incomplete chunked read"),
])  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_cuts(fault, message, stream):
    body = BODY | {"model": f"sandbox/fault/{fault}", "stream": stream}
    with Sandbox() as box, client(box) as http:
        with pytest.raises(httpx.RemoteProtocolError, match=message):
            http.post(CHAT, json=body)
        assert http.post(CHAT, json=BODY).status_code == 200


def test_a_stall_does_not_hold_up_the_end():
    start = time.monotonic()
    with Sandbox(stall=30) as box, client(box, timeout=0.2) as http:
        for fault in ("stall-before", "stall-mid", "stall-after-finish"):
            with pytest.raises(httpx.ReadTimeout):
                http.post(CHAT, json=BODY | {"model": f"sandbox/fault/{fault}", "stream": True})
    assert time.monotonic() - start < 5


def test_events_come_one_by_one():
    body = BODY | {"model": "sandbox/fault/slow", "stream": True}
    times = []
    with Sandbox() as box, client(box) as http, http.stream("POST", CHAT, json=body) as reply:
        for _ in reply.iter_raw():
            times.append(time.monotonic())  # noqa: PERF401 - when each comes
    assert len(times) > 5
    assert times[-1] - times[0] > 0.1


def test_many_clients_pay_to_the_cent():
    with Sandbox(rate=None, balance="100") as box:

        def ask(number: int) -> float:
            with client(box) as http:
                found = http.post(CHAT, json=BODY | {"user": str(number)}).json()
            return float(found["x_nanogpt_pricing"]["cost"])

        with ThreadPoolExecutor(8) as pool:
            paid = sum(pool.map(ask, range(40)))
        assert float(100 - box.balance) == pytest.approx(paid)
        assert len(box.requests) == 40


def test_a_server_that_does_not_start_says_so(monkeypatch):
    class Broken:
        started = False

        def __init__(self, config: object) -> None: ...

        def run(self, sockets: object) -> None: ...

    monkeypatch.setattr("uvicorn.Server", Broken)
    with pytest.raises(RuntimeError, match="did not start"):
        Sandbox().start()


def test_a_missing_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError, match=re.escape(install_command("sandbox"))):
        Sandbox().start()


def test_importing_the_sandbox_loads_none_of_its_heavy_parts():
    parts = "{'starlette', 'uvicorn', 'PIL', 'av', 'python_multipart'}"
    code = f"import sys, nanogpt_client.sandbox; sys.exit(len({parts} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], check=False).returncode == 0


@pytest.fixture
def stop() -> threading.Event:
    """Return an event that ends the command at once."""
    event = threading.Event()
    event.set()
    return event


def test_it_says_what_it_is_and_how_to_reach_it(capsys, stop):
    options = ["--port", "0", "--balance", "1.5", "--api-key", "mine", "--rate", "0"]
    assert main(options, stop=stop) == 0
    said = capsys.readouterr().out
    for text in ("offline emulator", "pretend", "mine", "$1.5 "):
        assert text in said
    assert re.search(r"http://127\.0\.0\.1:\d+/api/v1", said)


def test_it_ends_on_an_interrupt():
    command = [sys.executable, "-W", "error", "-m", "nanogpt_client.sandbox", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        lines = [process.stdout.readline() for _ in range(5)]
        address = lines[1].split()[-1]
        assert httpx.get(f"{address}/models").status_code == 200
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""
    assert "1 requests answered" in rest


def test_a_scenario_by_name(stop):
    assert main(["--port", "0", "--scenario", "outage"], stop=stop) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scenario", "sunshine"], "there is no 'sunshine'; choose a scenario (broke, "),
        (["--port", "99999"], "'99999' is not a port"),
        (["--rate", "-1"], "'-1' is not a number of requests"),
        (["--balance", "nan"], "'nan' is not an amount in USD"),
    ],
)
def test_options_are_checked_before_it_serves(options, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(options)
    assert message in capsys.readouterr().err


ORIGIN = "http://sandbox.local:8080"


def body(model: str = MODEL, **extra: Any) -> dict[str, Any]:
    return {"model": model, "messages": HELLO, **extra}


def fault(name: str) -> dict[str, Any]:
    return body(f"sandbox/fault/{name}", stream=True)


def local(app: SandboxApp, **options: Any) -> httpx.Client:
    options |= {"base_url": ORIGIN, "headers": {"x-api-key": app.api_key}}
    return httpx.Client(transport=SandboxTransport(app), **options)


def local_async(app: SandboxApp, **options: Any) -> httpx.AsyncClient:
    options |= {"base_url": ORIGIN, "headers": {"x-api-key": app.api_key}}
    return httpx.AsyncClient(transport=AsyncSandboxTransport(app), **options)


@pytest.mark.parametrize("stream", [False, True])
async def test_both_kinds_answer_alike(stream):
    app = SandboxApp(clock=lambda: 0.0)
    with local(app) as http:
        first = http.post(PATH, json=body(stream=stream))
    async with local_async(SandboxApp(clock=lambda: 0.0)) as http:
        second = await http.post(PATH, json=body(stream=stream))
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
    with local(SandboxApp(stall=9), timeout=0.05) as http:
        with pytest.raises(error, match=message):
            http.post(PATH, json=fault(name))
    async with local_async(SandboxApp(stall=9), timeout=0.05) as http:
        with pytest.raises(error, match=message):
            await http.post(PATH, json=fault(name))
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("name", ["stall-before", "stall-mid"])
async def test_a_short_stall_passes(name):
    start = time.monotonic()
    with local(SandboxApp(stall=0.05)) as http:
        assert b"[DONE]" in http.post(PATH, json=fault(name)).content
    async with local_async(SandboxApp(stall=0.05), timeout=None) as http:
        assert b"[DONE]" in (await http.post(PATH, json=fault(name))).content
    assert time.monotonic() - start >= 0.1


async def test_an_async_stall_can_be_cancelled():
    async with local_async(SandboxApp(stall=9), timeout=None) as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await http.post(PATH, json=fault("stall-before"))


def test_transports_share_the_account():
    box = Sandbox()
    with httpx.Client(transport=box.transport(), base_url="http://box.local") as http:
        assert http.get("/api/v1/models").status_code == 200
    assert box.async_transport().app is box
    assert len(box.requests) == 1


def test_query_form_and_media_pass():
    with local(SandboxApp(job_pace=0)) as http:
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
