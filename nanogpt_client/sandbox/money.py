"""What things cost and what is left: exact decimal dollars.

`Account.charge` is the only place where the balance falls; it refuses with the documented 402
when the balance does not cover the price. Every charge is recorded for `/v1/usage`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.http import Refusal, insufficient_balance

_MILLION = Decimal(1_000_000)
_EXACT = Decimal("1e-12")
_CACHE_WRITE = {"5m": Decimal("1.25"), "1h": Decimal(2)}
BATCH_SHARE = Decimal("0.5")  # of the price of the tokens
MEMORY_PER_MILLION = Decimal("3.75")
WEB_SEARCH_MINIMUM = Decimal("1.00")
_SEARCH_PRICES = {
    "linkup": {"standard": "0.006", "deep": "0.06"},
    "tavily": {"standard": "0.008", "deep": "0.016"},
    "kagi": {"standard": "0.002", "deep": "0.025"},
    "valyu": {"standard": "0.0075", "deep": "0.015"},
    "sofya": {"standard": "0.01575"},
    "openai": {"standard": "0.01"},
}
_SEARCH_DEFAULT = "0.005"


@dataclass(frozen=True, slots=True)
class Charge:
    """One billed request: USD and tokens; `covered`: by the subscription; or USD given back."""

    model: str
    cost: Decimal
    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    covered: bool = False
    at: float = 0.0
    refunded: Decimal = Decimal(0)


class Bill(NamedTuple):
    """What a request cost and what remains on the account, in USD."""

    cost: Decimal
    remaining: Decimal

    @property
    def headers(self) -> dict[str, str]:
        """Return the cost as headers, for replies whose documented body has no place for it."""
        return {"x-cost": plain(self.cost), "x-remaining-balance": plain(self.remaining)}

    @property
    def fields(self) -> dict[str, Any]:
        """Return the cost as the body fields of media routes."""
        return {"cost": self.cost, "paymentSource": "USD", "remainingBalance": self.remaining}


@dataclass(slots=True)
class Account:
    """The balance in USD and everything that was taken from it."""

    balance: Decimal
    clock: Callable[[], float]
    charges: list[Charge] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def charge(self, charge: Charge, *, due: bool = False) -> Decimal:
        """Take the cost and return what remains. Raises `Refusal` (402), unless work is done."""
        cost = Decimal(0) if charge.covered else charge.cost
        with self._lock:
            if cost > self.balance and not due:
                raise insufficient_balance(cost)
            self.balance -= cost
            self.charges.append(replace(charge, cost=cost, at=self.clock()))
            return self.balance

    def refund(self, model: str, amount: Decimal) -> None:
        """Give back what a job had cost that failed."""
        with self._lock:
            self.balance += amount
            self.charges.append(Charge(model, Decimal(0), at=self.clock(), refunded=amount))

    def credit(self, amount: Decimal) -> None:
        """Add a deposit, in USD."""
        with self._lock:
            self.balance += amount

    def demand(self, minimum: Decimal, code: str | None = None) -> None:
        """Refuse with 402 when the balance is below `minimum` USD."""
        if self.balance < minimum:
            if code is None:
                raise insufficient_balance(minimum)
            raise Refusal(402, "Insufficient balance for this feature.", code=code)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The token counts of one chat request, as `usage` reports them."""

    prompt: int
    completion: int
    reasoning: int = 0
    cache_read: int = 0
    cache_written: int = 0
    cache_ttl: str = "5m"
    audio: int = 0


def chat_price(rates: dict[str, Decimal], tokens: Tokens) -> Decimal:
    """Return the USD for `tokens` at `rates` (USD per million: prompt, completion, cache_read)."""
    uncached = tokens.prompt - tokens.cache_read - tokens.cache_written
    written = tokens.cache_written * _CACHE_WRITE[tokens.cache_ttl]
    total = (uncached + written) * rates["prompt"] + tokens.cache_read * rates["cache_read"]
    return exact((total + tokens.completion * rates["completion"]) / _MILLION)


def chat_rates(model: Model, provider: str | None = None) -> dict[str, Decimal]:
    """Return a text model's USD per million tokens, those of `provider` when one is chosen."""
    source = model.providers.get(provider or "", model.pricing)
    prompt = Decimal(source["prompt"])
    cached = model.pricing.get("cacheReadInputPer1kTokens")
    read = prompt if cached is None else min(prompt, cached * 1000)  # the others are per million
    return {"prompt": prompt, "completion": Decimal(source["completion"]), "cache_read": read}


def per_million(model: Model, tokens: int) -> Decimal:
    """Return the USD for embedding or classifying `tokens`."""
    rate = model.pricing.get("per_million_tokens", model.pricing.get("prompt", 0))
    return exact(tokens * Decimal(rate) / _MILLION)


def image_price(model: Model, size: object, count: int) -> Decimal:
    """Return the USD for `count` images; a size without a price costs as much as the dearest."""
    per_image = model.pricing["per_image"].items()
    prices = {name.replace("*", "x"): Decimal(usd) for name, usd in per_image}
    return exact(count * prices.get(str(size), max(prices.values())))


def speech_price(model: Model, characters: int) -> Decimal:
    """Return the USD for speaking `characters`, by the thousand or by blocks."""
    prices = model.pricing
    if "per_thousand_chars" in prices:
        return exact(Decimal(prices["per_thousand_chars"]) * characters / 1000)
    blocks = -(-characters // prices["prompt_char_block_size"])
    return exact(max(prices["per_prompt_char_block"] * blocks, Decimal(prices["minimum"])))


def minutes_price(model: Model, seconds: float) -> Decimal:
    """Return the USD for transcribing `seconds` of audio."""
    return exact(Decimal(model.pricing["per_minute"]) * Decimal(str(seconds)) / 60)


@dataclass(frozen=True, slots=True)
class VideoOrder:
    """What a video's price may depend on."""

    seconds: float
    resolution: str | None = None
    audio: bool = False
    source: str = "text_to_video"


def video_price(model: Model, order: VideoOrder) -> Decimal:
    """Return the USD for a video, in whichever of the lists' shapes the model is priced."""
    prices, seconds = model.pricing, Decimal(str(order.seconds))
    if "with_audio" in prices:
        return exact(Decimal(prices["with_audio" if order.audio else "without_audio"]))
    if "per_duration" in prices:
        factor = prices["audio_multiplier"] if order.audio else 1
        return exact(prices["per_duration"][f"{order.seconds:g}"] * factor)
    if "per_second" in prices:
        return exact(Decimal(prices["per_second"]) * seconds)
    by_resolution = prices.get("per_second_by_resolution")
    if by_resolution is None:
        by_resolution = prices["per_second_by_mode_and_resolution"][order.source]
    return exact(by_resolution[order.resolution] * seconds)


def search_price(provider: str, depth: str) -> Decimal:
    """Return the USD for one web search."""
    return Decimal(_SEARCH_PRICES.get(provider, {}).get(depth, _SEARCH_DEFAULT))


def exact(amount: Decimal) -> Decimal:
    """Return `amount` to a millionth of a millionth of a dollar, without trailing zeros."""
    return amount.quantize(_EXACT).normalize() or Decimal(0)


def pricing_block(charge: Charge, tokens: Tokens | None, remaining: Decimal) -> dict[str, Any]:
    """Return `x_nanogpt_pricing`; a request that the subscription covers costs 0."""
    cost = Decimal(0) if charge.covered else charge.cost
    block = {"amount": cost, "currency": "USD", **Bill(cost, remaining).fields}
    block |= {"inputTokens": charge.input_tokens, "outputTokens": charge.output_tokens}
    block |= {"billedToTeam": False, "billedTeamId": None, "billedTeamName": None}
    if tokens and (tokens.cache_read or tokens.cache_written):
        block["cacheReadInputTokens"] = tokens.cache_read
        block["cacheCreationInputTokens"] = tokens.cache_written
        block["cacheTTL"] = tokens.cache_ttl
    return block


def plain(amount: Decimal) -> str:
    """Return dollars as the decimal string that balances have."""
    return format(exact(amount), "f")
