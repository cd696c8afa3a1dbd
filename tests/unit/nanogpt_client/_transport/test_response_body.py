"""Unpacking: whole, in pieces, never more than a piece at a time."""

from __future__ import annotations

import asyncio
import gzip
import tempfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._transport.response_body import (
    CHUNK_BYTES,
    Decoder,
    ResponseBody,
    UnreadableError,
)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    "identity": lambda data: data,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "identity, gzip": gzip.compress,
    "deflate": zlib.compress,
    " deflate ": raw_deflate,
}


@pytest.mark.parametrize("encoding", PACKED)
@given(data=st.binary(max_size=2000), size=st.integers(1, 700))
def test_what_was_packed_comes_out(encoding, data, size):
    packed, decoder = PACKED[encoding](data), Decoder(encoding)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert b"".join(out for piece in pieces for out in decoder.feed(piece)) == data


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_no_chunk_is_large(encoding):
    bomb = PACKED[encoding](b"\0" * 20_000_000)
    sizes = [len(piece) for piece in Decoder(encoding).feed(bomb)]
    assert max(sizes) <= CHUNK_BYTES
    assert sum(sizes) == 20_000_000


def test_what_stands_behind_the_end_is_left():
    assert b"".join(Decoder("gzip").feed(gzip.compress(b"one") + b"two")) == b"one"


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,deflate", "br", "zstd", "rot13"])
def test_what_nobody_asked_for_is_refused(encoding):
    with pytest.raises(UnreadableError, match="not requested"):
        Decoder(encoding)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_damage_is_reported(encoding):
    with pytest.raises(UnreadableError, match="damaged"):
        list(Decoder(encoding).feed(b"this is no such thing, whatever its header says"))


def test_a_successful_response_goes_into_a_file_and_only_the_last_one():
    with tempfile.TemporaryFile() as file:
        for whole in (b"cut o", b"whole"):
            body = ResponseBody(None, sink=file)
            assert not body.add(whole[:2])
            assert not asyncio.run(body.add_async(whole[2:]))
            assert body.whole() == b""
        refused = ResponseBody(None, sink=file)
        refused.add(b"an error", ok=False)
        assert refused.whole() == b"an error"
        file.seek(0)
        assert file.read() == b"whole"
