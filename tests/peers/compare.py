"""Tables of what each integration keeps of the same wire, ours beside its peers.

A module per framework says what is asked and how an answer is judged: ``column(client)`` returns a
verdict per row. Ours runs here, the peers in an environment of their own (``make compare``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.support import tables
from tests.support.paths import ROOT

# Rows that stand in README.md: what costs people the most.
SHORT = (
    "reasoning",
    "citations",
    "cost in USD",
    "a stream that breaks off",
    "POSTs sent for one call whose connection drops",
)


class Comparison(Protocol):
    """What a framework's module offers; ``python -m <module> CLIENT`` prints a column as JSON."""

    __name__: str
    TABLE: str
    """The table's name between the marks of a guide."""
    OURS: str
    PEERS: Sequence[str]

    def column(self, client: str, /) -> dict[str, str]:
        """Return each row's verdict on a client."""


def print_column(comparison: Comparison) -> None:
    """Print the column of the client that the command line names."""
    print(json.dumps(comparison.column(sys.argv[1])))  # noqa: T201 - that is what it is for


def compare(comparison: Comparison, peers: Path) -> None:
    """Write a framework's table; ``peers`` is the Python that has the other integrations."""
    columns = {comparison.OURS: comparison.column(comparison.OURS)}
    for client in comparison.PEERS:
        columns[client] = _elsewhere(peers, comparison.__name__, client)
    rows = [
        [row, *(columns[client][row] for client in columns)] for row in columns[comparison.OURS]
    ]
    heads = ["", *(f"`{client}`" for client in columns)]
    tables.write(comparison.TABLE, tables.markdown(heads, rows))


def ours_in_the_table(comparison: Comparison) -> dict[str, str]:
    """Return our column as the guide shows it."""
    return {row[0]: row[1] for row in tables.rows(comparison.TABLE)}


def what_others_lose() -> str:
    """Return README.md's table: a few rows of both frameworks' tables, side by side."""
    langchain = {row[0]: row[1:] for row in tables.rows("langchain-peers")}
    llama_index = {row[0]: row[1:] for row in tables.rows("llama-index-peers")}
    heads = ["", "`ChatNanoGPT`", "`ChatOpenAI`", "`NanoGPT`", "`OpenAILike`"]
    chosen = [[row, *langchain[row][:2], *llama_index[row][:2]] for row in SHORT]
    return tables.markdown(heads, chosen)


def _elsewhere(python: Path, module: str, client: str) -> dict[str, str]:
    done = subprocess.run(
        [str(python), "-W", "ignore", "-m", module, client],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} {client} failed:\n{done.stderr}")
    column: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return column
