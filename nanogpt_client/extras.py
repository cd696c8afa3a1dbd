"""What to install where an extra is missing: a command that works for this installation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["install_command", "needs"]

_NAME = "nanogpt-integrations"


@contextmanager
def needs(extra: str | None, what: str) -> Iterator[None]:
    """Turn an import that fails inside the block into advice on what to install.

    ``extra`` is ``None`` for a library that no extra brings.

    Raises:
        ModuleNotFoundError: a module of the extra is missing; the message names the extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        command = f"pip install {error.name}" if extra is None else install_command(extra)
        msg = f"{what} needs {error.name or 'a library'}: {command}"
        raise ModuleNotFoundError(msg, name=error.name) from error


def install_command(extra: str) -> str:
    """Return the command that installs an extra, from where this package was installed."""
    try:
        recorded = distribution(_NAME).read_text("direct_url.json")
    except PackageNotFoundError:  # the source tree is on the path, without being installed
        recorded = None
    return f"pip install {_requirement(json.loads(recorded or '{}'), extra)}"


def _requirement(origin: dict[str, Any], extra: str) -> str:
    """Return what pip is to install; ``origin`` is where the package came from (PEP 610)."""
    url = str(origin.get("url") or "")
    if "dir_info" in origin:
        path = unquote(urlsplit(url).path)
        return f'{"-e " if origin["dir_info"].get("editable") else ""}"{path}[{extra}]"'
    if "vcs_info" in origin:
        url = f"{origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    return f'"{_NAME}[{extra}] @ {url}"' if url else f'"{_NAME}[{extra}]"'
