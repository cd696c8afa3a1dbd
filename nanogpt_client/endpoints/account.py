"""Balance, usage, estimates and deposits.

Follows https://docs.nano-gpt.com/api-reference/endpoint/check-balance, usage, subscription-usage
and crypto-deposits; the two estimates are described in NanoGPT's skill document alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar, Unpack
from urllib.parse import quote

from nanogpt_client._protocol.call import Call, Reply, Request, RetrySafety
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import _checks, _prices, catalog
from nanogpt_client.endpoints._requests import get, post, read_object
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.types._coerce import as_dict, as_number
from nanogpt_client.types.account import (
    Affordability,
    Balance,
    CostEstimate,
    Deposit,
    DepositLimits,
    SubscriptionUsage,
    UsageReport,
)
from nanogpt_client.types.catalog import ModelKind
from nanogpt_client.types.chat import MessageDict
from nanogpt_client.types.options import WorkOptions

T = TypeVar("T")

_VIDEO_WORK = frozenset({"seconds", "resolution", "mode", "audio"})
_DAIMO = frozenset({"usdc", "usdt", "eth", "sol"})


def balance() -> Call[Balance]:
    """Return the account's balance."""
    return _free(post("/check-balance", {}, root="api"), Balance.read)


def usage(
    *, from_date: str | None = None, to_date: str | None = None, group_by: str | None = None
) -> Call[UsageReport]:
    """Return what this key spent in USD; dates are ISO days in UTC, both or neither."""
    if (from_date is None) != (to_date is None):
        raise InvalidArgumentError("from_date and to_date must be passed together")
    request = get("/usage", {"from": from_date, "to": to_date, "group_by": group_by})
    return _free(request, UsageReport.read)


def subscription_usage() -> Call[SubscriptionUsage]:
    """Return how much of the subscription is used."""
    return _free(get("/subscription/v1/usage", root="api"), SubscriptionUsage.read)


def estimate_chat_cost(messages: str | Sequence[MessageDict], *, model: str) -> Call[CostEstimate]:
    """Estimate the cost of a chat in USD; nothing is generated."""
    body = {"model": _checks.check_model(model), "messages": _checks.check_messages(messages)}
    return _free(post("/get-completion-cost", body, root="api"), CostEstimate.read)


def estimate_image_cost(*, model: str, size: str | None = None, n: int = 1) -> Call[CostEstimate]:
    """Estimate the cost of ``n`` images of a size in USD."""
    body = {"model": _checks.check_model(model)} | ({} if size is None else {"size": size})
    if n < 1:
        raise InvalidArgumentError(f"n must be at least 1, not {n}", param="n")

    def read(answer: dict[str, Any]) -> CostEstimate:
        one = CostEstimate.read(answer)
        return one if one.usd is None else CostEstimate(one.usd * n, one.raw)

    return _free(post("/estimate-image-cost", body, root="api"), read)


def estimate_media_cost(
    kind: ModelKind, *, model: str, **work: Unpack[WorkOptions]
) -> Flow[CostEstimate]:
    """Estimate the cost of images, speech, a transcription or a video in USD, by NanoGPT's prices.

    Options that ``work`` omits have the model's defaults; a text above the model's limit is priced
    in parts, as `speak_long` sends it. ``None`` (unknown) if the list of models has no price that
    can be read; for images NanoGPT's own estimate is then requested.
    """
    given = _checks.checked(work, WorkOptions)
    listed = yield from catalog.find_model(kind, _checks.check_model(model), refresh=True)
    usd = None if listed is None else _prices.price(listed, given)
    if usd is None and kind == "image":
        size, n = given.get("size"), given.get("n", 1)
        return (yield from ask(estimate_image_cost(model=model, size=size, n=n)))
    return CostEstimate(usd, {} if listed is None else as_dict(listed.raw.get("pricing")))


def can_afford(
    messages: str | Sequence[MessageDict] | None = None,
    *,
    model: str,
    **work: Unpack[WorkOptions],
) -> Flow[Affordability]:
    """Compare the balance with the estimate for a chat, or for media.

    ``text`` is for speech; ``seconds`` (and ``resolution`` …) are of a video, or of a recording to
    transcribe, by the model's kind; otherwise the estimate is for ``n`` images of ``size``.
    """
    cost = yield from _estimate(messages, model, _checks.checked(work, WorkOptions))
    current = yield from ask(balance())
    is_enough = None
    if cost.usd is not None and current.usd is not None:
        is_enough = cost.usd <= current.usd
    return Affordability(is_enough, cost, current)


def _estimate(
    messages: str | Sequence[MessageDict] | None, model: str, work: Mapping[str, Any]
) -> Flow[CostEstimate]:
    if messages is not None:
        return (yield from ask(estimate_chat_cost(messages, model=model)))
    if "text" in work:
        return (yield from estimate_media_cost("tts", model=model, text=work["text"]))
    if work.keys() & _VIDEO_WORK:
        listed = yield from catalog.find_model("video", model, refresh=True)
        kind: ModelKind = "stt" if listed is None else "video"
        return (yield from estimate_media_cost(kind, model=model, **work))
    size, n = work.get("size"), work.get("n", 1)
    return (yield from ask(estimate_image_cost(model=model, size=size, n=n)))


def create_deposit(ticker: str, amount: Decimal | float | str) -> Call[Deposit]:
    """Create an address, or a payment link, for a deposit of ``amount`` units of the ticker's coin.

    Not needed for Nano: send it to `Balance.nano_deposit_address`.
    """
    coin = _ticker(ticker)
    number = as_number(amount)
    if number is None or number <= 0:
        raise InvalidArgumentError(
            f"amount must be a number above 0, not {amount!r}", param="amount"
        )
    path = f"/transaction/create/{'daimo/' if coin in _DAIMO else ''}{coin}"
    return Call(
        post(path, {"amount": float(number)}, root="api"),
        lambda reply: Deposit.read(read_object(reply)),
        "deposit",
        resend=RetrySafety.IF_NOT_SENT,
    )


def deposit_limits(ticker: str) -> Call[DepositLimits]:
    """Return the smallest and the largest deposit in a coin."""
    return _free(get(f"/transaction/limits/{_ticker(ticker)}", root="api"), DepositLimits.read)


def deposit_status(ticker: str, deposit_id: str) -> Call[Deposit]:
    """Return the status of a deposit."""
    deposit_id = _checks.check_text("deposit_id", deposit_id)
    path = f"/transaction/status/{_ticker(ticker)}/{quote(deposit_id, safe='')}"
    return _free(get(path, root="api"), Deposit.read)


def _ticker(ticker: str) -> str:
    coin = _checks.check_text("ticker", ticker).lower().removeprefix("daimo/")
    if coin in {"nano", "xno"}:
        msg = "Nano needs no deposit: send it to balance().nano_deposit_address"
        raise InvalidArgumentError(msg, param="ticker")
    if not coin.replace("-", "").isalnum():
        raise InvalidArgumentError(
            f"ticker must be a coin such as 'btc', not {ticker!r}", param="ticker"
        )
    return coin


def _free(request: Request, read: Callable[[dict[str, Any]], T]) -> Call[T]:
    def parse(reply: Reply) -> T:
        return read(read_object(reply))

    return Call(request, parse, "account")
