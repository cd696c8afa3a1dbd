"""Tables and figures in Markdown files that scripts make: between two marks, never typed.

A mark is a comment: ``<!-- table: NAME -->`` before and ``<!-- end of table -->`` after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.paths import README, ROOT

PAGES = (README, *sorted((ROOT / "cookbook" / "guides").glob("*.md")))


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table.

    >>> print(markdown(["a", "b"], [[1, 2]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def read(name: str, path: Path | None = None) -> str:
    """Return what stands between the marks of a table, on a page or on the one that has them."""
    path = path or page_of(name)
    found = _between(name).search(path.read_text("utf-8"))
    if found is None:
        raise LookupError(f"{path.name} has no place for the table {name!r}")
    return found[2].strip()


def rows(name: str) -> list[list[str]]:
    """Return the cells of a table, without its head."""
    lines = read(name).splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def write(name: str, text: str, path: Path | None = None) -> None:
    """Replace what stands between the marks of a table."""
    path = path or page_of(name)
    read(name, path)
    page = path.read_text("utf-8")
    path.write_text(_between(name).sub(lambda m: f"{m[1]}\n\n{text}\n\n{m[3]}", page), "utf-8")


def page_of(name: str) -> Path:
    """Return the page that has a table's marks: the README or a guide.

    Raises:
        LookupError: none has them.
    """
    for path in PAGES:
        if _between(name).search(path.read_text("utf-8")):
            return path
    raise LookupError(f"no page has a place for the table {name!r}")


def _between(name: str) -> re.Pattern[str]:
    begin, end = f"<!-- table: {re.escape(name)} -->", "<!-- end of table -->"
    return re.compile(f"({begin})(.*?)({end})", re.DOTALL)
