"""Models that are described by the docstrings under their fields, and built when they are used."""

from __future__ import annotations

import inspect

from nanogpt_client._adapters.documented import DocumentedModel


def test_a_class_is_built_at_its_first_use_and_shows_its_arguments_before():
    class Base(DocumentedModel):
        """A base, of which only a subclass is used."""

        first: int = 1

    class Used(Base):
        """A class that is used."""

        second: str

    assert not Used.__pydantic_complete__
    assert list(inspect.signature(Used).parameters) == ["first", "second"]
    assert Used(second="b") == Used(first=1, second="b")
    assert Used.__pydantic_complete__
    assert not Base.__pydantic_complete__
    assert list(inspect.signature(Used).parameters) == ["first", "second"]
