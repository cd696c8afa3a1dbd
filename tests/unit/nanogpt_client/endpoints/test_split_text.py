"""Splitting a long text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.endpoints._split_text import split_text

TEXT = st.text(st.sampled_from("ab .!?,;\n。é\t"), max_size=200)


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("One. Two.", 100, ["One. Two."]),
        ("One. Two.", 6, ["One.", "Two."]),
        ("One. Two. Three.", 9, ["One. Two.", "Three."]),
        ('He said "No." Then he left.', 15, ['He said "No."', "Then he left."]),
        ("First, then second, then third", 12, ["First,", "then second,", "then third"]),
        ("One two three", 7, ["One two", "three"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("One.\n\nTwo.", 8, ["One.", "Two."]),
        ("一。二。三。", 4, ["一。二。", "三。"]),
        ("  \n ", 4, []),
    ],
)
def test_cut_where_a_reader_would_pause(text, most, expected):
    assert split_text(text, most) == expected


@given(TEXT, st.integers(1, 40))
def test_nothing_is_lost_and_no_piece_is_too_long(text, most):
    found = split_text(text, most)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(piece) <= most and piece == piece.strip() for piece in found)


@given(st.lists(st.sampled_from(["A b c.", "Who?", "Yes, it is!"]), min_size=1, max_size=30))
def test_sentences_that_fit_stay_whole(sentences):
    for piece in split_text(" ".join(sentences), 20):
        assert piece.endswith((".", "?", "!"))
