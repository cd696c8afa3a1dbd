"""A whole answer on its way in."""

from __future__ import annotations

import time

__all__ = ["Body"]


class Body:
    """A body as it comes in: whole within ``seconds`` from now, no larger than ``limit`` bytes."""

    def __init__(self, seconds: float | None, limit: int | None = None) -> None:
        self._bytes = bytearray()
        self._started = time.monotonic()
        self._seconds = seconds
        self._limit = limit

    def add(self, piece: bytes) -> bool:
        """Append a piece; return whether that is enough."""
        if self._seconds is not None and self.seconds() > self._seconds:
            raise TimeoutError("the answer came too slowly to be whole in time")
        self._bytes += piece
        # One piece more than is wanted is enough for the endpoint to refuse it.
        return self._limit is not None and len(self._bytes) > self._limit

    def seconds(self) -> float:
        """Return for how long it has been waited for."""
        return time.monotonic() - self._started

    def whole(self) -> bytes:
        """Return what has come."""
        return bytes(self._bytes)
