"""The text of PDFs that a chat request brings."""

from __future__ import annotations

from io import BytesIO

from nanogpt_client.sandbox.lazy import needs

# A broken file shows as one of the library's own errors, or as whatever its wrong parts lead to.
_BROKEN = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip


def pdf_text(data: bytes) -> str:
    """Return the text of a PDF, page after page; empty when it has none or cannot be read."""
    with needs("pypdf"):
        from pypdf import PdfReader  # noqa: PLC0415 - an extra
        from pypdf.errors import PyPdfError  # noqa: PLC0415
    try:
        pages = [page.extract_text().strip() for page in PdfReader(BytesIO(data)).pages]
    except (PyPdfError, *_BROKEN):
        return ""
    return "\n".join(filter(None, pages))
