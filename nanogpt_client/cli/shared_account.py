"""The command `account`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from rich.table import Column

from nanogpt_client.account import Account, AccountStatus
from nanogpt_client.account.account import totals_of
from nanogpt_client.account.urls import file_of
from nanogpt_client.cli.base import Command, Session, session
from nanogpt_client.cli.output import number_column, write, write_table
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.types.ledger_entry import Totals
from nanogpt_client.types.plain import exact

_GROUPS = ("model", "scope", "worker")
_RECENT = 60.0  # seconds over which the rate is counted


@click.command(
    cls=Command,
    sends_calls=False,
    examples=["nanogpt account sqlite:///spent.db", "nanogpt account redis://10.0.0.5/0 --json"],
)
@click.argument("url")
@click.option(
    "--by", type=click.Choice(_GROUPS), default="worker", show_default=True, help="Grouping."
)
@session
def account(run: Session, /, url: str, *, by: str) -> None:
    """Show what workers spent on a shared account, and how fast they send.

    URL is that of the Account: sqlite:///spent.db, redis://host/0 or ray://name. Nothing is sent to
    NanoGPT.
    """
    shared = Account(url)
    path = file_of(shared.url)
    if path is not None and not Path(path).exists():
        raise ConfigurationError(f"there is no file {path!r}", param="url")
    status, rows = shared.status(), shared.rows()
    rate = _rate(rows)
    groups = {name: totals_of(rows, name) for name in _GROUPS}

    def render() -> None:
        write_table(run.out, [Column(""), Column("")], _summary(status, rate))
        columns = [Column(by), *map(number_column, ("calls", "USD", "unknown"))]
        write(run.out, "")
        write_table(run.out, columns, ((name, *_cells(each)) for name, each in groups[by].items()))

    run.result(
        {
            "spent_usd": exact(status.spent),
            "assumed_usd": exact(status.assumed),
            "reserved_usd": exact(status.reserved),
            "limit_usd": exact(status.usd),
            "calls": status.calls,
            "limit_calls": status.max_calls,
            "unknown": status.unknown,
            "requests_per_second": rate,
            "limit_per_second": status.requests_per_second,
            "paused": status.paused or None,
            **{f"by_{name}": _as_json(totals) for name, totals in groups.items()},
        },
        render,
    )


def _rate(rows: Iterable[Mapping[str, Any]]) -> float:
    """Return the requests a second in the last minute."""
    since = time.time() - _RECENT
    sends: int = sum(row["sends"] for row in rows if row["started_at"] > since)
    return round(sends / _RECENT, 2)


def _summary(status: AccountStatus, rate: float) -> Iterable[tuple[str, object]]:
    of_usd = ", no limit" if status.usd is None else f" of {exact(status.usd)}"
    of_calls = ", no limit" if status.max_calls is None else f" of {status.max_calls}"
    yield "spent", f"{exact(status.spent)} USD{of_usd}"
    yield "calls", f"{status.calls}{of_calls}"
    yield "unknown", f"{status.unknown} calls, for which {exact(status.assumed)} USD are assumed"
    yield "reserved", f"{exact(status.reserved)} USD for calls in flight"
    limit = status.requests_per_second
    yield "rate", f"{rate:g} a second in the last minute"
    yield "rate limit", "none" if limit is None else f"{limit:g} a second"
    if status.paused:
        yield "paused", f"{status.queued_seconds:.0f} s, by NanoGPT's limit: {status.paused}"


def _cells(totals: Totals) -> tuple[object, ...]:
    return totals.calls, totals.cost, totals.unknown_costs


def _as_json(groups: Mapping[str, Totals]) -> list[dict[str, Any]]:
    return [
        {"name": name, "calls": each.calls, "cost_usd": exact(each.cost),
         "unknown": each.unknown_costs}
        for name, each in groups.items()
    ]  # fmt: skip
