"""Response bodies: decompressed and collected within limits of time and size.

A few kilobytes of gzip can expand to gigabytes, so data is decompressed in chunks of bounded size,
and only as far as it is read. A response that is encoded several times, or in a way that was not
requested, is refused.
"""

from __future__ import annotations

import asyncio
import io
import time
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import IO, Any

from nanogpt_client._protocol.call import Request

__all__ = ["ACCEPT_ENCODING", "Decoder", "ResponseBody", "UnreadableError", "adecoded", "decoded"]

# The encodings that the standard library can decompress in bounded chunks.
ACCEPT_ENCODING = "gzip, deflate"
CHUNK_BYTES = 1 << 18

# The largest documented responses, embeddings of 2,048 long texts, have about 170 MB.
MAX_RESPONSE_BYTES = 256 << 20

_GZIP = zlib.MAX_WBITS | 16
_TO_PARSER = ("stream", "_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state")


class UnreadableError(Exception):
    """A response cannot be decompressed, or is too large."""


class Decoder:
    """Decompresses one response body according to its ``content-encoding``."""

    def __init__(self, encoding: str) -> None:
        names = [name.strip().lower() for name in encoding.split(",")]
        names = [name for name in names if name not in {"", "identity"}]
        if len(names) > 1:
            raise UnreadableError("it is compressed several times, which was not requested")
        if names and names[0] not in {"gzip", "x-gzip", "deflate"}:
            raise UnreadableError("its encoding was not requested")
        self._deflated = names == ["deflate"]
        self._head = b""
        self._zlib: Any = None
        if names:
            self._zlib = zlib.decompressobj(zlib.MAX_WBITS if self._deflated else _GZIP)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the decompressed data in chunks of at most 256 KiB.

        Raises:
            UnreadableError: the data is not valid gzip or deflate.
        """
        if self._zlib is None:
            if data:
                yield data
            return
        if self._deflated:
            self._head += data
            if len(self._head) < 2:
                return
            data, self._deflated = self._head, False
            if data[0] & 15 != 8 or int.from_bytes(data[:2]) % 31:  # deflate without zlib header
                self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        more = True
        while more and not self._zlib.eof:  # what follows the end is not part of the response
            chunk = self._decompress(data)
            data = self._zlib.unconsumed_tail
            more = bool(data) or len(chunk) == CHUNK_BYTES
            if chunk:
                yield chunk

    def _decompress(self, data: bytes) -> bytes:
        try:
            return self._zlib.decompress(data, CHUNK_BYTES)  # type: ignore[no-any-return]
        except zlib.error as error:
            raise UnreadableError("its compressed data is damaged") from error


class ResponseBody:
    """Collects a body that must be complete within ``seconds`` from now.

    Args:
        limit: largest size in bytes, after decompression; reading stops once it is exceeded.
            Without one, more than `MAX_RESPONSE_BYTES` are refused.
        sink: a file that a successful response is written to, of any size; overwritten.
    """

    def __init__(
        self, seconds: float | None, limit: int | None = None, sink: IO[bytes] | None = None
    ) -> None:
        self._bytes = io.BytesIO()  # `getvalue` does not copy
        self._sink = sink
        self._written = 0
        self._started = time.monotonic()
        self._seconds = seconds
        self._limit = limit

    @classmethod
    def of(cls, request: Request, seconds: float | None) -> ResponseBody:
        """Return the body of a request's response."""
        return cls(seconds, request.download_limit, request.sink)

    def add(self, chunk: bytes, *, ok: bool = True) -> bool:
        """Append a chunk of a successful (``ok``) response; return whether the limit is exceeded.

        Raises:
            TimeoutError: the time is up.
            UnreadableError: the response is too large.
        """
        if self._seconds is not None and self.seconds() > self._seconds:
            raise TimeoutError("the response was too slow to be complete in time")
        if self._sink is not None and ok:
            if not self._written:
                self._sink.seek(0)
                self._sink.truncate()
            self._written += self._sink.write(chunk)
            return False
        self._bytes.write(chunk)
        if self._limit is None:
            if self._bytes.tell() > MAX_RESPONSE_BYTES:
                raise UnreadableError(f"it is larger than {MAX_RESPONSE_BYTES >> 20} MB")
            return False
        return self._bytes.tell() > self._limit  # the endpoint refuses it

    async def add_async(self, chunk: bytes, *, ok: bool = True) -> bool:
        """Append a chunk; a file is written off the event loop."""
        if self._sink is None:
            return self.add(chunk)
        return await asyncio.to_thread(self.add, chunk, ok=ok)

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._started

    def whole(self) -> bytes:
        """Return what has arrived."""
        return self._bytes.getvalue()


def decoded(response: Any) -> Iterator[bytes]:
    """Yield the decompressed body of an httpx response in bounded chunks."""
    if response.is_stream_consumed:  # an in-process transport has read it already
        return iter((response.content,))
    return _chunks(Decoder(_encoding(response)), response.iter_raw())


def adecoded(response: Any) -> AsyncIterator[bytes]:
    """Yield the decompressed body of an async httpx response in bounded chunks."""
    if response.is_stream_consumed:
        return _achunks(Decoder(""), _one(response.content))
    return _achunks(Decoder(_encoding(response)), response.aiter_raw())


def has_trailing_data(response: Any) -> bool:
    """Whether bytes follow a complete response; the next one on the connection would get them.

    Looks into private attributes of the HTTP library; ``False`` if it cannot tell.
    """
    found = response
    for name in _TO_PARSER:
        found = getattr(found, name, None)
    data: tuple[bytes, bool] = getattr(found, "trailing_data", (b"", False))
    return bool(data[0])


def _encoding(response: Any) -> str:
    return ",".join(response.headers.get_list("content-encoding"))


def _chunks(decoder: Decoder, raw: Iterable[bytes]) -> Iterator[bytes]:
    for data in raw:
        yield from decoder.feed(data)


async def _achunks(decoder: Decoder, raw: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    async for data in raw:
        for chunk in decoder.feed(data):
            yield chunk


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data
