"""Tables between two marks: read, written, and kept apart from what stands around them."""

from __future__ import annotations

import pytest

from tests.support.tables import markdown, read, write

PAGE = (
    "before\n\n<!-- table: a -->\n\nold\n\n<!-- end of table -->\n\n"
    "after <!-- table: b --><!-- end of table -->\n"
)


def test_a_table_is_replaced_between_its_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    table = markdown(["x"], [["\\1 kept"]])
    write("a", table, page)
    assert page.read_text() == PAGE.replace("old", table)
    assert read("a", page) == table
    assert read("b", page) == ""


def test_a_page_without_its_place_is_an_error(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    with pytest.raises(LookupError, match="no place for the table 'c'"):
        write("c", "x", page)
