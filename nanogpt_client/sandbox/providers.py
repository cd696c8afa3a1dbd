"""Which provider serves a chat request: suffix, header, body `provider`, `caching`.

NanoGPT lets the caller pick a provider only for some open models; elsewhere the header is
ignored and a routing suffix is refused. A picked provider has its own price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.errors import Refusal, invalid
from nanogpt_client.sandbox.lazy import needs
from nanogpt_client.sandbox.model_name import Chosen, conflict

_PRECISION = ("int4", "fp4", "fp6", "int8", "fp8", "fp16", "bf16", "fp32")
_STRINGS = {"type": ["array", "null"], "items": {"type": "string"}}
_SWITCH = {"type": ["boolean", "null"]}
_SORTS = (None, "speed", "throughput", "latency", "price", "auto", "none", "default")
_LEVELS = {"type": ["array", "null"], "items": {"enum": [*_PRECISION, "unknown"]}, "minItems": 1}
_CAP = {"type": ["number", "null"], "minimum": 0}
_CAPS = {"type": ["object", "null"], "properties": {"prompt": _CAP, "completion": _CAP}}
_OBJECT = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("order", "only", "ignore"), _STRINGS),
        "allow_fallbacks": _SWITCH,
        "require_parameters": _SWITCH,
        "sort": {"enum": list(_SORTS)},
        "quantizations": _LEVELS,
        "min_quantization": {"enum": [None, *_PRECISION]},
        "max_price": _CAPS,
    },
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
    if not isinstance(wanted, str):
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
    fit = [
        offer
        for offer in offers
        if (not pinned or offer["id"] in pinned)
        and offer["id"] not in (wanted.get("ignore") or ())
        and offer["quantization"] in (wanted.get("quantizations") or _PRECISION)
        and _at_least(offer["quantization"], wanted.get("min_quantization") or _PRECISION[0])
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


def _check_object(wanted: object) -> None:
    """Refuse what the documentation calls an invalid `provider` object."""
    if wanted is None:
        return
    with needs("jsonschema"):
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - an extra
    error = next(Draft202012Validator(_OBJECT).iter_errors(wanted), None)
    if error is not None:
        param = ".".join(["provider", *map(str, error.absolute_path)])
        raise invalid(f"{param}: {error.message}.", param)
    given = wanted if isinstance(wanted, dict) else {}
    allowed, floor = given.get("quantizations"), given.get("min_quantization")
    if allowed and floor and not any(_at_least(level, floor) for level in allowed):
        param = "provider.quantizations"
        raise invalid(f"{param}: none is at least {floor}.", param)


def _named(name: str, offers: list[Offer], param: str) -> str:
    if all(offer["id"] != name.lower() for offer in offers):
        message = f"Unknown or unavailable provider id in {param}: {name}"
        raise invalid(message, param, "provider_unknown_provider")
    return name.lower()


def _at_least(level: str, floor: str) -> bool:
    return level in _PRECISION and _PRECISION.index(level) >= _PRECISION.index(floor)


def _cheapest(offers: list[Offer]) -> str:
    return str(min(offers, key=lambda offer: offer["prompt"] + offer["completion"])["id"])
