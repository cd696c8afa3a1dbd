"""The models the sandbox knows: `data/catalog.json` in the shapes of NanoGPT's model lists.

Each entry is what a detailed list shows, plus a private `sandbox` object: when it reasons, how
its prompt cache works, who serves it, how its audio is delivered, and what it does though the list
denies it. Keys and shapes of the lists have these witnesses:

- text: the page Models; `cacheReadInputPer1kTokens` and `reasoning_efforts`: public captures.
  Windows, prices and flags follow NanoGPT's public list, with its wrong "no" to tools of gpt-4o.
- images: the pages Image Models and Image Models (Image API); an entry that denies pictures to
  start from, of a model that demands one: public captures.
- video: the page Video Models says no more than that shapes vary; `parameters` with `defaults` and
  the five shapes of prices: public captures.
- speech and transcription: the page Audio Models likewise; `max_chars` and voices: the page Text to
  Speech; all keys and the two shapes of prices: public captures.
- embeddings, moderation: the pages of these lists.

Prices are NanoGPT's documented ones where it gives any, else those of the captures, else the
sandbox's own. They are `Decimal`, so that sums are exact.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox.failures import missing, unknown_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FAULT_PREFIX = "sandbox/fault/"
_BASIC = ("id", "object", "created", "owned_by")
_STAND_IN = {
    "text": "openai/gpt-5.2",
    "image": "hidream",
    "video": "veo2-video",
    "tts": "tts-1",
    "stt": "Whisper-Large-V3",
    "embedding": "text-embedding-3-small",
    "moderation": "omni-moderation-latest",
}
_QUEUED = {"tts": "Elevenlabs-Turbo-V2.5", "stt": "Elevenlabs-STT"}


@dataclass(frozen=True, slots=True)
class Model:
    """One catalogue entry."""

    id: str
    kind: str
    facts: Mapping[str, Any]

    @property
    def pricing(self) -> Mapping[str, Any]:
        """Return the prices in USD, in the unit of the kind of model."""
        return self.facts["pricing"]  # type: ignore[no-any-return]

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Return `supported_parameters`, empty for kinds without."""
        return self.facts.get("supported_parameters") or {}

    @property
    def private(self) -> Mapping[str, Any]:
        """Return what only the sandbox needs to know."""
        return self.facts.get("sandbox") or {}

    def options(self, parameter: str) -> list[str]:
        """Return the values of a select among the nested parameters, its default first."""
        described = self.parameters.get("parameters", {}).get(parameter)
        if described is None:
            return []
        default = described["default"]
        values = [option["value"] for option in described["options"]]
        return [default, *(value for value in values if value != default)]

    def switched_on(self, parameter: str) -> bool | None:
        """Return the default of a switch; `None` if the model has none."""
        default = self.parameters.get("defaults", {}).get(parameter)
        return default if isinstance(default, bool) else None

    def can(self, capability: str) -> bool:
        """Tell whether the model has `capability`: the list says so, or denies it wrongly."""
        listed = self.facts.get("capabilities") or {}
        return bool(listed.get(capability) or self.private.get(capability))

    def takes(self, modality: str) -> bool:
        """Tell whether `modality` is among the input modalities."""
        return modality in self.facts["architecture"]["input_modalities"]

    def gives(self, modality: str) -> bool:
        """Tell whether `modality` is among the output modalities."""
        return modality in self.facts["architecture"]["output_modalities"]

    def listed(self, *, detailed: bool) -> dict[str, Any]:
        """Return the entry as a model list shows it."""
        if not detailed:
            return {key: self.facts[key] for key in _BASIC}
        return {key: value for key, value in self.facts.items() if key != "sandbox"}


def find(kind: str, name: str) -> Model:
    """Return the model of that kind; a fault model stands in for an ordinary one.

    Raises `Refusal` (404, `model_not_found`).
    """
    if name.startswith(FAULT_PREFIX):
        queued = name.startswith(FAULT_PREFIX + "job-")
        stand_in = (_QUEUED if queued else {}).get(kind, _STAND_IN[kind])
        return Model(name, kind, {**_load()[kind][stand_in], "id": name})
    try:
        return Model(name, kind, _load()[kind][name])
    except KeyError:
        raise unknown_model(name) from None


def asked_for(kind: str, body: Mapping[str, Any], default: str | None = None) -> Model:
    """Return the model that a request names. Raises `Refusal` (400 or 404)."""
    name = body.get("model") or default
    if not isinstance(name, str):
        raise missing("model")
    return find(kind, name)


def known(kind: str, name: str) -> bool:
    """Tell whether the catalogue has `name` among the models of that kind."""
    return name in _load()[kind] or name.startswith(FAULT_PREFIX)


def models(*kinds: str) -> Iterator[Model]:
    """Yield all models of the given kinds, in catalogue order."""
    for kind in kinds:
        for name, facts in _load()[kind].items():
            yield Model(name, kind, facts)


@cache
def _load() -> dict[str, dict[str, dict[str, Any]]]:
    source = resources.files("nanogpt_client.sandbox") / "data" / "catalog.json"
    raw = json.loads(source.read_text("utf-8"), parse_float=Decimal)
    return {kind: {entry["id"]: entry for entry in entries} for kind, entries in raw.items()}
