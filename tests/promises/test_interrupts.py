"""An exception out of a signal handler, at any moment, leaves ledger and budget as they should be.

Ctrl-C and the soft time limits of job queues raise wherever the program happens to be. Here that is
every single instruction of the code that reserves, settles and records, one after the other.
"""

from __future__ import annotations

import dis
import gc
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any, Self

import pytest

import nanogpt_client
from nanogpt_client._protocol.call import Call, Request
from nanogpt_client._protocol.policy import send_with_retries
from nanogpt_client.budget import Reservation
from nanogpt_client.ledger import Budget, Ledger, LedgerEntry, Totals
from nanogpt_client.types.billing import Billing
from tests.support.driving import context, reply

PACKAGE = Path(nanogpt_client.__file__).parent
RECORDING = ["types/_atomic.py", "budget.py", "ledger.py", "types/ledger_entry.py"]
CALLING = [*RECORDING, "_protocol/accounting.py", "_protocol/policy.py", "_protocol/rate_limit.py"]
WRITING = [*CALLING, "_ledger_file.py"]
ESTIMATE, COST, ASSUMED = Decimal("0.5"), Decimal("0.25"), Decimal("0.125")


pytestmark = [
    # Thousands of moments each, under a tracer: on a busy machine they take long.
    pytest.mark.timeout(240),
    # The rules that they check are the same code on every version.
    pytest.mark.skipif(
        sys.version_info[:2] == (3, 12),
        reason="Python 3.12.1 itself crashed (segmentation fault) while single opcodes were traced",
    ),
]


class InterruptError(BaseException):
    """What the signal handler raises."""


class Interrupting:
    """Raises at one of the moments that the traced code has, counted from 0."""

    def __init__(self, files: list[str], moment: int, *, polled: bool) -> None:
        self._files = {str(PACKAGE / name) for name in files}
        self._left = moment
        self._polled = polled
        self._last: dict[FrameType, str] = {}
        self.raised = False

    def __enter__(self) -> Self:
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        self._last.clear()

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if self.raised or frame.f_code.co_filename not in self._files:
            return None
        frame.f_trace_opcodes = True
        if event in {"call", "opcode"} and (not self._polled or self._may_poll(frame, event)):
            self._left -= 1
            if self._left < 0:
                self.raised = True
                raise InterruptError
        return self._trace

    def _may_poll(self, frame: FrameType, event: str) -> bool:
        """Whether Python looks for signals here: on entry, after a call, on the way back in a loop.

        So it never does between taking a lock by ``with`` and the body, or before giving it back.
        """
        before = "RESUME" if event == "call" else self._last.get(frame, "")
        if event == "opcode":
            self._last[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        return before.startswith(("RESUME", "CALL", "JUMP_BACKWARD"))


def at_every_moment(
    prepare: Callable[[], Any],
    work: Callable[[Any], None],
    check: Callable[[Any], None],
    files: list[str],
    *,
    polled: bool = False,
    keep_traceback: bool = False,
) -> int:
    """Interrupt the work at each moment in turn; return how many there are.

    A notebook keeps the last traceback, and with it all that was alive when it was raised.
    """
    moment = 0
    while True:
        state = prepare()
        interrupting, kept = Interrupting(files, moment, polled=polled), None
        try:
            with interrupting:
                work(state)
        except InterruptError as error:
            kept = error if keep_traceback else None
        check(state)
        del kept
        if not interrupting.raised:
            return moment
        moment += 1


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """What is raised while something is collected cannot reach anybody, and is printed."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    gc.disable()
    yield
    gc.enable()


def test_a_budget_makes_and_settles_by_whole_steps():
    def work(state):
        budget, reservation = state
        budget.make(reservation)
        budget.close(reservation, COST)

    def check(state):
        budget, reservation = state
        budget.close(reservation, COST)  # by whoever made it
        assert (budget.remaining_usd, budget._reserved) == (10 - budget.spent, 0)
        assert (budget.calls, budget.spent) in {(0, 0), (1, COST)}
        in_another_thread(lambda: budget.reserve(ESTIMATE))
        assert budget.remaining_usd == 10 - budget.spent - ESTIMATE

    moments = at_every_moment(lambda: (Budget(10), Reservation(ESTIMATE)), work, check, RECORDING)
    assert moments > 100


@pytest.mark.parametrize("before", [0, 2, 5])  # the last one makes the next update the groups
def test_a_ledger_records_by_whole_steps(before, monkeypatch):
    monkeypatch.setattr("nanogpt_client.ledger._UPDATE_AFTER", 6)
    old = LedgerEntry("chat", "old", "ok", COST)

    def prepare():
        ledger = Ledger(keep=3)
        for _ in range(before):
            ledger.record(old)
        return ledger

    def check(ledger):
        assert consistent(ledger, keep=3) in {before, before + 1}
        in_another_thread(lambda: ledger.record(old))
        assert consistent(ledger, keep=3) in {before + 1, before + 2}

    new = LedgerEntry("chat", "new", "ok", None)
    assert at_every_moment(prepare, lambda ledger: ledger.record(new), check, RECORDING) > 100


def consistent(ledger: Ledger, keep: int | None = None) -> int:
    """Return how many calls a ledger has, after comparing its sums."""
    totals = ledger.totals
    assert sum(ledger.totals_by("model").values(), Totals()) == totals
    entries = ledger.entries
    assert len(entries) == (totals.calls if keep is None else min(totals.calls, keep))
    assert sum(entry.model == "new" for entry in entries) <= 1
    return totals.calls


def in_another_thread(work: Callable[[], None]) -> None:
    """A lock that was left taken would be noticed here."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()


class Client:
    """What a client has of its calls; ``sent`` counts them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.budget = Budget(10, assumed_usd=ASSUMED)
        self.context = replace(context(budget=self.budget), ledger=ledger)
        self.sent = 0


def answered(client: Client, *, estimate: Any = lambda: ESTIMATE, cost: Any = COST) -> None:
    """Make one call as a client does; if it is interrupted, its flow is closed."""
    parsed = _Parsed(Billing(cost=cost))
    request = Request("POST", "/x")
    call = Call(request, lambda _: parsed, "chat", "new", billable=True, estimate=estimate)
    steps = send_with_retries(call, client.context)
    try:
        next(steps)
        client.sent += 1
        steps.send(reply({}))
    except StopIteration:
        pass
    finally:
        steps.close()


class _Parsed:
    usage = None

    def __init__(self, billing: Billing) -> None:
        self.billing = billing


def settled(client: Client) -> None:
    """Check that budget and ledger agree on one call, or on none that was not sent."""
    budget, entries = client.budget, client.ledger.entries
    assert budget._reserved == 0
    assert client.sent <= consistent(client.ledger) == len(entries) <= 1
    known = [entry.cost for entry in entries if entry.cost is not None]
    assert budget.spent == sum(known)
    assert budget.unknown_calls == len(entries) - len(known)
    assert budget.assumed in ({0} if known or not entries else {ESTIMATE, ASSUMED})
    assert len(entries) <= budget.calls <= 1
    in_another_thread(lambda: answered(client))
    assert len(client.ledger) == len(entries) + 1
    assert budget._reserved == 0


@pytest.mark.parametrize("known", [{}, {"estimate": None}, {"cost": None}])
def test_a_call_is_reserved_settled_and_recorded_once(known):
    moments = at_every_moment(
        lambda: Client(Ledger()), lambda each: answered(each, **known), settled, CALLING
    )
    assert moments > 500


def test_it_is_settled_also_where_the_traceback_is_kept():
    moments = at_every_moment(
        lambda: Client(Ledger()), answered, settled, RECORDING, keep_traceback=True
    )
    assert moments > 200


def test_an_entry_whose_line_is_interrupted_is_on_file_once(tmp_path):
    paths = iter(tmp_path / str(number) for number in range(10**6))

    def check(ledger):
        assert (len(ledger), len(Ledger(ledger._file.path))) == (1, 1)

    new = LedgerEntry("chat", "new", "ok", None)
    moments = at_every_moment(
        lambda: Ledger(next(paths)), lambda ledger: ledger.record(new), check,
        ["_ledger_file.py"], polled=True, keep_traceback=True,
    )  # fmt: skip
    assert moments > 20


def test_a_line_is_written_once(tmp_path):
    paths = iter(tmp_path / str(number) for number in range(10**6))

    def check(client):
        on_file(client.ledger)
        settled(client)
        on_file(client.ledger)

    def on_file(ledger):
        path = ledger._file.path
        assert [entry.model for entry in Ledger(path)] == ["new"] * len(ledger)
        assert path.read_bytes().count(b"\n") == len(ledger)

    moments = at_every_moment(
        lambda: Client(Ledger(next(paths))), answered, check, WRITING, polled=True
    )
    assert moments > 100
