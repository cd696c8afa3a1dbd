"""How far a request has come: what the HTTP library tells of it on its way (`trace`)."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping
from typing import Any

from nanogpt_client._transport.http_internals import stream_of
from nanogpt_client._transport.pool import PooledClient
from nanogpt_client._transport.stall_timer import Deadline
from nanogpt_client._transport.tcp import TCPState, errno_of, tcp_state

__all__ = ["BlockingSendProgress", "Timeouts", "SendProgress", "socket_of"]


class SendProgress:
    """Follows one request; ``unsent`` once nothing of it can have been read by anybody."""

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
        """Whether it provably never reached the server: not begun, or closed before it came."""
        return (self._traced and not self._writing) or (self._closed_before and not self._reset)

    def opened(self, stream: Any) -> None:
        """Note a new connection."""
        self._pooled.stream = stream

    def about_to_send(self) -> None:
        """Note that the connection in use is known."""

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take a trace event: its name, and what belongs to it."""
        if not self._traced:
            self._traced = True
            if self._begin is not None:
                self._begin()
        protocol, _, what = event.partition(".")
        step, _, stage = what.partition(".")
        if step in {"connect_tcp", "connect_unix_socket", "start_tls"}:
            if stage == "complete":
                if step != "start_tls":  # which goes on with the same socket
                    self._pooled.close()  # of another way, such as a proxy's; one is looked after
                self.opened(info["return_value"])
        elif step == "send_request_headers" and stage == "started":
            self._start(protocol, info)
        elif self._before is not None and (step, stage) in _CHECKED_AT:
            self._look(info.get("exception"))

    async def note_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Take a trace event of an async client."""
        self.note(event, info)

    def _start(self, protocol: str, info: Mapping[str, Any]) -> None:
        if info["request"].method == b"CONNECT":
            return  # to a proxy, of which NanoGPT learns nothing
        self._writing = True
        self._pooled.shared = protocol == "http2"
        if self._pooled.stream is None:
            self._pooled.stream = stream_of(self._pooled.client, info["request"])
        self.about_to_send()
        if not self._pooled.shared:
            self._before = tcp_state(socket_of(self._pooled.stream))

    def _look(self, error: BaseException | None) -> None:
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


_CHECKED_AT = {
    ("send_request_headers", "failed"),
    ("send_request_body", "started"),
    ("send_request_body", "failed"),
    ("receive_response_headers", "failed"),
}


class BlockingSendProgress(SendProgress):
    """The same where calls block: puts the connection under deadline."""

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
    """The timeouts of a blocking request; the library asks for the one for reading at each read.

    On a connection that carries several streams (HTTP/2), a read that times out would end all of
    them. There, it waits as long as the most patient stream does, and a stream whose own time is up
    ends alone, at the next bytes for any.
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
        """Allow so many seconds from now on."""
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
    """Return the socket under a network stream, ``None`` where there is none (in-process)."""
    return None if stream is None else stream.get_extra_info("socket")
