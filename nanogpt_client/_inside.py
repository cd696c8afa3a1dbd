"""Looks into the HTTP library where its public interface tells nothing; each may find nothing."""

from __future__ import annotations

from typing import Any

__all__ = ["left_over", "stream_of"]

_TO_PARSER = ("stream", "_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")


def left_over(response: Any) -> bool:
    """Whether bytes came behind a whole answer, which would be taken for the next one's."""
    found = response
    for name in _TO_PARSER:
        found = getattr(found, name, None)
    data: tuple[bytes, bool] = getattr(found, "trailing_data", (b"", False))
    return bool(data[0])


def stream_of(client: Any, request: Any) -> Any:
    """Return the connection that carries a request of the library's core, if it can be found."""
    transports = [getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()]
    for transport in transports:
        for waiting in tuple(getattr(getattr(transport, "_pool", None), "_requests", ())):
            if getattr(waiting, "request", None) is request:
                return _network_stream(getattr(waiting, "connection", None))
    return None


def _network_stream(connection: Any) -> Any:
    while connection is not None and not hasattr(connection, "_network_stream"):
        connection = getattr(connection, "_connection", None)
    return getattr(connection, "_network_stream", None)
