"""What media cost, by the prices of NanoGPT's lists of models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from nanogpt_client.wire._read import as_dict, as_number, as_text
from nanogpt_client.wire.catalog import Model


def price(model: Model, work: Mapping[str, Any]) -> Decimal | None:
    """Return USD for a text (``text``), a time (``seconds``) or ``n`` pictures of a ``size``.

    ``None`` where the entry prices in another unit, or not at all.
    """
    pricing = as_dict(model.raw.get("pricing"))
    if as_text(pricing.get("currency") or "USD").upper() != "USD":
        return None
    characters = as_number(pricing.get("per_thousand_characters"))
    if characters is not None and work.get("text") is not None:
        return characters * len(work["text"]) / 1000
    second, minute = as_number(pricing.get("per_second")), as_number(pricing.get("per_minute"))
    if work.get("seconds") is not None:
        seconds = Decimal(str(work["seconds"]))
        if second is not None:
            return second * seconds
        return None if minute is None else minute * seconds / 60
    one = _one_picture(pricing.get("per_image"), work.get("size"))
    return None if one is None else one * int(work.get("n") or 1)


def reservation(model: Model | None, **work: Any) -> Callable[[], Decimal] | None:
    """Return what a `Budget` sets aside for a call, if the model's price is known."""
    usd = None if model is None else price(model, work)
    return None if usd is None else lambda: usd


def _one_picture(listed: Any, size: str | None) -> Decimal | None:
    """Return the price of a size; of the dearest where that is not listed."""
    if not isinstance(listed, dict):
        return as_number(listed)
    prices = {
        name.replace("*", "x"): usd
        for name, value in listed.items()
        if (usd := as_number(value)) is not None
    }
    return prices.get((size or "").replace("*", "x"), max(prices.values(), default=None))
