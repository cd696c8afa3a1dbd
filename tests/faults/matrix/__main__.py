"""Print the whole matrix and its totals: ``make fault-matrix``."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from tests.faults.matrix.matrix import CELLS, expected_of, run_cell


def main() -> int:
    """Run every cell; return the exit status."""
    table = Table(
        "fault", "caller", "raised", "core error", "POSTs", "booked", "USD", "as expected"
    )
    double_sends = silent = wrong = 0
    for fault, caller in tqdm(CELLS, unit="cell"):
        seen = run_cell(fault, caller)
        differences = seen.differences(fault, caller)
        double_sends += seen.posts > max(expected_of(fault, caller).posts, 1)
        silent += seen.error is None and fault.expected.error is not None
        wrong += bool(differences)
        core = type(seen.error).__name__ if seen.error else "-"
        table.add_row(
            fault.name, caller.name, seen.raised, core, str(seen.posts), seen.outcome,
            "unknown" if seen.cost is None else str(seen.cost), "; ".join(differences) or "yes",
        )  # fmt: skip
    console = Console(width=180)
    console.print(table)
    console.print(
        f"cells: {len(CELLS)}, double sends: {double_sends}, silent successes: {silent}, "
        f"not as expected: {wrong}"
    )
    return 1 if double_sends or silent or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
