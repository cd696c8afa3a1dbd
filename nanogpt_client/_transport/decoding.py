"""Unpacking of compressed answers, a bounded chunk at a time.

Fourteen kilobytes of gzip may hold as many megabytes, so what comes out is handed over in pieces
that the reader counts, and nobody unpacks more than it wants. Several encodings at once, of which
an answer of two kilobytes may hold gigabytes, are refused; so is what was not asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

__all__ = ["ACCEPT_ENCODING", "Decoder", "UnreadableError", "adecoded", "decoded"]

# What requests ask for: what can be unpacked under a bound with the standard library.
ACCEPT_ENCODING = "gzip, deflate"
CHUNK_BYTES = 1 << 18

_GZIP = zlib.MAX_WBITS | 16


class UnreadableError(Exception):
    """An answer cannot be unpacked, or is larger than anybody wants."""


class Decoder:
    """Unpacks the body of one answer, as its ``content-encoding`` says."""

    def __init__(self, encoding: str) -> None:
        names = [name.strip().lower() for name in encoding.split(",")]
        names = [name for name in names if name not in {"", "identity"}]
        if len(names) > 1:
            raise UnreadableError("it is packed several times over, which nobody asked for")
        if names and names[0] not in {"gzip", "x-gzip", "deflate"}:
            raise UnreadableError("it is packed in a way that nobody asked for")
        self._deflated = names == ["deflate"]
        self._head = b""
        self._zlib: Any = None
        if names:
            self._zlib = zlib.decompressobj(zlib.MAX_WBITS if self._deflated else _GZIP)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the bytes hold, in pieces of a quarter of a megabyte at most.

        Raises:
            UnreadableError: they are no gzip, or no deflate.
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
            if data[0] & 15 != 8 or int.from_bytes(data[:2]) % 31:  # some leave the frame out
                self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        more = True
        while more and not self._zlib.eof:  # what stands behind the end is not the answer's
            chunk = self._unpack(data)
            data = self._zlib.unconsumed_tail
            more = bool(data) or len(chunk) == CHUNK_BYTES
            if chunk:
                yield chunk

    def _unpack(self, data: bytes) -> bytes:
        try:
            return self._zlib.decompress(data, CHUNK_BYTES)  # type: ignore[no-any-return]
        except zlib.error as error:
            raise UnreadableError("it is packed, but damaged") from error


def decoded(response: Any) -> Iterator[bytes]:
    """Yield the unpacked body of an httpx response, a bounded chunk at a time."""
    if response.is_stream_consumed:  # of a transport in this process, which has it all
        return iter((response.content,))
    return _chunks(Decoder(_encoding(response)), response.iter_raw())


def adecoded(response: Any) -> AsyncIterator[bytes]:
    """Yield the unpacked body of an async httpx response, a bounded chunk at a time."""
    if response.is_stream_consumed:
        return _achunks(Decoder(""), _one(response.content))
    return _achunks(Decoder(_encoding(response)), response.aiter_raw())


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
