"""Small packages of much: peak memory above the limit that was set."""

from __future__ import annotations

import resource
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import zstandard

from nanogpt_client import NanoGPTClient, NanoGPTError
from nanogpt_client._protocol.sse import MAX_EVENT_BYTES
from tests.support.rawserver import RawServer, chunked, http_head, http_reply

MEGABYTE = 1 << 20
UNPACKED = 1024
"""Megabytes that each unpacks to."""
EVENT = MAX_EVENT_BYTES // MEGABYTE
SPARE = 100
"""Megabytes that may be needed above the limit."""


def _packed(start: bytes, rounds: int = 1) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(MEGABYTE)
    data = b"".join(
        [
            packer.compress(start),
            *(packer.compress(zeros) for _ in range(UNPACKED)),
            packer.flush(),
        ]
    )
    return data if rounds == 1 else zlib.compress(data, 9, 31)


def _headers(kind: str, encoding: str) -> dict[str, str]:
    return {"content-type": kind, "content-encoding": encoding}


def _json(client: NanoGPTClient) -> None:
    client.chat("hi", model="m")


def _stream(client: NanoGPTClient) -> None:
    list(client.stream_chat("hi", model="m"))


def _download(client: NanoGPTClient) -> None:
    client.download("/media/x.png")


def _whole(kind: str, encoding: str, data: bytes) -> bytes:
    return http_reply(data, headers=_headers(kind, encoding))


def _zstd(start: bytes) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    zeros = bytes(MEGABYTE)
    parts = [packer.compress(start), *(packer.compress(zeros) for _ in range(UNPACKED))]
    return b"".join([*parts, packer.flush()])


def _named(name: str, kind: str, make: Callable[[bytes], bytes]) -> bytes:
    return _whole(kind, name, make(b"{"))


def _events(data: bytes) -> bytes:
    headers = _headers("text/event-stream", "gzip") | {"transfer-encoding": "chunked"}
    return http_head(200, headers) + chunked(data) + b"0\r\n\r\n"


Case = tuple[Callable[[], bytes], Callable[[NanoGPTClient], None], int]
CASES: dict[str, Case] = {
    "JSON, gzip": (
        lambda: _whole("application/json", "gzip", _packed(b'{"a": "')), _json, 256
    ),
    "JSON, gzip twice": (
        lambda: _whole("application/json", "gzip, gzip", _packed(b"{", 2)), _json, 256
    ),
    # What nobody asked for is refused by its name, whatever is in it.
    **{
        f"{what}, {name}": (partial(_named, name, kind, make), call, limit)
        for name, make in (("br", _packed), ("zstd", _zstd))
        for what, kind, call, limit in (
            ("JSON", "application/json", _json, 256),
            ("events", "text/event-stream", _stream, EVENT),
            ("download", "image/png", _download, 256),
        )
    },
    "events, gzip": (lambda: _events(_packed(b"data: ")), _stream, EVENT),
    "download, gzip": (lambda: _whole("image/png", "gzip", _packed(b"PNG")), _download, 256),
    "download, gzip twice": (
        lambda: _whole("image/png", "gzip, gzip", _packed(b"PNG", 2)), _download, 256
    ),
}  # fmt: skip


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(name: str) -> dict[str, Any]:
    """Return the row of a package; runs in a process of its own, whose peak it tells."""
    make, call, limit = CASES[name]
    data = make()
    with (
        RawServer([data]) as server,
        NanoGPTClient("any", base_url=server.base_url, max_retries=0) as client,
    ):
        before, ending = _peak(), "an answer"
        try:
            call(client)
        except NanoGPTError as error:
            ending = type(error).__name__
        peak = _peak() - before
    return {
        "holds": ending != "an answer" and peak < limit + SPARE,
        "said": f"{len(data) / 1000:.0f} kB sent; {ending}; {peak:.0f} MB, limit {limit} MB",
    }
