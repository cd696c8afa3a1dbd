"""Uploads of open files in async code: read off the event loop, chunk by chunk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

from nanogpt_client._protocol.call import Request

__all__ = ["read_off_loop"]


def read_off_loop(built: Any, request: Request, library: Any) -> None:
    """Let a built request of the HTTP library read the file that it sends in a thread."""
    if any(part.stream is not None for _, part in request.files):
        built.stream = _stream_class(library)(iter(built.stream))


@cache
def _stream_class(library: Any) -> Any:
    class OffLoopStream(library.AsyncByteStream):  # type: ignore[misc]
        """A body whose chunks are made in a thread."""

        def __init__(self, chunks: Iterator[bytes]) -> None:
            self._chunks = chunks

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while chunk := await asyncio.to_thread(next, self._chunks, b""):
                yield chunk

    return OffLoopStream
