"""Packages whose names load their module when they are first asked for.

Who wants the chat model alone need not wait for tools, retrievers and what those import.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["names_of"]


def names_of(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package; ``modules`` says which names each module has.

    >>> __getattr__ = names_of(__name__, {"chat": "ChatNanoGPT", "tools": "NanoGPTToolkit …"})
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    def __getattr__(name: str) -> Any:  # noqa: N807 - what a module calls it
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        setattr(sys.modules[package], name, value)  # from now on found without coming here
        return value

    return __getattr__
