"""Let the reference show the examples of docstrings as code, and constructors as they are called.

An extension of griffe, which reads the sources: Markdown takes lines that begin with ``>>>`` for
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
        if isinstance(obj, griffe.Function) and obj.name == "__init__":
            _by_name(obj.parameters)

    def on_module(self, *, mod: griffe.Module, **_: Any) -> None:
        """Rewrite the docstring of one module."""
        _rewrite(mod)


def _by_name(parameters: griffe.Parameters) -> None:
    """Leave out ``*args`` beside ``**settings``: it is there to refuse them with a message."""
    kinds = {parameter.kind: parameter.name for parameter in parameters}
    if {griffe.ParameterKind.var_positional, griffe.ParameterKind.var_keyword} <= kinds.keys():
        del parameters[kinds[griffe.ParameterKind.var_positional]]


def _rewrite(item: griffe.Object) -> None:
    if item.docstring is not None:
        item.docstring.value = fenced(item.docstring.value)


def fenced(docstring: str) -> str:
    """Return a docstring with fences around its examples; what is fenced already stays."""
    return _EXAMPLE.sub(lambda m: f"{m['indent']}```pycon\n{m[0]}\n{m['indent']}```", docstring)
