"""Pretend payments: deposits to the account, and calls without one (x402), in Nano.

A deposit that is polled completes and is credited. Of x402 only the scheme `nano` is played, for
the routes of page x402 that the sandbox has, not streamed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal
from typing import Any

from nanogpt_client.sandbox.bodies import is_json, number, read_json
from nanogpt_client.sandbox.exchange import ROUTES, Exchange, Handler, Route
from nanogpt_client.sandbox.http import Refusal, Reply, Request, iso, json_reply, require
from nanogpt_client.sandbox.money import Account, plain
from nanogpt_client.sandbox.routes import chat

# Made-up dollars for one unit, so that limits and credits have a size.
_CARDS = {"usd": "1", "eur": "1.1", "gbp": "1.3"}
_DAIMO = dict.fromkeys(("usdc", "usdt", "eth", "sol"), "1")  # amounts in dollars
_COINS = {"btc": "60000", "btc-ln": "60000", "ltc": "80", "xmr": "200", "doge": "0.2"}
_RATES = _COINS | _CARDS | _DAIMO
_MAXIMUM = Decimal(1_000_000)  # USD
_SCHEMES = {"btc": "bitcoin", "btc-ln": "lightning", "ltc": "litecoin"}
_STATES = ("New", "Processing", "Completed")


@dataclass(slots=True)
class Deposit:
    """One deposit on its way; each poll brings it one state further."""

    ticker: str
    name: str
    amount: Decimal
    usd: Decimal
    polls: int = 0


@Route("POST", "transaction/create/{ticker}", simple=True)
@Route("POST", "transaction/create/daimo/{ticker}", simple=True)
def create(exchange: Exchange) -> Reply:
    """Create a deposit and return where to pay; over Daimo, the amount is in dollars."""
    ticker, rate, least = _terms(exchange)
    body, world = exchange.json(), exchange.world
    require(number(body, "amount", 0), "Invalid amount", "amount")
    amount = Decimal(str(body["amount"]))
    fits = least <= amount * rate <= _MAXIMUM
    require(fits, f"Amount must be worth ${least} to ${_MAXIMUM}", "amount")
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


@Route("GET", "transaction/limits/{ticker}", simple=True)
def limits(exchange: Exchange) -> Reply:
    """Return the smallest and the largest deposit, in the currency and in dollars."""
    _, rate, least = _terms(exchange)
    own = {"minimum": least / rate, "maximum": _MAXIMUM / rate}
    usd = {"fiatEquivalentMinimum": least, "fiatEquivalentMaximum": _MAXIMUM}
    return json_reply(own | usd | {"timestamp": int(exchange.world.clock())})


@Route("GET", "transaction/status/{ticker}/{name}", simple=True)
def deposit_status(exchange: Exchange) -> Reply:
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


_USD_PER_XNO = Decimal("0.4")  # made up
_LIFETIME = 900.0  # seconds, as on the page's first version
_RAW = Decimal(10) ** 30
_POLL_SECONDS = 2
_CHAT = "v1/chat/completions"
_MEDIA = ("v1/images/generations", "v1/images/edits", "v1/data/web/search", "v1/data/url/scrape")
_QUOTES = {_CHAT: "estimated with reconciliation", **dict.fromkeys(_MEDIA, "deterministic")}


@dataclass(slots=True)
class Payment:
    """A quote, and what was paid for it; `request` is the stored call."""

    id: str
    request: Request
    handler: Handler
    usd: Decimal
    address: str
    expires: float
    received: Decimal = Decimal(0)
    done: str = ""  # processing, completed or failed

    @property
    def xno(self) -> Decimal:
        """Return the amount in Nano."""
        return (self.usd / _USD_PER_XNO).quantize(Decimal("1e-8"), ROUND_UP)

    def status(self, now: float) -> str:
        """Return the documented status."""
        if self.done or now >= self.expires:
            return self.done or "expired"
        paid = "underpaid" if self.received else "pending"
        return "paid" if self.received >= self.xno else paid


class _Prepaid(Account):
    """The money of one payment, in the place of an account."""

    def demand(self, minimum: Decimal, code: str | None = None) -> None:
        """Demand nothing: the minimums are those of accounts."""


def is_accountless(route: Route, request: Request) -> bool:
    """Whether a request asks for a quote: without a key, and with the header."""
    keys = {"authorization", "x-api-key"} & request.headers.keys()
    wanted = request.headers.get("x-x402", "").lower() == "true"
    return wanted and not keys and route.path in _QUOTES


def quote(exchange: Exchange, route: Route) -> Reply:
    """Quote a call: chat by an estimate, the others by what they would charge."""
    request = exchange.request
    if not is_json(request) or read_json(request, compressed=True).get("stream"):
        raise Refusal(401, "Missing API key.", code="missing_api_key")
    handler = ROUTES[route]
    if route.path == _CHAT:
        usd = chat.quote(exchange)
    else:
        usd = _run(exchange, handler, request, Decimal(1_000))[1]
    name, until = exchange.world.new_id("pay_"), exchange.world.clock() + _LIFETIME
    payment = Payment(name, request, handler, usd, f"nano_sandbox{name[4:]}", until)
    exchange.world.payments[name] = payment
    return _quote(exchange, payment)


def _run(
    exchange: Exchange, handler: Handler, request: Request, usd: Decimal
) -> tuple[Reply, Decimal]:
    """Return the answer of a route, and what it charged."""
    account = _Prepaid(usd, exchange.world.clock)
    world = replace(exchange.world, account=account)
    return handler(replace(exchange, world=world, request=request)), usd - account.balance


def _quote(exchange: Exchange, payment: Payment) -> Reply:
    address = f"{exchange.request.origin}/api/x402"
    urls = {f"{what}Url": f"{address}/{what}/{payment.id}" for what in ("status", "complete")}
    shown = {"amountUsd": plain(payment.usd), "paymentId": payment.id, **urls}
    option = {
        "scheme": "nano",
        "protocolScheme": "nano",
        "network": "nano-mainnet",
        "amount": format(payment.xno * _RAW, "f").partition(".")[0],
        "amountFormatted": f"{payment.xno:f} XNO",
        "payTo": payment.address,
    }
    body = {"version": 1, "expiresAt": iso(payment.expires), **shown, "accepted": [option | shown]}
    error = dict.fromkeys(("type", "code"), "insufficient_quota")
    error["message"] = "Payment required to complete this request."
    return json_reply({"error": error, "payment": body, "x402Version": 1, "accepts": []}, 402)


@Route("GET", "x402/status/{name}", open=True)
def status(exchange: Exchange) -> Reply:
    """Return the state of a payment."""
    payment, now = _found(exchange), exchange.world.clock()
    state = payment.status(now)
    body = {
        "paymentId": payment.id,
        "status": state,
        "amountRequired": plain(payment.xno),
        "amountReceived": plain(payment.received),
        "amountRemaining": plain(max(payment.xno - payment.received, Decimal(0))),
        "payTo": payment.address,
        "expiresAt": int(payment.expires),
        "pollAfterSeconds": _POLL_SECONDS,
        "readyToComplete": state == "paid",
    }
    wait = str(_POLL_SECONDS)
    return json_reply(body, headers={"retry-after": wait, "x-poll-after": wait})


@Route("POST", "x402/complete/{name}", open=True)
def complete(exchange: Exchange) -> Reply:
    """Run the stored call, once. Raises `Refusal` (404, 409, 410)."""
    payment = _found(exchange)
    with exchange.world.lock:
        state = payment.status(exchange.world.clock())
        payment.done = "processing" if state == "paid" else payment.done
    if state in ("pending", "underpaid"):
        return _quote(exchange, payment)
    if state != "paid":
        expired = state == "expired"
        what = "expired" if expired else f"is already {state}"
        raise Refusal(410 if expired else 409, f"Payment {what}")
    try:
        reply, _ = _run(exchange, payment.handler, payment.request, payment.usd)
    except BaseException:
        payment.done = "failed"
        raise
    payment.done = "completed"
    return reply


@Route("GET", "v1/x402/endpoints", open=True)
def endpoints(exchange: Exchange) -> Reply:
    """List what can be paid per call here."""
    fixed = {"method": "POST", "supported": True, "schemes": ["nano"], "async": False}
    data = [
        {"endpoint": f"/api/{path}", **fixed, "streaming": "unsupported", "quoteType": kind}
        for path, kind in _QUOTES.items()
    ]
    everything = exchange.request.query.get("supported") == "all"
    meta = {"count": len(data), "totalCount": len(data), "unsupportedIncluded": everything}
    head = {"object": "x402.endpoint_support.list", "version": "2026-06-03"}
    return json_reply({**head, "data": data, "meta": meta})


def _found(exchange: Exchange) -> Payment:
    payment: Payment | None = exchange.world.payments.get(exchange.params["name"])
    if payment is None:
        raise Refusal(404, "Payment not found")
    return payment


class Wallet:
    """A pretend Nano wallet: `pay` serves as a client's `pay=`; `sent` are its payments."""

    def __init__(self, payments: dict[str, Payment], balance: Decimal | str) -> None:
        """Open the wallet, with `balance` XNO in it; it pays the sandbox's `payments`."""
        self.balance = Decimal(balance)
        self.sent: list[tuple[str, Decimal]] = []
        self._payments = payments

    def pay(self, challenge: Any) -> None:
        """Pay the option `nano` of a client's `PaymentChallenge`."""
        option = challenge.option("nano")
        self.send(option.pay_to, option.value)

    def send(self, address: str, xno: Decimal | str) -> None:
        """Send Nano. Raises `ValueError` if the wallet holds less; money to nowhere is lost."""
        xno = Decimal(xno)
        if xno > self.balance:
            raise ValueError(f"the wallet holds {self.balance} XNO, less than {xno}")
        self.balance -= xno
        self.sent.append((address, xno))
        for payment in self._payments.values():
            if payment.address == address:
                payment.received += xno
