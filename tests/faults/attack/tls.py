"""TLS that drips or stalls: a server that sends its handshake, or its answer, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient, NanoGPTError

SECONDS, LIMIT = 1.0, 5.0
# The head of a handshake record of 16 kB, of which the body comes a byte at a time.
_RECORD = bytes((22, 3, 3, 0x3F, 0xFF))


class _Dripping:
    """Accepts, and sends the beginning of a handshake, slower and slower."""

    def __enter__(self) -> str:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}/api/v1"

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(_RECORD)
                while not self._stopping.wait(0.1):
                    connection.sendall(b"\x02")
            except OSError:
                pass


def _blocking(base_url: str) -> None:
    with NanoGPTClient("any", base_url=base_url, timeout=SECONDS, max_retries=0) as client:
        client.chat("hi", model="m")


async def _asynchronous(base_url: str) -> None:
    settings: dict[str, Any] = {"base_url": base_url, "timeout": SECONDS, "max_retries": 0}
    async with AsyncNanoGPTClient("any", **settings) as client:
        await client.chat("hi", model="m")


def _seconds(call: Callable[[str], Any]) -> tuple[float, bool]:
    with _Dripping() as base_url:
        started = time.monotonic()
        try:
            call(base_url)
        except NanoGPTError as error:
            return time.monotonic() - started, error.maybe_billed
        return LIMIT, True


def table() -> dict[str, Any]:
    """Return the row: how long a call of one second takes, and whether it may have been billed."""
    runs = [_seconds(_blocking), _seconds(lambda url: asyncio.run(_asynchronous(url)))]
    (sync, billed), (later, billed_later) = runs
    return {
        "holds": max(sync, later) < LIMIT and not (billed or billed_later),
        "said": f"blocking {sync:.1f} s, async {later:.1f} s, never sent",
    }
