"""Connections: how many, for how long, and what becomes of those that are no longer good."""

from __future__ import annotations

import asyncio
import gc
import importlib
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import pytest

from nanogpt_client import (
    APIConnectionError,
    APITimeoutError,
    AsyncNanoGPTClient,
    ConfigurationError,
    NanoGPTClient,
    NanoGPTError,
    OutcomeUnknownError,
    StreamStalledError,
)
from nanogpt_client._transport.send_progress import tcp_state
from tests.support.driving import DONE, frame, sse
from tests.support.interrupts import interrupted_at, lines_of
from tests.support.rawserver import (
    EVENT_STREAM,
    LAST_CHUNK,
    End,
    RawServer,
    Script,
    chunked,
    http_head,
    http_reply,
)
from tests.unit.nanogpt_client.clients.shell import BOTH, KEY, Shell
from tests.unit.nanogpt_client.clients.test_lifetime import ANSWER, LIBRARIES

EITHER = pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
STREAM: Script = [EVENT_STREAM, chunked(sse(frame("Hello", finish="stop"), DONE)), LAST_CHUNK]
SLOW: Script = [0.02, *ANSWER]


class Counting(RawServer):
    """Knows how many connections were open at once."""

    most = 0

    def opened(self, connection: socket.socket) -> None:
        super().opened(connection)
        self.most = max(self.most, self.open_connections)


# What was sent


@EITHER
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("name", "base", "attempts"),
    [("ConnectError", "ReadError", 1), ("ReadError", "ConnectError", 2)],
)
def test_what_an_exception_is_and_not_its_name_proves_a_request_unsent(
    shell: Shell, library: str, name: str, base: str, attempts: int
):
    module = importlib.import_module(library)
    foreign = type(name, (getattr(module, base),), {"__module__": "httpx_mine"})

    def lose(request: Any) -> Any:
        asked.append(request)
        raise foreign("lost")

    asked: list[Any] = []
    kind = module.Client if shell.name == "sync" else module.AsyncClient
    injected = type("Cached", (kind,), {"__module__": "httpx_mine"})(
        transport=module.MockTransport(lose)
    )
    with pytest.raises(APIConnectionError if attempts == 2 else OutcomeUnknownError) as caught:
        shell.use({"http_client": injected, "max_retries": 1}, "chat", "hi", model="m")
    assert (len(asked), caught.value.sends) == (attempts, attempts)
    assert caught.value.maybe_billed is (attempts == 1)
    assert ("no connection to nano-gpt.com: lost" in str(caught.value)) is (attempts == 2)


# How many


@pytest.mark.unwatched
@pytest.mark.parametrize("script", [SLOW, STREAM], ids=["whole", "streamed"])
@pytest.mark.parametrize("library", [None, *LIBRARIES])
async def test_tasks_queue_for_connections(script, library):
    http = None if library is None else __import__(library).AsyncClient()
    with Counting(script) as server:
        client = AsyncNanoGPTClient(
            KEY, base_url=server.base_url, max_connections=4, http_client=http, timeout=5
        )

        async def call() -> str:
            if script is SLOW:
                return (await client.chat("hi", model="m")).text
            return "".join([chunk.text async for chunk in client.stream_chat("hi", model="m")])

        async with client:
            assert await asyncio.gather(*(call() for _ in range(40))) == ["Hello"] * 40
        assert (server.posts, server.most <= 4) == (40, True)
        if http is not None:
            await http.aclose()


@pytest.mark.parametrize("library", [None, *LIBRARIES])
def test_threads_queue_for_connections(library):
    http = None if library is None else __import__(library).Client()
    with Counting(SLOW) as server:
        client = NanoGPTClient(
            KEY, base_url=server.base_url, max_connections=3, http_client=http, timeout=5
        )
        with client, ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(lambda _: client.chat("hi", model="m").text, range(24)))
        assert answers == ["Hello"] * 24
        assert (server.posts, server.most <= 3) == (24, True)
        if http is not None:
            http.close()


async def test_waiting_for_a_connection_uses_up_no_timeout():
    with RawServer([0.2, *ANSWER]) as server:
        client = AsyncNanoGPTClient(
            KEY, base_url=server.base_url, max_connections=1, timeout=0.6, max_retries=0
        )
        async with client:
            answers = await asyncio.gather(*(client.chat("hi", model="m") for _ in range(6)))
    assert [answer.text for answer in answers] == ["Hello"] * 6


async def test_blocking_and_async_calls_share_the_connections():
    with Counting(SLOW) as server:
        client = NanoGPTClient(KEY, base_url=server.base_url, max_connections=2)
        async with AsyncNanoGPTClient.sharing(client) as shared:
            blocking = [asyncio.to_thread(client.chat, "hi", model="m") for _ in range(8)]
            await asyncio.gather(*blocking, *(shared.chat("hi", model="m") for _ in range(8)))
        client.close()
        assert (server.posts, len(client._queue.of_process)) == (16, 0)


def test_a_stream_keeps_its_connection_until_it_is_closed_or_collected():
    script: Script = [EVENT_STREAM, chunked(sse(frame("a"))), End.HOLD]
    with RawServer(script, script, ANSWER) as server:
        client = NanoGPTClient(KEY, base_url=server.base_url, max_connections=1)
        stream = client.stream_chat("hi", model="m")
        next(stream)
        assert len(client._queue.of_process) == 1
        stream.close()
        lost = client.stream_chat("hi", model="m")
        next(lost)
        del lost
        assert client.chat("hi", model="m").text == "Hello"
        client.close()


WITH_FEW_DESCRIPTORS = """
import asyncio, resource
from nanogpt_client import AsyncNanoGPTClient
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

async def main(address):
    async with AsyncNanoGPTClient("any", base_url=address, max_connections=500) as client:
        answers = await asyncio.gather(*(client.chat("hi", model="m") for _ in range(150)))
    print(len(answers), sum(entry.sends for entry in client.ledger))
"""


async def test_too_many_open_files_is_a_reason_to_wait():
    with RawServer(SLOW) as server:
        code = f"{WITH_FEW_DESCRIPTORS}\nasyncio.run(main({server.base_url!r}))"
        run = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", code, stdout=-1, stderr=-1
        )
        out, err = await asyncio.wait_for(run.communicate(), 40)
        assert (out.split(), err) == ([b"150", b"150"], b"")
        assert server.posts == 150


# For how long


def drip(data: bytes) -> list[Any]:
    return [data, 0.02] * 200


DRIPPING: dict[str, Script] = {
    "early hints for ever": [b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.02] * 200,
    "a header byte by byte": [b"HTTP/1.1 200 OK\r\nx-a: ", *drip(b"a")],
    "digits of a chunk's size": [
        http_head(200, {"content-type": "application/json", "transfer-encoding": "chunked"}),
        *drip(b"0"),
    ],
    "a body until the end": [
        http_head(200, {"content-type": "application/json", "connection": "close"}),
        *drip(b" "),
    ],
}


@EITHER
@pytest.mark.parametrize("act", ["chat", "stream_chat"])
@pytest.mark.parametrize("script", DRIPPING.values(), ids=DRIPPING)
def test_no_drip_outlasts_the_deadline(shell: Shell, act: str, script: Script):
    with RawServer([*script, End.HOLD]) as server:
        started = time.monotonic()
        settings = {"base_url": server.base_url, "timeout": 0.3, "first_event_timeout": 0.3}
        with pytest.raises(APITimeoutError) as caught:
            shell.use(settings, act, "hi", model="m")
        assert time.monotonic() - started < 2
        assert (server.posts, caught.value.maybe_billed) == (1, True)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_drip_on_a_used_connection_of_an_injected_client_is_ended(library):
    slow: Script = [b"HTTP/1.1 200 OK\r\nx-a: ", *drip(b"a")]
    with RawServer(ANSWER, slow) as server, __import__(library).Client() as http:
        client = NanoGPTClient(KEY, base_url=server.base_url, http_client=http, timeout=0.3)
        client.chat("hi", model="m")
        started = time.monotonic()
        with pytest.raises(APITimeoutError):
            client.chat("hi", model="m")
        assert (time.monotonic() - started < 2, server.connections) == (True, 1)


@EITHER
@pytest.mark.parametrize("nothing", [b"data:\n\n", b"data: {}\n\n", b'data: {"choices": []}\n\n'])
def test_events_that_say_nothing_are_no_sign_of_life(shell: Shell, nothing: bytes):
    with RawServer([EVENT_STREAM, *drip(chunked(nothing))]) as server:
        settings = {"base_url": server.base_url, "first_event_timeout": 0.3}
        with pytest.raises(StreamStalledError, match="first event"):
            shell.use(settings, "stream_chat", "hi", model="m")


EMPTY_CALL = {"index": 0, "function": {"arguments": ""}}
CITED = {"type": "url_citation", "url": "https://example.com", "title": "x"}
NOTHING_NEW: dict[str, dict[str, Any]] = {
    "a role": frame(delta={"role": "assistant"}),
    "empty text": frame(delta={"role": "assistant", "content": ""}),
    "no delta": frame(delta={}),
    "an empty piece of a call": frame(delta={"tool_calls": [EMPTY_CALL]}),
    "the same citation": frame(delta={"annotations": [CITED]}),
    "no logprobs": frame(delta={}) | {"choices": [{"index": 0, "logprobs": {"content": []}}]},
    "the same usage": {"choices": [], "usage": {"prompt_tokens": 1}},
    "a ping": {"type": "ping"},
}


@EITHER
@pytest.mark.parametrize("event", NOTHING_NEW.values(), ids=NOTHING_NEW)
def test_the_same_for_ever_is_no_sign_of_life_either(shell: Shell, event: dict[str, Any]):
    again = chunked(sse(frame("Hello"))), *drip(chunked(sse(event)))
    with RawServer([EVENT_STREAM, *again]) as server:
        settings = {"base_url": server.base_url, "stream_idle_timeout": 0.3}
        with pytest.raises(StreamStalledError) as caught:
            shell.use(settings, "stream_chat", "hi", model="m")
    assert caught.value.partial.text == "Hello"


# What is no longer good

HELLO = http_reply(b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}')
STALE = http_reply(b'{"choices": [{"message": {"content": "STALE"}, "finish_reason": "stop"}]}')


@EITHER
@pytest.mark.parametrize("library", [None, *LIBRARIES])
def test_an_unasked_answer_is_nobodys(shell: Shell, library):
    with RawServer([HELLO + STALE], ANSWER) as server:

        def blocking(http: Any) -> list[str]:
            client = NanoGPTClient(KEY, base_url=server.base_url, http_client=http)
            with client:
                return [client.chat("hi", model="m").text for _ in range(2)]

        async def tasks(http: Any) -> list[str]:
            async with AsyncNanoGPTClient(
                KEY, base_url=server.base_url, http_client=http
            ) as client:
                return [(await client.chat("hi", model="m")).text for _ in range(2)]

        async def with_theirs() -> list[str]:
            if library is None:
                return await tasks(None)
            async with __import__(library).AsyncClient() as http:
                return await tasks(http)

        if shell.name == "async":
            texts = asyncio.run(with_theirs())
        elif library is None:
            texts = blocking(None)
        else:
            with __import__(library).Client() as http:
                texts = blocking(http)
        assert (texts, server.connections) == (["Hello", "Hello"], 2)


@EITHER
def test_a_wrong_length_hits_its_own_call_alone(shell: Shell):
    body = HELLO.partition(b"\r\n\r\n")[2]
    short = http_reply(body, headers={"content-length": str(len(body) - 5)})
    with RawServer([short], ANSWER) as server:
        settings: dict[str, Any] = {"base_url": server.base_url, "max_retries": 0}
        if shell.name == "sync":
            with NanoGPTClient(KEY, **settings) as client:
                with pytest.raises(NanoGPTError):
                    client.chat("hi", model="m")
                assert client.chat("hi", model="m").text == "Hello"
            return

        async def main() -> None:
            async with AsyncNanoGPTClient(KEY, **settings) as client:
                with pytest.raises(NanoGPTError):
                    await client.chat("hi", model="m")
                assert (await client.chat("hi", model="m")).text == "Hello"

        asyncio.run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what the peer has received")
def test_the_end_of_a_connection_says_what_the_other_side_had_received():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
        before = tcp_state(ours)
        ours.send(b"read")
        assert theirs.recv(9) == b"read"
        received = tcp_state(ours)
        theirs.close()
        ended = tcp_state(ours)
        ours.send(b"never read")  # answered with a reset
        after = tcp_state(ours)
        assert before is not None
        assert received is not None
        assert ended is not None
        assert after is not None
        assert (before.ended, received.ended) == (False, False)
        assert received.acked == before.acked + 4
        assert (ended.ended, after.ended, after.acked) == (True, True, ended.acked)
        ours.close()
        assert tcp_state(ours) is None
    assert tcp_state(None) is None


def test_a_connection_that_was_closed_before_the_request_came_proves_it_unsent(monkeypatch):
    """The readiness check is passed, as if the end came in the very next moment."""
    with RawServer([*ANSWER, 0.1, End.CLOSE], ANSWER) as server:
        with NanoGPTClient(KEY, base_url=server.base_url, max_retries=1) as client:
            client.chat("hi", model="m")
            while server.open_connections:
                time.sleep(0.01)
            time.sleep(0.1)  # for the end to arrive
            core = __import__("httpcore")
            monkeypatch.setattr(core._backends.sync, "is_socket_readable", lambda _: False)
            assert client.chat("hi", model="m").text == "Hello"
        assert server.posts == 2
        assert [entry.sends for entry in client.ledger] == [1, 2]


def test_dropped_clients_do_not_disturb_the_others_of_their_loop():
    bad = http_reply(b'{"error": {"message": "no"}}', status=400)
    flip = iter(range(10_000))

    def script(_request: object) -> Script:
        return [0.02, bad] if next(flip) % 2 else [0.02, *ANSWER]

    async def rounds(address: str) -> None:
        for _ in range(4):
            client = AsyncNanoGPTClient(KEY, base_url=address, timeout=5)
            calls = (client.chat("hi", model="m") for _ in range(40))
            got = await asyncio.gather(*calls, return_exceptions=True)
            names = sorted(type(one).__name__ for one in got)
            assert names == ["BadRequestError"] * 20 + ["ChatCompletion"] * 20
            gc.collect()

    with RawServer(script) as server:
        asyncio.run(rounds(server.base_url))


# Between two lines a socket may be nobody's but the collector's, which closes it, and says so.
@pytest.mark.unwatched
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_at_any_line_leaves_a_client_that_works():
    files = (
        "_transport/http.py", "pool.py", "connection_queue.py", "send_progress.py",
        "_transport/stream.py", "client.py", "runner.py",
    )  # fmt: skip
    with RawServer(ANSWER) as server, NanoGPTClient(KEY, base_url=server.base_url) as client:

        def call() -> None:
            client.chat("hi", model="m")

        call()
        number = lines_of(call, *files)
        assert number > 50
        for at in range(1, number + 1, 3):
            interrupted_at(call, at, *files)
            gc.collect()
            assert len(client._queue.of_process) == 0, at
        call()
        assert len(next(iter(client._transport._own.values()))) == 1


# What cannot be set up, and what may be seen


@EITHER
@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "ftp://127.0.0.1:9", "http://a:b:c"])
def test_a_proxy_that_cannot_be_used_is_named(shell: Shell, proxy: str, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(APIConnectionError, match="_PROXY"):
        shell.use({"base_url": "http://127.0.0.1:9", "max_retries": 0}, "chat", "hi", model="m")


@EITHER
@pytest.mark.skipif(
    version("httpx") < "0.28", reason="an httpx this old uses its own certificates in their place"
)
def test_missing_certificates_are_named(shell: Shell, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(APIConnectionError, match="SSL_CERT_FILE"):
        shell.use({"base_url": "http://127.0.0.1:9", "max_retries": 0}, "chat", "hi", model="m")


def test_other_event_loops_are_refused():
    client = AsyncNanoGPTClient(KEY, base_url="http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="asyncio"):
        client.chat("hi", model="m").send(None)
    assert len(client.ledger) == 0


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_header_shows_the_key_when_it_is_printed(library):
    seen: list[str] = []

    def hook(request: Any) -> None:
        seen.append(repr(request.headers))

    http = __import__(library).Client(event_hooks={"request": [hook]})
    with RawServer(ANSWER) as server, http:
        NanoGPTClient(KEY, base_url=server.base_url, http_client=http).chat("hi", model="m")
        assert server.requests[0].headers["x-api-key"] == KEY
    assert KEY not in seen[0]
    assert "x-api-key" in seen[0]
