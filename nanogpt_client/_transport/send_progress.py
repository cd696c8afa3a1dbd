"""How far a request has got, from the HTTP library's trace events and the kernel's TCP state.

A request that provably never reached the server may be sent again. The end of a connection (FIN)
acknowledges bytes: where the server closed it before it had received any of the request, its
program cannot have read any. A reset proves nothing; a server that has read the request and then
crashed sends one, too. Only Linux reports this; elsewhere the outcome stays unknown.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from nanogpt_client._transport.pool import PooledClient, network_stream_of
from nanogpt_client._transport.stall_timer import Deadline

__all__ = ["BlockingSendProgress", "SendProgress", "TCPState", "Timeouts", "errno_of", "socket_of"]

# ``struct tcp_info`` of <linux/tcp.h>: the state is its first byte, ``tcpi_bytes_acked`` a 64-bit
# number at byte 120.
_SIZE, _ACKED = 128, struct.Struct("=Q")
_CLOSED, _CLOSE_WAIT, _LAST_ACK = 7, 8, 9
_OPTION = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None

# The trace events after which the connection is looked at again.
_CHECKED_AT = {
    ("send_request_headers", "failed"),
    ("send_request_body", "started"),
    ("send_request_body", "failed"),
    ("receive_response_headers", "failed"),
}


@cache
def _parts(event: str) -> tuple[str, str, str]:
    """Return protocol, step and stage of a trace event."""
    protocol, _, what = event.partition(".")
    step, _, stage = what.partition(".")
    return protocol, step, stage


class TCPState(NamedTuple):
    """``acked``: bytes that the server has received; ``ended``: it has closed the connection."""

    acked: int
    ended: bool
    reset: bool


class SendProgress:
    """Follows one request through the trace events of the HTTP library.

    Args:
        begin: called at the first event, when a client of the caller's has a connection for it.
    """

    def __init__(self, pooled: PooledClient[Any], begin: Callable[[], None] | None = None) -> None:
        self._pooled = pooled
        self._begin = begin
        self._traced = False
        self._writing = False
        self._before: TCPState | None = None
        self._closed_before = False
        self._reset = False

    @property
    def unsent(self) -> bool:
        """Whether the request provably never reached the server."""
        return (self._traced and not self._writing) or (self._closed_before and not self._reset)

    def opened(self, stream: Any) -> None:
        """Note a new connection."""
        self._pooled.stream = stream

    def about_to_send(self) -> None:
        """Note that the connection is chosen and the request is about to be written."""

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Receive a trace event, such as ``http11.send_request_headers.started``."""
        if not self._traced:
            self._traced = True
            if self._begin is not None:
                self._begin()
        protocol, step, stage = _parts(event)
        if step in {"connect_tcp", "connect_unix_socket", "start_tls"}:
            if stage == "complete":
                if step != "start_tls":  # TLS goes on with the same socket
                    self._pooled.close()  # an earlier connection, such as one to a proxy
                self.opened(info["return_value"])
        elif step == "send_request_headers" and stage == "started":
            self._start(protocol, info)
        elif self._before is not None and (step, stage) in _CHECKED_AT:
            self._check(info.get("exception"))

    async def note_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Receive a trace event of an async client."""
        self.note(event, info)

    def _start(self, protocol: str, info: Mapping[str, Any]) -> None:
        if info["request"].method == b"CONNECT":
            return  # for a proxy; nothing of it reaches NanoGPT
        self._writing = True
        self._pooled.shared = protocol == "http2"
        if self._pooled.stream is None:
            self._pooled.stream = network_stream_of(self._pooled.client, info["request"])
        self.about_to_send()
        if not self._pooled.shared:
            self._before = tcp_state(socket_of(self._pooled.stream))

    def _check(self, error: BaseException | None) -> None:
        if error is not None and errno.ECONNRESET in errno_of(error):
            self._reset = True
        now = tcp_state(socket_of(self._pooled.stream))
        if now is None or self._before is None:
            return
        self._reset = self._reset or now.reset
        if now.acked != self._before.acked:
            self._closed_before = False
        elif now.ended:
            self._closed_before = True


class BlockingSendProgress(SendProgress):
    """The same for blocking calls; attaches the call's deadline to the socket in use."""

    def __init__(
        self,
        pooled: PooledClient[Any],
        deadline: Deadline,
        timeouts: Timeouts,
        begin: Callable[[], None] | None,
    ) -> None:
        super().__init__(pooled, begin)
        self._deadline = deadline
        self._timeouts = timeouts
        deadline.socket = socket_of(pooled.stream)

    def opened(self, stream: Any) -> None:
        super().opened(stream)
        self._attach(socket_of(stream))

    def about_to_send(self) -> None:
        self._timeouts.shared = self._pooled.shared
        self._attach(None if self._pooled.shared else socket_of(self._pooled.stream))

    def _attach(self, socket: Any) -> None:
        self._deadline.socket = socket
        if self._deadline.fired:
            raise TimeoutError


class Timeouts(dict[str, float | None]):
    """The timeouts of a blocking request; the HTTP library asks for ``read`` at each read.

    On a connection that several streams share (HTTP/2), a read that times out would end all of
    them. So a read waits as long as the most patient of its streams, and a stream whose own time
    is up ends alone, when the next bytes arrive for any of them.
    """

    def __init__(self, connect: float, seconds: float | None, others: dict[int, Timeouts]) -> None:
        super().__init__(connect=connect, read=seconds, write=seconds, pool=None)
        self.shared = False
        self._others = others
        self._until: float | None = None
        self.limit(seconds)
        others[id(self)] = self

    def forget(self) -> None:
        """Let the other streams no longer wait for this one."""
        self._others.pop(id(self), None)

    def limit(self, seconds: float | None) -> None:
        """Allow this many seconds from now on."""
        self._until = None if seconds is None else time.monotonic() + seconds

    def get(self, name: str, default: Any = None) -> Any:
        return self._left() if name == "read" else super().get(name, default)

    def _left(self) -> float | None:
        if self._until is None:
            return None
        now = time.monotonic()
        if self._until <= now:
            raise TimeoutError
        if not self.shared:
            return self._until - now
        ends = [other._until for other in tuple(self._others.values()) if other.shared]  # noqa: SLF001 - the same class
        return None if None in ends else max(end for end in ends if end is not None) - now


def socket_of(stream: Any) -> Any:
    """Return the socket of a network stream; ``None`` for in-process transports."""
    return None if stream is None else stream.get_extra_info("socket")


def tcp_state(connection: Any) -> TCPState | None:
    """Return the state of a socket's connection; ``None`` where the system does not report it."""
    if _OPTION is None or connection is None:
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, _OPTION, _SIZE)
        if len(info) < _SIZE:
            return None
        state, error = info[0], 0
        if state == _CLOSED:
            # A reset after the end is reported as EPIPE, one without as ECONNRESET.
            error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    except (OSError, ValueError, AttributeError):  # closed meanwhile, or not TCP
        return None
    ended = state in {_CLOSE_WAIT, _LAST_ACK} or error == errno.EPIPE
    return TCPState(_ACKED.unpack_from(info, 120)[0], ended, error == errno.ECONNRESET)


def errno_of(error: BaseException | None) -> set[int]:
    """Return the ``errno`` of each operating system error behind an exception."""
    found: set[int] = set()
    seen: list[BaseException | None] = [error]
    for one in seen:
        if one is None:
            continue
        if isinstance(one, OSError) and one.errno is not None:
            found.add(one.errno)
        if isinstance(one, BaseExceptionGroup):
            seen += one.exceptions
        seen += [e for e in (one.__cause__, one.__context__) if e is not None and e not in seen]
    return found
