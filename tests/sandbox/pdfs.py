"""Small PDFs, written by hand."""

from __future__ import annotations

import zlib

_FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def pdf(*contents: bytes, packed: bool = True) -> bytes:
    """A PDF with one page for each content stream, in which ``/F1`` is Helvetica."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * index) for index in range(len(contents)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(contents)),
        _FONT,
    ]
    for index, content in enumerate(contents):
        stream = zlib.compress(content) if packed else content
        words = b"/Filter/FlateDecode" if packed else b""
        shows = b"/Resources<</Font<</F1 3 0 R>>>>/MediaBox[0 0 300 300]"
        objects += [
            b"<</Type/Page/Parent 2 0 R/Contents %d 0 R%s>>" % (5 + 2 * index, shows),
            b"<</Length %d%s>>stream\n%s\nendstream" % (len(stream), words, stream),
        ]
    return _file(objects)


def _file(objects: list[bytes]) -> bytes:
    body, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(b"%010d 00000 n \n" % len(body))
        body += b"%d 0 obj%s\nendobj\n" % (number, each)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(places)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        len(body),
    )
    return body + table + trailer
