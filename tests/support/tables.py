"""Tables and figures in Markdown files that scripts make: between two marks, never typed.

A mark is a comment: ``<!-- table: NAME -->`` before and ``<!-- end of table -->`` after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.support.paths import README, ROOT

COOKBOOK = ROOT / "cookbook"
PAGES = (README, COOKBOOK / "index.md", *sorted((COOKBOOK / "guides").glob("*.md")))


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
    """Return what stands between the marks of a table, on a page or on the first that has them."""
    path = path or pages_of(name)[0]
    found = _between(name).search(path.read_text("utf-8"))
    if found is None:
        raise LookupError(f"{path.name} has no place for the table {name!r}")
    return found[2].strip()


def rows(name: str) -> list[list[str]]:
    """Return the cells of a table, without its head."""
    lines = read(name).splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def write(name: str, text: str, path: Path | None = None) -> None:
    """Replace what stands between the marks of a table, on a page or on all that have them."""
    for place in [path] if path else pages_of(name):
        read(name, place)
        page = place.read_text("utf-8")
        written = _between(name).sub(lambda m: f"{m[1]}\n\n{text}\n\n{m[3]}", page)
        place.write_text(written, "utf-8")


def pages_of(name: str) -> list[Path]:
    """Return the pages that have a table's marks: the README, the home page, guides.

    Raises:
        LookupError: none has them.
    """
    found = [path for path in PAGES if _between(name).search(path.read_text("utf-8"))]
    if not found:
        raise LookupError(f"no page has a place for the table {name!r}")
    return found


def _between(name: str) -> re.Pattern[str]:
    begin, end = f"<!-- table: {re.escape(name)} -->", "<!-- end of table -->"
    return re.compile(f"({begin})(.*?)({end})", re.DOTALL)
