"""Files that tools save and read: results by name, and the folders that an agent may read."""

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

__all__ = ["ArtifactStore"]

STORE_BYTES = 64 * 1024 * 1024
MAX_FILE_BYTES = 64 * 1024 * 1024
PROBE_BYTES = 4096


class ArtifactStore:
    """Files that tools made, by name; the newest 64 MB stay.

    Tools share one, so that one can use what another made. It lives in this process: copies share
    it, pickles are empty. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[str, bytes] = OrderedDict()

    def put(self, name: str, data: bytes) -> None:
        """Store a file; the oldest go while all are larger than 64 MB."""
        with self._lock:
            self._files[name] = data
            self._files.move_to_end(name)
            while len(self._files) > 1 and sum(map(len, self._files.values())) > STORE_BYTES:
                self._files.popitem(last=False)

    def get(self, name: str) -> bytes | None:
        """Return the file of that name, or ``None`` if it is not stored (any more)."""
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
        return ArtifactStore, ()


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A result's file; ``error`` says why it could not be written, if so."""

    name: str
    mime_type: str
    data: bytes = field(repr=False)
    path: Path | None = None
    error: str | None = None

    def describe(self, url: str | None) -> str:
        """Say where the file is, for a model to pass on to the user or to another tool."""
        text = f"File: {self.path or self.name}"
        if self.path is None and url:
            text += f" (for a limited time also at {url})"
        return f"{text}; {self.error}." if self.error else f"{text}."


def check_output_dir(output_dir: Path | str | None) -> None:
    """Create the folder for results and write to it, before anything is paid for them.

    Raises:
        ConfigurationError: it cannot be created or written to.
    """
    if output_dir is None:
        return
    try:
        folder = Path(output_dir).expanduser()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".nanogpt-") as file:
            file.write(b"\0" * PROBE_BYTES)
    except (OSError, ValueError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        msg = f"output_dir {str(output_dir)!r} cannot be used: {why}"
        raise ConfigurationError(msg, param="output_dir") from error


def save_file(
    store: ArtifactStore, output_dir: Path | str | None, kind: str, data: bytes, mime_type: str
) -> SavedFile:
    """Store a result under a name made of its content's hash, and write it to the folder, if any.

    It is already paid for, so a full disk is reported in the result and raises nothing.
    """
    digest = hashlib.sha256(data).hexdigest()[:10]
    name = f"{kind}-{digest}{files.extension_of(mime_type)}"
    saved = SavedFile(name, mime_type, data)
    if output_dir is not None:
        saved = _written(saved, Path(output_dir).expanduser() / name)
    # Videos are large, and no tool takes one as input.
    if saved.path is None or not mime_type.startswith("video/"):
        store.put(name, data)
    return saved


def _written(saved: SavedFile, path: Path) -> SavedFile:
    try:
        files.save(saved.data, path, saved.mime_type, overwrite=False)
    except FileExistsError:
        pass  # the name is the content's hash, so it is the same file
    except OSError as error:
        return replace(saved, error=f"it could not be saved: {error.strerror}")
    return replace(saved, path=path.absolute())


def read_file(source: str, store: ArtifactStore, folders: Sequence[Path | str]) -> bytes:
    """Return the bytes of a file that an agent names: a stored one, or one in the folders.

    Raises:
        InvalidArgumentError: there is no such file where the agent may read, or reading it failed.
    """
    stored = store.get(Path(source).name) if "\0" not in source else None
    return stored if stored is not None else _read(source, store, folders)


def _read(source: str, store: ArtifactStore, folders: Sequence[Path | str]) -> bytes:
    roots = [root for folder in folders if (root := _root(folder)) is not None]
    path = next((path for root in roots if (path := _inside(root, source)) is not None), None)
    if path is None:
        names = ", ".join(store.names()[:5]) or "none yet"
        where = f", or a file under {' or '.join(map(str, roots))}" if roots else ""
        msg = (
            f"there is no file {source[:200]!r} here. Use the name of a file that an earlier tool "
            f"made (newest first: {names}), or a URL{where}"
        )
        raise InvalidArgumentError(msg)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidArgumentError(f"{source[:200]!r} cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise InvalidArgumentError(f"{source[:200]!r} is larger than {MAX_FILE_BYTES >> 20} MB")
    return data


# Path.resolve and is_file raise these for loops of links, a missing home directory, names that
# are too long, and zero bytes: there is no such file then.
_NO_SUCH_PATH = (OSError, ValueError, RuntimeError)


def _root(folder: Path | str) -> Path | None:
    try:
        return Path(folder).expanduser().resolve()
    except _NO_SUCH_PATH:
        return None


def _inside(root: Path, source: str) -> Path | None:
    """Return the file if it is in the folder, also after links and ".." are resolved."""
    try:
        path = (root / source).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except _NO_SUCH_PATH:
        return None
