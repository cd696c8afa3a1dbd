"""Model lists.

Follows https://docs.nano-gpt.com/api-reference/endpoint/models
"""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from nanogpt_client._protocol.call import Call, Reply, Request
from nanogpt_client._protocol.model_cache import ModelCache
from nanogpt_client._protocol.steps import Flow, GetModelCache, ask
from nanogpt_client.endpoints._requests import get, read_object
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError, NanoGPTError
from nanogpt_client.types._coerce import dicts
from nanogpt_client.types.catalog import Model, ModelKind, ModelList, ModelScope

FETCH_SECONDS = 10.0


def list_models(kind: ModelKind = "text", *, scope: ModelScope = "all") -> Call[ModelList]:
    """List the models of a kind, with prices and capabilities.

    ``scope`` narrows text models to those in the subscription, or to those outside it.
    """
    return Call(_request(kind, scope), _models, "catalog")


def models(kind: ModelKind = "text", *, scope: ModelScope = "all") -> Flow[ModelList]:
    """List models; lists of scope "all" are cached, and later calls are checked against them."""
    found = yield from ask(list_models(kind, scope=scope))
    if scope == "all":
        cache: ModelCache = yield GetModelCache()
        cache.put(kind, found)
    return found


def find_model(kind: ModelKind, model: str, *, refresh: bool = False) -> Flow[Model | None]:
    """Return a model's entry in the cached list of its kind; ``None`` if it is not in there.

    ``refresh`` fetches the list first, once an hour, free of charge. A list that cannot be fetched
    is not an error: the request itself will report what is wrong.
    """
    cache: ModelCache = yield GetModelCache()
    if refresh and not cache.is_fresh(kind):
        call = list_models(kind)
        try:
            found = yield from ask(
                replace(call, request=replace(call.request, timeout=FETCH_SECONDS))
            )
        except NanoGPTError:
            found = None
        cache.put(kind, found)
    models = cache.get(kind)
    return models.get(model) if models is not None else None


def _request(kind: ModelKind, scope: ModelScope) -> Request:
    if kind not in get_args(ModelKind) or scope not in get_args(ModelScope):
        msg = f"there is no list of {scope!r} {kind!r} models; use a kind of {get_args(ModelKind)}"
        raise InvalidArgumentError(msg, param="kind")
    if kind == "text":
        root = "" if scope == "all" else f"/{scope}"
        return get(f"{root}/v1/models", {"detailed": True}, root="api")
    if scope != "all":
        raise InvalidArgumentError(
            f"scope applies to text models only, not to kind={kind!r}", param="scope"
        )
    if kind in {"audio", "tts", "stt"}:
        return get("/audio-models", {"type": None if kind == "audio" else kind})
    return get(f"/{kind}-models")


def _models(reply: Reply) -> ModelList:
    body = read_object(reply)
    if not isinstance(body.get("data"), list):
        raise InvalidResponseError("NanoGPT answered without a list of models")
    return ModelList(tuple(map(Model.read, dicts(body["data"]))), body)
