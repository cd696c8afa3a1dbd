"""The commands `balance` and `usage`."""

from __future__ import annotations

from typing import Any, Literal

import click
from rich.table import Column

from nanogpt_client.cli.base import Command, Session, session
from nanogpt_client.cli.output import number_column, write, write_table
from nanogpt_client.types.account import SubscriptionUsage, UsageReport
from nanogpt_client.types.plain import exact

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(cls=Command, examples=["nanogpt balance", "nanogpt balance --json"])
@session
def balance(run: Session) -> None:
    """Show the balance, and the address for deposits of Nano."""
    with run.client() as client:
        account = client.balance()
    rows = [
        ("USD", exact(account.usd)),
        ("XNO", exact(account.nano)),
        ("Nano deposits to", account.nano_deposit_address),
    ]
    run.result(
        {
            "usd": exact(account.usd),
            "nano": exact(account.nano),
            "nano_deposit_address": account.nano_deposit_address,
        },
        lambda: write_table(run.out, [Column(""), Column("", overflow="fold")], rows),
    )


@click.command(
    cls=Command,
    examples=["nanogpt usage --by day --from 2026-01-01 --to 2026-01-31"],
)
@click.option("--from", "from_date", type=_DAY, metavar="YYYY-MM-DD", help="First day, in UTC.")
@click.option("--to", "to_date", type=_DAY, metavar="YYYY-MM-DD", help="Last day, in UTC.")
@click.option(
    "--by",
    type=click.Choice(["model", "day"]),
    default="model",
    show_default=True,
    help="Grouping.",
)
@click.option("--subscription", is_flag=True, help="Show the subscription's usage instead.")
@session
def usage(run: Session, /, by: Literal["model", "day"], *, subscription: bool, **days: Any) -> None:
    """Show what this API key spent, by model or by day.

    --from and --to go together.
    """
    if (days["from_date"] is None) != (days["to_date"] is None):
        raise click.UsageError("--from and --to go together.")
    iso = {name: f"{day:%Y-%m-%d}" if day else None for name, day in days.items()}
    with run.client() as client:
        if subscription:
            subscribed = client.subscription_usage()
        else:
            report = client.usage(**iso)
    if subscription:
        _show_subscription(run, subscribed)
    else:
        _show_usage(run, report, by)


def _show_usage(run: Session, report: UsageReport, by: Literal["model", "day"]) -> None:
    def render() -> None:
        columns = [Column(by), *map(number_column, ("requests", "tokens", "USD"))]
        write_table(run.out, columns, report.rows(by))

    run.result(
        {
            "requests": report.requests,
            "cost_usd": exact(report.cost_usd),
            "by_day": list(report.by_day),
            "by_model": list(report.by_model),
        },
        render,
    )


def _show_subscription(run: Session, subscribed: SubscriptionUsage) -> None:
    parts = {"daily": subscribed.daily, "monthly": subscribed.monthly}

    def render() -> None:
        if not subscribed.active:
            write(run.out, f"no active subscription ({subscribed.state or 'none'})")
            return
        rows = [
            (name, part.get("used"), part.get("remaining"), subscribed.limits.get(name))
            for name, part in parts.items()
        ]
        write_table(run.out, [Column(""), *map(number_column, ("used", "left", "limit"))], rows)

    run.result(
        {
            "active": subscribed.active,
            "state": subscribed.state,
            "limits": subscribed.limits,
            **parts,
        },
        render,
    )
