"""Text out of small PDFs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.sandbox.input_media import pdf_text
from tests.sandbox.pdfs import pdf

HELLO = b"BT /F1 12 Tf 20 200 Td (Hello) Tj ET"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (HELLO, "Hello"),
        (b"BT /F1 12 Tf [(Hel) -20 (lo)] TJ ET", "Hello"),
        (b"BT /F1 12 Tf 20 200 Td (one) Tj 0 -20 Td (two) Tj ET", "one\ntwo"),
        (rb"BT /F1 12 Tf (\(in\) \101\\) Tj ET", "(in) A\\"),
        (b"BT /F1 12 Tf <48656C6C6F> Tj ET", "Hello"),
        (b"0 0 m 10 10 l S", ""),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_text(content, expected, packed):
    assert pdf_text(pdf(content, packed=packed)) == expected


def test_pages_become_lines():
    assert pdf_text(pdf(HELLO, b"", b"BT /F1 12 Tf (b) Tj ET")) == "Hello\nb"


@pytest.mark.parametrize("data", [b"", b"no pdf", b"%PDF-1.4\n", pdf(HELLO)[:80]])
def test_what_is_no_pdf_has_no_text(data):
    assert pdf_text(data) == ""


WHOLE = pdf(HELLO, packed=False)


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=9))
def test_a_damaged_pdf_raises_nothing(place, noise):
    assert isinstance(pdf_text(WHOLE[:place] + noise + WHOLE[place + len(noise) :]), str)
