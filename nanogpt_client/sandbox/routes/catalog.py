"""The model lists: text (with variants), image, video, audio, embedding, rerank, moderation."""

from collections.abc import Iterable

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.exchange import EVERYWHERE, Exchange, Route
from nanogpt_client.sandbox.http import Reply, iso, json_reply, require


@Route("GET", "v1/models", open=True, variants=EVERYWHERE)
def text_models(exchange: Exchange) -> Reply:
    """List the text models; `subscription` and `paid` list their own part."""
    found = list(catalog.models("text"))
    if exchange.variant in {"subscription", "paid"}:
        included = exchange.variant == "subscription"
        found = [model for model in found if bool(model.private.get("subscription")) is included]
    detailed = _detailed(exchange, "")
    data = [model.listed(detailed=detailed) for model in found]
    return json_reply({"object": "list", "data": data})


@Route("GET", "v1/audio-models", open=True)
def audio_models(exchange: Exchange) -> Reply:
    """List speech models, transcription models or both."""
    wanted = exchange.request.query.get("type", "all")
    require(wanted in {"all", "tts", "stt"}, "type must be all, tts or stt.", "type")
    if wanted == "all":
        return _listing(exchange, catalog.models("tts", "stt"))
    return _listing(exchange, catalog.models(wanted), type=wanted)


@Route("GET", "v1/image-models", open=True)
@Route("GET", "v1/video-models", open=True)
@Route("GET", "v1/embedding-models", open=True)
@Route("GET", "v1/rerank-models", open=True)
@Route("GET", "v1/moderation-models", open=True)
def media_models(exchange: Exchange) -> Reply:
    """List the models of another kind."""
    name = exchange.request.path.rstrip("/").rpartition("/")[2]
    return _listing(exchange, catalog.models(name.removesuffix("-models")))


def _listing(exchange: Exchange, models: Iterable[catalog.Model], **extra: str) -> Reply:
    detailed = _detailed(exchange, "true")
    data = [model.listed(detailed=detailed) for model in models]
    meta = {"count": len(data), "generated_at": iso(exchange.world.clock()), **extra}
    return json_reply({"object": "list", "data": data, "meta": meta})


def _detailed(exchange: Exchange, default: str) -> bool:
    return exchange.request.query.get("detailed", default).lower() in {"1", "true", "yes"}
