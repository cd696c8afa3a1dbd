"""Clients live as long as they must: loops, threads, processes, copies. The key stays inside."""

from __future__ import annotations

import asyncio
import copy
import gc
import importlib.util
import json
import pickle
import socket
import subprocess
import sys
import threading
import traceback
from typing import Any

import httpx
import pytest

from nanogpt_client import (
    AsyncNanoGPTClient,
    Budget,
    ChatChunk,
    Ledger,
    NanoGPTClient,
    NanoGPTError,
)
from nanogpt_client._ledger_file import LedgerFile
from nanogpt_client.errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigurationError,
    DownloadError,
    InvalidArgumentError,
)
from tests.support.driving import DONE, frame, sse
from tests.support.forks import in_a_fork
from tests.support.paths import ROOT
from tests.support.rawserver import (
    EVENT_STREAM,
    LAST_CHUNK,
    End,
    RawServer,
    Script,
    chunked,
    http_reply,
)
from tests.unit.nanogpt_client.clients.shell import BOTH, KEY, Shell

ANSWER: Script = [
    http_reply(
        b'{"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}], "cost": 1}'
    )
]
STREAM: Script = [EVENT_STREAM, chunked(sse(frame("Hello", finish="stop"), DONE)), LAST_CHUNK]
HTTPX2 = importlib.util.find_spec("httpx2")
LIBRARIES = [
    "httpx",
    pytest.param("httpx2", marks=pytest.mark.skipif(not HTTPX2, reason="httpx2 is not installed")),
]


@pytest.fixture(autouse=True)
def nothing_is_left_open():
    """Unclosed sockets warn when they are collected, and warnings are errors."""
    yield
    gc.collect()


def client_of(server: RawServer, **settings: Any) -> NanoGPTClient:
    return NanoGPTClient(KEY, base_url=server.base_url, **settings)


def async_client_of(server: RawServer, **settings: Any) -> AsyncNanoGPTClient:
    return AsyncNanoGPTClient(KEY, base_url=server.base_url, **settings)


def text_of(client: NanoGPTClient) -> str:
    return client.chat("hi", model="m").text


# Event loops


def test_one_client_on_several_event_loops():
    with RawServer(ANSWER) as server:
        client = async_client_of(server)
        for _ in range(3):
            assert asyncio.run(client.chat("hi", model="m")).text == "Hello"
        assert (server.posts, len(client.ledger)) == (3, 3)


def test_a_client_that_nobody_closes_is_closed_with_its_loop():
    with RawServer(STREAM) as server:
        client = async_client_of(server)
        for _ in range(3):
            assert asyncio.run(read_all(client))[0].text == "Hello"
        assert len(client._transport._own) == 1  # the last loop's; earlier ones are forgotten


def test_a_closed_client_opens_again():
    with RawServer(ANSWER) as server:
        client = async_client_of(server)

        async def main() -> None:
            async with client:
                await client.chat("hi", model="m")
            await client.aclose()
            await client.chat("hi", model="m")
            await client.aclose()

        asyncio.run(main())
        assert server.posts == 2


async def test_many_tasks_share_a_client():
    with RawServer(ANSWER) as server:
        async with async_client_of(server) as client:
            answers = await asyncio.gather(*(client.chat("hi", model="m") for _ in range(20)))
        assert [answer.text for answer in answers] == ["Hello"] * 20
        assert (server.posts, len(client.ledger)) == (20, 20)


async def test_a_cancelled_call_is_recorded_and_not_repeated():
    with RawServer([End.HOLD]) as server:
        async with async_client_of(server, budget=Budget(max_calls=5)) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.chat("hi", model="m")
        assert server.posts == 1
    (entry,) = client.ledger
    assert (entry.outcome, entry.cost, entry.sends) == ("abandoned", None, 1)
    assert client.budget is not None
    assert client.budget.unknown_calls == 1


async def read_all(client: AsyncNanoGPTClient) -> list[ChatChunk]:
    return [chunk async for chunk in client.stream_chat("hi", model="m")]


async def test_a_cancelled_stream_is_recorded_with_what_had_arrived():
    script: Script = [
        EVENT_STREAM,
        chunked(sse(frame("Hel", usage={"prompt_tokens": 3}))),
        End.HOLD,
    ]
    with RawServer(script) as server:
        async with async_client_of(server) as client:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(read_all(client), 0.3)
    (entry,) = client.ledger
    assert (entry.outcome, entry.prompt_tokens) == ("abandoned", 3)


async def test_a_stream_is_left_with_its_block():
    script: Script = [EVENT_STREAM, chunked(sse(frame("a"))), End.HOLD]
    with RawServer(script) as server:
        async with async_client_of(server) as client, client.stream_chat("hi", model="m") as stream:
            assert (await anext(stream)).text == "a"
    assert client.ledger.entries[0].outcome == "abandoned"


@pytest.mark.timeout(10)
def test_a_lost_stream_may_be_collected_while_another_call_is_recorded(tmp_path, monkeypatch):
    append = LedgerFile.append

    def collecting(*line: Any) -> None:
        gc.collect()  # as Python may at any moment
        append(*line)

    monkeypatch.setattr(LedgerFile, "append", collecting)
    script: Script = [EVENT_STREAM, chunked(sse(frame("a"))), End.HOLD]
    with RawServer(script, ANSWER) as server:
        client = client_of(server, ledger=Ledger(tmp_path / "ledger.jsonl"))
        lost: list[Any] = [client.stream_chat("hi", model="m")]
        assert next(lost[0]).text == "a"
        lost.append(lost)  # only the garbage collector finds a cycle
        del lost
        assert text_of(client) == "Hello"
        assert sorted(entry.outcome for entry in client.ledger) == ["abandoned", "ok"]
        client.close()
    assert len(Ledger(tmp_path / "ledger.jsonl")) == 2


def test_a_client_in_a_cycle_closes_its_connections_whatever_is_collected_first():
    with RawServer(ANSWER) as server:
        gc.collect()
        gc.disable()
        try:
            cycle: list[Any] = [client_of(server)]
            cycle.append(cycle)
            gc.collect(0)  # the client is of an older generation than its socket will be
            text_of(cycle[0])
            del cycle
            gc.collect()  # an unclosed socket would be a warning here, and so an error
        finally:
            gc.enable()


def test_a_stream_that_nobody_reads_sends_nothing():
    with RawServer(STREAM) as server:
        with client_of(server) as client, client.stream_chat("hi", model="m") as stream:
            pass
        assert list(stream) == []
        assert (server.posts, len(client.ledger)) == (0, 0)


def test_a_stream_is_an_iterator():
    with RawServer(STREAM) as server, client_of(server) as client:
        stream = client.stream_chat("hi", model="m")
        assert next(stream).text == "Hello"
        assert iter(stream) is iter(stream)
        assert [chunk.finish_reason for chunk in stream] == ["stop"]


# Threads and processes


def test_threads_share_a_client():
    texts: list[str] = []
    with RawServer(ANSWER) as server, client_of(server) as client:
        threads = [
            threading.Thread(target=lambda: texts.append(text_of(client))) for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.posts == 12
    assert texts == ["Hello"] * 12
    assert client.ledger.spent == 12


def test_a_forked_child_has_connections_of_its_own():
    with RawServer(ANSWER) as server, client_of(server) as client:
        assert text_of(client) == "Hello"  # a connection is open, and would be shared

        def work() -> None:
            assert text_of(client) == "Hello"

        assert in_a_fork(work) == 0
        assert text_of(client) == "Hello"
        assert (server.posts, server.connections) == (3, 2)


def test_streams_work_in_a_forked_child():
    with (
        RawServer([EVENT_STREAM, End.HOLD]) as server,
        client_of(server, first_event_timeout=0.2) as client,
    ):

        def work() -> None:
            with pytest.raises(NanoGPTError, match="no first event"):
                list(client.stream_chat("hi", model="m"))

        work()  # starts the watchdog's thread
        assert in_a_fork(work) == 0


IN_A_NEW_PROCESS = """
import pickle, sys
client = pickle.loads(sys.stdin.buffer.read())
answer = client.chat("hi", model="m")
client.close()
print(answer.text, len(client.ledger))
"""


def test_a_pickled_client_works_in_a_new_process():
    with RawServer(ANSWER) as server, client_of(server, pickle_api_key=True) as client:
        assert text_of(client) == "Hello"
        done = run_python(IN_A_NEW_PROCESS, pickle.dumps(client))
    assert done.split() == ["Hello", "1"]  # the history stays where it was made


def test_another_event_loop_than_asyncios_is_refused_by_name():
    async def ask() -> None:
        async with AsyncNanoGPTClient("sk-test") as client:
            await client.chat("hi", model="m")

    with pytest.raises(ConfigurationError, match="needs asyncio; with trio"):
        ask().send(None)  # as trio does


WITHOUT_FORKS = """
import os
del os.fork, os.register_at_fork
import importlib, pkgutil, nanogpt_client
for module in pkgutil.walk_packages(nanogpt_client.__path__, "nanogpt_client."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def test_everything_is_imported_where_processes_cannot_fork():
    run_python(WITHOUT_FORKS)  # as on Windows


def run_python(code: str, given: bytes = b"") -> str:
    """Run code in a fresh interpreter where warnings are errors and nothing may be left open."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT, input=given, capture_output=True, check=False, timeout=50,
    )  # fmt: skip
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode()


CARELESS = """
import asyncio
from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient
from tests.support.rawserver import RawServer
from tests.unit.nanogpt_client.clients.test_lifetime import ANSWER
from tests.unit.nanogpt_client.clients.test_lifetime import STREAM

with RawServer(ANSWER, STREAM, STREAM, ANSWER, ANSWER, STREAM) as server:
    client = NanoGPTClient("key", base_url=server.base_url)
    client.chat("hi", model="m")
    for chunk in client.stream_chat("hi", model="m"):
        break
    stream = client.stream_chat("hi", model="m")
    next(stream)
    del client, stream

    async def main():
        client = AsyncNanoGPTClient("key", base_url=server.base_url)
        await client.chat("hi", model="m")
        return client

    client = asyncio.run(main())
    asyncio.run(client.chat("hi", model="m"))

    async def leave():
        async for chunk in client.stream_chat("hi", model="m"):
            break

    asyncio.run(leave())
    print(server.posts)
"""


def test_nothing_is_left_open_by_users_who_close_nothing():
    assert run_python(CARELESS).strip() == "6"


# Copies


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("used", [False, True])
def test_a_copy_shares_the_accounting_and_not_the_sockets(again, used):
    with RawServer(ANSWER) as server:
        client = client_of(server, budget=Budget(usd=9))
        if used:
            text_of(client)
        other = again(client)
        client.close()
        assert text_of(other) == "Hello"
        assert other.ledger is client.ledger
        assert other.budget is client.budget
        other.close()


@pytest.mark.parametrize("used", [False, True])
def test_a_pickled_client_keeps_settings_and_ledger(used):
    with RawServer(ANSWER) as server:
        settings: dict[str, Any] = {"max_retries": 7, "default_headers": {"a": "b"}}
        client = client_of(server, budget=Budget(usd=9), pickle_api_key=True, **settings)
        if used:
            text_of(client)
        other = pickle.loads(pickle.dumps(client))
        assert other.config == client.config
        assert other.budget is not None
        assert client.budget is not None
        assert other.budget.spent == client.budget.spent == client.ledger.spent
        assert len(other.ledger) == 0  # the history stays where it was made
        assert text_of(other) == "Hello"
        assert len(other.ledger) == 1
        client.close()
        other.close()


@pytest.mark.parametrize(
    ("again", "calls"), [(copy.deepcopy, 2), (lambda c: pickle.loads(pickle.dumps(c)), 1)]
)
def test_async_clients_are_copied_too(again, calls):
    with RawServer(ANSWER) as server:
        client = async_client_of(server, pickle_api_key=True)
        asyncio.run(client.chat("hi", model="m"))
        other = again(client)
        assert asyncio.run(other.chat("hi", model="m")).text == "Hello"
        assert len(other.ledger) == calls  # a copy shares the ledger, a pickle has none of it


def test_sharing_gives_the_other_kind_of_client_with_the_same_accounting():
    with RawServer(ANSWER) as server, client_of(server, budget=Budget(max_calls=2)) as client:
        twin = AsyncNanoGPTClient.sharing(client)
        text_of(client)
        asyncio.run(twin.chat("hi", model="m"))
        assert twin.ledger is client.ledger
        with pytest.raises(NanoGPTError, match="budget of 2 calls"):
            text_of(client)
        assert server.posts == 2


def test_a_ledger_may_be_shared_even_when_it_is_empty():
    ledger = Ledger()
    assert NanoGPTClient(KEY, ledger=ledger).ledger is ledger


# Injected clients


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_injected_client_is_used_and_left_open(library):
    http = importlib.import_module(library).Client(headers={"x-mine": "1"})
    with RawServer(ANSWER, STREAM) as server:
        with client_of(server, http_client=http) as client:
            assert text_of(client) == "Hello"
            assert next(client.stream_chat("hi", model="m")).text == "Hello"
        assert not http.is_closed
        assert server.requests[0].headers["x-mine"] == "1"
    http.close()


@pytest.mark.parametrize("library", LIBRARIES)
async def test_an_injected_async_client_is_used_and_left_open(library):
    http = importlib.import_module(library).AsyncClient()
    with RawServer(ANSWER, STREAM) as server:
        async with async_client_of(server, http_client=http) as client:
            assert (await client.chat("hi", model="m")).text == "Hello"
            chunks = [chunk async for chunk in client.stream_chat("hi", model="m")]
            assert chunks[0].text == "Hello"
        assert not http.is_closed
        assert server.posts == 2
    await http.aclose()


@pytest.mark.parametrize("library", LIBRARIES)
def test_failures_of_an_injected_client_are_distinguished(library):
    module = importlib.import_module(library)
    with module.Client() as http:
        settings: dict[str, Any] = {"http_client": http, "max_retries": 0, "timeout": 0.2}
        with RawServer([End.HOLD]) as server, pytest.raises(APITimeoutError):
            text_of(client_of(server, **settings))
        with pytest.raises(APIConnectionError):
            text_of(NanoGPTClient(KEY, base_url="http://127.0.0.1:1", **settings))
        stalled = {"http_client": http, "stream_idle_timeout": 0.2}
        script: Script = [EVENT_STREAM, chunked(sse(frame("a"))), End.HOLD]
        with RawServer(script) as server, pytest.raises(NanoGPTError, match=r"no event for 0\.2"):
            list(client_of(server, **stalled).stream_chat("hi", model="m"))


class Subclassed(httpx.Client):
    """A caller's own kind of client."""


def test_a_subclass_of_the_librarys_client_is_one():
    with Subclassed() as http, RawServer([End.HOLD]) as server, pytest.raises(APITimeoutError):
        text_of(client_of(server, http_client=http, timeout=0.2))


def test_in_process_transports_have_no_socket_to_watch():
    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200,
            headers={"content-type": "text/event-stream"},
            content=sse(frame("a", finish="stop"), DONE),
        )

    with httpx.Client(transport=httpx.MockTransport(handle)) as http:
        chunks = list(NanoGPTClient(KEY, http_client=http).stream_chat("hi", model="m"))
    assert chunks[0].text == "a"


# What cannot be sent


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
@pytest.mark.parametrize(
    "headers", [{"x-title": "Café"}, {"x-ti tle": "a"}, {"x-title": "a\r\nx-evil: 1"}]
)
def test_headers_that_http_cannot_carry_are_refused_before_sending(shell: Shell, headers):
    with RawServer(ANSWER) as server:
        with pytest.raises(InvalidArgumentError, match="header"):
            shell.use({"base_url": server.base_url}, "chat", "hi", model="m", extra_headers=headers)
        with pytest.raises(ConfigurationError, match="header"):
            shell.use(
                {"base_url": server.base_url, "default_headers": headers}, "chat", "hi", model="m"
            )
        assert server.posts == 0


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
@pytest.mark.parametrize("url", ["http://a b/", "http://\u2488.com/", f"http://{'a' * 300}.com/"])
def test_urls_that_no_library_takes_are_errors_of_ours(shell: Shell, url):
    with pytest.raises(NanoGPTError):
        shell.use({"max_retries": 0}, "download", url)


# Downloads and the key


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_the_key_never_follows_a_redirect_to_another_host(shell: Shell):
    with RawServer([http_reply(b"data", headers={"content-type": "image/png"})]) as cdn:
        target = cdn.base_url.replace("/api/v1", "/x.png")
        with RawServer([http_reply(status=302, headers={"location": target})]) as server:
            settings = {
                "base_url": server.base_url, "allow_private_downloads": True,
                "default_headers": {"x-secret": KEY},
            }  # fmt: skip
            data, _ = shell.use(settings, "download", "/api/x.png")
            assert server.requests[0].headers["x-api-key"] == KEY
    assert data == b"data"
    assert KEY not in str(cdn.requests[0])


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_a_call_is_never_redirected(shell: Shell):
    with RawServer(ANSWER) as other:
        moved = http_reply(status=307, headers={"location": other.base_url})
        with RawServer([moved]) as server:
            for act in ("chat", "stream_chat"):
                with pytest.raises(NanoGPTError, match="307"):
                    shell.use({"base_url": server.base_url}, act, "hi", model="m")
        assert other.requests == []


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_downloads_from_inside_the_network_are_refused(shell: Shell, host: str):
    with RawServer(ANSWER) as inside:
        port = inside.server_address[1]
        with pytest.raises(NanoGPTError, match="private network"):
            shell.use({}, "download", f"http://{host}:{port}/x.png")
        assert inside.requests == []


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_a_host_that_nobody_knows_is_refused(shell: Shell, monkeypatch):
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DownloadError, match=r"nowhere\.invalid cannot be resolved; nothing was"):
        shell.use({}, "download", "http://nowhere.invalid/x.png")


# The key stays inside

UUID_KEY = "0123abcd-4567-89ab-cdef-0123456789ab"


def test_the_key_is_in_no_repr():
    client = NanoGPTClient(KEY, default_headers={"x-secret": KEY})
    other = AsyncNanoGPTClient(KEY)
    for value in (client, other, client.config, client.ledger, vars(client), client._context):
        assert KEY not in f"{value} {value!r}"
    assert repr(client) == "NanoGPTClient(base_url='https://nano-gpt.com/api/v1')"


def echo(key: str) -> dict[str, Script]:
    """Answers that quote the key, which a careless server may do."""
    body = json.dumps(
        {"error": {"message": f"Bad key {key}!", "code": key, "param": key, "type": key}}
    )
    told = body.encode()
    error_frame = chunked(f"data: {body}\n\n".encode())
    quoting = {"x-your-key": key, "x-request-id": key}
    return {
        "json": [http_reply(told, status=401, headers=quoting)],
        "html": [
            http_reply(
                f"<h1>{key}</h1>".encode(), status=403, headers={"content-type": "text/html"}
            )
        ],
        "200 json": [http_reply(told)],
        "200 html": [http_reply(f"<h1>{key}</h1>".encode(), headers={"content-type": "text/html"})],
        "frame": [EVENT_STREAM, error_frame, LAST_CHUNK],
        "no frame": [EVENT_STREAM, chunked(f"data: {key}\n\n".encode()), LAST_CHUNK],
    }


@pytest.mark.parametrize("key", [KEY, UUID_KEY], ids=["sk", "uuid"])
@pytest.mark.parametrize("case", echo(""))
def test_an_error_never_quotes_the_key(key, case):
    with RawServer(echo(key)[case]) as server:
        with (
            NanoGPTClient(key, base_url=server.base_url) as client,
            pytest.raises(NanoGPTError) as caught,
        ):
            list(client.stream_chat("hi", model="m"))
    error = caught.value
    shown = [str(error), repr(error), str(vars(error)), str(client.ledger.rows())]
    shown += traceback.format_exception(error)
    if error.response is not None:
        shown += [error.response.text, str(error.response.headers), repr(error.response)]
    assert not [text for text in shown if key in text]
    assert key.encode() not in pickle.dumps(error)


def test_a_lost_call_does_not_show_the_key():
    with (
        RawServer([End.RESET]) as server,
        client_of(server) as client,
        pytest.raises(NanoGPTError) as caught,
    ):
        text_of(client)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert KEY.encode() not in pickle.dumps(caught.value)
