"""A SQLite file that is closed while its process forks."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest

from nanogpt_client.account.sqlite_file import SqliteFile


def file_at(path):
    return SqliteFile(str(path), "create table if not exists rows (id integer)", "", wait=10)


def test_closing_does_not_wait_for_a_fork(tmp_path):
    """Else a fork in one thread and a garbage collection in another may wait for each other."""
    file = file_at(tmp_path / "rows.db")
    with file.connection() as connection:
        connection.execute("insert into rows values (1)")
    assert file._before_fork()  # holds the lock until the fork is over
    closing = threading.Thread(target=file.close, daemon=True)
    closing.start()
    closing.join(5)
    file._lock.release()
    assert not closing.is_alive()
    with file.connection() as connection:  # it opens again
        assert connection.execute("select id from rows").fetchall() == [(1,)]
    file.close()


def test_closing_waits_for_a_transaction(tmp_path):
    file = file_at(tmp_path / "rows.db")
    with file.transaction() as connection:
        closing = threading.Thread(target=file.close)
        closing.start()
        closing.join(0.2)
        assert closing.is_alive()
        connection.execute("insert into rows values (1)")
    closing.join(5)
    assert not closing.is_alive()
    assert file._connection is None
    with file.connection() as connection:
        assert connection.execute("select id from rows").fetchall() == [(1,)]
    file.close()


def test_a_file_that_another_process_is_just_creating_is_waited_for(tmp_path):
    """The first change of the journal mode fails at once, however long SQLite is to wait."""
    path = tmp_path / "rows.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    ending = threading.Timer(0.3, other.close)
    ending.start()
    file = file_at(path)
    with file.transaction() as connection:
        connection.execute("insert into rows values (1)")
    ending.join()
    file.close()


def test_it_is_waited_for_no_longer_than_is_said(tmp_path):
    path = tmp_path / "rows.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        file = SqliteFile(str(path), "", "", wait=0.1)
        with pytest.raises(sqlite3.OperationalError, match="locked"), file.transaction():
            pass
    file.close()
