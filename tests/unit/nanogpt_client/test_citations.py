"""Citations as footnotes: where their marks go, and what the notes say."""

from __future__ import annotations

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client import Citation, citations, with_footnotes

A = "https://example.org/a"
B = "https://example.org/b"


def cited(url: str, end: int | None = None, title: str = "") -> Citation:
    return Citation(url, title, start_index=None if end is None else 0, end_index=end)


def test_the_example_of_the_module_holds():
    assert doctest.testmod(citations).failed == 0


def test_sources_are_numbered_as_they_are_cited_and_noted_once():
    text = "First. Second. Third."
    sources = [cited(B, 14, "B"), cited(A, 6, "A"), cited(A, 14), cited(B, 14)]
    assert with_footnotes(text, sources) == (
        "First.[^1] Second.[^2][^1] Third.\n"
        "\n"
        "[^1]: [A](https://example.org/a)\n"
        "[^2]: [B](https://example.org/b)"
    )


@pytest.mark.parametrize(
    ("text", "ends", "marked"),
    [
        ("One. [1] Two. [2][3] Three.", (4, 13), "One.[^1] Two.[^2][3] Three."),  # one for one
        ("One. [1] Two. [2] Three.", (8, 17), "One.[^1] Two.[^2] Three."),  # inside the passage
        ("One.[1] Two.", (4,), "One.[^1] Two."),
        ("One[1](https://a.org) two.", (3,), "One[^1][1](https://a.org) two."),  # a link
        ("One. Two. [2]", (None,), "One. Two. [2][^1]"),
    ],
)
def test_numbers_that_the_model_wrote_are_replaced_by_the_marks(text, ends, marked):
    sources = [cited(url, end) for url, end in zip((A, B), ends, strict=False)]
    assert with_footnotes(text, sources).splitlines()[0] == marked


@pytest.mark.parametrize("end", [None, 0, -3, 99])
def test_sources_without_a_passage_are_marked_at_the_end(end):
    assert with_footnotes("Done.\n", [cited(A, end)]).splitlines()[0] == "Done.[^1]"


@pytest.mark.parametrize("last", ["```\ncode\n```", "| a |\n| - |\n| b |"])
def test_a_mark_ends_no_fence_and_no_table(last):
    assert with_footnotes(last, [cited(A)]).startswith(f"{last}\n\n[^1]\n\n[^1]: ")


def test_notes_that_the_text_already_has_keep_their_numbers():
    assert with_footnotes("So[^3] it is.", [cited(A)]).startswith("So[^3] it is.[^4]\n\n[^4]: ")


def test_without_sources_the_text_is_itself():
    assert with_footnotes("Nothing to cite.", []) == "Nothing to cite."


@pytest.mark.parametrize(
    ("url", "title", "note"),
    [
        ("https://a.org/x_(y)?q=1&r=a b", "", None),
        ("https://a.org/%20", "a [b]\n*c*", r"[a \[b\] \*c\*](https://a.org/%20)"),
        ("javascript:alert(1)", "Click", "Click"),
        ("https://a.org/<b>", "T", "[T](https://a.org/%3Cb%3E)"),
    ],
)
def test_a_note_is_one_link_whatever_stands_in_it(url, title, note):
    found = with_footnotes("x", [cited(url, title=title)]).partition("[^1]: ")[2]
    if note is None:
        note = r"[https://a.org/x\_(y)?q=1&r=a b](https://a.org/x_%28y%29?q=1&r=a%20b)"
    assert found == note


@given(
    st.text(max_size=40).filter(lambda text: not re.search(r"\[\d", text)),
    st.lists(st.tuples(st.sampled_from([A, B, "x:y"]), st.none() | st.integers(-5, 50))),
)
def test_no_text_is_lost_and_every_source_noted(text, sources):
    result = with_footnotes(text, [cited(url, end) for url, end in sources])
    if not sources:
        assert result == text.rstrip()
        return
    body, _, notes = result.rpartition("\n\n")
    kept = iter(body)
    assert all(character in kept for character in text.rstrip())
    assert len(notes.split("\n")) == len({url for url, _ in sources})
