"""The transport over stdin and stdout, which an MCP client speaks with a server that it starts."""

from __future__ import annotations

import asyncio
import os
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from anyio import BrokenResourceError, ClosedResourceError
from mcp.server.stdio import stdio_server

__all__ = ["serve_stdio"]

_CHUNK = 65_536
_GONE = (BrokenPipeError, ConnectionResetError, BrokenResourceError, ClosedResourceError)


async def serve_stdio(server: Any) -> None:
    """Serve one client until it closes its end, or until this task is cancelled.

    Meanwhile stdout carries the protocol alone: whatever else is written to it goes to stderr.
    """
    with _own_stdout() as stdout:
        lines: Any = _lines(sys.stdin.fileno())
        writer = _Writer(stdout)
        streams: Any = {"stdin": lines, "stdout": writer}
        try:
            async with stdio_server(**streams) as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())
        except* _GONE:
            pass  # the client is gone, or Ctrl-C came while a message did
        finally:
            writer.close()


@contextmanager
def _own_stdout() -> Iterator[int]:
    """Yield a descriptor of stdout; the usual one leads to stderr meanwhile."""
    sys.stdout.flush()
    usual = sys.stdout.fileno()
    stdout = os.dup(usual)
    os.dup2(sys.stderr.fileno(), usual)
    try:
        yield stdout
    finally:
        sys.stdout.flush()
        os.dup2(stdout, usual)  # and `stdout` stays open: a thread may still write to it


# Python waits for its pools' threads at exit, even for one that reads from a terminal. So these two
# have daemon threads of their own, which hold no lock while they read or write.


async def _lines(stdin: int) -> AsyncIterator[str]:
    """Yield the lines of stdin."""
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    deliver = _threadsafe(chunks.put_nowait)

    def read() -> None:
        chunk = b"more"
        while chunk:
            try:
                chunk = os.read(stdin, _CHUNK)
            except OSError:
                chunk = b""
            deliver(chunk)

    threading.Thread(target=read, name="nanogpt-mcp-stdin", daemon=True).start()
    rest = b""
    while chunk := await chunks.get():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")


class _Writer:
    """Writes messages to stdout, each when it is flushed."""

    def __init__(self, stdout: int) -> None:
        self._stdout = stdout
        self._text: list[str] = []
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="nanogpt-mcp-stdout", daemon=True).start()

    async def write(self, text: str) -> None:
        """Add to the message."""
        self._text.append(text)

    async def flush(self) -> None:
        """Write the message."""
        data, self._text = "".join(self._text).encode(), []
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        deliver = _threadsafe(lambda error: _finish(written, error))

        def write() -> None:
            try:
                _write_all(self._stdout, data)
            except OSError as error:
                deliver(error)
            else:
                deliver(None)

        self._work.put(write)
        await written

    def close(self) -> None:
        """End the thread, once it has written what it still has."""
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _finish(future: asyncio.Future[None], error: OSError | None) -> None:
    if future.done():  # cancelled
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _threadsafe(function: Callable[[Any], object]) -> Callable[[Any], None]:
    """Return a function for other threads; it does nothing once this event loop is closed."""
    loop = asyncio.get_running_loop()

    def call(value: Any) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(function, value)

    return call
