"""How things look on a terminal, in a pipe and as JSON."""

from __future__ import annotations

import io
import json
import re
from decimal import Decimal

import pytest
from rich.console import Console
from rich.table import Column

from nanogpt_client.cli import output
from nanogpt_client.cli.ask import _footnotes
from nanogpt_client.ledger import Ledger, LedgerEntry
from nanogpt_client.types.chat import Citation


def console(*, terminal: bool, width: int = 40) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(
        file=file,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        width=width,
        _environ={},
    ), file


def test_a_terminal_gets_no_control_characters_and_a_pipe_gets_all():
    trick = "a\x1b]52;c;aGk=\x07b\x9b2J[red]\n\tc"
    terminal, seen = console(terminal=True)
    output.write(terminal, trick)
    assert seen.getvalue() == "a]52;c;aGk=b2J[red]\n\tc\n".expandtabs()
    pipe, seen = console(terminal=False)
    output.write(pipe, trick)
    assert seen.getvalue() == trick + "\n"


def test_reasoning_is_dim_on_a_terminal_alone():
    terminal, seen = console(terminal=True)
    output.write(terminal, "hm", style="dim", end="")
    assert seen.getvalue() == "\x1b[2mhm\x1b[0m"
    pipe, seen = console(terminal=False)
    output.write(pipe, "hm", style="dim")
    assert seen.getvalue() == "hm\n"


@pytest.mark.parametrize("width", [30, 60, 200])
def test_an_id_stays_whole_at_any_width(width):
    rows = [("provider/a-model-with-a-very-long-name", Decimal("0.50"), None)]
    columns = [output.id_column("model"), output.number_column("USD"), Column("x")]
    terminal, seen = console(terminal=True, width=width)
    output.write_table(terminal, columns, rows)
    lines = re.sub(r"\x1b\[\d+m", "", seen.getvalue()).splitlines()
    assert max(map(len, lines)) <= max(width, len(rows[0][0]))
    assert [line for line in lines if rows[0][0] in line]
    assert [line for line in lines if "0.5" in line]


def test_a_table_in_a_pipe_is_lines_with_tabs():
    pipe, seen = console(terminal=False, width=10)
    output.write_table(pipe, [Column("a"), Column("b")], [("x" * 50, None), ("two\nlines", 1)])
    assert seen.getvalue() == f"{'x' * 50}\t\ntwo lines\t1\n"


def test_json_keeps_decimals_as_text_and_letters_as_they_are():
    pipe, seen = console(terminal=False)
    output.write_json(pipe, {"é": Decimal("0.10")})
    assert json.loads(seen.getvalue()) == {"é": "0.1"}
    assert "é" in seen.getvalue()


def entry(kind: str, cost: str | None, sends: int = 1) -> LedgerEntry:
    return LedgerEntry(kind, "m", "ok", None if cost is None else Decimal(cost), 3, 4, sends=sends)


def test_a_cost_is_written_only_after_calls_that_may_cost():
    ledger = Ledger()
    assert output.cost_line(ledger) is None
    ledger.record(entry("catalog", "0"))
    assert output.cost_line(ledger) is None
    ledger.record(entry("chat", "0.01", sends=0))
    assert output.cost_line(ledger) is None
    ledger.record(entry("chat", "0.02"))
    assert (output.cost_line(ledger) or "").startswith("$0.03 · ")
    ledger.record(entry("chat", None))
    assert (output.cost_line(ledger) or "").startswith("unknown cost · ")
    assert output.cost(ledger) is None


def test_sources_have_the_numbers_of_the_text():
    text = "Nano is fast. [3] It is free."
    cited = [Citation("https://a", "A", 0, 13), Citation("https://b", "B", 18, 29)]
    assert _footnotes(text, cited) == {3: "A: https://a", 4: "B: https://b"}


def test_sources_without_numbers_are_named_once_in_their_order():
    cited = [Citation("https://b"), Citation("https://a", "A"), Citation("https://b")]
    assert _footnotes("text", cited) == {1: "https://b", 2: "A: https://a"}
