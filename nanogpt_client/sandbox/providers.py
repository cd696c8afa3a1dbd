"""Which provider serves a chat request: suffix, header, body `provider`, `caching`.

NanoGPT lets the caller pick a provider only for some open models; elsewhere the header is
ignored and a routing suffix is refused. A picked provider has its own price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.failures import Refusal, invalid
from nanogpt_client.sandbox.lazy import needs
from nanogpt_client.sandbox.model_name import Chosen, conflict

_PRECISION = ("int4", "fp4", "fp6", "int8", "fp8", "fp16", "bf16", "fp32")
_STRINGS = {"type": ["array", "null"], "items": {"type": "string"}}
_SWITCH = {"type": ["boolean", "null"]}
_CAP = {"type": ["number", "null"], "minimum": 0}
_OBJECT = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("order", "only", "ignore"), _STRINGS),
        **dict.fromkeys(("allow_fallbacks", "require_parameters"), _SWITCH),
        "sort": {
            "enum": [None, "speed", "throughput", "latency", "price", "auto", "none", "default"]
        },
        "quantizations": {
            "type": ["array", "null"],
            "items": {"enum": [*_PRECISION, "unknown"]},
            "minItems": 1,
        },
        "min_quantization": {"enum": [None, *_PRECISION]},
        "max_price": {
            "type": ["object", "null"],
            "properties": {"prompt": _CAP, "completion": _CAP},
        },
    },
}
_PAYGO = {"paygo", "pay-as-you-go", "pay_as_you_go", "paid", "payg"}
ModelConstraints = dict[str, Any]


def choose(
    body: Mapping[str, Any], headers: Mapping[str, str], chosen: Chosen, model: Model
) -> str | None:
    """Return the provider that the request pins, None for automatic routing.

    Raises `Refusal` (400) for conflicts, malformed objects and unknown providers.
    """
    wanted = body.get("provider")
    header = headers.get("x-provider")
    caching = body.get("caching") is True
    _check_conflicts(chosen, explicit=bool(wanted or header), caching=caching)
    offers = model.providers
    if not offers:
        if chosen.routing:
            raise invalid(
                f"The model '{model.id}' does not support provider selection.",
                "model",
                "provider_selection_not_supported",
            )
        _check_object(wanted)
        return None
    if chosen.provider:
        return chosen.provider
    if isinstance(wanted, dict):
        return _from_object(wanted, offers)
    if wanted or header:
        return _named(str(wanted or header), offers, "provider")
    return _by_capability(chosen, offers, caching=caching)


def is_paygo(body: Mapping[str, Any], headers: Mapping[str, str], provider: str | None) -> bool:
    """Tell whether the request is billed to the balance although a subscription covers it."""
    mode = body.get("billing_mode") or body.get("billingMode") or headers.get("x-billing-mode")
    return provider is not None or (isinstance(mode, str) and mode.lower() in _PAYGO)


def _check_conflicts(chosen: Chosen, *, explicit: bool, caching: bool) -> None:
    if chosen.routing and explicit:
        raise conflict(f":{chosen.routing}", "an explicit provider")
    if chosen.provider and explicit:
        raise conflict(f":{chosen.provider}", "another explicit provider")
    if caching and chosen.routing == "tools":
        raise conflict(":tools", "caching")


def _by_capability(chosen: Chosen, offers: list[ModelConstraints], *, caching: bool) -> str | None:
    need = "caching" if caching else chosen.routing
    if need is None:
        return None
    fit = [offer for offer in offers if need not in {"caching", "tools"} or offer[need]]
    return str(_cheapest(fit)["id"])


def _from_object(wanted: dict[str, Any], offers: list[ModelConstraints]) -> str | None:
    _check_object(wanted)
    pinned = [_named(name, offers, "provider.only") for name in wanted.get("only") or ()]
    fit = [
        offer
        for offer in offers
        if (not pinned or offer["id"] in pinned)
        and offer["id"] not in (wanted.get("ignore") or ())
        and _precise_enough(offer, wanted)
        and _affordable(offer, wanted.get("max_price") or {})
    ]
    if not fit:
        raise Refusal(
            400,
            "No provider satisfies the request.",
            code="no_fallback_available",
            param="provider",
        )
    preferred = [
        offer for name in wanted.get("order") or () for offer in fit if offer["id"] == name
    ]
    if preferred:
        return str(preferred[0]["id"])
    narrowed = len(fit) < len(offers) or wanted.get("sort") in {"price", "speed"}
    return str(_cheapest(fit)["id"]) if narrowed else None


def _check_object(wanted: object) -> None:
    """Refuse what the documentation calls an invalid `provider` object."""
    if wanted is None or isinstance(wanted, str):
        return
    with needs("jsonschema"):
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - an extra
    error = next(Draft202012Validator(_OBJECT).iter_errors(wanted), None)
    if error is not None:
        raise _bad(".".join(["provider", *map(str, error.absolute_path)]), error.message)
    given = wanted if isinstance(wanted, dict) else {}
    allowed, floor = given.get("quantizations"), given.get("min_quantization")
    if allowed and floor and not any(_at_least(level, floor) for level in allowed):
        raise _bad("provider.quantizations", f"none is at least {floor}")


def _named(name: str, offers: list[ModelConstraints], param: str) -> str:
    for offer in offers:
        if offer["id"] == name.lower():
            return str(offer["id"])
    raise invalid(
        f"Unknown or unavailable provider id in {param}: {name}", param, "provider_unknown_provider"
    )


def _precise_enough(offer: ModelConstraints, wanted: dict[str, Any]) -> bool:
    level: str = offer["quantization"]
    allowed: list[str] = wanted.get("quantizations") or [level]
    floor: str = wanted.get("min_quantization") or _PRECISION[0]
    return level in allowed and _at_least(level, floor)


def _at_least(level: str, floor: str) -> bool:
    return level in _PRECISION and _PRECISION.index(level) >= _PRECISION.index(floor)


def _affordable(offer: ModelConstraints, caps: dict[str, float | None]) -> bool:
    return all(offer[key] <= cap for key, cap in caps.items() if cap is not None and key in offer)


def _cheapest(offers: list[ModelConstraints]) -> ModelConstraints:
    return min(offers, key=lambda offer: offer["prompt"] + offer["completion"])


def _bad(param: str, wrong: str) -> Refusal:
    return invalid(f"{param}: {wrong}.", param)
