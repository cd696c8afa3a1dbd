"""Let the reference show the examples of docstrings as code.

An extension of griffe, which reads the docstrings: Markdown takes lines that begin with ``>>>`` for
quotations unless they are fenced.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"(?<!pycon\n)^(?P<indent> *)>>> .*(?:\n(?P=indent)\S.*)*", re.MULTILINE)


class Doctests(griffe.Extension):
    """Fences the examples of every docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one class, function or attribute."""
        _rewrite(obj)

    def on_module(self, *, mod: griffe.Module, **_: Any) -> None:
        """Rewrite the docstring of one module."""
        _rewrite(mod)


def _rewrite(item: griffe.Object) -> None:
    if item.docstring is not None:
        item.docstring.value = fenced(item.docstring.value)


def fenced(docstring: str) -> str:
    """Return a docstring with fences around its examples; what is fenced already stays."""
    return _EXAMPLE.sub(lambda m: f"{m['indent']}```pycon\n{m[0]}\n{m['indent']}```", docstring)
