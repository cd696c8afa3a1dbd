"""Pretend deposits: create, limits, status. A deposit that is polled completes and is credited."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.failures import Refusal, Style, invalid
from nanogpt_client.sandbox.messages import Reply, iso, json_reply
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.world import Exchange

# Made-up dollars for one unit, so that limits and credits have a size.
_RATES = {
    "btc": "60000",
    "btc-ln": "60000",
    "ltc": "80",
    "ltc-mweb": "80",
    "xmr": "200",
    "doge": "0.2",
    "dash": "30",
    "zec": "40",
    "bch": "400",
    "ban": "0.002",
    "kas": "0.1",
    "ton": "5",
    "near": "4",
    "egld": "30",
    "vvv": "3",
    "zano": "10",
    "fusd": "1",
}
_CARDS = {"usd": "1", "eur": "1.1", "gbp": "1.3"}
_DAIMO = ("usdc", "usdt", "eth", "sol")
_MINIMUM, _MAXIMUM = Decimal(1), Decimal(1_000_000)  # USD
_LIGHTNING_MINIMUM = Decimal("0.10")
_SCHEMES = {"btc": "bitcoin", "btc-ln": "lightning", "ltc": "litecoin", "bch": "bitcoincash"}
_STATES = ("New", "Processing", "Completed")
_HOUR = 3600


@dataclass(slots=True)
class Deposit:
    """One deposit on its way; each poll brings it one state further."""

    ticker: str
    name: str
    amount: Decimal
    usd: Decimal
    created: float
    polls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def create(exchange: Exchange) -> Reply:
    """Create a deposit and tell where to pay."""
    ticker = exchange.params["ticker"].lower()
    if ticker in _CARDS:
        deposit = _new(exchange, ticker, "cs_test_", Decimal(_CARDS[ticker]))
        link = f"{exchange.request.origin}/checkout/{deposit.name}"
        return json_reply({"paymentLink": link, "txId": deposit.name})
    deposit = _new(exchange, ticker, "tx_", _rate(ticker))
    address = f"{ticker}-sandbox-{deposit.name[3:]}"
    body = {
        "txId": deposit.name,
        "address": address,
        "amount": deposit.amount,
        "status": _STATES[0],
        "paymentLink": f"{_SCHEMES.get(ticker, ticker)}:{address}?amount={deposit.amount:f}",
        "createdAt": iso(deposit.created),
        "expiresAt": iso(deposit.created + _HOUR),
    }
    return json_reply(body)


def create_daimo(exchange: Exchange) -> Reply:
    """Create a payment over Daimo; the amount is in dollars."""
    ticker = exchange.params["ticker"].lower()
    if ticker not in _DAIMO:
        raise _unknown(ticker)
    deposit = _new(exchange, ticker, "daimo_", Decimal(1))
    return json_reply({"paymentId": deposit.name})


def limits(exchange: Exchange) -> Reply:
    """Tell the smallest and the largest deposit, in the currency and in dollars."""
    ticker = exchange.params["ticker"].lower()
    rate = _rate(ticker)
    least = _least(ticker)
    body = {
        "minimum": least / rate,
        "maximum": _MAXIMUM / rate,
        "fiatEquivalentMinimum": least,
        "fiatEquivalentMaximum": _MAXIMUM,
        "timestamp": int(exchange.world.clock()),
    }
    return json_reply(body)


def status(exchange: Exchange) -> Reply:
    """Tell the state of a deposit; the third look finds it paid."""
    deposit: Deposit | None = exchange.world.deposits.get(exchange.params["name"])
    if deposit is None or deposit.ticker != exchange.params["ticker"].lower():
        raise Refusal(404, "Transaction not found")
    with deposit.lock:
        state = _STATES[min(deposit.polls, len(_STATES) - 1)]
        if deposit.polls == len(_STATES) - 1:
            exchange.world.account.credit(deposit.usd)
        deposit.polls += 1
    body = {
        "txId": deposit.name,
        "status": state,
        "amount": deposit.amount,
        "ticker": deposit.ticker,
    }
    return json_reply(body, headers={"x-poll-after": "2"})


def _new(exchange: Exchange, ticker: str, prefix: str, rate: Decimal) -> Deposit:
    given: Any = read_json(exchange.request).get("amount")
    if isinstance(given, bool) or not isinstance(given, int | float) or given <= 0:
        raise invalid("Invalid amount", "amount")
    amount = Decimal(str(given))
    if not _least(ticker) <= amount * rate <= _MAXIMUM:
        raise invalid(f"Amount must be worth ${_least(ticker)} to ${_MAXIMUM}", "amount")
    world = exchange.world
    deposit = Deposit(ticker, world.ids.new(prefix), amount, amount * rate, world.clock())
    world.deposits[deposit.name] = deposit
    return deposit


def _rate(ticker: str) -> Decimal:
    if ticker in _DAIMO:
        return Decimal(1)
    rate = (_RATES | _CARDS).get(ticker)
    if rate is None:
        raise _unknown(ticker)
    return Decimal(rate)


def _least(ticker: str) -> Decimal:
    return _LIGHTNING_MINIMUM if ticker == "btc-ln" else _MINIMUM


def _unknown(ticker: str) -> Refusal:
    return Refusal(400, f"Unsupported ticker: {ticker}")


ROUTES = [
    Route("POST", "transaction/create/{ticker}", create, style=Style.SIMPLE),
    Route("POST", "transaction/create/daimo/{ticker}", create_daimo, style=Style.SIMPLE),
    Route("GET", "transaction/limits/{ticker}", limits, style=Style.SIMPLE),
    Route("GET", "transaction/status/{ticker}/{name}", status, style=Style.SIMPLE),
]
