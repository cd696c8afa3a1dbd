"""A ledger's file: one line per entry, written completely or not at all.

Several processes may append to one file. They use a lock of the operating system where there
is one, and each makes sure that its entry starts on a new line.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from nanogpt_client.errors import ConfigurationError

if sys.platform == "win32":
    locking = None
else:
    import fcntl as locking

__all__ = ["LedgerFile"]

_LOCK_TRIES = 100
_LOCK_PAUSE = 0.001  # seconds; writing one line takes about a hundredth of that


class LedgerFile:
    """Appends lines, each exactly once and complete, or raises `OSError`. Not thread-safe.

    The file is opened again for each write, as it may have been moved or removed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self._name = str(self.path)
        self._writing: _Write | None = None
        self._end = -1  # where our last line ended

    def check(self) -> None:
        """Create the file if it is missing, and check that it can be read and appended to.

        Raises:
            ConfigurationError: it cannot.
        """
        try:
            usable = self.path.is_file() or not self.path.exists()
            if usable:  # opening a pipe, for example, could block for ever
                self._opened().close()
        except (OSError, ValueError) as error:
            raise self._unusable(error) from error
        if not usable:
            raise self._unusable("it is not a regular file")

    def size(self) -> int:
        """Return the file's size in bytes.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise self._unusable(error) from error

    def lines(self, size: int | None = None) -> Iterator[str]:
        """Yield the lines of the first ``size`` bytes, by default of the file's current size.

        Raises:
            ConfigurationError: the file cannot be read.
        """
        left = self.size() if size is None else size
        try:
            with self.path.open("rb") as file:
                while left > 0 and (line := file.readline()):
                    left -= len(line)
                    yield line.decode("utf-8", "replace")
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: object) -> ConfigurationError:
        return ConfigurationError(f"a ledger cannot use {self._name!r}: {error}", param="path")

    def append(self, key: object, line: str) -> None:
        """Write a line, unless this was done before; ``key`` identifies the line.

        A signal handler may raise an exception between any two steps; the next call with this key
        then continues.

        Raises:
            OSError: the line was not written; a part of it was removed if possible.
        """
        if self._writing is None or self._writing.key is not key:
            self._writing = _Write(key)
        for _ in range(2):
            if not self._writing.whole:
                self._write(self._writing, line)
        if not self._writing.whole:
            raise OSError("only part of the line could be written")

    def _write(self, write: _Write, line: str) -> None:
        with self._opened() as file:
            locked = _lock(file)
            if write.results:
                self._remove_part(file, write, locked=locked)
            end = file.seek(0, io.SEEK_END)
            write.data = self._separator(file, end) + f"{line}\n".encode()
            # One C call, so that no exception of a signal handler can come between the write and
            # storing its result.
            write.results.extend(map(os.write, (file.fileno(),), (write.data,)))
            if write.whole:
                self._end = end + len(write.data)
            else:
                self._remove_part(file, write, locked=locked)

    def _opened(self) -> io.FileIO:
        return io.FileIO(self._name, "a+", opener=_open)

    def _separator(self, file: io.FileIO, end: int) -> bytes:
        """Return a line end if the last line has none, e.g. because its process was killed."""
        if end in (0, self._end):
            return b""
        file.seek(end - 1)
        return b"" if file.read(1) == b"\n" else b"\n"

    def _remove_part(self, file: io.FileIO, write: _Write, *, locked: bool) -> None:
        """Remove the written part of a line from the file's end, if no other process writes.

        Otherwise it stays, and the next entry starts on a new line.
        """
        part = write.data[: write.results[0]]
        start = file.seek(0, io.SEEK_END) - len(part)
        if locked and start >= 0:
            file.seek(start)
            if file.read(len(part)) == part:
                file.truncate(start)
        self._end = -1
        write.results.clear()


class _Write:
    """One line being written: ``results`` has the number of bytes of ``data`` that were written."""

    __slots__ = ("data", "key", "results")

    def __init__(self, key: object) -> None:
        self.key = key
        self.data = b""
        self.results: list[int] = []

    @property
    def whole(self) -> bool:
        return bool(self.results) and self.results[0] == len(self.data)


def _open(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _lock(file: io.FileIO) -> bool:
    """Lock the file until it is closed; ``False`` where that is not supported or takes too long."""
    if locking is None:
        return False
    for _ in range(_LOCK_TRIES):
        try:
            locking.flock(file, locking.LOCK_EX | locking.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE)
        except OSError:  # the file system has no locks
            return False
        else:
            return True
    return False
