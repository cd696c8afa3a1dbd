"""How results, costs and failures look: on a terminal, in a pipe, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table

from nanogpt_client.cli.exits import exit_code
from nanogpt_client.errors import NanoGPTError
from nanogpt_client.ledger import Ledger

# A model's words must not move the cursor or write to the clipboard: all control characters but
# tab and newline. A pipe gets them as they came.
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])

# Errors carry these; those of jobs and balances a few more.
_DETAILS = (
    "status_code", "code", "param", "request_id", "sends", "maybe_billed", "retry_after",
    "required_usd",
)  # fmt: skip

# What costs nothing, whatever comes of it.
_FREE = frozenset({"account", "catalog", "download"})


def write(console: Console, text: str, *, style: str | None = None, end: str = "\n") -> None:
    """Write a text as it is: no wrapping, no markup, and on a terminal no control characters."""
    if console.is_terminal:
        console.print(
            text.translate(_CONTROLS),
            style=style,
            end=end,
            markup=False,
            highlight=False,
            emoji=False,
            soft_wrap=True,
        )
    else:
        console.file.write(f"{text}{end}")
    console.file.flush()


def write_json(console: Console, value: Mapping[str, Any]) -> None:
    """Write one JSON object; dollars as text, so that they stay exact."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    console.file.write(f"{text}\n")
    console.file.flush()


def write_table(
    console: Console, columns: Sequence[Column], rows: Iterable[Sequence[object]]
) -> None:
    """Write a table; in a pipe its rows alone, with tabs between the cells."""
    cells = [["" if cell is None else _plain(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        lines = ("\t".join(" ".join(cell.split()) for cell in row) for row in cells)
        write(console, "\n".join(lines))
        return
    headed = any(column.header for column in columns)
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, show_header=headed)
    for row in cells:
        table.add_row(*(cell.translate(_CONTROLS) for cell in row))
    console.print(table, markup=False, highlight=False)


def number(header: str) -> Column:
    """Return a column of numbers."""
    return Column(header, justify="right", no_wrap=True)


def dollars(amount: Decimal | None) -> str | None:
    """Return an exact amount without an exponent; ``None`` stays unknown."""
    return None if amount is None else f"{amount.normalize():f}"


def cost(ledger: Ledger) -> Decimal | None:
    """Return what all calls cost in USD; ``None`` if one of them is unknown."""
    totals = ledger.totals
    return None if totals.unknown_costs else totals.cost


def cost_line(ledger: Ledger) -> str | None:
    """Return what a run cost as one line; ``None`` if it did nothing that can cost."""
    paid = [entry for entry in ledger if entry.kind not in _FREE and entry.sends]
    if not paid:
        return None
    totals, known = ledger.totals, cost(ledger)
    words = [f"${dollars(known)}" if known is not None else "unknown cost"]
    if totals.prompt_tokens or totals.completion_tokens:
        words.append(f"{totals.prompt_tokens} tokens in, {totals.completion_tokens} out")
    words.append(f"{sum(entry.seconds for entry in paid):.1f} s")
    return " · ".join(words)


def failure(error: BaseException, run_id: str | None = None) -> dict[str, Any]:
    """Return a failure for ``--json``; every key is always there."""
    details = {name: getattr(error, name, None) for name in _DETAILS}
    return {
        "error": {
            "type": type(error).__name__,
            "message": str(error),
            "exit_code": exit_code(error),
            **details,
            "run_id": getattr(error, "run_id", run_id),
            "partial_text": getattr(getattr(error, "partial", None), "text", None),
        }
    }


def failure_lines(error: BaseException, run_id: str | None = None) -> list[str]:
    """Return a failure as a line for what it is, and one for what else is known of it."""
    more = [f"run id {run_id}"] if run_id else []
    if isinstance(error, NanoGPTError):
        required = getattr(error, "required_usd", None)
        more += [
            "set NANOGPT_API_KEY, or add --sandbox" if error.param == "api_key" else "",
            f"it needs ${dollars(required)}" if required is not None else "",
            f"ask again in {error.retry_after:g} s" if error.retry_after is not None else "",
            "it may be billed" if error.maybe_billed else "",
            f"sent {error.sends} times" if error.sends > 1 else "",
            f"request id {error.request_id}" if error.request_id else "",
        ]
    what = "interrupted" if isinstance(error, KeyboardInterrupt) else f"error: {error}"
    known = " · ".join(filter(None, more))
    return [what, *([f"  {known}"] if known else [])]


def _plain(value: object) -> str:
    """Return what JSON and tables have no type for as text."""
    return dollars(value) or "0" if isinstance(value, Decimal) else str(value)
