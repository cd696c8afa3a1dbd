"""Model lists.

Follows https://docs.nano-gpt.com/api-reference/endpoint/models
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from nanogpt_client.model_id import ModelId
from nanogpt_client.types._coerce import as_count, as_dict, as_list, as_number, as_text, first

__all__ = ["Model", "ModelKind", "ModelList", "ModelScope"]

ModelKind: TypeAlias = Literal[
    "text", "image", "video", "audio", "tts", "stt", "embedding", "rerank", "moderation"
]
ModelScope: TypeAlias = Literal["all", "subscription", "paid"]


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a list; what NanoGPT did not report is ``None``.

    Attributes:
        context_length: size of the context window in tokens; ``max_output_tokens``: of the output.
        capabilities: e.g. ``{"vision", "reasoning", "tool_calling"}``; empty if none are listed.
        prompt_usd: USD per million input tokens; ``completion_usd``: per million output tokens.
        dimensions: length of an embedding vector.
    """

    id: str
    name: str
    description: str = ""
    owned_by: str | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    capabilities: frozenset[str] = frozenset()
    input_modalities: frozenset[str] = frozenset()
    output_modalities: frozenset[str] = frozenset()
    prompt_usd: Decimal | None = None
    completion_usd: Decimal | None = None
    dimensions: int | None = None
    supported_parameters: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, raw: dict[str, Any]) -> Model:
        """Read one item of a list; any field of it may be null."""
        pricing, architecture = as_dict(raw.get("pricing")), as_dict(raw.get("architecture"))
        whole = as_number(pricing.get("per_million_tokens"))
        prompt, completion = as_number(pricing.get("prompt")), as_number(pricing.get("completion"))
        parameters = raw.get("supported_parameters")
        return cls(
            id=as_text(raw.get("id")),
            name=as_text(first(raw, "name", "id")),
            description=as_text(raw.get("description")),
            owned_by=as_text(raw.get("owned_by")) or None,
            context_length=as_count(first(raw, "context_length", "max_tokens")),
            max_output_tokens=as_count(raw.get("max_output_tokens")),
            capabilities=frozenset(
                k for k, v in as_dict(raw.get("capabilities")).items() if v is True
            ),
            input_modalities=_texts(architecture.get("input_modalities")),
            output_modalities=_texts(architecture.get("output_modalities")),
            prompt_usd=whole if prompt is None else prompt,
            completion_usd=completion,
            dimensions=as_count(raw.get("dimensions")),
            supported_parameters=dict.fromkeys(map(as_text, parameters))
            if isinstance(parameters, list)
            else as_dict(parameters),
            raw=raw,
        )


def _texts(value: Any) -> frozenset[str]:
    return frozenset(text for item in as_list(value) if (text := as_text(item)))


@dataclass(frozen=True, slots=True)
class ModelList:
    """A list of models: iterate over it, or ask for one by id."""

    models: tuple[Model, ...]
    raw: dict[str, Any] = field(repr=False)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)

    def get(self, model_id: str) -> Model | None:
        """Return the model with this id, if it is in the list."""
        return next((model for model in self.models if model.id == model_id), None)

    def find(self, model: str) -> Model | None:
        """Return a model's entry; directives such as ``:online`` are ignored."""
        return next(filter(None, map(self.get, ModelId.parse(model).listed_as)), None)
