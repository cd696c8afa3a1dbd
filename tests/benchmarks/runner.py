"""Runs the cases: a process per subject, all of them in turn, round by round.

So whatever else the machine does meets all subjects alike. What counts is the CPU time of each
process, and of the rounds their median.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any, NamedTuple

from tests.benchmarks import processes
from tests.benchmarks.cases import Case
from tests.support.paths import ROOT

MICRO = 1e6


class Figure(NamedTuple):
    """The least and the median of several rounds."""

    least: float
    median: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Figure:
        rounds = list(values)
        return cls(min(rounds), median(rounds))


class Worker:
    """A process that measures one subject."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._read()

    def measure(self, case: Case, url: str) -> float:
        """Return the microseconds of one unit: of CPU time, or on the clock to a first token."""
        order = [case.method, f"{url}/{case.answer}/v1", case.tasks, case.seconds]
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        cpu, clock = self._read()
        return float(clock if case.method == "first" else cpu) / case.units * MICRO

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended before it answered")
        return json.loads(line)


@contextmanager
def working(subject: str, peers: str) -> Iterator[Worker]:
    """Run a subject's process."""
    command = [
        processes.python_of(subject, peers), "-W", "ignore", "-m", "tests.benchmarks.worker",
        subject,
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield Worker(process)


def run(cases: Iterable[Case], url: str, peers: str) -> Iterator[tuple[Case, dict[str, Figure]]]:
    """Measure each case; yield it with the microseconds that a unit takes each subject."""
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for case in cases:
            for subject in case.subjects:
                if subject not in workers:
                    workers[subject] = stack.enter_context(working(subject, peers))
            rounds: dict[str, list[float]] = {subject: [] for subject in case.subjects}
            for _ in range(case.rounds):
                for subject, times in rounds.items():
                    times.append(workers[subject].measure(case, url))
            yield case, {subject: Figure.of(times) for subject, times in rounds.items()}


def imports(peers: str, rounds: int, names: Iterable[str]) -> dict[str, dict[str, Figure]]:
    """Return how long each import takes (CPU seconds), and how large the process is then (MB)."""
    processes.compile_ours()
    seen: dict[str, list[processes.Finished]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, finished in seen.items():
            finished.append(processes.imported(name, peers))
    return {
        name: {
            "seconds": Figure.of(each.seconds for each in finished),
            "megabytes": Figure.of(each.megabytes for each in finished),
        }
        for name, finished in seen.items()
    }
