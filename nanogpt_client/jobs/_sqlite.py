"""Paid answers in a SQLite file, for the processes of one machine."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from nanogpt_client.account.sqlite_file import SqliteFile
from nanogpt_client.jobs._backend import States, UnknownRequest

__all__ = ["SQLiteBackend"]

# Rows in `requests` are requests without an answer. An intent belongs to the latest one that asks
# for its key. `until` ends the lease; 0 for an outcome that is known to be unknown.
_SCHEMA = """
create table if not exists answers (key text primary key, value blob not null);
create table if not exists requests (
    id text primary key, model text, items integer, at real, worker text, until real);
create table if not exists intents (key text primary key, request text not null);
create index if not exists intents_of_request on intents (request);
"""
_WAIT = 60.0  # seconds for other processes' writes
# Bytes of a page in a new file: with 4,096, writing vectors takes three times as long.
_PRAGMAS = "PRAGMA page_size = 32768; PRAGMA synchronous = FULL"
_MOST = 500  # parameters of one statement; old versions of SQLite allow 999


class SQLiteBackend:
    """Each commit reaches the disk before it returns, so that also a power failure loses none."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: str) -> None:
        self._file = SqliteFile(path, _SCHEMA, _PRAGMAS, _WAIT)

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the stored answers, by key."""
        with self._file.connection() as connection:
            return dict(_select(connection, "select key, value from answers where key in", keys))

    def claim(
        self, request: UnknownRequest, keys: Sequence[str], lease: float, *, take_over: bool
    ) -> States:
        """Write the intents in one transaction, which no other process can come between."""
        with self._file.transaction() as connection:
            now = time.time()
            answers = dict(_select(connection, "select key, value from answers where key in", keys))
            until = dict(
                _select(
                    connection,
                    "select intents.key, until from intents left join requests"
                    " on requests.id = intents.request where intents.key in",
                    keys,
                )
            )
            open_keys = [key for key in keys if key not in answers]
            busy = [key for key in open_keys if (until.get(key) or 0) > now]
            lapsed = [key for key in open_keys if key in until and (until[key] or 0) <= now]
            mine = [key for key in open_keys if key not in until]
            if take_over:
                mine, lapsed = mine + lapsed, []
            if mine:
                _intend(connection, request, mine, now + lease)
        return States(mine, busy, lapsed, answers)

    def put(self, request: str, answers: Mapping[str, bytes]) -> None:
        """Store the answers and remove the request, in one transaction."""
        with self._file.transaction() as connection:
            connection.executemany("insert or replace into answers values (?, ?)", answers.items())
            _remove(connection, request)

    def release(self, request: str, keys: Sequence[str], *, unknown: bool) -> None:  # noqa: ARG002
        """End the lease; unless the outcome is unknown, remove the request."""
        with self._file.transaction() as connection:
            if unknown:
                connection.execute("update requests set until = 0 where id = ?", (request,))
            else:
                _remove(connection, request)

    def renew(self, requests: Collection[str], lease: float) -> None:
        """Extend the leases, but not of requests that were released meanwhile."""
        until = time.time() + lease
        with self._file.transaction() as connection:
            connection.executemany(
                "update requests set until = ? where id = ? and until > 0",
                [(until, request) for request in requests],
            )

    def unknown(self) -> list[UnknownRequest]:
        """Return the requests whose lease is over."""
        query = "select id, model, items, at, worker from requests where until <= ? order by at"
        with self._file.connection() as connection:
            rows = connection.execute(query, (time.time(),)).fetchall()
        return [UnknownRequest(*row) for row in rows]

    def close(self) -> None:
        """Close the connection."""
        self._file.close()


def _select(
    connection: sqlite3.Connection, query: str, keys: Sequence[str]
) -> Iterator[tuple[str, Any]]:
    for start in range(0, len(keys), _MOST):
        part = keys[start : start + _MOST]
        marks = ",".join("?" * len(part))
        yield from connection.execute(f"{query} ({marks})", part)


def _intend(
    connection: sqlite3.Connection, request: UnknownRequest, keys: Sequence[str], until: float
) -> None:
    row = (request.id, request.model, len(keys), request.started_at, request.worker, until)
    connection.execute("insert into requests values (?, ?, ?, ?, ?, ?)", row)
    connection.executemany(
        "insert or replace into intents values (?, ?)", [(key, request.id) for key in keys]
    )


def _remove(connection: sqlite3.Connection, request: str) -> None:
    connection.execute("delete from intents where request = ?", (request,))
    connection.execute("delete from requests where id = ?", (request,))
