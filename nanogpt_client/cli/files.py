"""Files that commands write: never over an existing one unless forced, and paid results always."""

from __future__ import annotations

import itertools
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from nanogpt_client._media import files
from nanogpt_client.cli.base import Session
from nanogpt_client.cli.output import write

__all__ = ["STDOUT", "check_paths", "output_paths", "save", "write_result"]

STDOUT = Path("-")


def output_paths(output: Path | None, text: str, n: int = 1) -> list[Path]:
    """Return paths for ``n`` files: as given, or named after the text, in the current folder."""
    if output == STDOUT:
        if n > 1:
            raise click.UsageError("Only one file can be written to stdout.")
        return [STDOUT]
    path = output or Path(_slug(text))
    if n == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{at}{path.suffix}") for at in range(1, n + 1)]


def check_paths(paths: Sequence[Path], *, force: bool, as_json: bool) -> None:
    """Refuse paths that cannot be written, before anything is paid.

    Raises:
        click.UsageError: a file exists, its folder is not writable, or stdout is a terminal.
    """
    for path in paths:
        if path == STDOUT:
            if as_json:
                raise click.UsageError("--json and --output - both write to stdout; use one.")
            if sys.stdout.isatty():
                raise click.UsageError("--output - is for a pipe, not for a terminal.")
            continue
        if path.exists() and (not force or path.is_dir()):
            raise click.UsageError(f"{path} exists already; --force overwrites files.")
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise click.UsageError(f"{path} cannot be written: {folder} is not a writable folder.")


def save(data: bytes, path: Path, *, force: bool, mime_type: str | None = None) -> Path | None:
    """Write a file with the extension of its type; return its path, or ``None`` for stdout.

    If the file exists by now, the next free number is added to its name.
    """
    if path == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return None
    mime_type = files.mime_type_of(data, mime_type)
    numbers = itertools.count(2)
    wanted = path
    while True:
        try:
            return files.save(data, path, mime_type, overwrite=force)
        except FileExistsError:
            path = wanted.with_name(f"{wanted.stem}-{next(numbers)}{wanted.suffix}")


def write_result(run: Session, saved: Sequence[Path | None], **about: Any) -> None:
    """Write the paths of the saved files; ``None`` is one that went to stdout."""
    names = [str(path) for path in saved if path is not None]
    run.paid_result(
        {**about, "files": names}, lambda: write(run.out, "\n".join(names), end="\n" * any(names))
    )


def _slug(text: str) -> str:
    return "-".join(re.findall(r"\w+", text.lower()))[:40].rstrip("-") or "nanogpt"
