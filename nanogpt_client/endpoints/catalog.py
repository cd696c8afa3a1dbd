"""Model lists.

Follows https://docs.nano-gpt.com/api-reference/endpoint/models
"""

from __future__ import annotations

from typing import get_args

from nanogpt_client._core.call import Call, Reply, Request
from nanogpt_client.endpoints._request import get, read_object
from nanogpt_client.errors import ConfigurationError, ResponseFormatError
from nanogpt_client.wire._read import dicts
from nanogpt_client.wire.catalog import Model, ModelKind, ModelList, ModelScope


def list_models(kind: ModelKind = "text", *, scope: ModelScope = "all") -> Call[ModelList]:
    """Ask for the models of a kind, with prices and capabilities.

    ``scope`` narrows text models to those in the subscription, or to those outside it.
    """
    return Call(_request(kind, scope), _models, "catalog")


def _request(kind: ModelKind, scope: ModelScope) -> Request:
    if kind not in get_args(ModelKind) or scope not in get_args(ModelScope):
        msg = f"there is no list of {scope!r} {kind!r} models; kinds are {get_args(ModelKind)}"
        raise ConfigurationError(msg, param="kind")
    if kind == "text":
        root = "" if scope == "all" else f"/{scope}"
        return get(f"{root}/v1/models", {"detailed": True}, root="api")
    if scope != "all":
        raise ConfigurationError(f"only text models are listed by scope, not {kind}", param="scope")
    if kind in {"audio", "tts", "stt"}:
        return get("/audio-models", {"type": None if kind == "audio" else kind})
    return get(f"/{kind}-models")


def _models(reply: Reply) -> ModelList:
    body = read_object(reply)
    if not isinstance(body.get("data"), list):
        raise ResponseFormatError("NanoGPT answered without a list of models")
    return ModelList(tuple(map(Model.read, dicts(body["data"]))), body)
