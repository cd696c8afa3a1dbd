"""Packages whose names load their module when they are first asked for.

Who wants the chat model alone need not wait for tools, retrievers and what those import.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["names_of"]


def names_of(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return a package's ``__getattr__`` and ``__dir__``; ``modules`` says what each module has.

    The modules themselves are found, too, as if the package had imported them.

    >>> __getattr__, __dir__ = names_of(__name__, {"chat": "ChatNanoGPT", "tools": "Toolkit …"})
    """
    homes = {name: f".{module}" for module, names in modules.items() for name in names.split()}
    parts = {module.partition(".")[0] for module in modules}

    def __getattr__(name: str) -> Any:  # noqa: N807 - what a module calls it
        if name in parts:
            return importlib.import_module(f".{name}", package)
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(homes[name], package), name)
        setattr(sys.modules[package], name, value)  # from now on found without coming here
        return value

    def __dir__() -> list[str]:  # noqa: N807
        return sorted({*vars(sys.modules[package]), *homes, *parts})

    return __getattr__, __dir__
