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
    """Ask for the models of a kind, with prices and capabilities.

    ``scope`` narrows text models to those in the subscription, or to those outside it.
    """
    return Call(_request(kind, scope), _models, "catalog")


def models(kind: ModelKind = "text", *, scope: ModelScope = "all") -> Flow[ModelList]:
    """List models, and remember whole lists, so that later requests are checked against them."""
    found = yield from ask(list_models(kind, scope=scope))
    if scope == "all":
        remembered: ModelCache = yield GetModelCache()
        remembered.put(kind, found)
    return found


def known(kind: ModelKind, model: str, *, fetch: bool = False) -> Flow[Model | None]:
    """Return what is known of a model; ``None`` if nothing is.

    With ``fetch`` the list is asked for once an hour, free of charge; if it cannot be had, that is
    no error, for the request itself will tell.
    """
    remembered: ModelCache = yield GetModelCache()
    if fetch and not remembered.is_fresh(kind):
        call = list_models(kind)
        try:
            found = yield from ask(
                replace(call, request=replace(call.request, timeout=FETCH_SECONDS))
            )
        except NanoGPTError:
            found = None
        remembered.put(kind, found)
    models = remembered.get(kind)
    return models.get(model) if models is not None else None


def _request(kind: ModelKind, scope: ModelScope) -> Request:
    if kind not in get_args(ModelKind) or scope not in get_args(ModelScope):
        msg = f"there is no list of {scope!r} {kind!r} models; kinds are {get_args(ModelKind)}"
        raise InvalidArgumentError(msg, param="kind")
    if kind == "text":
        root = "" if scope == "all" else f"/{scope}"
        return get(f"{root}/v1/models", {"detailed": True}, root="api")
    if scope != "all":
        raise InvalidArgumentError(
            f"only text models are listed by scope, not {kind}", param="scope"
        )
    if kind in {"audio", "tts", "stt"}:
        return get("/audio-models", {"type": None if kind == "audio" else kind})
    return get(f"/{kind}-models")


def _models(reply: Reply) -> ModelList:
    body = read_object(reply)
    if not isinstance(body.get("data"), list):
        raise InvalidResponseError("NanoGPT answered without a list of models")
    return ModelList(tuple(map(Model.read, dicts(body["data"]))), body)
