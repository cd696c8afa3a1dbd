"""Which provider serves a chat request: suffix, header, body `provider`, `caching`.

NanoGPT lets the caller pick a provider only for some open models; elsewhere the header is
ignored and a routing suffix is refused. A picked provider has its own price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.errors import Refusal, invalid, require
from nanogpt_client.sandbox.model_name import Chosen, conflict
from nanogpt_client.sandbox.validate import number

_PRECISION = ("int4", "fp4", "fp6", "int8", "fp8", "fp16", "bf16", "fp32")
_SORTS = (None, "speed", "throughput", "latency", "price", "auto", "none", "default")
_KINDS: dict[str, Any] = {
    **dict.fromkeys(("order", "only", "ignore", "quantizations"), list | None),
    **dict.fromkeys(("allow_fallbacks", "require_parameters"), bool | None),
    "max_price": dict | None,
}
_PAYGO = {"paygo", "pay-as-you-go", "pay_as_you_go", "paid", "payg"}
Offer = dict[str, Any]


def choose(
    body: Mapping[str, Any], headers: Mapping[str, str], chosen: Chosen, model: Model
) -> str | None:
    """Return the provider that the request pins, None for automatic routing.

    Raises `Refusal` (400) for conflicts, malformed objects and unknown providers.
    """
    wanted = body.get("provider") or headers.get("x-provider")
    caching = body.get("caching") is True
    if wanted and (suffix := chosen.routing or chosen.provider):
        raise conflict(f":{suffix}", "an explicit provider")
    if caching and chosen.routing == "tools":
        raise conflict(":tools", "caching")
    offers = model.providers
    if not offers and chosen.routing:
        message = f"The model '{model.id}' does not support provider selection."
        raise invalid(message, "model", "provider_selection_not_supported")
    require(isinstance(wanted, str | dict | None), "provider must be an object.", "provider")
    if isinstance(wanted, dict):
        _check_object(wanted)
    if not offers or chosen.provider:
        return chosen.provider
    if isinstance(wanted, dict):
        return _from_object(wanted, offers)
    if wanted:
        return _named(str(wanted), offers, "provider")
    need = "caching" if caching else chosen.routing
    if need is None:
        return None
    return _cheapest([each for each in offers if need not in {"caching", "tools"} or each[need]])


def is_paygo(body: Mapping[str, Any], headers: Mapping[str, str], provider: str | None) -> bool:
    """Tell whether the request is billed to the balance although a subscription covers it."""
    mode = body.get("billing_mode") or body.get("billingMode") or headers.get("x-billing-mode")
    return provider is not None or (isinstance(mode, str) and mode.lower() in _PAYGO)


def _from_object(wanted: dict[str, Any], offers: list[Offer]) -> str | None:
    pinned = [_named(name, offers, "provider.only") for name in wanted.get("only") or ()]
    caps = {key: cap for key, cap in (wanted.get("max_price") or {}).items() if cap is not None}
    least = _PRECISION.index(wanted.get("min_quantization") or _PRECISION[0])
    fit = [
        offer
        for offer in offers
        if (not pinned or offer["id"] in pinned)
        and offer["id"] not in (wanted.get("ignore") or ())
        and offer["quantization"] in (wanted.get("quantizations") or _PRECISION)
        and offer["quantization"] in _PRECISION[least:]
        and all(offer[key] <= cap for key, cap in caps.items() if key in offer)
    ]
    if not fit:
        message = "No provider satisfies the request."
        raise Refusal(400, message, code="no_fallback_available", param="provider")
    names = [offer["id"] for offer in fit]
    preferred = [name for name in wanted.get("order") or () if name in names]
    if preferred:
        return str(preferred[0])
    narrowed = len(fit) < len(offers) or wanted.get("sort") in {"price", "speed"}
    return _cheapest(fit) if narrowed else None


def _check_object(wanted: dict[str, Any]) -> None:
    for name, kind in _KINDS.items():
        value = wanted.get(name)
        texts = not isinstance(value, list) or all(isinstance(each, str) for each in value)
        fits = isinstance(value, kind) and texts
        require(fits, f"provider.{name} has an invalid value.", f"provider.{name}")
    for name, choices in (("sort", _SORTS), ("min_quantization", (None, *_PRECISION))):
        require(wanted.get(name) in choices, f"Invalid provider.{name}.", f"provider.{name}")
    for name in ("prompt", "completion"):
        number(wanted.get("max_price") or {}, name, 0)


def _named(name: str, offers: list[Offer], param: str) -> str:
    if all(offer["id"] != name.lower() for offer in offers):
        message = f"Unknown or unavailable provider id in {param}: {name}"
        raise invalid(message, param, "provider_unknown_provider")
    return name.lower()


def _cheapest(offers: list[Offer]) -> str:
    return str(min(offers, key=lambda offer: offer["prompt"] + offer["completion"])["id"])
