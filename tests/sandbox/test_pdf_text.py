"""Text out of small PDFs."""

from __future__ import annotations

import zlib

import pytest

from nanogpt_client.sandbox.pdf_text import pdf_text


def pdf(*contents: bytes, packed: bool = True) -> bytes:
    streams = [zlib.compress(content) if packed else content for content in contents]
    return b"%PDF-1.4\n" + b"".join(b"stream\n" + item + b"\nendstream\n" for item in streams)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"BT (Hello) Tj ET", "Hello"),
        (b"BT [(Hel) -20 (lo)] TJ ET", "Hello"),
        (b"BT (one) Tj 0 -12 Td (two) Tj ET", "one two"),
        (b"BT (a) Tj ET BT (b) ' ET", "a\nb"),
        (rb"BT (\(in\) \101\\ \n) Tj ET", "(in) A\\"),
        (b"BT <00480065> Tj ET", ""),
        (b"0 0 m 10 10 l S", ""),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_text(content, expected, packed):
    assert pdf_text(pdf(content, packed=packed)) == expected


def test_streams_become_lines():
    assert pdf_text(pdf(b"BT (a) Tj ET", b"\xff\xfe", b"BT (b) Tj ET")) == "a\nb"
    assert pdf_text(b"no pdf") == ""
