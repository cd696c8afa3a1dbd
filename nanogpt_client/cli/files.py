"""Where media go: never over a file that is there, unless forced, and never lost once paid."""

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
from nanogpt_client.cli.session import Session
from nanogpt_client.cli.show import write

__all__ = ["STDOUT", "check_targets", "finish", "save", "targets"]

STDOUT = Path("-")


def targets(output: Path | None, text: str, n: int = 1) -> list[Path]:
    """Return where ``n`` files shall go: as told, or named after the text, in this folder."""
    if output == STDOUT:
        if n > 1:
            raise click.UsageError("Only one file fits through a pipe.")
        return [STDOUT]
    path = output or Path(_slug(text))
    if n == 1:
        return [path]
    return [path.with_name(f"{path.stem}-{at}{path.suffix}") for at in range(1, n + 1)]


def check_targets(paths: Sequence[Path], *, force: bool, as_json: bool) -> None:
    """Refuse, before anything is paid, what could not be written afterwards.

    Raises:
        click.UsageError: a file is there, its folder cannot be written to, or a terminal would get
            bytes.
    """
    for path in paths:
        if path == STDOUT:
            if as_json:
                raise click.UsageError("--json and --output - both want the standard output.")
            if sys.stdout.isatty():
                raise click.UsageError("--output - is for a pipe, not for a terminal.")
            continue
        if path.exists() and (not force or path.is_dir()):
            raise click.UsageError(f"{path} is there already; --force writes over files.")
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise click.UsageError(f"{path} cannot be written: {folder} is no writable folder.")


def save(data: bytes, path: Path, *, force: bool, mime_type: str | None = None) -> Path | None:
    """Write a file with the extension that fits it; return its path, or ``None`` for stdout.

    If that file has come to be in the meantime, the next free number is added to its name.
    """
    if path == STDOUT:
        stream = sys.stdout.buffer
        stream.write(data)
        stream.flush()
        return None
    kind = files.mime_type_of(data, mime_type)
    numbers = itertools.count(2)
    wanted = path
    while True:
        try:
            return files.save(data, path, kind, overwrite=force)
        except FileExistsError:
            path = wanted.with_name(f"{wanted.stem}-{next(numbers)}{wanted.suffix}")


def finish(run: Session, saved: Sequence[Path | None], **about: Any) -> None:
    """Show which files there are now; ``None`` stands for one that went through the pipe."""
    names = [str(path) for path in saved if path is not None]
    run.paid(
        {**about, "files": names}, lambda: write(run.out, "\n".join(names), end="\n" * any(names))
    )


def _slug(text: str) -> str:
    words = re.findall(r"\w+", text.lower())
    return "-".join(words)[:40].rstrip("-") or "nanogpt"
