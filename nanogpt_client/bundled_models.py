"""A bundled snapshot of NanoGPT's catalogue of text models.

Adapters read context windows, prices and capabilities here, without a request. The live catalogue
is `NanoGPTClient.list_models`; `tests.packaging.refresh_bundled_models` updates this from it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from nanogpt_client.model_id import ModelId
from nanogpt_client.types.catalog import Model

__all__ = ["find", "models", "similar"]


def find(model: str) -> Model | None:
    """Return the metadata of a model, or ``None``; directives such as ``:online`` are ignored.

    A variant that is not listed, such as ``:thinking``, has the metadata of its base model.
    """
    return next(filter(None, map(_model, ModelId.parse(model).listed_as)), None)


def models() -> Mapping[str, Model]:
    """Return all bundled models by id."""
    return {model.id: model for model in map(_model, _lines()) if model is not None}


def similar(model: str) -> list[str]:
    """Return up to three listed ids for one that is not: of other owners, or spelled alike."""
    wanted, ids = model.partition(":")[0].lower(), _lines()
    if model in ids:
        return []
    name = wanted.rpartition("/")[2]
    same = [listed for listed in ids if listed.lower().rpartition("/")[2] == name]
    return same[:3] or difflib.get_close_matches(wanted, ids, n=3)


@cache
def _model(model_id: str) -> Model | None:
    line = _lines().get(model_id)
    return None if line is None else Model.read(json.loads(line))


@cache
def _lines() -> Mapping[str, str]:
    """Return each model's line by its id, its first field; few are ever parsed."""
    lines = (files("nanogpt_client") / "data" / "models.jsonl").read_text("utf-8").splitlines()
    return {line.split('"', 4)[3]: line for line in lines}
