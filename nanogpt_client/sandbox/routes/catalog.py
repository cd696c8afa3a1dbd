"""The model lists: text (with variants), image, video, audio, embedding, moderation, providers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.failures import invalid
from nanogpt_client.sandbox.messages import Reply, iso, json_reply
from nanogpt_client.sandbox.routing import EVERYWHERE, Handler, Route
from nanogpt_client.sandbox.world import Exchange

_TRUE = {"1", "true", "yes"}


def text_models(exchange: Exchange) -> Reply:
    """List the text models; `subscription` and `paid` list their own part."""
    found: Iterable[Model] = catalog.models("text")
    if exchange.variant in {"subscription", "paid"}:
        included = exchange.variant == "subscription"
        found = [model for model in found if bool(model.private.get("subscription")) is included]
    return _listing(found, detailed=exchange.request.query.get("detailed", "").lower() in _TRUE)


def audio_models(exchange: Exchange) -> Reply:
    """List speech models, transcription models or both."""
    wanted = exchange.request.query.get("type", "all")
    if wanted not in {"all", "tts", "stt"}:
        raise invalid("type must be all, tts or stt.", "type")
    kinds = ("tts", "stt") if wanted == "all" else (wanted,)
    return _media_listing(exchange, kinds, {} if wanted == "all" else {"type": wanted})


def _media_list(*kinds: str) -> Handler:
    """Return the handler that lists models of these kinds."""

    def handler(exchange: Exchange) -> Reply:
        return _media_listing(exchange, kinds, {})

    return handler


def _media_listing(exchange: Exchange, kinds: Iterable[str], extra: dict[str, str]) -> Reply:
    detailed = exchange.request.query.get("detailed", "true").lower() in _TRUE
    found = list(catalog.models(*kinds))
    meta = {"count": len(found), "generated_at": iso(exchange.world.clock()), **extra}
    return _listing(found, detailed=detailed, meta=meta)


def _listing(
    found: Iterable[Model], *, detailed: bool, meta: dict[str, Any] | None = None
) -> Reply:
    body: dict[str, Any] = {
        "object": "list",
        "data": [model.listed(detailed=detailed) for model in found],
    }
    if meta is not None:
        body["meta"] = meta
    return json_reply(body)


def normalized_image_models(exchange: Exchange) -> Reply:
    """List the image models as the dedicated Image API describes them."""
    data = []
    for model in catalog.models("image"):
        facts = model.listed(detailed=True)
        data.append(
            {
                key: facts[key]
                for key in ("id", "name", "description", "created", "owned_by", "architecture")
            }
            | {
                "supported_parameters": _normalized(model),
                "supports_streaming": False,
                "endpoints": f"/api/v1/images/models/{model.id}/endpoints",
                "capabilities": facts["capabilities"],
                "category": "image",
            }
        )
    meta = {"count": len(data), "generated_at": iso(exchange.world.clock())}
    return json_reply({"object": "list", "data": data, "meta": meta})


def image_endpoints(exchange: Exchange) -> Reply:
    """Describe the one endpoint of an image model: parameters and prices."""
    model = catalog.find("image", exchange.params["model"])
    prices = [
        {
            "billable": "output_image",
            "unit": "image",
            "cost_usd": usd,
            "resolution": size.replace("*", "x"),
        }
        for size, usd in model.pricing["per_image"].items()
    ]
    endpoint = {
        "provider_name": model.facts["owned_by"],
        "provider_slug": model.facts["owned_by"],
        "provider_tag": None,
        "supported_parameters": _normalized(model),
        "allowed_passthrough_parameters": [],
        "supports_streaming": False,
        "pricing": prices,
    }
    return json_reply({"id": model.id, "endpoints": [endpoint]})


def providers(exchange: Exchange) -> Reply:
    """List the providers that a caller may choose for a text model."""
    model = catalog.find("text", exchange.params["model"])
    offers = model.providers
    body = {
        "canonicalId": model.id,
        "displayName": model.facts["name"],
        "supportsProviderSelection": bool(offers),
        "defaultPrice": _rates(model.pricing["prompt"], model.pricing["completion"]),
        "providers": [
            {
                "provider": offer["id"],
                "pricing": _rates(offer["prompt"], offer["completion"]),
                "available": True,
            }
            for offer in offers
        ],
    }
    return json_reply(body)


def _rates(prompt: object, completion: object) -> dict[str, Any]:
    return {
        "inputPer1kTokens": _per_thousand(prompt),
        "outputPer1kTokens": _per_thousand(completion),
    }


def _per_thousand(per_million: Any) -> Any:
    return per_million / 1000


def _normalized(model: Model) -> dict[str, Any]:
    sizes = list(model.parameters["resolutions"])
    found: dict[str, Any] = {
        "resolution": {"type": "enum", "values": sizes, "default": sizes[0]},
        "n": {"type": "range", "min": 1, "max": model.parameters["max_images"], "default": 1},
    }
    if model.can("image_to_image"):
        found["input_references"] = {"type": "range", "min": 0, "max": 4}
    return found


ROUTES = [
    Route("GET", "v1/models", text_models, open=True, variants=EVERYWHERE),
    Route("GET", "v1/image-models", _media_list("image"), open=True),
    Route("GET", "v1/video-models", _media_list("video"), open=True),
    Route("GET", "v1/audio-models", audio_models, open=True),
    Route("GET", "v1/embedding-models", _media_list("embedding"), open=True),
    Route("GET", "v1/moderation-models", _media_list("moderation"), open=True),
    Route("GET", "v1/images/models", normalized_image_models, open=True),
    Route("GET", "v1/images/models/{model...}/endpoints", image_endpoints, open=True),
    Route("GET", "models/{model...}/providers", providers, open=True),
]
