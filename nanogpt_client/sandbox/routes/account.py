"""The account: balance, usage, subscription, cost ahead of a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.failures import Refusal, Style
from nanogpt_client.sandbox.messages import Reply, iso, json_reply
from nanogpt_client.sandbox.model_name import parse
from nanogpt_client.sandbox.money import (
    Charge,
    Tokens,
    chat_price,
    chat_rates,
    exact,
    image_price,
    plain,
)
from nanogpt_client.sandbox.prompt import read_prompt
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.validate import check_chat, integer
from nanogpt_client.sandbox.world import Exchange

NANO_ADDRESS = "nano_1sandboxsandboxsandboxsandboxsandboxsandboxsandboxsandboxsand"
_EXPECTED_ANSWER = 256  # tokens that the cost estimate assumes when max_tokens is not given
_MAX_DAYS = 366
_GROUPS = {"day": "day", "model": "model", "day,model": "day,model", "model,day": "day,model"}
_LEGACY = {
    "duration",
    "page",
    "pageSize",
    "sort",
    "dir",
    "filter",
    "weekOffset",
    "tz",
    "include_summary",
}
_DAILY, _MONTHLY = 5000, 60000


def balance(exchange: Exchange) -> Reply:
    """Tell the balance, as decimal strings."""
    body = {
        "usd_balance": plain(exchange.world.account.balance),
        "nano_balance": "0",
        "nanoDepositAddress": NANO_ADDRESS,
    }
    return json_reply(body)


def completion_cost(exchange: Exchange) -> Reply:
    """Estimate a chat request without sending it to a model."""
    body = read_json(exchange.request)
    chosen = parse(body.get("model"))
    model = catalog.find("text", chosen.id, strict=exchange.world.strict_models)
    check_chat(body, model)
    prompt = read_prompt(exchange, body, model).tokens
    tokens = Tokens(prompt=prompt, completion=body.get("max_tokens") or _EXPECTED_ANSWER)
    cost = chat_price(chat_rates(model, chosen.provider), tokens)
    found = {
        "model": model.id,
        "inputTokens": tokens.prompt,
        "outputTokens": tokens.completion,
        "cost": cost,
        "currency": "USD",
    }
    return json_reply(found)


def image_cost(exchange: Exchange) -> Reply:
    """Estimate an image request."""
    body = read_json(exchange.request)
    model = catalog.asked_for("image", body)
    count = integer(body, "n", 1, model.parameters["max_images"]) or 1
    cost = image_price(model, body.get("size"), count)
    return json_reply({"model": model.id, "cost": cost, "currency": "USD"})


def usage(exchange: Exchange) -> Reply:
    """Sum up what the key has used, by day and by model."""
    query = exchange.request.query
    now = datetime.fromtimestamp(exchange.world.clock(), UTC)
    first, last = _period(query, now.date())
    group = _GROUPS.get(query.get("group_by", "day,model"))
    if group is None:
        raise _bad("group_by must be day, model or day,model.")
    scope = query.get("scope", "current_key")
    if scope not in ("current_key", "api_key"):
        raise _bad("scope must be current_key or api_key.")
    if _LEGACY & set(query):
        raise _bad("Legacy parameters are not supported: use from and to.")
    charges = [
        (day, charge)
        for charge in exchange.world.account.charges
        if first <= (day := datetime.fromtimestamp(charge.at, UTC).date()) <= last
    ]
    days = sorted({day.isoformat() for day, _ in charges})
    body: dict[str, Any] = {
        "object": "usage",
        "scope": scope,
        "apiKey": {"id": 1},
        "from": first.isoformat(),
        "to": last.isoformat(),
        "timezone": "UTC",
        "groupBy": group,
        "asOf": iso(now.timestamp()),
        "source": {"rollupDays": [], "liveDays": days, "missingRollupDays": []},
        "totals": _sums(charge for _, charge in charges),
    }
    keys: dict[str, Callable[[date, Charge], dict[str, str]]] = {
        "byDay": lambda day, _: {"date": day.isoformat()},
        "byModel": lambda _, charge: {"model": charge.model},
        "byDayModel": lambda day, charge: {"date": day.isoformat(), "model": charge.model},
    }
    shown = {"day": ["byDay"], "model": ["byModel"], "day,model": list(keys)}[group]
    body.update({name: _grouped(charges, keys[name]) for name in shown})
    return json_reply(body)


def _period(query: dict[str, str], today: date) -> tuple[date, date]:
    given = query.get("from"), query.get("to")
    if given == (None, None):
        return today - timedelta(days=29), today
    if None in given:
        raise _bad("from and to must be provided together.")
    try:
        first, last = (date.fromisoformat(str(day)) for day in given)
    except ValueError:
        raise _bad("from and to must use YYYY-MM-DD UTC dates.") from None
    if last < first or last > today or (last - first).days >= _MAX_DAYS:
        raise _bad("to must be on or after from, not in the future, and within 366 days.")
    return first, last


def _grouped(
    charges: Iterable[tuple[date, Charge]], key: Callable[[date, Charge], dict[str, str]]
) -> list[dict[str, Any]]:
    groups: dict[tuple[tuple[str, str], ...], list[Charge]] = defaultdict(list)
    for day, charge in charges:
        groups[tuple(key(day, charge).items())].append(charge)
    return [dict(labels) | _sums(members) for labels, members in sorted(groups.items())]


def _sums(charges: Iterable[Charge]) -> dict[str, Any]:
    found = list(charges)
    cost = exact(sum((charge.cost for charge in found), Decimal(0)))
    read = sum(charge.input_tokens for charge in found)
    written = sum(charge.output_tokens for charge in found)
    refunded = exact(sum((charge.refunded for charge in found), Decimal(0)))
    return {
        "requests": sum(not charge.refunded for charge in found),
        "costUsd": cost,
        "refundedUsd": refunded,
        "netCostUsd": max(cost - refunded, Decimal(0)),
        "inputTokens": read,
        "outputTokens": written,
        "reasoningTokens": sum(charge.reasoning_tokens for charge in found),
        "totalTokens": read + written,
    }


def subscription_usage(exchange: Exchange) -> Reply:
    """Tell how much of the subscription is used: one unit a covered request."""
    now = datetime.fromtimestamp(exchange.world.clock(), UTC)
    covered = [
        datetime.fromtimestamp(charge.at, UTC)
        for charge in exchange.world.account.charges
        if charge.covered
    ]
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    month = midnight.replace(day=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    body = {
        "active": True,
        "limits": {"daily": _DAILY, "monthly": _MONTHLY},
        "enforceDailyLimit": True,
        "daily": _window(
            sum(at >= midnight for at in covered), _DAILY, midnight + timedelta(days=1)
        ),
        "monthly": _window(sum(at >= month for at in covered), _MONTHLY, next_month),
        "period": {"currentPeriodEnd": iso(next_month.timestamp())},
        "state": "active",
        "graceUntil": None,
    }
    return json_reply(body)


def _window(used: int, limit: int, reset: datetime) -> dict[str, Any]:
    return {
        "used": used,
        "remaining": limit - used,
        "percentUsed": used / limit,
        "resetAt": int(reset.timestamp() * 1000),
    }


def _bad(message: str) -> Refusal:
    return Refusal(400, message)


ROUTES = [
    Route("POST", "check-balance", balance, style=Style.SIMPLE),
    Route("POST", "get-completion-cost", completion_cost, style=Style.SIMPLE),
    Route("POST", "estimate-image-cost", image_cost, style=Style.SIMPLE),
    Route("GET", "v1/usage", usage, variants=frozenset({""})),
    Route("GET", "v1/usage", subscription_usage, variants=frozenset({"subscription"})),
]
