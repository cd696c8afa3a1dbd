"""A bare HTTP server on loopback with prepared answers, in a process of its own.

It only finds the end of a request and writes bytes, so that what is measured is the client. The
first part of a path says which answer is wanted: ``/text-200/v1/chat/completions`` is a stream of
200 pieces of text, ``/chat/v1/…`` a whole answer, ``/vectors-2048/v1/…`` are embeddings.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing.connection import Connection

from tests.benchmarks import replies


@cache
def response(path: str, encoding: str) -> bytes:
    """Return the whole response, head and body."""
    kind, _, count = path.split("/")[1].partition("-")
    if kind == "chat":
        body, content_type = replies.completion(), b"application/json"
    elif kind == "vectors":
        body, content_type = replies.vectors(encoding, int(count)), b"application/json"
    else:
        body, content_type = replies.stream(kind, int(count)), b"text/event-stream"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
    return head % (content_type, len(body)) + body


class Server(asyncio.Protocol):
    """One connection; requests on it follow each other."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(body) < int(length or 0):
            return
        self._received = b""
        path = head.split(b" ", 2)[1].decode()
        encoding = "float" if b'"float"' in body[-4096:] else "base64"
        self._transport.write(response(path, encoding))


def _serve(told: Connection) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


@contextmanager
def serving() -> Iterator[str]:
    """Run the server; give its address, such as ``http://127.0.0.1:8123``."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
