"""Get the plain text out of a simple PDF, as far as that goes without a PDF library.

Reads the content streams (flate-compressed or not) and keeps the strings that the text
operators show. Fonts with their own encodings come out empty; then the caller says so.
"""

from __future__ import annotations

import re
import zlib

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_TEXT_BLOCK = re.compile(rb"BT(.*?)ET", re.DOTALL)
_SHOWN = re.compile(
    rb"\[((?:[^\[\]\\]|\\.)*)\]\s*TJ|(\((?:[^()\\]|\\.)*\))\s*(?:Tj|'|\")", re.DOTALL
)
_STRING = re.compile(rb"\(((?:[^()\\]|\\.)*)\)", re.DOTALL)
_ESCAPE = re.compile(rb"\\([nrtbf()\\]|[0-7]{1,3})", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_MAX_STREAM = 16 * 1024 * 1024


def pdf_text(data: bytes) -> str:
    """Return the text of a PDF, one line a text block; empty when none could be read."""
    lines = [
        line
        for stream in _STREAM.findall(data)
        for block in _TEXT_BLOCK.findall(_inflated(stream))
        if (line := _shown(block))
    ]
    return "\n".join(lines)


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream, _MAX_STREAM)
    except zlib.error:
        return stream


def _shown(block: bytes) -> str:
    pieces = []
    for array, single in _SHOWN.findall(block):
        strings = _STRING.findall(array or single)
        pieces.append(b"".join(_ESCAPE.sub(_unescape, text) for text in strings))
    return b" ".join(pieces).decode("latin-1").strip()


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code.isdigit():
        return bytes([int(code, 8) & 0xFF])
    return _ESCAPED.get(code, code)
