"""The account: balance, usage, subscription, cost ahead of a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

from nanogpt_client.sandbox import catalog, money
from nanogpt_client.sandbox.bodies import integer
from nanogpt_client.sandbox.exchange import Exchange, Route
from nanogpt_client.sandbox.http import Reply, invalid, iso, json_reply, require
from nanogpt_client.sandbox.routes.chat import read_chat

NANO_ADDRESS = "nano_1" + "sandbox" * 8 + "sand"
_EXPECTED_ANSWER = 256  # tokens that the cost estimate assumes when max_tokens is not given
_MAX_DAYS = 366
_GROUPS = {"day": ["byDay"], "model": ["byModel"], "day,model": ["byDay", "byModel", "byDayModel"]}
_LABELS = {"byDay": ("date",), "byModel": ("model",), "byDayModel": ("date", "model")}
_DAILY, _MONTHLY = 5000, 60000
_AMOUNTS, _COUNTS = ("cost", "refunded"), ("input", "output", "reasoning")
_Dated = tuple[date, money.Charge]


@Route("POST", "check-balance", simple=True)
def balance(exchange: Exchange) -> Reply:
    """Return the balance, as decimal strings."""
    usd = money.plain(exchange.world.account.balance)
    return json_reply({"usd_balance": usd, "nano_balance": "0", "nanoDepositAddress": NANO_ADDRESS})


@Route("POST", "get-completion-cost", simple=True)
def completion_cost(exchange: Exchange) -> Reply:
    """Estimate a chat request without sending it to a model."""
    asked = read_chat(exchange)
    tokens = money.Tokens(asked.prompt.tokens, asked.body.get("max_tokens") or _EXPECTED_ANSWER)
    cost = money.chat_price(money.chat_rates(asked.model, asked.provider), tokens)
    counts = {"inputTokens": tokens.prompt, "outputTokens": tokens.completion}
    return json_reply({"model": asked.model.id, **counts, "cost": cost, "currency": "USD"})


@Route("POST", "estimate-image-cost", simple=True)
def image_cost(exchange: Exchange) -> Reply:
    """Estimate an image request."""
    body = exchange.json()
    model = catalog.asked_for("image", body)
    count = integer(body, "n", 1, model.parameters["max_images"]) or 1
    cost = money.image_price(model, body.get("size"), count)
    return json_reply({"model": model.id, "cost": cost, "currency": "USD"})


@Route("GET", "v1/usage", variants=frozenset({""}))
def usage(exchange: Exchange) -> Reply:
    """Sum up what the key has used, by day and by model."""
    query, now = exchange.request.query, exchange.world.clock()
    first, last = _period(query, datetime.fromtimestamp(now, UTC).date())
    group = query.get("group_by", "day,model").replace("model,day", "day,model")
    require(group in _GROUPS, "group_by must be day, model or day,model.", "group_by")
    made = exchange.world.account.charges
    dated = ((datetime.fromtimestamp(each.at, UTC).date(), each) for each in made)
    charges = [(day, charge) for day, charge in dated if first <= day <= last]
    days = sorted({day.isoformat() for day, _ in charges})
    body: dict[str, Any] = {
        "object": "usage",
        "scope": "current_key",
        "apiKey": {"id": 1},
        "from": first.isoformat(),
        "to": last.isoformat(),
        "timezone": "UTC",
        "groupBy": group,
        "asOf": iso(now),
        "source": {"rollupDays": [], "liveDays": days, "missingRollupDays": []},
        "totals": _sums(charge for _, charge in charges),
    }
    return json_reply(body | {name: _grouped(charges, _LABELS[name]) for name in _GROUPS[group]})


def _period(query: dict[str, str], today: date) -> tuple[date, date]:
    given = query.get("from"), query.get("to")
    if given == (None, None):
        return today - timedelta(days=29), today
    require(None not in given, "from and to must be provided together.", "from")
    try:
        first, last = (date.fromisoformat(str(day)) for day in given)
    except ValueError:
        raise invalid("from and to must use YYYY-MM-DD UTC dates.", "from") from None
    fits = first <= last <= today and (last - first).days < _MAX_DAYS
    message = "to must be on or after from, not in the future, and within 366 days."
    require(fits, message, "to")
    return first, last


def _grouped(charges: list[_Dated], labels: tuple[str, ...]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, ...], list[money.Charge]] = defaultdict(list)
    for day, charge in charges:
        values = {"date": day.isoformat(), "model": charge.model}
        groups[tuple(values[label] for label in labels)].append(charge)
    return [
        dict(zip(labels, values, strict=True)) | _sums(members)
        for values, members in sorted(groups.items())
    ]


def _sums(charges: Iterable[money.Charge]) -> dict[str, Any]:
    found = list(charges)
    cost, refunded = (money.exact(sum(map(attrgetter(n), found), Decimal(0))) for n in _AMOUNTS)
    read, written, thought = (sum(map(attrgetter(f"{n}_tokens"), found)) for n in _COUNTS)
    return {
        "requests": sum(not charge.refunded for charge in found),
        "costUsd": cost,
        "refundedUsd": refunded,
        "netCostUsd": max(cost - refunded, Decimal(0)),
        "inputTokens": read,
        "outputTokens": written,
        "reasoningTokens": thought,
        "totalTokens": read + written,
    }


@Route("GET", "v1/usage", variants=frozenset({"subscription"}))
def subscription_usage(exchange: Exchange) -> Reply:
    """Return how much of the subscription is used: one unit a covered request."""
    now = datetime.fromtimestamp(exchange.world.clock(), UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    month = midnight.replace(day=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    covered = [charge.at for charge in exchange.world.account.charges if charge.covered]

    def window(start: datetime, end: datetime, limit: int) -> dict[str, Any]:
        used = sum(at >= start.timestamp() for at in covered)
        share = {"used": used, "remaining": limit - used, "percentUsed": used / limit}
        return share | {"resetAt": int(end.timestamp() * 1000)}

    body = {
        "active": True,
        "limits": {"daily": _DAILY, "monthly": _MONTHLY},
        "enforceDailyLimit": True,
        "daily": window(midnight, midnight + timedelta(days=1), _DAILY),
        "monthly": window(month, next_month, _MONTHLY),
        "period": {"currentPeriodEnd": iso(next_month.timestamp())},
    }
    return json_reply(body | {"state": "active", "graceUntil": None})
