"""Check what users write by ty: ``python -m tests.support.ty``, a part of ``make types``.

ty knows no error codes of mypy, so it reports the mistakes that `tests/typing` marks for it; an
error on any other line fails.
"""

from __future__ import annotations

import re
import subprocess
import sys

from tests.support.paths import ROOT, TESTS

MARK = "# type: ignore["
REPORT = re.compile(r"^(?P<path>[^:]+):(?P<line>\d+):\d+: error")


def is_marked(report: str) -> bool:
    """Return whether an error is on a line that is marked as a mistake."""
    found = REPORT.match(report)
    if found is None:
        return False
    lines = (ROOT / found["path"]).read_text("utf-8").splitlines()
    return MARK in lines[int(found["line"]) - 1]


def main() -> int:
    """Print the errors on lines that are not marked; return their number."""
    ty = [sys.executable, "-m", "ty", "check", "--output-format", "concise"]
    command = [*ty, "--python", sys.prefix, str(TESTS / "typing")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    reports = [line for line in done.stdout.splitlines() if " error[" in line]
    if done.returncode not in {0, 1} or not reports:
        sys.exit(done.stderr or "ty found none of the mistakes: it did not check them")
    unmarked = [report for report in reports if not is_marked(report)]
    print(*unmarked or ["ty: clean"], sep="\n")  # noqa: T201
    return len(unmarked)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
