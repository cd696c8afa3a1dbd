"""An open stream of the HTTP library, and what its exceptions mean for what was sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

from nanogpt_client._core.flow import Piece, Unreachable
from nanogpt_client._decoding import UnreadableError, adecoded, decoded
from nanogpt_client._watchdog import Guard, watchdog

__all__ = ["AsyncConnection", "Connection", "unreachable"]

# In these the connection failed before the request could be written to it.
_UNSENT = (
    "ConnectError", "ConnectTimeout", "InvalidURL", "PoolTimeout", "ProxyError",
    "UnsupportedProtocol",
)  # fmt: skip

Errors: TypeAlias = tuple[type[Exception], ...]


class Connection:
    """An open stream; as the library fixes read timeouts per request, a guard ends slow reads."""

    def __init__(self, response: Any, errors: Errors, give_back: Callable[[], None]) -> None:
        self._response = response
        self._errors = errors
        self._give_back = give_back
        self._pieces: Iterator[bytes] = decoded(response)
        self._guard = Guard(_socket_of(response))
        if self._guard.socket is not None:
            _no_read_timeout(response)

    def read(self, limit: float | None) -> Piece | Unreachable:
        started = time.monotonic()
        try:
            with watchdog.guarding(self._guard, limit):
                data = next(self._pieces, b"")
        except self._errors as error:
            return unreachable(error, timed_out=self._guard.fired)
        if self._guard.fired:
            return Unreachable(sent=True, reason="silence", timed_out=True)
        return Piece(data, time.monotonic() - started)

    def close(self) -> None:
        try:
            self._response.close()
        finally:
            self._give_back()


class AsyncConnection:
    """An open stream on an event loop."""

    def __init__(self, response: Any, errors: Errors, give_back: Callable[[], None]) -> None:
        self._response = response
        self._errors = errors
        self._give_back = give_back
        self._pieces: AsyncIterator[bytes] = adecoded(response)
        _no_read_timeout(response)

    async def read(self, limit: float | None) -> Piece | Unreachable:
        started = time.monotonic()
        try:
            async with asyncio.timeout(limit):
                data = await anext(self._pieces, b"")
        except TimeoutError:
            return Unreachable(sent=True, reason="silence", timed_out=True)
        except self._errors as error:
            return unreachable(error)
        return Piece(data, time.monotonic() - started)

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        finally:
            self._give_back()


def unreachable(error: Exception, response: Any = None, *, timed_out: bool = False) -> Unreachable:
    """Return what became of a request that got no (whole) answer."""
    names = {cls.__name__ for cls in type(error).__mro__}
    _forget_locals(error)
    return Unreachable(
        sent=names.isdisjoint(_UNSENT),
        reason=str(error) or type(error).__name__,
        timed_out=timed_out or bool(names & {"TimeoutException", "TimeoutError"}),
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


def _no_read_timeout(response: Any) -> None:
    """Lift the request's own read timeout: from here on each read has its own limit.

    It was for the headers; for the body it is looked up again when its first bytes are asked for.
    """
    response.request.extensions.get("timeout", {})["read"] = None


def _socket_of(response: Any) -> Any:
    """Return the socket under a stream, or ``None`` where there is none (in-process transports)."""
    network = response.extensions.get("network_stream")
    return network.get_extra_info("socket") if network is not None else None
