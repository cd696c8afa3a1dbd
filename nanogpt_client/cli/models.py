"""The command `models`: the model list, filtered and sorted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, get_args

import click
from rich.table import Column

from nanogpt_client import bundled_models
from nanogpt_client.cli.base import Command, Session, session
from nanogpt_client.cli.output import id_column, number_column, write_table
from nanogpt_client.types.catalog import Model, ModelKind, ModelScope
from nanogpt_client.types.plain import exact

_ORDERS: dict[str, Callable[[Model], tuple[Any, ...]]] = {
    "name": lambda model: (model.id.lower(),),
    "price": lambda model: (max(_prices(model), default=Decimal("Infinity")), model.id.lower()),
    "context": lambda model: (-(model.context_length or 0), model.id.lower()),
}


@click.command(
    cls=Command,
    examples=[
        "nanogpt models qwen coder --tools --sort price",
        "nanogpt models --kind image --max-price 0.01",
    ],
)
@click.argument("terms", nargs=-1)
@click.option(
    "--kind",
    type=click.Choice(get_args(ModelKind)),
    default="text",
    show_default=True,
    help="Kind of models.",
)
@click.option(
    "--scope",
    type=click.Choice(get_args(ModelScope)),
    default="all",
    show_default=True,
    help="Text models in the subscription, or outside it.",
)
@click.option("--vision", "vision", is_flag=True, help="Only models with vision.")
@click.option("--tools", "tool_calling", is_flag=True, help="Only models with tool calling.")
@click.option("--reasoning", "reasoning", is_flag=True, help="Only models with reasoning.")
@click.option(
    "--structured", "structured_output", is_flag=True, help="Only models with structured output."
)
@click.option("--min-context", type=int, metavar="TOKENS", help="Smallest context window.")
@click.option(
    "--max-price",
    type=click.FloatRange(min=0),
    metavar="USD",
    help="Highest price: per million tokens for text models, else per listed unit.",
)
@click.option(
    "--sort",
    type=click.Choice(list(_ORDERS)),
    default="name",
    show_default=True,
    help="Sort by name, lowest price or largest context.",
)
@click.option(
    "--limit", "-n", type=click.IntRange(min=1), metavar="N", help="Only the first N models."
)
@click.option(
    "--offline", is_flag=True, help="Use the list of text models that ships with this package."
)
@session
def models(run: Session, /, terms: tuple[str, ...], **options: Any) -> None:
    """List models with their prices in USD.

    All of TERMS must occur in a model's id, name or owner. Text models are priced per million
    tokens, in and out.
    """
    chosen = [model for model in _model_list(run, options) if _matches(model, terms, options)]
    chosen = sorted(chosen, key=_ORDERS[options["sort"]])[: options["limit"]]
    if not chosen:
        run.note("no model matches")
    text = options["kind"] == "text"
    columns, row = (_TEXT_COLUMNS, _text_row) if text else (_MEDIA_COLUMNS, _media_row)
    run.result(
        {"models": [_as_json(model) for model in chosen]},
        lambda: write_table(run.out, columns, map(row, chosen)),
    )


def _model_list(run: Session, /, options: Mapping[str, Any]) -> Iterable[Model]:
    kind, scope = options["kind"], options["scope"]
    if not options["offline"]:
        with run.client() as client:
            return client.list_models(kind, scope=scope)
    if (kind, scope) != ("text", "all"):
        raise click.UsageError("--offline only has text models of all scopes.")
    return bundled_models.models().values()


def _matches(model: Model, terms: tuple[str, ...], options: Mapping[str, Any]) -> bool:
    searched = f"{model.id} {model.name} {model.owned_by or ''}".lower()
    filters = ("vision", "tool_calling", "reasoning", "structured_output")
    prices, limit = _prices(model), options["max_price"]
    return (
        all(term.lower() in searched for term in terms)
        and all(name in model.capabilities for name in filters if options[name])
        and (model.context_length or 0) >= (options["min_context"] or 0)
        and (limit is None or (bool(prices) and max(prices) <= Decimal(str(limit))))
    )


def _prices(model: Model) -> list[Decimal]:
    """Return all listed prices of a model in USD."""
    prices = [price for price in (model.prompt_usd, model.completion_usd) if price is not None]
    return prices or [amount for amounts in model.prices.values() for amount in amounts]


_TEXT_COLUMNS = [
    id_column("model"),
    *map(number_column, ("context", "$ in", "$ out")),
    Column("supports", overflow="fold"),
]
# Short, for a table of hundreds of rows.
_SHORT = {"vision": "vision", "tool_calling": "tools", "reasoning": "reasoning",
          "structured_output": "json"}  # fmt: skip


def _text_row(model: Model) -> tuple[object, ...]:
    supports = " ".join(short for name, short in _SHORT.items() if name in model.capabilities)
    price = exact(model.prompt_usd), exact(model.completion_usd)
    return model.id, model.context_length, *price, supports


_MEDIA_COLUMNS = [id_column("model"), Column("name"), Column("price")]


def _media_row(model: Model) -> tuple[object, ...]:
    return model.id, model.name, model.price


def _as_json(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "owned_by": model.owned_by,
        "context_length": model.context_length,
        "max_output_tokens": model.max_output_tokens,
        "capabilities": sorted(model.capabilities),
        "prompt_usd": exact(model.prompt_usd),
        "completion_usd": exact(model.completion_usd),
        "dimensions": model.dimensions,
        "pricing": model.raw.get("pricing"),
    }
