"""Files that go in and out of tools: where they are kept, and which a model may reach."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from nanogpt_client._media import files
from nanogpt_client.errors import ConfigurationError, InvalidArgumentError

__all__ = ["Memory"]

MEMORY_BYTES = 64 * 1024 * 1024
LARGEST_FILE = 64 * 1024 * 1024
TRIED_BYTES = 4096


class Memory:
    """Pictures and sounds that tools made, under the names their results told; the newest stay.

    Tools share one, so that one can use what another made. It stays in this process: copies share
    it, pickles are empty.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[str, bytes] = OrderedDict()

    def put(self, name: str, data: bytes) -> None:
        """Keep a file; the oldest go when all are larger than 64 MB."""
        with self._lock:
            self._files[name] = data
            self._files.move_to_end(name)
            while len(self._files) > 1 and sum(map(len, self._files.values())) > MEMORY_BYTES:
                self._files.popitem(last=False)

    def get(self, name: str) -> bytes | None:
        """Return the file of that name, if it is still here."""
        return self._files.get(name)

    def names(self) -> list[str]:
        """Return the names, newest first."""
        with self._lock:
            return list(reversed(self._files))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Memory, ()


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as results tell of it; ``trouble`` says why it could not be written, if so."""

    name: str
    mime_type: str
    data: bytes = field(repr=False)
    path: Path | None = None
    trouble: str | None = None

    @property
    def place(self) -> str:
        """Where a model is told that the file is."""
        return str(self.path) if self.path is not None else self.name


def check_output(output_dir: Path | str | None) -> None:
    """Make the folder for results and write into it, before anything is paid for them.

    Raises:
        ConfigurationError: it cannot be made, or not be written to.
    """
    if output_dir is None:
        return
    try:
        folder = Path(output_dir).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".nanogpt-") as file:
            file.write(b"\0" * TRIED_BYTES)
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        msg = f"output_dir {str(output_dir)!r} cannot be used: {why}"
        raise ConfigurationError(msg, param="output_dir") from error


def keep(
    memory: Memory, output_dir: Path | str | None, kind: str, data: bytes, mime_type: str
) -> Kept:
    """Keep a result under a name told by its content; write it, too, if there is a folder.

    It is paid for, so a full disk is told and no error.
    """
    digest = hashlib.sha256(data).hexdigest()[:10]
    name = f"{kind}-{digest}{files.extension_of(mime_type)}"
    kept = Kept(name, mime_type, data)
    if output_dir is not None:
        kept = _saved(kept, Path(output_dir).expanduser() / name)
    if kept.path is None or not mime_type.startswith("video/"):  # they are large, no tool takes one
        memory.put(name, data)
    return kept


def _saved(kept: Kept, path: Path) -> Kept:
    try:
        files.save(kept.data, path, kept.mime_type, overwrite=False)
    except FileExistsError:
        pass  # the name is the content's, so it is the same file
    except OSError as error:
        return replace(kept, trouble=f"it could not be saved: {error.strerror}")
    return replace(kept, path=path.absolute())


def reachable(source: str, memory: Memory, folders: Sequence[Path | str]) -> bytes:
    """Return the bytes of a file that a model names: one that tools made, or one in the folders.

    Raises:
        InvalidArgumentError: there is no such file where a model may look, or it cannot be read.
    """
    kept = memory.get(Path(source).name) if "\0" not in source else None
    return kept if kept is not None else _read(source, memory, folders)


def _read(source: str, memory: Memory, folders: Sequence[Path | str]) -> bytes:
    roots = [root for folder in folders if (root := _root(folder)) is not None]
    path = next((path for root in roots if (path := _inside(root, source)) is not None), None)
    if path is None:
        known = ", ".join(memory.names()[:5]) or "none yet"
        where = f", or a file under {' or '.join(map(str, roots))}" if roots else ""
        msg = (
            f"there is no file {source[:200]!r} here. Use the name of a file that an earlier tool "
            f"made (newest first: {known}), a URL{where}"
        )
        raise InvalidArgumentError(msg)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InvalidArgumentError(f"{source[:200]!r} cannot be read: {error.strerror}") from error
    if len(data) > LARGEST_FILE:
        raise InvalidArgumentError(f"{source[:200]!r} is larger than {LARGEST_FILE >> 20} MB")
    return data


def _root(folder: Path | str) -> Path | None:
    try:
        return Path(folder).expanduser().resolve()
    except (OSError, ValueError, RuntimeError):  # a circle of links, no home: nothing is in there
        return None


def _inside(root: Path, source: str) -> Path | None:
    """Return the file if it is in the folder; a link or a ".." that leads out of it is no way."""
    try:
        path = (root / source).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (
        OSError,
        ValueError,
        RuntimeError,
    ):  # a circle of links; a name that is too long, or has a zero byte
        return None
