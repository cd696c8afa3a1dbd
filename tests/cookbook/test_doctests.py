"""Examples in docstrings, fenced for the reference."""

from __future__ import annotations

import griffe
import pytest

from cookbook.doctests import Doctests, fenced


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


def test_constructors_are_shown_without_the_arguments_that_they_refuse():
    source = (
        "class A:\n def __init__(self, *args, **settings): ...\n def f(self, *args, **more): ..."
    )
    with griffe.temporary_visited_module(source) as module:
        for name, shown in (
            ("A.__init__", ["self", "settings"]),
            ("A.f", ["self", "args", "more"]),
        ):
            Doctests().on_object(obj=module[name])
            assert [parameter.name for parameter in module[name].parameters] == shown
