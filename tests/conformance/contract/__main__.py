"""Print how many of the documented examples are sent, read and left out: ``make contract``.

If all are as documented, the counts are written to the page of promises.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.conformance.contract import reading, sending
from tests.conformance.contract.examples import ABSENT, Example, Left, Read, Sent, examples, verdict
from tests.support import tables

TABLE = "contract"


@dataclass(frozen=True)
class Row:
    """One line of the table: how many examples of a kind there are."""

    kind: str
    what: str
    count: int


def rows() -> list[Row]:
    """Return what the examples are, by class and kind."""
    counts = Counter(map(_row, examples()))
    return [Row(*row, count) for row, count in sorted(counts.items(), key=_order)]


def _row(example: Example) -> tuple[str, str]:
    match verdict(example):
        case Sent(how):
            return "sent", how
        case Read(how):
            return "read", how
        case Left(reason):
            return "left out", reason


def _order(item: tuple[tuple[str, str], int]) -> tuple[int, int]:
    (kind, _), count = item
    return ("sent", "read", "left out").index(kind), -count


def summary() -> str:
    """Return the line on the page of promises, which holds if no example is at fault."""
    totals = Counter(_row(example)[0] for example in examples())
    return (
        f"{totals['sent']} of {totals['sent']} sent, {totals['read']} of {totals['read']} parsed, "
        f"and {totals['left out']} left out, each with a reason."
    )


def faults(example: Example) -> list[str]:
    """Return what is refused, misread or sent otherwise than an example has it."""
    found = verdict(example)
    try:
        match found:
            case Sent(how):
                pairs = list(sending.compared(example, how))
            case Read(how):
                pairs = list(reading.compared(example, how))
            case _:
                return []
    except Exception as error:  # noqa: BLE001 - whatever it is, it is reported, not hidden
        return [f"{example}: {type(error).__name__}: {error}"]
    return [
        f"{example}: {who}: {ours} is not {right}" for who, ours, right in pairs if ours != right
    ]


def main() -> int:
    """Check every example, print the table; return the exit status."""
    console = Console(width=120)
    if not examples():
        console.print(ABSENT)
        return 0
    wrong: dict[str, list[str]] = {"sent": [], "read": [], "left out": []}
    for example in examples():
        wrong[_row(example)[0]] += faults(example)[:1]
    table = Table("", "what", "examples")
    for row in rows():
        table.add_row(row.kind, row.what, str(row.count))
    console.print(table)
    totals = Counter(_row(example)[0] for example in examples())
    for fault in (*wrong["sent"], *wrong["read"]):
        console.print(fault, markup=False)
    said = (
        f"{kind} {totals[kind] - len(wrong[kind])} of {totals[kind]}" for kind in ("sent", "read")
    )
    console.print(f"{', '.join(said)}, left out {totals['left out']} by reason; "
                  f"{len(examples())} examples in all")  # fmt: skip
    if wrong["sent"] or wrong["read"]:
        return 1
    tables.write(TABLE, summary())
    return 0


if __name__ == "__main__":
    sys.exit(main())
