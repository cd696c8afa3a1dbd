"""The commands `balance` and `usage`."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Column

from nanogpt_client.cli.base import Command, session
from nanogpt_client.cli.session import Session
from nanogpt_client.cli.show import dollars, number, write, write_table
from nanogpt_client.types.account import SubscriptionUsage, UsageReport

_BY = {"model": "model", "day": "date"}  # NanoGPT's name for what a sum is of
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(cls=Command)
@session
def balance(run: Session) -> None:
    """Show what is on the account."""
    with run.client() as client:
        money = client.balance()
    rows = [
        ("USD", dollars(money.usd)),
        ("XNO", dollars(money.nano)),
        ("Nano deposits to", money.nano_deposit_address),
    ]
    run.result(
        {
            "usd": dollars(money.usd),
            "nano": dollars(money.nano),
            "nano_deposit_address": money.nano_deposit_address,
        },
        lambda: write_table(run.out, [Column(""), Column("", overflow="fold")], rows),
    )


@click.command(cls=Command)
@click.option("--from", "from_date", type=_DAY, help="First day, in UTC; with --to.")
@click.option("--to", "to_date", type=_DAY, help="Last day, in UTC; with --from.")
@click.option(
    "--by", type=click.Choice(list(_BY)), default="model", show_default=True, help="How to sum."
)
@click.option("--subscription", is_flag=True, help="Show the subscription's allowance instead.")
@session
def usage(run: Session, /, by: str, *, subscription: bool, **days: Any) -> None:
    """Show what this key spent, by model or by day."""
    iso = {name: f"{day:%Y-%m-%d}" if day else None for name, day in days.items()}
    with run.client() as client:
        if subscription:
            allowance = client.subscription_usage()
        else:
            report = client.usage(**iso)
    if subscription:
        _show_subscription(run, allowance)
    else:
        _show_usage(run, report, by)


def _show_usage(run: Session, report: UsageReport, by: str) -> None:
    groups = report.by_day if by == "day" else report.by_model

    def render() -> None:
        rows = [
            (group.get(_BY[by]), group.get("requests"), group.get("totalTokens"), _cost(group))
            for group in groups
        ]
        rows.append(("all", report.requests, None, dollars(report.cost_usd)))
        write_table(run.out, [Column(by), *map(number, ("requests", "tokens", "USD"))], rows)

    run.result(
        {
            "requests": report.requests,
            "cost_usd": dollars(report.cost_usd),
            "by_day": list(report.by_day),
            "by_model": list(report.by_model),
        },
        render,
    )


def _cost(group: dict[str, Any]) -> Any:
    return group.get("netCostUsd", group.get("costUsd"))


def _show_subscription(run: Session, allowance: SubscriptionUsage) -> None:
    parts = {"daily": allowance.daily, "monthly": allowance.monthly}

    def render() -> None:
        if not allowance.active:
            write(run.out, f"no active subscription ({allowance.state or 'none'})")
            return
        rows = [
            (name, part.get("used"), part.get("remaining"), allowance.limits.get(name))
            for name, part in parts.items()
        ]
        write_table(run.out, [Column(""), *map(number, ("used", "left", "limit"))], rows)

    run.result(
        {"active": allowance.active, "state": allowance.state, "limits": allowance.limits, **parts},
        render,
    )
