"""Reading a model's parameters from its list entry: values, default, range.

NanoGPT's live lists describe a parameter in several forms, at ``supported_parameters`` and, of
videos, one level deeper at ``supported_parameters.parameters`` with ``.defaults`` beside it: as a
list of values or of objects, as ``{"type": "select", "default", "options": [{"value"}]}``, as
``{"type": "enum", "values"}``, as ``{"type": "range", "min", "max"}``, as a bare number, and voices
also by language.

Follows https://docs.nano-gpt.com/api-reference/endpoint/image-models and image-api-models; what
these omit, several public captures of the live lists agree on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nanogpt_client.types._coerce import as_dict, as_number, as_text, first
from nanogpt_client.types.catalog import Model
from nanogpt_client.types.plain import exact

_RANGES = frozenset({"range", "number", "integer", "slider"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its allowed values in order, its default, minimum and maximum."""

    values: tuple[str, ...] = ()
    default: str | None = None
    least: Decimal | None = None
    most: Decimal | None = None


def parameter(model: Model, *names: str) -> Parameter:
    """Return a parameter of an entry, under the first of its names that the entry describes."""
    for name in names:
        for found in _descriptions(model, name):
            if found != Parameter():
                return found
    return Parameter()


def plain(value: Any) -> str:
    """Normalise a value: 1024*1024 and 1024x1024, 5, "5" and "5s", 4K and 4k are the same."""
    text = str(value).strip().lower().replace("*", "x").replace("×", "x")
    number = as_number(text.removesuffix("s"))
    return text.replace("-", "_") if number is None else exact(number)


def _descriptions(model: Model, name: str) -> Iterator[Parameter]:
    listed = model.supported_parameters
    preset = as_dict(listed.get("defaults")).get(name)
    for where in (as_dict(listed.get("parameters")), listed):
        value = where.get(name)
        described = as_dict(value)
        is_range = described.get("type") in _RANGES
        yield Parameter(
            # Options beside a number's range are suggestions, not the only values.
            () if is_range else tuple(dict.fromkeys(_values(value))),
            _agreed(described.get("default"), preset),
            as_number(described.get("min")),
            as_number(described.get("max")) if described else as_number(value),
        )


def _agreed(*defaults: Any) -> str | None:
    """Return the default, unless the two fields that may hold it contradict each other."""
    found = {text for default in defaults if (text := _text(default))}
    return found.pop() if len({plain(text) for text in found}) == 1 else None


def _text(value: Any) -> str:
    return as_text(value) if not isinstance(value, bool) else str(value).lower()


def _values(listed: Any) -> Iterator[str]:
    if isinstance(listed, list):
        for item in listed:
            yield from _named(item) if isinstance(item, dict) else filter(None, [as_text(item)])
    elif isinstance(listed, dict):
        options = first(listed, "options", "values", "enum")
        if isinstance(options, list):
            yield from _values(options)
        elif all(isinstance(inner, list) for inner in listed.values()):  # by language
            for inner in listed.values():
                yield from _values(inner)


def _named(item: dict[str, Any]) -> Iterator[str]:
    """Yield the ids and the name of an option: APIs use the id, people the name."""
    names = (as_text(item.get(key)) for key in ("id", "voice_id", "value", "name"))
    yield from filter(None, names)
