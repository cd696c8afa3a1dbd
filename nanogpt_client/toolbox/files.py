"""Files that go in and out of tools: where they are kept, and which a model may reach."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from nanogpt_client.errors import ConfigurationError
from nanogpt_client.wire import _files

__all__ = ["Memory"]

MEMORY_BYTES = 64 * 1024 * 1024
LARGEST_FILE = 64 * 1024 * 1024
_ELSEWHERE = ("http://", "https://", "data:")


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
    """Make the folder for results, before anything is paid for them.

    Raises:
        ConfigurationError: it cannot be made.
    """
    if output_dir is None:
        return
    try:
        Path(output_dir).expanduser().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"output_dir {str(output_dir)!r} cannot be used: {error.strerror}"
        raise ConfigurationError(msg, param="output_dir") from error


def keep(
    memory: Memory, output_dir: Path | str | None, kind: str, data: bytes, mime_type: str
) -> Kept:
    """Keep a result under a name told by its content; write it, too, if there is a folder.

    It is paid for, so a full disk is told and no error.
    """
    digest = hashlib.sha256(data).hexdigest()[:10]
    name = f"{kind}-{digest}{_files.extension_of(mime_type)}"
    if not mime_type.startswith("video/"):  # no tool takes one
        memory.put(name, data)
    if output_dir is None:
        return Kept(name, mime_type, data)
    path = Path(output_dir).expanduser() / name
    try:
        _files.save(data, path, mime_type, overwrite=False)
    except FileExistsError:
        pass  # the name is the content's, so it is the same file
    except OSError as error:
        return Kept(name, mime_type, data, trouble=f"it could not be saved: {error.strerror}")
    return Kept(name, mime_type, data, path.absolute())


def reachable(source: str | bytes, memory: Memory, folders: Sequence[Path | str]) -> str | bytes:
    """Return what a model may use as a file: a URL as it is, anything else as bytes.

    Raises:
        ConfigurationError: there is no such file where a model may look.
    """
    if isinstance(source, bytes) or source.startswith(_ELSEWHERE):
        return source
    kept = memory.get(Path(source).name) if "\0" not in source else None
    return kept if kept is not None else _read(source, memory, folders)


def _read(source: str, memory: Memory, folders: Sequence[Path | str]) -> bytes:
    roots = [Path(folder).expanduser().resolve() for folder in folders]
    path = next((path for root in roots if (path := _inside(root, source)) is not None), None)
    if path is None:
        known = ", ".join(memory.names()[:5]) or "none yet"
        where = f", or a file under {' or '.join(map(str, roots))}" if roots else ""
        msg = (
            f"there is no file {source[:200]!r} here. Use the name of a file that an earlier tool "
            f"made (newest first: {known}), a URL{where}"
        )
        raise ConfigurationError(msg)
    if path.stat().st_size > LARGEST_FILE:
        raise ConfigurationError(f"{source!r} is larger than {LARGEST_FILE >> 20} MB")
    return path.read_bytes()


def _inside(root: Path, source: str) -> Path | None:
    """Return the file if it is in the folder; a link or a ".." that leads out of it is no way."""
    try:
        path = (root / source).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, ValueError):  # a name that is too long, or has a zero byte
        return None
