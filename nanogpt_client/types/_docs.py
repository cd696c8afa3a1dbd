"""The docstrings under attributes, which Python itself does not keep."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from typing_extensions import get_original_bases, is_typeddict

__all__ = ["attribute_docs_in", "describes_options", "option_docs"]

T = TypeVar("T", bound=type)


def describes_options(cls: T) -> T:
    """List all options of ``**options: Unpack[…]`` in the docstrings of a class' methods.

    So ``help(NanoGPTClient.chat)`` says what may be passed, and each option is described once.
    """
    for method in filter(inspect.isfunction, vars(cls).values()):
        annotation = str(method.__annotations__.get("options", ""))
        if annotation.startswith("Unpack[") and method.__doc__:
            options = vars(sys.modules[method.__module__])[annotation[len("Unpack[") : -1]]
            lines = [f"    {name}: {text}" for name, text in option_docs(options).items()]
            method.__doc__ = "\n".join([f"{inspect.cleandoc(method.__doc__)}\n\nOptions:", *lines])
    return cls


def option_docs(options: type) -> dict[str, str]:
    """Return what stands under each option of a TypedDict, also under those that it inherits."""
    own = _of_module(options.__module__).get(options.__name__, {})
    docs = own.copy()
    for base in filter(is_typeddict, get_original_bases(options)):
        docs |= option_docs(base)
    return docs | own


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """Read all classes of a module at once, which takes a few milliseconds of an import."""
    try:
        tree = ast.parse(Path(sys.modules[name].__file__ or "").read_text("utf-8"))
    except OSError:  # installed without sources
        return {}
    classes = (found for found in tree.body if isinstance(found, ast.ClassDef))
    return {found.name: attribute_docs_in(found.body) for found in classes}


def attribute_docs_in(body: list[ast.stmt]) -> dict[str, str]:
    """Return the docstrings under the annotated attributes of a class' body."""
    docs = {}
    for line, below in pairwise(body):
        match line, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = " ".join(text.split())
    return docs
