"""A loopback HTTP server that plays exact bytes, for faults that no web framework can produce.

Each request is read whole and answered by the next script; the last script repeats. A script is
a sequence of steps: ``bytes`` are sent as they are, a number pauses for that many seconds, and
`End` says how the connection goes on. A script without an `End` keeps the connection open for
the next request, as HTTP/1.1 does. A function in its place returns the script for a request.

    busy, broken = [http_reply(status=503)], [EVENT_STREAM, chunked(b"data: 1"), End.RESET]
    with RawServer(busy, broken) as server:
        client = NanoGPTClient("any", base_url=server.base_url)
        ...
        assert server.posts == 2

Everything that arrived is kept: `requests` in order of arrival, `posts`, `connections`.
"""

from __future__ import annotations

import http.client
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any, Self


class End(Enum):
    """How a script ends, other than by waiting for the next request."""

    CLOSE = "close"  # a clean end of the connection, as a proxy does that gives up
    RESET = "reset"  # RST, as a crashed process or a cut line does
    HOLD = "hold"  # open and silent until the client goes away or the server stops


Step = bytes | int | float | End
Script = Sequence[Step]

_RST_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds
_KNOWN = frozenset(HTTPStatus)


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def http_head(status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """Return a status line and headers, blank line included."""
    phrase = HTTPStatus(status).phrase if status in _KNOWN else "Of a gateway"
    lines = [f"HTTP/1.1 {status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def http_reply(
    body: bytes = b"", *, status: int = 200, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return a whole reply, JSON unless `headers` say otherwise."""
    standard = {"content-type": "application/json", "content-length": str(len(body))}
    return http_head(status, standard | dict(headers or {})) + body


def chunked(data: bytes) -> bytes:
    """Return `data` as one chunk of a reply with ``transfer-encoding: chunked``."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


LAST_CHUNK = b"0\r\n\r\n"

# The head of a stream whose end HTTP itself marks, so that a cut shows as a broken reply ...
EVENT_STREAM = http_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
# ... and of one that ends with the connection, so that a cut looks like a clean end.
EVENT_STREAM_UNTIL_CLOSE = http_head(
    200, {"content-type": "text/event-stream", "connection": "close"}
)


class RawServer(socketserver.ThreadingTCPServer):
    """Plays `scripts` on a free port of 127.0.0.1 while used as a context manager."""

    request_queue_size = 64
    timeout = 0.5  # seconds between two looks at `stopping`, if no connection ends the wait before

    def __init__(self, *scripts: Script | Callable[[RawRequest], Script]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.requests: list[RawRequest] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._scripts = scripts
        self._open: set[socket.socket] = set()
        self._failures: list[Exception] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._serve)

    @property
    def base_url(self) -> str:
        """The base URL for a client, ending in ``/api/v1``."""
        return f"http://127.0.0.1:{self.server_address[1]}/api/v1"

    @property
    def posts(self) -> int:
        """How many POST requests arrived whole: at most these could be billed."""
        with self._lock:
            return sum(request.method == "POST" for request in self.requests)

    @property
    def open_connections(self) -> int:
        """How many connections neither side has ended."""
        with self._lock:
            return len(self._open)

    def script_for(self, request: RawRequest) -> Script:
        """Note down a request and return the script that answers it."""
        with self._lock:
            self.requests.append(request)
            script = self._scripts[min(len(self.requests), len(self._scripts)) - 1]
        return script(request) if callable(script) else script

    def opened(self, connection: socket.socket) -> None:
        """Note down a new connection, to count it and to cut it at the end."""
        with self._lock:
            self.connections += 1
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self._open.discard(connection)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, but the one that ends the wait for it."""
        connection, address = super().get_request()
        if self.stopping.is_set():
            connection.close()
            raise ConnectionAbortedError("the server stops")
        return connection, address

    def _serve(self) -> None:
        while not self.stopping.is_set():
            self.handle_request()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - a hook
        """Keep a failure of the server's own until the end of the test, which it then fails."""
        failure = sys.exception()
        if isinstance(failure, Exception):
            self._failures.append(failure)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stopping.set()
        with suppress(OSError):  # there may be no file descriptor left
            socket.create_connection(("127.0.0.1", self.server_address[1])).close()
        self._thread.join()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):  # the client may have closed it first
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()  # waits for the threads of the connections
        if self._failures:
            raise ExceptionGroup("the raw server itself failed", self._failures)


class _Connection(socketserver.StreamRequestHandler):
    """One connection: reads requests and plays their scripts until either side ends it."""

    server: RawServer

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client went away, as it may at any point
            while (request := self._read()) is not None:
                if not self._play(self.server.script_for(request)):
                    return

    def finish(self) -> None:
        self.server.closed(self.connection)
        super().finish()

    def _play(self, script: Script) -> bool:
        """Perform the steps; return whether the connection waits for another request."""
        for step in script:
            if isinstance(step, bytes):
                self.connection.sendall(step)
            elif isinstance(step, End):
                self._end(step)
                return False
            elif self.server.stopping.wait(step):
                return False
        return True

    def _end(self, end: End) -> None:
        if end is End.HOLD:
            while self.connection.recv(1 << 16):
                pass
        elif end is End.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            self.rfile.close()  # it shares the socket, which closes with its last user
            self.connection.close()

    def _read(self) -> RawRequest | None:
        """Return the next request, or None if the client closed the connection first."""
        line = self.rfile.readline()
        if not line.endswith(b"\n"):
            return None
        method, target, _version = line.decode("latin-1").split()
        parsed = http.client.parse_headers(self.rfile)
        headers = {name.lower(): value for name, value in parsed.items()}
        body = self._body(headers)
        return None if body is None else RawRequest(method, target, headers, body)

    def _body(self, headers: Mapping[str, str]) -> bytes | None:
        """Return the whole body, or None if it was cut short."""
        if headers.get("transfer-encoding") == "chunked":
            return b"".join(iter(self._chunk, b""))
        length = int(headers.get("content-length", 0))
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def _chunk(self) -> bytes:
        size = self.rfile.readline()
        if not size.endswith(b"\n"):
            raise ConnectionAbortedError("the client closed within a chunked body")
        data = self.rfile.read(int(size, 16))
        self.rfile.readline()
        return data
