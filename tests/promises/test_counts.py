"""What a stream costs, counted instead of timed: parses, validations, requests, calls, memory."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from cProfile import Profile
from itertools import product

import httpx
import pytest
from llama_index.core.llms import ChatMessage
from pydantic_core import from_json

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT
from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient
from tests.benchmarks import replies
from tests.support.paths import ROOT

pytestmark = pytest.mark.timeout(300)  # counting every call slows them all down

KEY = "sk-test-of-counts"
KINDS = ["text", "reasoning", "tools"]
FRAMES_BESIDE = 3  # the role at the beginning, the finish reason and the usage at the end


class Answer(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A stream's bytes in pieces as they come from a socket."""

    def __init__(self, body: bytes, piece: int = 4096) -> None:
        self._pieces = [body[at : at + piece] for at in range(0, len(body), piece)]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Server:
    """Answers every request with the same stream, and counts them."""

    def __init__(self, kind: str, count: int) -> None:
        self.body = replies.stream(kind, count)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        head = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=head, stream=Answer(self.body))

    @property
    def blocking(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self))

    @property
    def asynchronous(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self))


def core(server: Server) -> int:
    with server.blocking as http:
        client = NanoGPTClient(KEY, http_client=http)
        return sum(1 for _ in client.stream_chat("hi", model="m"))


def core_async(server: Server) -> int:
    async def read() -> int:
        async with server.asynchronous as http:
            client = AsyncNanoGPTClient(KEY, http_client=http)
            return sum([1 async for _ in client.stream_chat("hi", model="m")])

    return asyncio.run(read())


def langchain(server: Server) -> int:
    with server.blocking as http:
        return sum(1 for _ in ChatNanoGPT(model="m", api_key=KEY, http_client=http).stream("hi"))


def langchain_async(server: Server) -> int:
    async def read() -> int:
        async with server.asynchronous as http:
            model = ChatNanoGPT(model="m", api_key=KEY, http_async_client=http)
            return sum([1 async for _ in model.astream("hi")])

    return asyncio.run(read())


def llama_index(server: Server) -> int:
    with server.blocking as http:
        llm = NanoGPT(model="m", api_key=KEY, http_client=http)
        return sum(1 for _ in llm.stream_chat([ChatMessage("hi")]))


def llama_index_async(server: Server) -> int:
    async def read() -> int:
        async with server.asynchronous as http:
            llm = NanoGPT(model="m", api_key=KEY, http_async_client=http)
            return sum([1 async for _ in await llm.astream_chat([ChatMessage("hi")])])

    return asyncio.run(read())


READERS = [core, core_async, langchain, langchain_async, llama_index, llama_index_async]
Reader = Callable[[Server], int]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("read", READERS)
def test_each_event_is_parsed_once_and_asked_for_once(read: Reader, kind, monkeypatch):
    parsed: Counter[bytes] = Counter()

    def parse(data: bytes) -> object:
        parsed[data] += 1
        return from_json(data)

    monkeypatch.setattr("nanogpt_client.types._coerce.from_json", parse)
    server = Server(kind, 200)
    chunks = read(server)
    assert chunks >= 200
    assert sum(parsed.values()) == 200 + FRAMES_BESIDE
    assert [request.method for request in server.requests] == ["POST"]


def calls_of(read: Reader, kind: str, count: int) -> Counter[str]:
    """Count the calls of functions, those of C under the file that makes them."""
    server = Server(kind, count)
    read(Server(kind, 20))  # whatever is loaded or made once
    with Profile(builtins=True) as profile:
        read(server)
    calls: Counter[str] = Counter()
    for entry in profile.getstats():
        if not isinstance(entry.code, str):  # those of C are found at their callers
            inner = sum(each.callcount for each in entry.calls or () if isinstance(each.code, str))
            calls[entry.code.co_filename] += entry.callcount + inner
    return calls


@pytest.mark.parametrize(
    ("read", "kind"),
    [*product([core, langchain, llama_index], KINDS), *product(READERS[1::2], ["text"])],
)
def test_a_long_stream_costs_no_more_per_chunk(read: Reader, kind):
    short, long = (sum(calls_of(read, kind, n).values()) / n for n in (200, 5000))
    assert long <= 1.2 * short


@pytest.mark.parametrize(
    ("read", "own"),
    [
        (langchain, 8),  # LangChain sets two fields of each chunk
        (langchain_async, 8),
        (llama_index, 2),  # LlamaIndex makes an event of each item
        (llama_index_async, 2),
    ],
)
@pytest.mark.parametrize("kind", ["text", "reasoning", "tools"])
def test_chunks_are_not_validated(read: Reader, own, kind):
    """Of pydantic, only what the frameworks call themselves is called for a chunk."""
    few, many = (calls_of(read, kind, count) for count in (200, 700))
    assert sum(many[file] - few[file] for file in many if "pydantic" in file) / 500 < own + 1


def test_a_stream_of_10_mb_holds_little_more_than_its_text():
    # In a process that nothing traces: where coverage looks on, Python copies what it lengthens.
    code = "from tests.promises.long_stream import held; print(held())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={},
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) <= 14_000_000
