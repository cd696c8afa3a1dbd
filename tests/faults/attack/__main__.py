"""Attack: what hostile servers, full disks, busy machines and models do to us: ``make attack``.

Each row runs in a process of its own, over loopback alone. Rows that are tests already are run as
tests. ``make attack ARGS="idle 103"`` runs those whose names hold one of the words;
``CALLS=2000 SOAK=20000 make attack`` takes longer and counts more.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from rich.console import Console
from rich.table import Table

from tests.faults.attack import bombs, hangs, idle, tls
from tests.faults.load.rows import Row, in_processes, run

CLIENT = "tests/unit/nanogpt_client"
CALLS = int(os.environ.get("CALLS", "400"))
SOAK = int(os.environ.get("SOAK", "6000"))


def _tests(*places: str) -> Row:
    """Run tests; the row holds if all pass."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", *places],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    last = ran.stdout.strip().splitlines()[-1] if ran.stdout.strip() else ran.stderr[-300:]
    counted = re.search(r"\d+ (passed|failed).*?(?= in |$)", last)
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", ran.stdout, re.MULTILINE)
    said = [counted.group() if counted else last, *failed]
    return {"holds": ran.returncode == 0, "said": "; ".join(said)}


def _load(name: str) -> Row:
    from tests.faults.load.__main__ import ROWS as LOAD  # noqa: PLC0415 - loads both frameworks

    row = LOAD[name]()
    said = f"{row.get('answers')} answers, {row.get('connections')} connections"
    return {"holds": row["holds"], "said": f"{said}; {row['outcomes']}"}


def _soak() -> Row:
    from tests.faults.attack import soak  # noqa: PLC0415 - loads both frameworks

    return soak.table(SOAK)


_FEW = [
    f"256 descriptors: 600 {who}"
    for who in ("LangChain ainvoke", "LangChain astream", "LlamaIndex achat", "threads")
] + ["1,024 descriptors: 2,000 LangChain ainvoke"]

ROWS: dict[str, Callable[[], Row]] = {
    "1 ledger: troubles with its file": partial(_tests, "tests/promises/test_ledger_troubles.py"),
    "1 ledger: 400 calls, full tmpfs": partial(
        _tests, "tests/promises/test_ledger_troubles.py", "-k", "full_disk"
    ),
    "2 budget: nothing known": partial(
        _tests, "tests/promises/test_budget.py", "-k", "known or without_a_limit"
    ),
    "3 SSRF, rebinding": partial(_tests, "tests/security/test_networks.py"),
    **{f"4 bomb: {name}": partial(bombs.table, name) for name in bombs.CASES},
    **{f"5 idle: {name}": partial(idle.table, name, CALLS) for name in idle.PATTERNS},
    "6 HTTP/2: a stalled stream": partial(_tests, f"{CLIENT}/clients/test_http2.py"),
    **{f"7 hang: {name}": partial(hangs.table, name) for name in hangs.SCRIPTS},
    "7 hang: a TLS handshake byte by byte": tls.table,
    **{f"8 {name}": partial(_load, name) for name in _FEW},
    "9 key at rest": partial(_tests, "tests/security/test_key_at_rest.py"),
    "10 words of other hosts": partial(_tests, "tests/security/test_foreign_errors.py"),
    "11 odd characters": partial(_tests, f"{CLIENT}/types/test_surrogates.py"),
    "12, 13 where the key goes": partial(
        _tests, "tests/security/test_key.py", "tests/promises/test_secrets.py"
    ),
    "14 interrupts": partial(
        _tests,
        "tests/promises/test_interrupts.py",
        f"{CLIENT}/_transport/test_http.py",
    ),
    "16 files": partial(_tests, "tests/security/test_files.py"),
    "18 spending of tools": partial(_tests, "tests/security/test_spending.py"),
    "21 square time": partial(_tests, "tests/security/test_linear.py"),
    "22 forked children": partial(
        _tests,
        f"{CLIENT}/_protocol/test_accounting.py",
        f"{CLIENT}/clients/test_lifetime.py",
        "-k",
        "fork",
    ),
    "22 sandbox server": partial(_tests, "tests/sandbox/test_app.py"),
    "C soak": _soak,
}


def main(words: list[str]) -> int:
    """Run the rows whose names hold one of the words, each in a process of its own."""
    console = Console(width=180)
    table = Table("row", "holds", "seconds", "figures")
    failed = 0
    started = time.monotonic()
    for name, row, errors in in_processes("tests.faults.attack", ROWS, words, timeout=600):
        failed += not row.get("holds")
        cells = (
            name, "yes" if row.get("holds") else "NO", f"{time.monotonic() - started:.0f}",
            str(row.get("said", errors)),
        )  # fmt: skip
        console.print(*cells, markup=False)
        table.add_row(*cells)
        started = time.monotonic()
    console.print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    run(ROWS, main)
