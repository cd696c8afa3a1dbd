"""Rows of figures, each measured in a process of its own: ``make load`` and ``make attack``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Row = dict[str, Any]


def in_processes(
    module: str, names: Iterable[str], words: Sequence[str], *, timeout: float
) -> Iterator[tuple[str, Row, str]]:
    """Run the rows whose names hold one of the words; yield name, figures, and errors' last words.

    ``python -m MODULE --row NAME`` prints a row's figures as JSON.
    """
    for name in names:
        if words and not any(word in name for word in words):
            continue
        ran = subprocess.run(
            [sys.executable, "-m", module, "--row", name],
            capture_output=True, text=True, check=False, timeout=timeout,
        )  # fmt: skip
        row = json.loads(ran.stdout.splitlines()[-1]) if ran.returncode == 0 else {}
        yield name, row, ran.stderr[-500:]


def run(rows: Mapping[str, Callable[[], Row]], main: Callable[[list[str]], int]) -> None:
    """Be the program: print the figures of the row that ``--row`` names, else run ``main``."""
    if sys.argv[1:2] == ["--row"]:
        print(json.dumps(rows[sys.argv[2]]()))  # noqa: T201 - read by the parent
    else:
        sys.exit(main(sys.argv[1:]))
