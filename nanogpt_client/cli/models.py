"""The command `models`: the catalogue, filtered and sorted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, get_args

import click
from rich.table import Column

from nanogpt_client import bundled_models
from nanogpt_client.cli.base import Command, session
from nanogpt_client.cli.session import Session
from nanogpt_client.cli.show import dollars, number, write_table
from nanogpt_client.types._coerce import as_dict, as_number
from nanogpt_client.types.catalog import Model, ModelKind, ModelScope

_ORDERS: dict[str, Callable[[Model], tuple[Any, ...]]] = {
    "name": lambda model: (model.id.lower(),),
    "price": lambda model: (max(_prices(model), default=Decimal("Infinity")), model.id.lower()),
    "context": lambda model: (-(model.context_length or 0), model.id.lower()),
}


@click.command(cls=Command)
@click.argument("words", nargs=-1)
@click.option(
    "--kind",
    type=click.Choice(get_args(ModelKind)),
    default="text",
    show_default=True,
    help="Of what.",
)
@click.option(
    "--scope",
    type=click.Choice(get_args(ModelScope)),
    default="all",
    show_default=True,
    help="Text models of the subscription, or outside it.",
)
@click.option("--vision", "vision", is_flag=True, help="That look at pictures.")
@click.option("--tools", "tool_calling", is_flag=True, help="That call tools.")
@click.option("--reasoning", "reasoning", is_flag=True, help="That think first.")
@click.option("--structured", "structured_output", is_flag=True, help="That fill JSON schemas.")
@click.option("--min-context", type=int, metavar="TOKENS", help="With at least this window.")
@click.option(
    "--max-price",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="No listed price above this: per million tokens for text, else per the unit shown.",
)
@click.option(
    "--sort",
    type=click.Choice(list(_ORDERS)),
    default="name",
    show_default=True,
    help="Cheapest, or widest context, first.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N only.")
@click.option(
    "--offline", is_flag=True, help="Text models as of this package's release, without asking."
)
@session
def models(run: Session, /, words: tuple[str, ...], **options: Any) -> None:
    """List models with their prices in USD.

    Each of WORDS must be in a model's id, name or maker. Text models are priced per million tokens
    in and out.
    """
    chosen = [model for model in _catalogue(run, options) if _fits(model, words, options)]
    chosen = sorted(chosen, key=_ORDERS[options["sort"]])[: options["limit"]]
    text = options["kind"] == "text"
    columns, row = (_TEXT_COLUMNS, _text_row) if text else (_MEDIA_COLUMNS, _media_row)
    run.result(
        {"models": [_as_json(model) for model in chosen]},
        lambda: write_table(run.out, columns, map(row, chosen)),
    )


def _catalogue(run: Session, /, options: Mapping[str, Any]) -> Iterable[Model]:
    kind, scope = options["kind"], options["scope"]
    if not options["offline"]:
        with run.client() as client:
            return client.list_models(kind, scope=scope)
    if (kind, scope) != ("text", "all"):
        raise click.UsageError("--offline knows text models alone, and not who may use them.")
    return bundled_models.models().values()


def _fits(model: Model, words: tuple[str, ...], options: Mapping[str, Any]) -> bool:
    about = f"{model.id} {model.name} {model.owned_by or ''}".lower()
    wanted = ("vision", "tool_calling", "reasoning", "structured_output")
    prices, most = _prices(model), options["max_price"]
    return (
        all(word.lower() in about for word in words)
        and all(name in model.capabilities for name in wanted if options[name])
        and (model.context_length or 0) >= (options["min_context"] or 0)
        and (most is None or (bool(prices) and max(prices) <= Decimal(str(most))))
    )


def _prices(model: Model) -> list[Decimal]:
    """Return all dollars that the catalogue names for a model."""
    named = [price for price in (model.prompt_usd, model.completion_usd) if price is not None]
    return named or [amount for amounts in _units(model).values() for amount in amounts]


def _units(model: Model) -> dict[str, list[Decimal]]:
    """Return the dollars per unit, such as ``{"image": [0.005, 0.014]}``, cheapest first."""
    units = {}
    for key, value in as_dict(model.raw.get("pricing")).items():
        known = sorted(set(_amounts(value)))
        if known and (key.startswith("per_") or key in _OF_A_WHOLE):
            units[key.removeprefix("per_").replace("_", " ")] = known
    return units


_OF_A_WHOLE = {"with_audio", "without_audio", "base_price"}


def _amounts(value: Any) -> Iterator[Decimal]:
    """Yield all numbers of a price that may be a table of tables."""
    if (amount := as_number(value)) is not None:
        yield amount
    for inner in as_dict(value).values():
        yield from _amounts(inner)


_TEXT_COLUMNS = [
    Column("model", overflow="fold", ratio=1),
    *map(number, ("context", "$ in", "$ out")),
    Column("can", overflow="fold"),
]
# As short as a table of hundreds of rows wants them.
_SHORT = {"vision": "vision", "tool_calling": "tools", "reasoning": "thinks",
          "structured_output": "json"}  # fmt: skip


def _text_row(model: Model) -> tuple[object, ...]:
    can = " ".join(short for name, short in _SHORT.items() if name in model.capabilities)
    price = dollars(model.prompt_usd), dollars(model.completion_usd)
    return model.id, model.context_length, *price, can


_MEDIA_COLUMNS = [Column("model", overflow="fold"), Column("name"), Column("USD per unit")]


def _media_row(model: Model) -> tuple[object, ...]:
    prices = (
        f"{dollars(amounts[0])}{f' to {dollars(amounts[-1])}' if len(amounts) > 1 else ''} / {unit}"
        for unit, amounts in _units(model).items()
    )
    return model.id, model.name, ", ".join(prices)


def _as_json(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "owned_by": model.owned_by,
        "context_length": model.context_length,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": sorted(model.capabilities),
        "prompt_usd": dollars(model.prompt_usd),
        "completion_usd": dollars(model.completion_usd),
        "dimensions": model.dimensions,
        "pricing": model.raw.get("pricing"),
    }
