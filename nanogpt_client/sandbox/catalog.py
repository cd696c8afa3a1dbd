"""The sandbox's models, in the shapes of NanoGPT's model lists.

Text models are those of the package's bundled list, `nanogpt_client/data/models.jsonl`, completed
by what follows from it; `data/catalog.jsonl` has the media models, and what text models have beside
that list. An entry is what a detailed list shows, plus a private `sandbox` object: when the model
reasons, how its prompt cache works, who serves it, how its audio is delivered, and what it does
though the list denies it. Keys and shapes of the lists have these witnesses:

- text: the page Models; `cacheReadInputPer1kTokens` and `reasoning_efforts`: public captures.
  The list's "no" to tools is often wrong (gpt-4o, gemini-2.5-pro), so that only models which
  `catalog.jsonl` names refuse them.
- images: the pages Image Models and Image Models (Image API); an entry that denies images to
  start from, of a model that demands one: public captures.
- video: the page Video Models says no more than that shapes vary; `parameters` with `defaults` and
  the five shapes of prices: public captures.
- speech and transcription: the page Audio Models likewise; `max_chars` and voices: the page Text to
  Speech; all keys and the two shapes of prices: public captures.
- embeddings, moderation: the pages of these lists; the moderation models: the page Inline
  Moderation, and their public model cards for what they take.
- rerank: the page Rerank names the model and the list, but shows no entry: the keys are those of
  embedding models, window and price those of the provider's public page.

Prices are NanoGPT's documented ones where it gives any, else those of the captures, else the
sandbox's own. They are `Decimal`, so that sums are exact.

A text model in neither file is answered as well, unless `strict_models` is set: as its plain model
without suffixes, or as one of 128,000 tokens that does everything, at 1 USD per million tokens in
and 4 USD out (numbers of the sandbox's own).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from nanogpt_client.sandbox.http import missing, unknown_model

FAULT_PREFIX = "sandbox/fault/"
_BASIC = ("id", "object", "created", "owned_by")
_CREATED = 1767225600  # 2026-01-01, where no witness gives another time
_THINKING = re.compile(r"[:-]thinking\b")
_EFFORTS = ["low", "medium", "high"]
_ABLE = ("vision", "reasoning", "tool_calling", "structured_output", "pdf_upload")
_UNLISTED: dict[str, Any] = {
    "context_length": 128_000,
    "max_output_tokens": 16_384,
    "capabilities": {**dict.fromkeys(_ABLE, True), "video_input": False},
    "architecture": {"input_modalities": ["text", "image", "pdf"], "output_modalities": ["text"]},
    "pricing": {"prompt": Decimal(1), "completion": Decimal(4)},
}
# Providers that serve open models, and their prices as a multiple of the model's.
_PROVIDERS = {
    "deepinfra": Decimal(1),
    "cerebras": Decimal("1.4"),
    "fireworks": Decimal("1.2"),
    "novita": Decimal("0.9"),
}


@dataclass(frozen=True, slots=True)
class Model:
    """One catalogue entry."""

    id: str
    kind: str
    metadata: Mapping[str, Any]

    @property
    def pricing(self) -> Mapping[str, Any]:
        """Return the prices in USD, in the unit of the kind of model."""
        return self.metadata["pricing"]  # type: ignore[no-any-return]

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Return `supported_parameters`, empty for kinds without."""
        return self.metadata.get("supported_parameters") or {}

    @property
    def private(self) -> Mapping[str, Any]:
        """Return what is for the sandbox alone."""
        return self.metadata.get("sandbox") or {}

    def options(self, parameter: str) -> list[str]:
        """Return the values of a select among the nested parameters, its default first."""
        select = self.parameters.get("parameters", {}).get(parameter)
        if select is None:
            return []
        values = [select["default"], *(option["value"] for option in select["options"])]
        return list(dict.fromkeys(values))

    def can(self, capability: str) -> bool:
        """Tell whether the model has `capability`: the list says so, or denies it wrongly."""
        listed = self.metadata.get("capabilities") or {}
        return bool(listed.get(capability) or self.private.get(capability))

    @property
    def providers(self) -> dict[str, dict[str, Decimal]]:
        """Return who serves the model, and for what; empty where callers cannot choose."""
        names = _PROVIDERS if self.private.get("providers") else ()
        return {
            name: {each: self.pricing[each] * _PROVIDERS[name] for each in ("prompt", "completion")}
            for name in names
        }

    def takes(self, modality: str) -> bool:
        """Tell whether `modality` is among the input modalities."""
        return modality in self.metadata["architecture"]["input_modalities"]

    def listed(self, *, detailed: bool) -> dict[str, Any]:
        """Return the entry as a model list shows it."""
        if not detailed:
            return {key: self.metadata[key] for key in _BASIC}
        return {key: value for key, value in self.metadata.items() if key != "sandbox"}


def find(kind: str, name: str, *, strict: bool = True) -> Model:
    """Return the model of that kind; for the name of a fault the first one, or the first queued.

    Raises `Refusal` (404): a model is not listed. A text model is refused only where `strict`.
    """
    if name.startswith(FAULT_PREFIX):
        ordinary = list(models(kind))
        queued = [each for each in ordinary if each.private.get("delivery") == "job"]
        stand_in = (queued if name.startswith(FAULT_PREFIX + "job-") else []) or ordinary
        return Model(name, kind, {**stand_in[0].metadata, "id": name})
    if has(kind, name):
        return Model(name, kind, _load()[kind][name])
    if strict or kind != "text" or any(name in entries for entries in _load().values()):
        raise unknown_model(name)
    plain = {**_load()["text"].get(name.partition(":")[0], {}), "id": name}
    plain.pop("category", None)
    plain["sandbox"] = {**plain.get("sandbox", {}), "reasoning": None}  # as the name says
    return Model(name, kind, _text_model(name, plain, {}))


def asked_for(kind: str, body: Mapping[str, Any], default: str | None = None) -> Model:
    """Return the model that a request names. Raises `Refusal` (400 or 404)."""
    name = body.get("model") or default
    if not isinstance(name, str):
        raise missing("model")
    return find(kind, name)


def has(kind: str, name: str) -> bool:
    """Tell whether the catalogue has `name` among the models of that kind."""
    return name in _load()[kind] or name.startswith(FAULT_PREFIX)


def models(*kinds: str) -> Iterator[Model]:
    """Yield all models of the given kinds, in catalogue order."""
    for kind in kinds:
        for name, metadata in _load()[kind].items():
            yield Model(name, kind, metadata)


@cache
def _load() -> dict[str, dict[str, dict[str, Any]]]:
    package = resources.files("nanogpt_client")
    bundled = {entry["id"]: entry for entry in _parsed(package / "data" / "models.jsonl")}
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for entry in _parsed(package / "sandbox" / "data" / "catalog.jsonl"):
        kind, name = entry.pop("kind"), entry["id"]
        listed = bundled.pop(name, {})
        found[kind][name] = _text_model(name, listed, entry) if kind == "text" else _common(entry)
    found["text"] |= {name: _text_model(name, entry, {}) for name, entry in bundled.items()}
    return found


def _parsed(file: Traversable) -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=Decimal) for line in file.read_text("utf-8").splitlines()]


def _common(entry: dict[str, Any]) -> dict[str, Any]:
    owner = entry["id"].partition("/")[0]
    common = {"id": entry["id"], "object": "model", "created": _CREATED, "owned_by": owner}
    name = entry.get("name") or entry["id"]
    return {**common, "name": name, "description": f"Emulated {name}.", **entry}


def _text_model(name: str, listed: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the whole entry of a text model: what is listed of it, what follows, what is its own.

    A model whose name says so always reasons; another that can does when asked.
    """
    entry = _over(_over(_UNLISTED, listed), own)
    capabilities, shape = entry["capabilities"], entry["architecture"]
    inputs, outputs = shape["input_modalities"], shape["output_modalities"]
    always = bool(_THINKING.search(name))
    when = "always" if always else "asked" if capabilities["reasoning"] else "never"
    derived: dict[str, Any] = {
        "id": name,
        "capabilities": {"parallel_tool_calls": capabilities["tool_calling"]},
        "architecture": {"modality": f"{'+'.join(inputs)}->{'+'.join(outputs)}"},
        "pricing": {"currency": "USD", "unit": "per_million_tokens"},
        "category": "reasoning" if always else "general",
        "sandbox": {"reasoning": when, "caching": "none", "tool_calling": True},
    }
    if when == "asked":
        derived["reasoning_efforts"] = _EFFORTS
    return _common(_over(derived, entry))


def _over(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `change` over it; objects are merged, null counts as absent."""
    found = dict(base)
    for key, value in change.items():
        if isinstance(value, dict):
            found[key] = _over(found.get(key) or {}, value)
        elif value is not None:
            found[key] = value
    return found
