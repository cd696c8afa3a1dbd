"""Small PDFs, written by hand."""

from __future__ import annotations


def pdf(content: bytes) -> bytes:
    """Return a PDF of one page with this content stream, in which ``/F1`` is Helvetica."""
    fonts = b"/Resources<</Font<</F1 3 0 R>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[4 0 R]/Count 1>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Page/Parent 2 0 R/Contents 5 0 R/MediaBox[0 0 300 300]%s>>" % fonts,
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
    ]
    body, places = b"%PDF-1.4\n", b"0000000000 65535 f \n"
    for number, each in enumerate(objects, 1):
        places += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj%s\nendobj\n" % (number, each)
    table = b"xref\n0 %d\n%s" % (len(objects) + 1, places)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
    return body + table + trailer % (len(objects) + 1, len(body))
