"""Files that commands read and write: never over an existing one unless forced.

A file that was named is written under exactly that name, or there is an error; without a name it is
named after the text, with the extension of its type. ``-`` is stdin or stdout.
"""

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

__all__ = ["STDIN", "STDOUT", "Target", "read_source", "targets", "write_result"]

STDIN = "-"
STDOUT = Path("-")


def read_source(source: str) -> str | bytes:
    """Return a file's path or URL as it is, or for ``-`` the bytes of stdin.

    Raises:
        click.UsageError: nothing was piped in, or the file does not exist.
    """
    if source == STDIN:
        if sys.stdin.isatty() or not (data := sys.stdin.buffer.read()):
            raise click.UsageError("- reads a file from stdin, and nothing was piped in.")
        return data
    if "://" not in source and not source.startswith("data:") and not Path(source).is_file():
        raise click.UsageError(f"There is no file {source!r}.")
    return source


class Target:
    """Where one result goes: the named file, stdout, or a new file named after a text."""

    def __init__(self, named: Path | None, text: str, *, force: bool = False) -> None:
        self.named = named
        self._path = named or Path(_slug(text))
        self._force = force

    def check(self, *, as_json: bool) -> None:
        """Refuse what cannot be written, before anything is paid.

        Raises:
            click.UsageError: a file exists, its folder does not or is not writable, or stdout is
                a terminal.
        """
        if self.named == STDOUT:
            if as_json:
                raise click.UsageError("--json and --output - both write to stdout; use one.")
            if sys.stdout.isatty():
                raise click.UsageError("--output - is for a pipe, not for a terminal.")
            return
        if self.named is not None and self._path.is_dir():
            raise click.UsageError(f"{self._path} is a folder; name a file in it.")
        if self.named is not None and self._path.exists() and not self._force:
            raise click.UsageError(f"{self._path} exists already; --force overwrites files.")
        folder = self._path.absolute().parent
        if not folder.is_dir():
            raise click.UsageError(f"{self._path} cannot be written: there is no folder {folder}.")
        if not os.access(folder, os.W_OK):
            raise click.UsageError(f"{self._path} cannot be written: {folder} is not writable.")

    def save(self, run: Session, data: bytes, mime_type: str | None = None) -> Path | None:
        """Write the bytes; return the file's path, or ``None`` for stdout.

        Raises:
            FileExistsError: the named file was made by another program meanwhile; the result was
                paid, and is in the file that the message names.
        """
        if self.named == STDOUT:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return None
        detected = files.mime_type_of(data, mime_type)
        if self.named is None:
            return _save_as_new(data, self._path, detected)
        try:
            files.write(data, self._path, overwrite=self._force)
        except FileExistsError:
            saved = _save_as_new(data, self._path, detected)
            msg = f"{self._path} exists by now; the result is in {saved}"
            raise FileExistsError(msg) from None
        if files.names_another_type(self._path, detected):
            run.note(f"{self._path} contains {detected}: the model chose the format")
        return self._path


def targets(named: Path | None, text: str, n: int = 1, *, force: bool) -> list[Target]:
    """Return where ``n`` results go; several named files are numbered.

    Raises:
        click.UsageError: several cannot go to stdout.
    """
    if named == STDOUT and n > 1:
        raise click.UsageError("Only one file can be written to stdout.")
    if named is None or n == 1:
        return [Target(named, text, force=force)] * n
    names = [named.with_name(f"{named.stem}-{at}{named.suffix}") for at in range(1, n + 1)]
    return [Target(name, text, force=force) for name in names]


def write_result(run: Session, saved: Sequence[Path | None], **about: Any) -> None:
    """Write the paths of the saved files; ``None`` is one that went to stdout."""
    names = [str(path) for path in saved if path is not None]
    run.paid_result(
        {**about, "files": names}, lambda: write(run.out, "\n".join(names), end="\n" * any(names))
    )


def _save_as_new(data: bytes, path: Path, mime_type: str) -> Path:
    """Save under a name that is free: the next number is added."""
    numbers = itertools.count(2)
    wanted = path
    while True:
        try:
            return files.save(data, path, mime_type, overwrite=False)
        except FileExistsError:
            path = wanted.with_name(f"{wanted.stem}-{next(numbers)}{wanted.suffix}")


def _slug(text: str) -> str:
    return "-".join(re.findall(r"\w+", text.lower()))[:40].rstrip("-") or "nanogpt"
