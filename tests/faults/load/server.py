"""A server that counts: 25 requests a second at most, slow answers, thousands of connections.

It can also close idle connections, be far away, and fail: for `tests.faults.attack`.

A process of its own, so that its descriptors and its time are not those of the client measured.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import subprocess
import sys
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Self

_CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
_WHOLE = json.dumps({
    "id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": _USAGE,
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
    ],
}).encode()  # fmt: skip
_VECTOR = json.dumps({
    "object": "list", "model": "m", "usage": _USAGE,
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5] * 8}],
}).encode()  # fmt: skip
_BUSY = json.dumps(
    {"error": {"message": "Try again", "code": "service_unavailable", "type": "server_error"}}
).encode()
_REFUSED = json.dumps(
    {"error": {"message": "Rate limit exceeded", "code": "rate_limit_exceeded", "type": "rate"}}
).encode()


@dataclass
class Counts:
    """What has arrived; ``doubles`` are requests that had come before and were not refused."""

    posts: int = 0
    doubles: int = 0
    refused: int = 0
    answered: int = 0
    connections: int = 0


class LoadServer:
    """The server, in a process of its own, while used as a context manager.

    Args:
        per_second: requests that are taken in any second; 0 for no limit.
        seconds: how long an answer takes; a stream takes it for each of its chunks.
        chunks: how many chunks a stream has.
        idle: seconds, from and to, after which an idle connection is closed.
        delay: seconds that each byte takes on its way, in either direction.
        faults: share of the requests that meet a 503, a reset or a cut answer.
    """

    def __init__(self, **settings: Any) -> None:
        self._settings = settings

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.load.server", json.dumps(self._settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout
        port = int(self._process.stdout.readline())
        self.base_url = f"http://127.0.0.1:{port}/api/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("", timeout=10)

    def counts(self) -> Counts:
        """Return what has arrived so far."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("?\n")
        self._process.stdin.flush()
        return Counts(**json.loads(self._process.stdout.readline()))


_FAULTS = ("busy", "reset", "cut")


class _Server:
    def __init__(
        self,
        per_second: int = 0,
        seconds: float = 0.05,
        chunks: int = 5,
        idle: tuple[float, float] | None = None,
        delay: float = 0.0,
        faults: float = 0.0,
    ) -> None:
        self.counts = Counts()
        self.delay = delay
        self._per_second, self._seconds, self._chunks = per_second, seconds, chunks
        self._idle, self._faults = idle, faults
        self._taken: deque[float] = deque()
        self._seen: set[int] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts.connections += 1
        patience: float | None = None
        try:
            while True:
                async with asyncio.timeout(patience):
                    head = (await reader.readuntil(b"\r\n\r\n")).lower()
                patience = None if self._idle is None else random.uniform(*self._idle)
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
                body = await reader.readexactly(length)
                await self._answer(writer, head, body)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
        self.counts.posts += 1
        self.counts.doubles += hash(body) in self._seen
        fault = random.choice(_FAULTS) if random.random() < self._faults else None
        if fault == "busy":
            writer.write(_whole(503, _BUSY))
            await writer.drain()
            return
        self._seen.add(hash(body))
        if fault is not None:
            writer.write(_whole(200, _WHOLE)[: 300 if fault == "cut" else 0])
            raise ConnectionError
        if not self._takes():
            self.counts.refused += 1
            self._seen.discard(hash(body))
            writer.write(_whole(429, _REFUSED, b"Retry-After: 1\r\n"))
        elif b'"stream":true' in body.replace(b" ", b""):
            await self._stream(writer)
        else:
            await asyncio.sleep(self._seconds)
            writer.write(_whole(200, _VECTOR if b"/embeddings " in head else _WHOLE))
            self.counts.answered += 1
        await writer.drain()

    def _takes(self) -> bool:
        now = asyncio.get_running_loop().time()
        while self._taken and self._taken[0] <= now - 1:
            self._taken.popleft()
        if self._per_second and len(self._taken) >= self._per_second:
            return False
        self._taken.append(now)
        return True

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for at in range(self._chunks):
            await asyncio.sleep(self._seconds)
            _frame(writer, {"delta": {"content": f"{at} "}, "finish_reason": None})
        _frame(writer, {"delta": {}, "finish_reason": "stop"}, usage=_USAGE)
        writer.write(_chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        self.counts.answered += 1


def _whole(status: int, body: bytes, more: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n".encode() + more + b"\r\n" + body


def _chunked(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _frame(writer: asyncio.StreamWriter, choice: dict[str, object], **fields: object) -> None:
    frame = {**_CHUNK, "choices": [{"index": 0, **choice}], **fields}
    writer.write(_chunked(f"data: {json.dumps(frame)}\n\n".encode()))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Hand on what comes, each byte so much later."""
    loop = asyncio.get_running_loop()
    on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        data = b"-"
        while data:
            try:
                data = await reader.read(1 << 16)
            except ConnectionError:
                data = b""
            on_its_way.put_nowait((loop.time() + delay, data))

    reading = asyncio.create_task(read())
    while True:
        at, data = await on_its_way.get()
        await asyncio.sleep(at - loop.time())
        if not data:
            writer.close()
            break
        writer.write(data)
    await reading


async def _far_away(port: int, delay: float) -> asyncio.Server:
    """Listen in another place, from where it is ``delay`` seconds to the server."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        their_reader, their_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            _carry(reader, their_writer, delay), _carry(their_reader, writer, delay)
        )

    return await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)


async def _main(settings: dict[str, Any]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = _Server(**settings)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=4096)
    if server.delay:
        listening_there = listening
        listening = await _far_away(listening_there.sockets[0].getsockname()[1], server.delay)
    print(listening.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - what it is asked for
    asked = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(asked), sys.stdin
    )
    while await asked.readline():
        print(json.dumps(asdict(server.counts)), flush=True)  # noqa: T201 - what it is asked for


if __name__ == "__main__":
    asyncio.run(_main(json.loads(sys.argv[1])))
