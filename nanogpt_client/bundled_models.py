"""What is known of NanoGPT's text models without asking: a snapshot of its catalogue.

Adapters read context windows, prices and capabilities here, without I/O beyond one file of this
package. The live catalogue, `NanoGPTClient.list_models`, knows better where the two differ;
`refresh_snapshot` writes the snapshot anew from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from nanogpt_client.model_id import ModelId
from nanogpt_client.types.catalog import Model

__all__ = ["find", "models"]


def find(model: str) -> Model | None:
    """Return what the snapshot knows of a model, directives such as ``:online`` left aside.

    A variant that it does not list, such as ``:thinking``, has the facts of its plain model.
    """
    return next(filter(None, map(_model, ModelId.parse(model).listed_as)), None)


def models() -> Mapping[str, Model]:
    """Return all that the snapshot knows, by model id."""
    return {model.id: model for model in map(_model, _lines()) if model is not None}


@cache
def _model(model_id: str) -> Model | None:
    line = _lines().get(model_id)
    return None if line is None else Model.read(json.loads(line))


@cache
def _lines() -> Mapping[str, str]:
    """Return each model's line by its id, which stands first in it; few are ever read whole."""
    lines = (files("nanogpt_client") / "data" / "models.jsonl").read_text("utf-8").splitlines()
    return {line.split('"', 4)[3]: line for line in lines}
