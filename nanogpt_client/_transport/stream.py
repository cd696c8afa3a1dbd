"""An open response stream, and what the HTTP library's exceptions mean for a request."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple, TypeAlias

from nanogpt_client._protocol.steps import Chunk, Unreachable
from nanogpt_client._transport.pool import Lease
from nanogpt_client._transport.response_body import (
    UnreadableError,
    adecoded,
    decoded,
    has_trailing_data,
)
from nanogpt_client._transport.send_progress import SendProgress, Timeouts, errno_of, socket_of
from nanogpt_client._transport.stall_timer import Deadline, stall_timer

__all__ = ["AsyncConnection", "Connection", "Errors", "is_clean", "lacks_descriptor", "unreachable"]

Classes: TypeAlias = tuple[type[Exception], ...]


class Errors(NamedTuple):
    """The exception classes of an HTTP library, by what they mean.

    ``all`` end a request without a complete response; ``unsent`` are raised before any of it could
    be written to a connection.
    """

    all: Classes
    unsent: Classes
    timeouts: Classes
    connect_timeout: type[Exception]

    @classmethod
    def of(cls, library: Any) -> Errors:
        """Return those of a library with httpx's interface."""
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
    """An open stream for blocking code.

    The HTTP library's read timeout is fixed for a whole request, so a `Deadline` limits each read;
    where several streams share the connection (HTTP/2), `Timeouts` do.
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
        """Read the next bytes, waiting at most ``limit`` seconds."""
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
            self._lease.reusable = self._at_end and not has_trailing_data(self._response)
        finally:
            self._timeouts.forget()
            self._lease.release()


class AsyncConnection:
    """An open stream for asyncio."""

    def __init__(self, response: Any, errors: Errors, lease: Lease[Any]) -> None:
        self._response = response
        self._errors = errors
        self._lease = lease
        self._chunks: AsyncIterator[bytes] = adecoded(response)
        self._at_end = False

    async def read(self, limit: float | None) -> Chunk | Unreachable:
        """Read the next bytes, waiting at most ``limit`` seconds."""
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
    """Whether nothing follows the response; if something does, close the connection first."""
    if not has_trailing_data(response):
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
    """Return the outcome of a request without a complete response."""
    _forget_locals(error)
    timed_out = timed_out or isinstance(error, errors.timeouts)
    unsent = isinstance(error, errors.unsent) or (progress is not None and progress.unsent)
    reason = str(error) or type(error).__name__
    if unsent:
        reason = f"{_where(error)}{reason}"
    if timed_out and not isinstance(error, errors.connect_timeout):
        reason = "the response came too slowly to be complete in time"
        if unsent:
            reason = "no connection was established in time"
    return Unreachable(
        sent=not unsent,
        reason=reason,
        timed_out=timed_out,
        request_id=None if response is None else response.headers.get("x-request-id"),
        cause=error,
        unreadable=isinstance(error, UnreadableError),
    )


def _where(error: Any) -> str:
    """Return which host was not reached, if the HTTP library tells."""
    try:
        return f"no connection to {error.request.url.netloc.decode('ascii')}: "
    except (AttributeError, RuntimeError):  # an error that belongs to no request
        return ""


def _forget_locals(error: BaseException | None) -> None:
    """Drop the tracebacks of the HTTP library's errors: their local variables hold the key."""
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def lacks_descriptor(outcome: Any) -> bool:
    """Whether a connection could not be opened because the process has too many open files."""
    if not isinstance(outcome, Unreachable) or outcome.sent:
        return False
    return not errno_of(outcome.cause).isdisjoint({errno.EMFILE, errno.ENFILE})


def _socket_of(response: Any) -> Any:
    """Return the socket of a response; ``None`` for in-process transports."""
    return socket_of(response.extensions.get("network_stream"))
