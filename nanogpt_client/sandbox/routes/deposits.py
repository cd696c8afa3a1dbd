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
_RATES = dict(pair.split("=") for pair in f"{_COINS} {_MORE_COINS}".split()) | _CARDS | _DAIMO
_MAXIMUM = Decimal(1_000_000)  # USD
_SCHEMES = {"btc": "bitcoin", "btc-ln": "lightning", "ltc": "litecoin", "bch": "bitcoincash"}
_STATES = ("New", "Processing", "Completed")


@dataclass(slots=True)
class Deposit:
    """One deposit on its way; each poll brings it one state further."""

    ticker: str
    name: str
    amount: Decimal
    usd: Decimal
    polls: int = 0


def create(exchange: Exchange) -> Reply:
    """Create a deposit and return where to pay; over Daimo, the amount is in dollars."""
    ticker, rate, least = _terms(exchange)
    body, world = read_json(exchange.request), exchange.world
    if not number(body, "amount", 0):
        raise invalid("Invalid amount", "amount")
    amount = Decimal(str(body["amount"]))
    if not least <= amount * rate <= _MAXIMUM:
        raise invalid(f"Amount must be worth ${least} to ${_MAXIMUM}", "amount")
    name = world.new_id("cs_test_" if ticker in _CARDS else "tx_")
    world.deposits[name] = Deposit(ticker, name, amount, amount * rate)
    if "/daimo/" in exchange.request.path:
        return json_reply({"paymentId": name})
    if ticker in _CARDS:
        link = f"{exchange.request.origin}/checkout/{name}"
        return json_reply({"paymentLink": link, "txId": name})
    address = f"{ticker}-sandbox-{name[3:]}"
    link = f"{_SCHEMES.get(ticker, ticker)}:{address}?amount={amount:f}"
    times = {"createdAt": iso(world.clock()), "expiresAt": iso(world.clock() + 3600)}
    shown = {"txId": name, "address": address, "amount": amount, "status": _STATES[0]}
    return json_reply(shown | {"paymentLink": link} | times)


def limits(exchange: Exchange) -> Reply:
    """Return the smallest and the largest deposit, in the currency and in dollars."""
    _, rate, least = _terms(exchange)
    own = {"minimum": least / rate, "maximum": _MAXIMUM / rate}
    usd = {"fiatEquivalentMinimum": least, "fiatEquivalentMaximum": _MAXIMUM}
    return json_reply(own | usd | {"timestamp": int(exchange.world.clock())})


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


def _terms(exchange: Exchange) -> tuple[str, Decimal, Decimal]:
    """Return ticker, dollars a unit, and the smallest deposit in dollars."""
    ticker = exchange.params["ticker"].lower()
    if ticker not in (_DAIMO if "/daimo/" in exchange.request.path else _RATES):
        raise Refusal(400, f"Unsupported ticker: {ticker}")
    return ticker, Decimal(_RATES[ticker]), Decimal("0.10" if ticker == "btc-ln" else 1)


ROUTES = [
    Route("POST", "transaction/create/{ticker}", create, style=Style.SIMPLE),
    Route("POST", "transaction/create/daimo/{ticker}", create, style=Style.SIMPLE),
    Route("GET", "transaction/limits/{ticker}", limits, style=Style.SIMPLE),
    Route("GET", "transaction/status/{ticker}/{name}", status, style=Style.SIMPLE),
]
