"""Tables and figures in Markdown files that scripts make: between two marks, never typed.

A mark is a comment: ``<!-- table: NAME -->`` before and ``<!-- end of table -->`` after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.paths import README


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table.

    >>> print(markdown(["a", "b"], [[1, 2]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def read(name: str, path: Path = README) -> str:
    """Return what stands between the marks of a table."""
    found = _between(name).search(path.read_text("utf-8"))
    if found is None:
        raise LookupError(f"{path.name} has no place for the table {name!r}")
    return found[2].strip()


def write(name: str, text: str, path: Path = README) -> None:
    """Replace what stands between the marks of a table."""
    read(name, path)
    page = path.read_text("utf-8")
    path.write_text(_between(name).sub(lambda m: f"{m[1]}\n\n{text}\n\n{m[3]}", page), "utf-8")


def _between(name: str) -> re.Pattern[str]:
    begin, end = f"<!-- table: {re.escape(name)} -->", "<!-- end of table -->"
    return re.compile(f"({begin})(.*?)({end})", re.DOTALL)
