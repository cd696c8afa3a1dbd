"""A SQLite file that threads share and forked processes use after their parent.

SQLite does not survive a fork: a child that has inherited a connection, even an unused one,
believes its locks to be its own, finds the file locked for ever, or writes without a lock. So the
connection is closed while a process forks, and opened again when it is needed.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakSet

__all__ = ["MEMORY", "SqliteFile"]

MEMORY = ":memory:"
_FORK_WAIT = 15.0  # seconds for a transaction to end before a fork
_CLOSE_PAUSE = 0.05  # seconds after which `close` looks whether it is still needed
_BUSY_PAUSE = 0.01  # seconds until a file is opened again that others were opening


class SqliteFile:
    """One connection, in the journal mode WAL: readers and a writer do not block each other.

    A file that was removed is an error, as its content is lost, and is not created anew.

    Args:
        path: the file, or ``:memory:``.
        schema: SQL that creates what is missing.
        pragmas: SQL for each new connection.
        wait: seconds for other processes to finish their transactions.
    """

    def __init__(self, path: str, schema: str, pragmas: str, wait: float) -> None:
        self.path = path
        self._schema, self._pragmas, self._wait = schema, pragmas, wait
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._abandoned: list[sqlite3.Connection | None] = []
        with _registering:
            _files.add(self)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Begin as a writer, commit in the end, or roll back after any exception.

        Raises:
            sqlite3.Error: the database cannot be used; likewise OSError.
        """
        with self.connection() as connection:
            # A reader that becomes a writer may find the file locked.
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Use the connection, without a transaction, alone among the threads."""
        with self._lock:
            connection = self._opened()
            if connection.in_transaction:  # an exception of a signal handler came between steps
                connection.rollback()
            yield connection

    def _opened(self) -> sqlite3.Connection:
        """Return the connection to the file that is at the path now."""
        if self.path == MEMORY:
            self._connection = self._connection or self._connect()
            return self._connection
        if self._identity is None:
            Path(self.path).touch(0o600)
        found = Path(self.path).stat()
        if self._connection is None or self._identity != (found.st_dev, found.st_ino):
            self._close()
            self._connection = self._connect()
            self._identity = found.st_dev, found.st_ino
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        """Open the file, again while others open it at the same time.

        For one of several processes that create a file, the change of its journal mode fails at
        once, however long SQLite is to wait for locks.
        """
        deadline = time.monotonic() + self._wait
        while True:
            connection = sqlite3.connect(
                self.path, timeout=self._wait, isolation_level=None, check_same_thread=False
            )
            try:
                connection.executescript(
                    f"{self._pragmas}; PRAGMA journal_mode = WAL; {self._schema}"
                )
            except sqlite3.Error as error:
                connection.close()
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_BUSY_PAUSE)
            else:
                return connection

    def close(self) -> None:
        """Close the connection; a file's opens again when it is needed.

        Garbage collection may call this in any thread, also in one that holds a lock which a fork
        in another thread waits for. So it does not wait for forks: they have closed it already.
        """
        while self._connection is not None and self.path != MEMORY:
            if self._lock.acquire(timeout=_CLOSE_PAUSE):
                try:
                    self._close()
                finally:
                    self._lock.release()

    def _close(self) -> None:
        if self._connection is not None and self.path != MEMORY:
            connection, self._connection = self._connection, None
            connection.close()

    def __del__(self) -> None:
        """Close it, in memory as well: Python warns of connections that nobody closed."""
        if self._connection is not None:
            self._connection.close()

    def _before_fork(self) -> bool:
        """Close the connection and hold the lock; ``False`` if a transaction does not end."""
        if not self._lock.acquire(timeout=_FORK_WAIT):
            return False
        with suppress(sqlite3.Error):  # the child abandons what could not be closed
            self._close()
        return True

    def _in_child(self) -> None:
        self._lock = threading.Lock()
        if self.path != MEMORY:
            # Closing what is still open could remove files that the parent needs.
            self._abandoned.append(self._connection)
            self._connection = None


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


_files: WeakSet[SqliteFile] = WeakSet()
_registering = threading.Lock()  # held during a fork, so that no thread opens a new one
_locked: list[SqliteFile] = []


def _before() -> None:
    _registering.acquire()
    _locked.extend([file for file in list(_files) if file._before_fork()])  # noqa: SLF001


def _in_parent() -> None:
    while _locked:
        _locked.pop()._lock.release()  # noqa: SLF001
    _registering.release()


def _in_child() -> None:
    _locked.clear()
    for file in list(_files):
        file._in_child()  # noqa: SLF001
    _registering.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
