"""Paid answers in a SQLite file, for the processes of one machine."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

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
_PAGE = 32_768  # bytes: with 4,096, writing vectors takes three times as long
_MOST = 500  # parameters of one statement; old versions of SQLite allow 999


class SQLiteBackend:
    """One connection, in the journal mode WAL: readers and a writer do not block each other.

    Each commit reaches the disk before it returns, so that also a power failure loses none.
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, timeout=_WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            self._connection.execute(f"pragma page_size={_PAGE}")  # of a new file
            self._connection.execute("pragma journal_mode=wal")
            self._connection.execute("pragma synchronous=full")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error:
            self._connection.close()
            raise

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the stored answers, by key."""
        with self._lock:
            return dict(self._select("select key, value from answers where key in", keys))

    def claim(
        self, request: UnknownRequest, keys: Sequence[str], lease: float, *, take_over: bool
    ) -> States:
        """Write the intents in one transaction, which no other process can come between."""
        with self._transaction():
            now = time.time()
            answers = dict(self._select("select key, value from answers where key in", keys))
            until = dict(
                self._select(
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
                self._intend(request, mine, now + lease)
        return States(mine, busy, lapsed, answers)

    def _intend(self, request: UnknownRequest, keys: Sequence[str], until: float) -> None:
        row = (request.id, request.model, len(keys), request.started_at, request.worker, until)
        self._connection.execute("insert into requests values (?, ?, ?, ?, ?, ?)", row)
        self._connection.executemany(
            "insert or replace into intents values (?, ?)", [(key, request.id) for key in keys]
        )

    def put(self, request: str, answers: Mapping[str, bytes]) -> None:
        """Store the answers and remove the request, in one transaction."""
        with self._transaction():
            self._connection.executemany(
                "insert or replace into answers values (?, ?)", answers.items()
            )
            self._remove(request)

    def release(self, request: str, keys: Sequence[str], *, unknown: bool) -> None:  # noqa: ARG002
        """End the lease; unless the outcome is unknown, remove the request."""
        with self._transaction():
            if unknown:
                self._connection.execute("update requests set until = 0 where id = ?", (request,))
            else:
                self._remove(request)

    def _remove(self, request: str) -> None:
        self._connection.execute("delete from intents where request = ?", (request,))
        self._connection.execute("delete from requests where id = ?", (request,))

    def renew(self, requests: Collection[str], lease: float) -> None:
        """Extend the leases, but not of requests that were released meanwhile."""
        until = time.time() + lease
        with self._transaction():
            self._connection.executemany(
                "update requests set until = ? where id = ? and until > 0",
                [(until, request) for request in requests],
            )

    def unknown(self) -> list[UnknownRequest]:
        """Return the requests whose lease is over."""
        query = "select id, model, items, at, worker from requests where until <= ? order by at"
        with self._lock:
            rows = self._connection.execute(query, (time.time(),)).fetchall()
        return [UnknownRequest(*row) for row in rows]

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _select(self, query: str, keys: Sequence[str]) -> Iterator[tuple[str, Any]]:
        for start in range(0, len(keys), _MOST):
            part = keys[start : start + _MOST]
            marks = ",".join("?" * len(part))
            yield from self._connection.execute(f"{query} ({marks})", part)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Begin as a writer at once, as a reader that becomes one may find the file locked."""
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")
