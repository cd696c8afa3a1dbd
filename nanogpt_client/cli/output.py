"""How results, costs and errors are written: on a terminal, in a pipe, as JSON."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table

from nanogpt_client.cli.exits import exit_code
from nanogpt_client.errors import AuthenticationError, ConfigurationError, NanoGPTError
from nanogpt_client.ledger import Ledger
from nanogpt_client.types.plain import exact

# A model's text must not move the cursor or write to the clipboard: all control characters but
# tab and newline are dropped on a terminal. A pipe gets them unchanged.
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])

# Attributes of errors; some only have a few of them.
_DETAILS = (
    "status_code", "code", "param", "request_id", "sends", "maybe_billed", "retry_after",
    "required_usd",
)  # fmt: skip

NO_OPTIONS: Mapping[str, str] = MappingProxyType({})

# Kinds of calls that are always free.
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


def prepare_streams() -> None:
    """Let stdout and stderr take characters that their encoding lacks, as similar ones or ``?``.

    An answer is paid when it is written, so neither an ASCII locale nor a closed stream (``>&-``)
    may end in an exception.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_SIMILAR)


def _similar(error: UnicodeError) -> tuple[str, int]:
    """Return ASCII in place of characters that cannot be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_in_ascii, lacking)), error.end


def _in_ascii(character: str) -> str:
    similar = unicodedata.normalize("NFKD", _PUNCTUATION.get(character, character))
    return similar.encode("ascii", "ignore").decode() or "?"


_PUNCTUATION = dict(zip("·–—‘’“”", "---''\"\"", strict=True))
_SIMILAR = "nanogpt_client.similar"
codecs.register_error(_SIMILAR, _similar)


def write_json(console: Console, value: Mapping[str, Any]) -> None:
    """Write one JSON object, with amounts in USD as text, so that they stay exact."""
    utf8 = str(getattr(console.file, "encoding", None) or "utf-8").lower().startswith("utf")
    text = json.dumps(value, ensure_ascii=not utf8, indent=2, default=_as_text)
    console.file.write(f"{text}\n")
    console.file.flush()


def write_table(
    console: Console, columns: Sequence[Column], rows: Iterable[Sequence[object]]
) -> None:
    """Write a table; in a pipe only its rows, with tabs between the cells.

    Where a terminal is too narrow for ids and numbers to stay whole, each row is a block of lines.
    """
    cells = [["" if cell is None else _as_text(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        lines = ("\t".join(" ".join(cell.split()) for cell in row) for row in cells)
        write(console, "".join(f"{line}\n" for line in lines), end="")
        return
    has_header = any(column.header for column in columns)
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, show_header=has_header)
    for row in cells:
        table.add_row(*(cell.translate(_CONTROLS) for cell in row))
    if (
        Measurement.get(console, console.options.update(width=10_000), table).minimum
        > console.width
    ):
        for first, *rest in cells:
            write(console, first)
            for column, cell in zip(columns[1:], rest, strict=True):
                write(console, f"  {column.header} {cell}".rstrip())
        return
    console.print(table, markup=False, highlight=False)


def id_column(header: str) -> Column:
    """Return a column of ids, which can be copied whole."""
    return Column(header, no_wrap=True)


def number_column(header: str) -> Column:
    """Return a column of numbers."""
    return Column(header, justify="right", no_wrap=True)


def cost(ledger: Ledger) -> Decimal | None:
    """Return what all calls cost in USD; ``None`` if any cost is unknown."""
    totals = ledger.totals
    return None if totals.unknown_costs else totals.cost


def cost_line(ledger: Ledger) -> str | None:
    """Return a line with a run's cost; ``None`` if it made only free calls."""
    paid = [entry for entry in ledger if entry.kind not in _FREE and entry.sends]
    if not paid:
        return None
    totals, usd = ledger.totals, cost(ledger)
    parts = [f"${exact(usd)}" if usd is not None else "unknown cost"]
    if totals.prompt_tokens or totals.completion_tokens:
        parts.append(f"{totals.prompt_tokens} tokens in, {totals.completion_tokens} out")
    parts.append(f"{sum(entry.seconds for entry in paid):.1f} s")
    return " · ".join(parts)


def error_json(error: BaseException, run_id: str | None = None) -> dict[str, Any]:
    """Return an error for ``--json``, always with the same keys."""
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


def error_lines(
    error: BaseException, run_id: str | None = None, options: Mapping[str, str] = NO_OPTIONS
) -> list[str]:
    """Return a line with the error, and one with its details, if there are any.

    ``options`` has the command's options by the names of the client's parameters.
    """
    details = [f"run id {run_id}"] if run_id else []
    if isinstance(error, NanoGPTError):
        required = getattr(error, "required_usd", None)
        details += [
            "set NANOGPT_API_KEY, or add --sandbox" if _lacks_key(error) else "",
            "check NANOGPT_API_KEY; keys come from nano-gpt.com/api"
            if isinstance(error, AuthenticationError)
            else "",
            f"it needs ${exact(required)}" if required is not None else "",
            f"try again in {error.retry_after:g} s" if error.retry_after is not None else "",
            "it may be billed" if error.maybe_billed else "",
            f"tried {error.sends} times" if error.sends > 1 else "",
            f"request id {error.request_id}" if error.request_id else "",
        ]
    message = (
        "interrupted" if isinstance(error, KeyboardInterrupt) else f"error: {_text(error, options)}"
    )
    detail = " · ".join(filter(None, details))
    return [message, *([f"  {detail}"] if detail else [])]


def _lacks_key(error: BaseException) -> bool:
    return isinstance(error, ConfigurationError) and error.param == "api_key"


def _text(error: BaseException, options: Mapping[str, str]) -> str:
    """Return an error's message in the words of the shell."""
    if _lacks_key(error):
        return "no API key"
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(filter(None, [error.filename, error.strerror]))
    option = options.get(getattr(error, "param", None) or "")
    return f"{option}: {error}" if option else str(error)


def _as_text(value: object) -> str:
    """Return as text what JSON and tables have no type for."""
    return exact(value) if isinstance(value, Decimal) else str(value)
