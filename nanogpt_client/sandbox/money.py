"""What things cost and what is left: exact decimal dollars.

`Account.charge` is the only place where the balance falls; it refuses with the documented 402
when the balance does not cover the price. Every charge is kept for `/v1/usage`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.failures import Refusal, insufficient_balance

_MILLION = Decimal(1_000_000)
_EXACT = Decimal("1e-12")
_CACHE_WRITE = {"5m": Decimal("1.25"), "1h": Decimal(2)}
MEMORY_PER_MILLION = Decimal("3.75")
WEB_SEARCH_MINIMUM = Decimal("1.00")
_SEARCH_PRICES = {
    ("linkup", "standard"): "0.006",
    ("linkup", "deep"): "0.06",
    ("tavily", "standard"): "0.008",
    ("tavily", "deep"): "0.016",
    ("kagi", "standard"): "0.002",
    ("kagi", "deep"): "0.025",
    ("sofya", "standard"): "0.01575",
    ("openai", "standard"): "0.01",
    ("valyu", "standard"): "0.0075",
    ("valyu", "deep"): "0.015",
}
_SEARCH_DEFAULT = "0.005"


@dataclass(frozen=True, slots=True)
class Charge:
    """One billed request: USD and tokens; `covered` means the subscription paid.

    One with `refunded` above 0 gives that back instead (page tts-status).
    """

    model: str
    cost: Decimal
    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    covered: bool = False
    at: float = 0.0
    refunded: Decimal = Decimal(0)


@dataclass(slots=True)
class Account:
    """The balance in USD and everything that was taken from it."""

    balance: Decimal
    clock: Callable[[], float]
    charges: list[Charge] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def charge(self, charge: Charge) -> Decimal:
        """Take the cost and return what remains. Raises `Refusal` (402)."""
        cost = Decimal(0) if charge.covered else charge.cost
        with self._lock:
            if cost > self.balance:
                raise insufficient_balance(cost)
            self.balance -= cost
            billed = Charge(
                charge.model,
                cost,
                charge.input_tokens,
                charge.output_tokens,
                charge.reasoning_tokens,
                charge.covered,
                self.clock(),
            )
            self.charges.append(billed)
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
        if self.balance >= minimum:
            return
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
    plain = tokens.prompt - tokens.cache_read - tokens.cache_written
    total = (
        plain * rates["prompt"]
        + tokens.cache_read * rates["cache_read"]
        + tokens.cache_written * rates["prompt"] * _CACHE_WRITE[tokens.cache_ttl]
        + tokens.completion * rates["completion"]
    )
    return exact(total / _MILLION)


def chat_rates(model: Model, provider: str | None = None) -> dict[str, Decimal]:
    """Return a text model's USD per million tokens, those of `provider` when one is chosen."""
    source = model.pricing
    for offer in model.providers:
        if offer["id"] == provider:
            source = offer
    prompt = Decimal(source["prompt"])
    cached = model.pricing.get("cacheReadInputPer1kTokens")
    read = prompt if cached is None else cached * 1000  # the list's prices are per million
    return {
        "prompt": prompt,
        "completion": Decimal(source["completion"]),
        "cache_read": min(read, prompt),
    }


def per_million(model: Model, tokens: int) -> Decimal:
    """Return the USD for embedding or classifying `tokens`."""
    rate = model.pricing.get("per_million_tokens", model.pricing.get("prompt", 0))
    return exact(tokens * Decimal(rate) / _MILLION)


def image_price(model: Model, size: object, count: int) -> Decimal:
    """Return the USD for `count` pictures; a size without a price costs as much as the dearest."""
    prices = {
        name.replace("*", "x"): Decimal(usd) for name, usd in model.pricing["per_image"].items()
    }
    return exact(count * prices.get(str(size), max(prices.values())))


def speech_price(model: Model, characters: int) -> Decimal:
    """Return the USD for speaking `characters`, by the thousand or by blocks."""
    prices = model.pricing
    if "per_thousand_chars" in prices:
        return exact(Decimal(prices["per_thousand_chars"]) * characters / 1000)
    blocks = -(-characters // prices["prompt_char_block_size"])
    return exact(max(prices["per_prompt_char_block"] * blocks, Decimal(prices["minimum"])))


def minutes_price(model: Model, seconds: float) -> Decimal:
    """Return the USD for transcribing `seconds` of sound."""
    return exact(Decimal(model.pricing["per_minute"]) * Decimal(str(seconds)) / 60)


@dataclass(frozen=True, slots=True)
class VideoOrder:
    """What a video's price may depend on."""

    seconds: float
    resolution: str | None = None
    sound: bool = False
    source: str = "text_to_video"


def video_price(model: Model, order: VideoOrder) -> Decimal:
    """Return the USD for a video, in whichever of the lists' shapes the model is priced."""
    prices = model.pricing
    if "with_audio" in prices:
        return exact(Decimal(prices["with_audio" if order.sound else "without_audio"]))
    if "per_duration" in prices:
        factor = prices["audio_multiplier"] if order.sound else 1
        return exact(prices["per_duration"][f"{order.seconds:g}"] * factor)
    seconds = Decimal(str(order.seconds))
    if "per_second_by_resolution" in prices:
        return exact(prices["per_second_by_resolution"][order.resolution] * seconds)
    if "per_second_by_mode_and_resolution" in prices:
        by_resolution = prices["per_second_by_mode_and_resolution"][order.source]
        return exact(by_resolution[order.resolution] * seconds)
    return exact(Decimal(prices["per_second"]) * seconds)


def search_price(provider: str, depth: str) -> Decimal:
    """Return the USD for one web search."""
    return Decimal(_SEARCH_PRICES.get((provider, depth), _SEARCH_DEFAULT))


def exact(amount: Decimal) -> Decimal:
    """Return `amount` to a millionth of a millionth of a dollar, without trailing zeros."""
    rounded = amount.quantize(_EXACT).normalize()
    return rounded or Decimal(0)


def pricing_block(charge: Charge, tokens: Tokens | None, remaining: Decimal) -> dict[str, Any]:
    """Return `x_nanogpt_pricing`; a request that the subscription covers costs 0."""
    cost = Decimal(0) if charge.covered else charge.cost
    block: dict[str, Any] = {
        "amount": cost,
        "currency": "USD",
        "cost": cost,
        "paymentSource": "USD",
        "inputTokens": charge.input_tokens,
        "outputTokens": charge.output_tokens,
        "billedToTeam": False,
        "billedTeamId": None,
        "billedTeamName": None,
        "remainingBalance": remaining,
    }
    if tokens and (tokens.cache_read or tokens.cache_written):
        block["cacheReadInputTokens"] = tokens.cache_read
        block["cacheCreationInputTokens"] = tokens.cache_written
        block["cacheTTL"] = tokens.cache_ttl
    return block


def plain(amount: Decimal) -> str:
    """Return dollars as the decimal string that balances have."""
    return format(exact(amount), "f")
