"""A ledger's file keeps every entry that was booked, whenever its process is killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from nanogpt_client import Ledger, LedgerEntry
from tests.support.paths import ROOT

ROUNDS = 20

# Books entries for ever, and says so of each once `record` has returned.
BOOKKEEPER = """
import sys
from decimal import Decimal
from nanogpt_client.ledger import Ledger, LedgerEntry

path, name, most = sys.argv[1], sys.argv[2], int(sys.argv[3])
ledger = Ledger(path)
print("ready", len(ledger), flush=True)
sys.stdin.readline()
for number in range(most):
    model = f"{name}-{number}-é" + "x" * (number * 37 % 3000)
    ledger.record(LedgerEntry("chat", model, "ok", Decimal(number) / 7))
    print(number, flush=True)
"""


def bookkeeper(path: Path, name: str, most: int = 10**9) -> subprocess.Popen[str]:
    """Start one, which waits for a line to begin."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", BOOKKEEPER, str(path), name, str(most)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def found_by(process: subprocess.Popen[str]) -> int:
    """Wait until it has read the file; return how many entries it found there."""
    assert process.stdout is not None
    return int(process.stdout.readline().split()[1])


def begin(process: subprocess.Popen[str]) -> None:
    """Let it begin."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def acknowledged(process: subprocess.Popen[str]) -> int:
    """Return how many entries it said, in whole lines, to have booked."""
    return process.communicate()[0].count("\n")


def booked_by(ledger: Ledger) -> dict[str, list[int]]:
    """Return the numbers of the entries, by the process that booked them."""
    numbers: dict[str, list[int]] = {}
    for entry in ledger:
        name, number, _ = (entry.model or "").split("-")
        numbers.setdefault(name, []).append(int(number))
        assert entry.cost == Decimal(number) / 7
    return numbers


def test_a_killed_process_loses_no_entry(tmp_path):
    path, chance = tmp_path / "calls.jsonl", random.Random(7)
    counts: dict[str, int] = {}
    for number in range(ROUNDS):
        with bookkeeper(path, f"p{number}") as process:
            assert found_by(process) == len(Ledger(path))
            begin(process)
            time.sleep(chance.uniform(0.0, 0.05))
            process.kill()
            counts[f"p{number}"] = acknowledged(process)
        if number % 2:
            cut_off(path, chance)
        booked = booked_by(Ledger(path))
        for name, count in counts.items():
            # The last one may have been booked and not yet acknowledged; then it may be cut here.
            assert booked.get(name, []) == list(range(len(booked.get(name, []))))
            assert count <= len(booked.get(name, [])) <= count + 1
    assert sum(counts.values()) > ROUNDS


def cut_off(path: Path, chance: random.Random) -> None:
    """Leave half a line at the end, as a full disk or a power failure would."""
    line = LedgerEntry("chat", "never-0-é", "ok", Decimal(0)).to_json().encode()
    with path.open("ab") as file:
        file.write(line[: chance.randrange(1, len(line))])


@pytest.mark.parametrize("at", [1, 40, 80, -3, -2, -1])
def test_a_line_that_was_cut_costs_that_line_alone(tmp_path, at):
    path = tmp_path / "calls.jsonl"
    first = Ledger(path)
    for model in ("a", "é" * 40):
        first.record(LedgerEntry("chat", model, "ok", None))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:at])
    again = Ledger(path)
    again.record(LedgerEntry("chat", "next", "ok", Decimal(1)))
    whole = [] if at != -1 else ["é" * 40]  # but for its line end it was all there
    for ledger in (again, Ledger(path)):
        assert [entry.model for entry in ledger] == ["a", *whole, "next"]


def test_several_processes_append_to_one_file(tmp_path):
    path, entries = tmp_path / "calls.jsonl", 300
    processes = [bookkeeper(path, f"p{number}", entries) for number in range(3)]
    assert [found_by(process) for process in processes] == [0, 0, 0]
    for process in processes:
        begin(process)
    assert [acknowledged(process) for process in processes] == [entries] * 3
    booked = booked_by(Ledger(path))
    assert booked == {f"p{number}": list(range(entries)) for number in range(3)}
    for process in processes:
        assert process.wait() == 0


def test_an_export_reads_back_equal_and_goes_on(tmp_path):
    ledger = Ledger(tmp_path / "calls.jsonl")
    with ledger.scope("ingest"), ledger.scope("é\u2028\x85\n"):
        ledger.record(
            LedgerEntry("chat", "a\x0c\x1e", "abandoned", None, 3, 4, "\ufffd", 2, 1.5, 0.25)
        )
    ledger.record(LedgerEntry("image", None, "ok", Decimal("0.00000012345678901234567890")))
    ledger.export(tmp_path / "export.jsonl")
    again = Ledger(tmp_path / "export.jsonl")
    assert again.entries == ledger.entries == Ledger(tmp_path / "calls.jsonl").entries
    assert again.totals == ledger.totals
    again.record(LedgerEntry("chat", "b", "ok", Decimal(1)))
    assert len(Ledger(tmp_path / "export.jsonl")) == 3
    assert len(Ledger(tmp_path / "calls.jsonl")) == 2
