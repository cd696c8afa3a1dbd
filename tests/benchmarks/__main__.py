"""Measure ours and others side by side: ``make bench``.

Prints a table, and writes it to the guide "Speed", the figures to ``benchmarks.json`` and a picture
of them beside the other pictures. ``--quick`` tries everything once and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from tests.benchmarks import cases, processes, report, runner
from tests.benchmarks.server import serving
from tests.support import tables
from tests.support.paths import ROOT

FIGURES = ROOT / "benchmarks.json"
PICTURE = ROOT / "cookbook" / "images" / "speed.png"
LONG_PIECES, PIECE = 20_000, 500


def main(arguments: list[str]) -> int:
    """Measure, tell, write down; return the exit status: 1 if something is slower than asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=".venv-peers/bin/python", help="their interpreter")
    parser.add_argument("--quick", action="store_true", help="a try of everything, not a measure")
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    parser.add_argument("--rounds", type=int, help="how often each is measured")
    given = parser.parse_args(arguments)

    rows: list[report.Row] = []
    plan = [case for case in cases.plan(quick=given.quick) if given.only in case.name]
    if given.quick:
        plan = [cases.tried(case) for case in plan]
    elif given.rounds:
        plan = [cases.with_rounds(case, given.rounds) for case in plan]
    with serving() as url:
        measured = list(tqdm(runner.run(plan, url, given.peers), total=len(plan), unit="case"))
        rows += [row for case, figures in measured for row in report.case_rows(case, figures)]
        imports: dict[str, dict[str, runner.Figure]] = {}
        held = 0.0
        if not given.only:
            pieces = LONG_PIECES // (100 if given.quick else 1)
            held = processes.held("nanogpt_client", url, pieces, given.peers)
            rows.append(report.memory_row(held, pieces * PIECE / 1e6))
            names = ["nanogpt_client"] if given.quick else list(processes.IMPORTS)
            imports = runner.imports(given.peers, 1 if given.quick else 7, names)
            rows += report.import_rows(imports)

    tell(rows)
    if not given.quick and not given.only:
        write(measured, imports, held, rows)
    return int(any(row.held is False for row in rows) and not given.quick)


def tell(rows: list[report.Row]) -> None:
    table = Table(*report.HEAD)
    for row in rows:
        table.add_row(*report.cells(row), style="red" if row.held is False else None)
    Console(width=150).print(table)


def write(measured, imports, held, rows) -> None:
    """Keep the figures: for programs, for the eye, and for the README's readers."""
    FIGURES.write_text(
        json.dumps(
            {
                "python": platform.python_version(),
                "unit": "microseconds of CPU time per chunk, call or vector: least, median",
                "cases": {case.name: figures for case, figures in measured},
                "imports": imports,
                "held_megabytes": held,
            },
            indent=1,
        )
        + "\n",
        "utf-8",
    )
    report.draw(PICTURE, measured)
    asked = [report.cells(row) for row in rows if row.asked]
    tables.write("speed", tables.markdown(report.HEAD, asked))
    tables.write("speed-summary", report.summary(tables.rows("speed")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
