"""Examples in docstrings, fenced for the reference."""

from __future__ import annotations

import pytest

from cookbook.doctests import fenced


@pytest.mark.parametrize(
    ("docstring", "shown"),
    [
        ("Add.\n\n>>> 1 + 1\n2\n\nMore.", "Add.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore."),
        ("Note:\n    >>> 1\n    1", "Note:\n    ```pycon\n    >>> 1\n    1\n    ```"),
        ("No example.", "No example."),
        ("```pycon\n>>> 1\n1\n```", "```pycon\n>>> 1\n1\n```"),
    ],
)
def test_examples_are_fenced_once(docstring, shown):
    assert fenced(docstring) == shown
    assert fenced(shown) == shown
