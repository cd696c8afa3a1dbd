"""Run one cell of the matrix: one fault, one caller, one raw socket that counts."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from unittest.mock import patch

from nanogpt_client import Ledger, LedgerEntry
from nanogpt_client.endpoints import batches
from nanogpt_client.errors import NanoGPTError, OriginUnreachableError
from tests.faults.matrix.callers import CALLERS, Caller, client_for
from tests.faults.matrix.faults import FAULTS, Expected, Fault
from tests.support.rawserver import RawServer

CELLS = [
    (fault, caller)
    for fault in FAULTS
    for caller in CALLERS
    if caller.streams or not fault.only_streams
]

# The faults that decide about money, each in its own way: run against every caller, always.
MONEY = frozenset({"reset after the request", "read timeout", "500", "502 HTML", "error frame"})


def sample() -> list[tuple[Fault, Caller]]:
    """Return the cells of ``make test``: all of `MONEY`, of each other fault two callers in turn.

    The two stand half a list apart, so they belong to different packages.
    """
    chosen = []
    for number, fault in enumerate(FAULTS):
        cells = [cell for cell in CELLS if cell[0] is fault]
        if fault.name in MONEY:
            chosen += cells
        else:
            chosen += [cells[(number + step) % len(cells)] for step in (0, len(cells) // 2)]
    return chosen


@dataclass(frozen=True)
class Seen:
    """What came of a cell."""

    error: NanoGPTError | None
    raised: str
    posts: int
    outcome: str
    cost: Decimal | None
    entries: int
    sends: int
    text: str

    def differences(self, fault: Fault, caller: Caller) -> list[str]:
        """Say in words what is not as expected."""
        expected, found = expected_of(fault, caller), []
        cls = None if self.error is None else type(self.error).__name__
        wanted = None if expected.error is None else expected.error.__name__
        if cls != wanted:
            found.append(f"{cls or 'a normal end'} instead of {wanted or 'a normal end'}")
        if self.posts != expected.posts:
            found.append(f"{self.posts} POSTs instead of {expected.posts}")
        if self.entries != 1:
            found.append(f"{self.entries} ledger entries")
        if self.outcome != (wanted or "ok"):
            found.append(f"booked as {self.outcome}")
        if self.cost != (None if expected.cost is None else Decimal(expected.cost)):
            found.append(f"booked with {self.cost} USD")
        if expected.posts and self.sends != expected.posts:
            found.append(f"booked with {self.sends} sends")
        if caller.streams and fault.only_streams and self.text != expected.partial:
            found.append(f"the text {self.text!r} instead of {expected.partial!r}")
        return found


def expected_of(fault: Fault, caller: Caller) -> Expected:
    """Return what must come of a cell: a job that NanoGPT has seen is not submitted again."""
    expected = fault.expected
    seen_once = caller.submits and expected.error is not OriginUnreachableError
    return replace(expected, posts=min(expected.posts, 1)) if seen_once else expected


def entries_of_the_call(ledger: Ledger) -> list[LedgerEntry]:
    """Return a ledger's entries, but for free look-ups whether a batch was created after all."""
    return [each for each in ledger.entries if each.model or each.kind != "batch"]


def run_cell(fault: Fault, caller: Caller) -> Seen:
    """Make one call against one fault."""
    with (
        _serving(fault) as (base_url, server),
        client_for(base_url, fault.limit) as client,
        patch.object(batches, "LOOK_UP_PAUSES", (0.0,)),
    ):
        error, raised, text = None, "-", ""
        try:
            text = caller.call(client)
        except Exception as caught:
            raised = type(caught).__name__
            error = _core_error(caught)
            if error is None:
                raise
            text = error.partial.text if error.partial else ""
        entries = entries_of_the_call(client.ledger)
        entry = entries[-1]
        return Seen(
            error, raised, server.posts if server else 0, entry.outcome, entry.cost,
            len(entries), entry.sends, text,
        )  # fmt: skip


def _core_error(error: BaseException | None) -> NanoGPTError | None:
    """Return the core's error behind what an adapter raised."""
    while error is not None and type(error).__module__ != "nanogpt_client.errors":
        error = error.__cause__
    return error if isinstance(error, NanoGPTError) else None


@contextmanager
def _serving(fault: Fault) -> Iterator[tuple[str, RawServer | None]]:
    if fault.scripts is not None:
        with RawServer(*fault.scripts) as server:
            yield server.base_url, server
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        if not fault.reset_on_accept:
            listener.close()
            yield address, None
            return
        thread = threading.Thread(target=_reset_all, args=(listener,), daemon=True)
        thread.start()
        yield address, None


def _reset_all(listener: socket.socket) -> None:
    """Reset every connection once its request is there, unread."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # the listener is closed: the cell is done
            return
        connection.recv(1, socket.MSG_PEEK)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
