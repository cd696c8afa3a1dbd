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
from nanogpt_client.wire.catalog import Model

__all__ = ["facts", "models"]


def facts(model: str) -> Model | None:
    """Return what the snapshot knows of a model, directives such as ``:online`` left aside.

    A variant that it does not list, such as ``:thinking``, has the facts of its plain model.
    """
    known = _models()
    base = ModelId.parse(model).base
    return known.get(base) or known.get(base.partition(":")[0])


def models() -> tuple[Model, ...]:
    """Return all models of the snapshot, sorted by id, to compare them without asking."""
    return tuple(_models().values())


@cache
def _models() -> Mapping[str, Model]:
    lines = (files("nanogpt_client") / "data" / "models.jsonl").read_text("utf-8").splitlines()
    return {model.id: model for model in map(Model.read, map(json.loads, lines))}
