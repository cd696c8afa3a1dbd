"""Model lists.

Follows https://docs.nano-gpt.com/api-reference/endpoint/models
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, overload

from nanogpt_client.model_id import ModelId
from nanogpt_client.types._coerce import as_count, as_dict, as_list, as_number, as_text, first
from nanogpt_client.types.display import Readable, Table
from nanogpt_client.types.plain import counted, exact, usd

__all__ = ["Model", "ModelKind", "ModelList", "ModelScope"]

ModelKind: TypeAlias = Literal[
    "text", "image", "video", "audio", "tts", "stt", "embedding", "rerank", "moderation"
]
_SHOWN: Final = 30  # of a list
ModelScope: TypeAlias = Literal["all", "subscription", "paid"]


@dataclass(frozen=True, slots=True, repr=False)
class Model(Readable):
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

    @property
    def prices(self) -> dict[str, list[Decimal]]:
        """Listed prices in USD, such as ``{"per image": [0.005, 0.014]}``, cheapest first."""
        units = {}
        for key, value in as_dict(self.raw.get("pricing")).items():
            amounts = sorted(set(_amounts(value)))
            if amounts and (key.startswith("per_") or key in _TOTALS):
                units[key.replace("_", " ")] = amounts
        if not units and self.prompt_usd is not None:  # moderation, as of text models
            units["per million tokens"] = [self.prompt_usd]
        return units

    @property
    def price(self) -> str:
        """The price to read, such as ``"0.25 USD in, 2 USD out per million tokens"``.

        Empty if none is listed.
        """
        if self.prompt_usd is not None and self.completion_usd:
            return f"{usd(self.prompt_usd)} in, {usd(self.completion_usd)} out per million tokens"
        return ", ".join(
            f"{f'{exact(amounts[0])} to ' if len(amounts) > 1 else ''}{usd(amounts[-1])} {unit}"
            for unit, amounts in self.prices.items()
        )


_TOTALS: Final = frozenset({"with_audio", "without_audio", "base_price"})


def _amounts(value: Any) -> Iterator[Decimal]:
    """Yield all numbers of a price, which may be a nested table."""
    if (amount := as_number(value)) is not None:
        yield amount
    for inner in as_dict(value).values():
        yield from _amounts(inner)


def _texts(value: Any) -> frozenset[str]:
    return frozenset(text for item in as_list(value) if (text := as_text(item)))


@dataclass(frozen=True, slots=True, repr=False)
class ModelList(Sequence[Model]):
    """A list of models, or ask for one by id. It shows as a table of prices."""

    models: tuple[Model, ...]
    raw: dict[str, Any] = field(repr=False)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)

    @overload
    def __getitem__(self, index: int) -> Model: ...
    @overload
    def __getitem__(self, index: slice) -> ModelList: ...
    def __getitem__(self, index: int | slice) -> Model | ModelList:
        if isinstance(index, slice):
            return ModelList(self.models[index], self.raw)
        return self.models[index]

    def __repr__(self) -> str:
        return f"{counted(len(self), 'model')}\n{self._table()}"

    def _repr_html_(self) -> str:
        """Show the same table in notebooks."""
        return self._table()._repr_html_()

    def _table(self) -> Table:
        rows = (
            (model.id, model.context_length, model.price, ", ".join(sorted(model.capabilities)))
            for model in self.models
        )
        return Table(("model", "context", "price", "supports"), rows, _SHOWN)

    def get(self, model_id: str) -> Model | None:
        """Return the model with this id, if it is in the list."""
        return next((model for model in self.models if model.id == model_id), None)

    def find(self, model: str) -> Model | None:
        """Return a model's entry; directives such as ``:online`` are ignored."""
        return next(filter(None, map(self.get, ModelId.parse(model).listed_as)), None)
