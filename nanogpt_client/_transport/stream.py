"""An open stream of the HTTP library, and what its exceptions mean for what was sent."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple, TypeAlias

from nanogpt_client._protocol.steps import Chunk, Unreachable
from nanogpt_client._transport.decoding import UnreadableError, adecoded, decoded
from nanogpt_client._transport.http_internals import left_over
from nanogpt_client._transport.pool import Lease
from nanogpt_client._transport.send_progress import SendProgress, Timeouts, socket_of
from nanogpt_client._transport.stall_timer import Deadline, stall_timer
from nanogpt_client._transport.tcp import errno_of

__all__ = ["AsyncConnection", "Connection", "Errors", "is_clean", "lacks_descriptor", "unreachable"]

Classes: TypeAlias = tuple[type[Exception], ...]


class Errors(NamedTuple):
    """What an HTTP library raises: all of it where no answer comes, and which of it means what.

    ``unsent`` are raised before anything of the request could be written to a connection.
    """

    all: Classes
    unsent: Classes
    timeouts: Classes
    connect_timeout: type[Exception]

    @classmethod
    def of(cls, library: Any) -> Errors:
        """Return those of a library with the interface of httpx."""
        return cls(
            all=(library.HTTPError, library.InvalidURL, TimeoutError, UnreadableError),
            unsent=(
                library.ConnectError,
                library.ConnectTimeout,
                library.InvalidURL,
                library.PoolTimeout,
                library.ProxyError,
                library.UnsupportedProtocol,
            ),
            timeouts=(library.TimeoutException, TimeoutError),
            connect_timeout=library.ConnectTimeout,
        )


class Connection:
    """An open stream; as the library fixes read timeouts per request, a deadline ends slow reads.

    Where several streams share the connection (HTTP/2), `Timeouts` end a read instead.
    """

    def __init__(
        self, response: Any, errors: Errors, lease: Lease[Any], timeouts: Timeouts
    ) -> None:
        self._response = response
        self._errors = errors
        self._lease = lease
        self._timeouts = timeouts
        self._chunks: Iterator[bytes] = decoded(response)
        self._deadline = Deadline(None if timeouts.shared else _socket_of(response))
        self._at_end = False
        if self._deadline.socket is not None:
            timeouts.limit(None)

    def read(self, limit: float | None) -> Chunk | Unreachable:
        started = time.monotonic()
        if self._timeouts.shared:
            self._timeouts.limit(limit)
        try:
            with stall_timer.limiting(self._deadline, limit):
                data = next(self._chunks, b"")
        except self._errors.all as error:
            return unreachable(error, self._errors, timed_out=self._deadline.fired)
        if self._deadline.fired:
            return Unreachable(sent=True, reason="silence", timed_out=True)
        self._at_end = not data
        return Chunk(data, time.monotonic() - started)

    def close(self) -> None:
        try:
            self._response.close()
            self._lease.reusable = self._at_end and not left_over(self._response)
        finally:
            self._timeouts.forget()
            self._lease.release()


class AsyncConnection:
    """An open stream on an event loop."""

    def __init__(self, response: Any, errors: Errors, lease: Lease[Any]) -> None:
        self._response = response
        self._errors = errors
        self._lease = lease
        self._chunks: AsyncIterator[bytes] = adecoded(response)
        self._at_end = False

    async def read(self, limit: float | None) -> Chunk | Unreachable:
        started = time.monotonic()
        try:
            async with asyncio.timeout(limit):
                data = await anext(self._chunks, b"")
        except TimeoutError:
            return Unreachable(sent=True, reason="silence", timed_out=True)
        except self._errors.all as error:
            return unreachable(error, self._errors)
        self._at_end = not data
        return Chunk(data, time.monotonic() - started)

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
            self._lease.reusable = self._at_end and await is_clean(self._response)
        finally:
            self._lease.release()


async def is_clean(response: Any) -> bool:
    """Whether nothing came behind an answer; if not, close the connection first."""
    if not left_over(response):
        return True
    stream = response.extensions.get("network_stream")
    if stream is not None:
        await stream.aclose()
    return False


def unreachable(
    error: Exception,
    errors: Errors,
    response: Any = None,
    *,
    progress: SendProgress | None = None,
    timed_out: bool = False,
) -> Unreachable:
    """Return what became of a request that got no (whole) answer."""
    _forget_locals(error)
    timed_out = timed_out or isinstance(error, errors.timeouts)
    unsent = isinstance(error, errors.unsent) or (progress is not None and progress.unsent)
    reason = str(error) or type(error).__name__
    if timed_out and not isinstance(error, errors.connect_timeout):
        reason = "the answer came too slowly to be whole in time"
        if unsent:
            reason = "no connection came about in time"
    return Unreachable(
        sent=not unsent,
        reason=reason,
        timed_out=timed_out,
        request_id=None if response is None else response.headers.get("x-request-id"),
        cause=error,
        unreadable=isinstance(error, UnreadableError),
    )


def _forget_locals(error: BaseException | None) -> None:
    """Drop the tracebacks of the HTTP library's errors.

    Their frames hold the headers, and so the key, which a report with local variables would print.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def lacks_descriptor(outcome: Any) -> bool:
    """Whether a connection could not be opened because too many files are open."""
    if not isinstance(outcome, Unreachable) or outcome.sent:
        return False
    return not errno_of(outcome.cause).isdisjoint({errno.EMFILE, errno.ENFILE})


def _socket_of(response: Any) -> Any:
    """Return the socket under a stream, or ``None`` where there is none (in-process transports)."""
    return socket_of(response.extensions.get("network_stream"))
