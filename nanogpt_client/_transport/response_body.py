"""A whole answer on its way in."""

from __future__ import annotations

import io
import time

from nanogpt_client._transport.decoding import UnreadableError

__all__ = ["ResponseBody"]

# The largest answers that NanoGPT documents, 2,048 long embeddings as text, have some 170 MB.
MAX_ANSWER_BYTES = 256 << 20


class ResponseBody:
    """A body as it comes in: whole within ``seconds`` from now, no larger than ``limit`` bytes.

    Without a limit it may have `MAX_ANSWER_BYTES`. What counts are the bytes after unpacking.
    """

    def __init__(self, seconds: float | None, limit: int | None = None) -> None:
        self._bytes = io.BytesIO()  # which hands its bytes over without a copy
        self._started = time.monotonic()
        self._seconds = seconds
        self._limit = limit

    def add(self, chunk: bytes) -> bool:
        """Append a chunk; return whether that is enough."""
        if self._seconds is not None and self.seconds() > self._seconds:
            raise TimeoutError("the answer came too slowly to be whole in time")
        self._bytes.write(chunk)
        if self._limit is None:
            if self._bytes.tell() > MAX_ANSWER_BYTES:
                raise UnreadableError(f"it is larger than {MAX_ANSWER_BYTES >> 20} MB")
            return False
        # One chunk more than is wanted is enough for the endpoint to refuse it.
        return self._bytes.tell() > self._limit

    def seconds(self) -> float:
        """Return for how long it has been waited for."""
        return time.monotonic() - self._started

    def whole(self) -> bytes:
        """Return what has come."""
        return self._bytes.getvalue()
