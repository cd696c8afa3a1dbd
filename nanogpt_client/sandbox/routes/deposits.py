"""Pretend deposits: create, limits, status. A deposit that is polled completes and is credited."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.errors import Refusal, Style, invalid
from nanogpt_client.sandbox.messages import Reply, iso, json_reply
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.validate import number
from nanogpt_client.sandbox.world import Exchange

# Made-up dollars for one unit, so that limits and credits have a size.
_CARDS = {"usd": "1", "eur": "1.1", "gbp": "1.3"}
_DAIMO = dict.fromkeys(("usdc", "usdt", "eth", "sol"), "1")  # amounts in dollars
_COINS = "btc=60000 btc-ln=60000 ltc=80 ltc-mweb=80 xmr=200 doge=0.2 dash=30 zec=40 bch=400"
_MORE_COINS = "ban=0.002 kas=0.1 ton=5 near=4 egld=30 vvv=3 zano=10 fusd=1"
_RATES: dict[str, str] = {
    **dict(pair.split("=") for pair in f"{_COINS} {_MORE_COINS}".split()),
    **_CARDS,
    **_DAIMO,
}
_MAXIMUM = Decimal(1_000_000)  # USD
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


def create(exchange: Exchange) -> Reply:
    """Create a deposit and return where to pay."""
    if exchange.params["ticker"].lower() in _CARDS:
        deposit = _new(exchange, "cs_test_")
        link = f"{exchange.request.origin}/checkout/{deposit.name}"
        return json_reply({"paymentLink": link, "txId": deposit.name})
    deposit = _new(exchange, "tx_")
    ticker = deposit.ticker
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
    if exchange.params["ticker"].lower() not in _DAIMO:
        raise _unsupported(exchange)
    return json_reply({"paymentId": _new(exchange, "daimo_").name})


def limits(exchange: Exchange) -> Reply:
    """Return the smallest and the largest deposit, in the currency and in dollars."""
    _, rate, least = _terms(exchange)
    body = {
        "minimum": least / rate,
        "maximum": _MAXIMUM / rate,
        "fiatEquivalentMinimum": least,
        "fiatEquivalentMaximum": _MAXIMUM,
        "timestamp": int(exchange.world.clock()),
    }
    return json_reply(body)


def status(exchange: Exchange) -> Reply:
    """Return the state of a deposit; the third look finds it paid."""
    deposit: Deposit | None = exchange.world.deposits.get(exchange.params["name"])
    if deposit is None or deposit.ticker != exchange.params["ticker"].lower():
        raise Refusal(404, "Transaction not found")
    last = len(_STATES) - 1
    with exchange.world.lock:
        state = _STATES[min(deposit.polls, last)]
        if deposit.polls == last:
            exchange.world.account.credit(deposit.usd)
        deposit.polls += 1
    body = {"txId": deposit.name, "status": state, "amount": deposit.amount}
    return json_reply(body | {"ticker": deposit.ticker}, headers={"x-poll-after": "2"})


def _new(exchange: Exchange, prefix: str) -> Deposit:
    ticker, rate, least = _terms(exchange)
    body, world = read_json(exchange.request), exchange.world
    if not number(body, "amount", 0):
        raise invalid("Invalid amount", "amount")
    amount = Decimal(str(body["amount"]))
    if not least <= amount * rate <= _MAXIMUM:
        raise invalid(f"Amount must be worth ${least} to ${_MAXIMUM}", "amount")
    deposit = Deposit(ticker, world.new_id(prefix), amount, amount * rate, world.clock())
    world.deposits[deposit.name] = deposit
    return deposit


def _terms(exchange: Exchange) -> tuple[str, Decimal, Decimal]:
    """Return ticker, dollars a unit, and the smallest deposit in dollars."""
    ticker = exchange.params["ticker"].lower()
    if ticker not in _RATES:
        raise _unsupported(exchange)
    return ticker, Decimal(_RATES[ticker]), Decimal("0.10" if ticker == "btc-ln" else 1)


def _unsupported(exchange: Exchange) -> Refusal:
    return Refusal(400, f"Unsupported ticker: {exchange.params['ticker'].lower()}")


ROUTES = [
    Route("POST", "transaction/create/{ticker}", create, style=Style.SIMPLE),
    Route("POST", "transaction/create/daimo/{ticker}", create_daimo, style=Style.SIMPLE),
    Route("GET", "transaction/limits/{ticker}", limits, style=Style.SIMPLE),
    Route("GET", "transaction/status/{ticker}/{name}", status, style=Style.SIMPLE),
]
