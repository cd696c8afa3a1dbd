"""An account in SQLite: in a file that the processes of one machine share, or in memory.

A transaction loads the `State`, applies a rule to it and stores it. The file is in WAL mode, whose
commits need no disk flush: a killed process loses nothing.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from nanogpt_client.account._backend import (
    OTHER_DATA,
    Admission,
    FinishedCall,
    Limits,
    NewCall,
    PauseReason,
    Sums,
)
from nanogpt_client.account._state import State
from nanogpt_client.account.sqlite_file import SqliteFile
from nanogpt_client.errors import AccountUnavailableError

__all__ = ["SqliteBackend"]

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS in_flight (
    token TEXT PRIMARY KEY, usd INTEGER NOT NULL, if_unknown INTEGER NOT NULL,
    deadline REAL NOT NULL, entry TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deadlines ON in_flight (deadline);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, lost INTEGER, entry TEXT NOT NULL
);
"""
_FIND = {
    "in_flight": "SELECT usd FROM in_flight WHERE token = ?",
    "entries": "SELECT lost FROM entries WHERE token = ?",
}
_WAIT = 10.0  # seconds for another process to finish its transaction, which takes a millisecond


class SqliteBackend:
    """See `Backend`. Threads share one connection."""

    def __init__(self, path: str, now: Callable[[], float] = time.time) -> None:
        self._file = SqliteFile(path, _SCHEMA, "PRAGMA synchronous = NORMAL", _WAIT)
        self._now = now
        self.id = ""  # of the data that this process has seen

    def admit(self, limits: Limits, call: NewCall | None) -> Admission:
        """Reserve a call's amount (once) and a slot in the queue; without a call, only a slot."""

        def apply(connection: sqlite3.Connection, state: State, now: float) -> Admission:
            # A call that has ended was abandoned while it was being admitted.
            open_call = call if call and not _find(connection, "entries", call.token) else None
            is_new = open_call and not _find(connection, "in_flight", open_call.token)
            admission = state.admit(now, limits, open_call if is_new else None)
            is_admitted = admission.refused is None and admission.paused != "daily"
            if open_call is not None and is_admitted:
                token, usd, if_unknown, lease, entry = open_call
                connection.execute(
                    "INSERT INTO in_flight VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT (token) DO UPDATE SET deadline = excluded.deadline",
                    (token, usd, if_unknown, now + admission.seconds + lease, entry),
                )
            return admission

        return self._transaction(apply)

    def confirm(self, slot: float) -> Admission:
        """Return how long a slot that was reserved has to wait, now."""
        return self._transaction(lambda _, state, now: state.confirm(now, slot))

    def pause(self, seconds: float, reason: PauseReason) -> None:
        """Stop the queue for all workers."""
        self._transaction(lambda _, state, now: state.pause(now, seconds, reason))

    def finish(self, calls: Sequence[FinishedCall]) -> None:
        """Replace reservations by costs, and add the ledger entries; each once."""

        def apply(connection: sqlite3.Connection, state: State, _: float) -> None:
            for call in calls:
                outcome = _release(connection, state, call.token)
                if outcome == "repeated":
                    continue
                connection.execute(
                    "INSERT INTO entries (token, entry) VALUES (?, ?)", (call.token, call.entry)
                )
                if call.job and not _expect(connection, call):
                    call = call._replace(cost=0)  # noqa: PLW2901 - its cost has come already
                state.finish(call, is_found=outcome == "found")

        self._transaction(apply)

    def sums(self) -> Sums:
        """Return the sums, after counting lost calls as unknown."""
        return self._transaction(lambda _, state, now: state.sums(now))

    def entries(self) -> list[str]:
        """Return the ledger entries as JSON, in the order in which their calls ended."""
        query = "SELECT entry FROM entries WHERE entry != '' ORDER BY id"
        return self._transaction(
            lambda connection, *_: [row[0] for row in connection.execute(query)]
        )

    def close(self) -> None:
        """Close the connection; a file's opens again when it is needed."""
        self._file.close()

    def forked(self) -> None:
        """Do nothing: the file closes its connection before a fork."""

    def _transaction(self, apply: Callable[[sqlite3.Connection, State, float], T]) -> T:
        try:
            with self._file.transaction() as connection:
                now = self._now()
                state = _load(connection)
                if self.id not in {"", state.id}:
                    raise AccountUnavailableError(OTHER_DATA)
                before = replace(state)
                state.tick(now)
                _lose(connection, state, now)
                result = apply(connection, state, now)
                if state != before:
                    _save(connection, state)
        except (sqlite3.Error, OSError) as error:
            msg = f"the account's file {self._file.path!r} cannot be used: {error}"
            raise AccountUnavailableError(msg) from error
        self.id = state.id or self.id
        return result


def _load(connection: sqlite3.Connection) -> State:
    row = connection.execute("SELECT value FROM state").fetchone()
    return State() if row is None else State(**json.loads(row[0]))


def _save(connection: sqlite3.Connection, state: State) -> None:
    state.id = state.id or secrets.token_hex(8)
    text = json.dumps(state.as_dict())
    connection.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (text,))


def _find(connection: sqlite3.Connection, table: str, token: str) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = connection.execute(_FIND[table], (token,)).fetchone()
    return row


def _lose(connection: sqlite3.Connection, state: State, now: float) -> None:
    """Count calls whose workers did not report in time as unknown, and list them."""
    query = "SELECT token, usd, if_unknown, entry FROM in_flight WHERE deadline < ?"
    for token, usd, if_unknown, entry in connection.execute(query, (now,)).fetchall():
        connection.execute("DELETE FROM in_flight WHERE token = ?", (token,))
        connection.execute(
            "INSERT OR IGNORE INTO entries (token, lost, entry) VALUES (?, ?, ?)",
            (token, if_unknown, entry),
        )
        state.lose(usd, if_unknown)


def _release(connection: sqlite3.Connection, state: State, token: str) -> str:
    """Release what is reserved, or was assumed, for a call; return what was there."""
    if reserved := _find(connection, "in_flight", token):
        connection.execute("DELETE FROM in_flight WHERE token = ?", (token,))
        state.reserved -= reserved[0]
        return "reserved"
    if recorded := _find(connection, "entries", token):
        if recorded[0] is None:
            return "repeated"
        connection.execute("DELETE FROM entries WHERE token = ?", (token,))
        state.find(recorded[0])
        return "found"
    return ""


def _expect(connection: sqlite3.Connection, call: FinishedCall) -> bool:
    """Note what is assumed for a job until its cost comes; ``False`` if it has come already."""
    statement = "INSERT OR IGNORE INTO entries (token, lost, entry) VALUES (?, ?, '')"
    return bool(connection.execute(statement, (call.job, call.if_unknown)).rowcount)
