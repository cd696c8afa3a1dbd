"""Looks into the HTTP library where its public interface tells nothing; each may find nothing."""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["left_over", "lock_safely", "stream_of"]

_TO_PARSER = ("stream", "_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")


def left_over(response: Any) -> bool:
    """Whether bytes came behind a whole answer, which would be taken for the next one's."""
    found = response
    for name in _TO_PARSER:
        found = getattr(found, name, None)
    data: tuple[bytes, bool] = getattr(found, "trailing_data", (b"", False))
    return bool(data[0])


def lock_safely(client: Any) -> None:
    """Give the pools of a blocking client locks that no exception of a signal handler keeps taken.

    Entering the library's own is Python code: an interrupt may come between taking the lock and
    being inside of its block, and the library's clean-up then waits for it for ever.
    """
    for pool in _pools(client):
        if hasattr(pool, "_optional_thread_lock"):
            pool._optional_thread_lock = threading.RLock()  # noqa: SLF001 - there is no other way


def _pools(client: Any) -> list[Any]:
    transports = [getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()]
    return [transport._pool for transport in transports if hasattr(transport, "_pool")]  # noqa: SLF001


def stream_of(client: Any, request: Any) -> Any:
    """Return the connection that carries a request of the library's core, if it can be found."""
    for pool in _pools(client):
        for waiting in tuple(getattr(pool, "_requests", ())):
            if getattr(waiting, "request", None) is request:
                return _network_stream(getattr(waiting, "connection", None))
    return None


def _network_stream(connection: Any) -> Any:
    while connection is not None and not hasattr(connection, "_network_stream"):
        connection = getattr(connection, "_connection", None)
    return getattr(connection, "_network_stream", None)
