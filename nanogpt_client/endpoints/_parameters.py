"""What a list entry says of a model's parameters: values, default, range.

NanoGPT's live lists describe a parameter in several ways, at ``supported_parameters`` and, of
videos, one level deeper at ``supported_parameters.parameters`` with ``.defaults`` beside it: as a
list of values or of objects, as ``{"type": "select", "default", "options": [{"value"}]}``, as
``{"type": "enum", "values"}``, as ``{"type": "range", "min", "max"}``, as a bare number, and voices
also by language.

Follows https://docs.nano-gpt.com/api-reference/endpoint/image-models and image-api-models; what
these leave out, several public captures of the live lists agree on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nanogpt_client.types._coerce import as_dict, as_number, as_text, first
from nanogpt_client.types.catalog import Model

_RANGES = frozenset({"range", "number", "integer", "slider"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: the values it may have (in order), its default, its least and its most."""

    values: tuple[str, ...] = ()
    default: str | None = None
    least: Decimal | None = None
    most: Decimal | None = None


def parameter(model: Model, *names: str) -> Parameter:
    """Return what an entry says of a parameter, under the first of its names that says anything."""
    for name in names:
        for found in _descriptions(model, name):
            if found != Parameter():
                return found
    return Parameter()


def plain(value: Any) -> str:
    """Level the ways to write one value: 1024*1024 and 1024x1024, 5, "5" and "5s", 4K and 4k."""
    text = str(value).strip().lower().replace("*", "x").replace("×", "x")
    number = as_number(text.removesuffix("s"))
    return text.replace("-", "_") if number is None else f"{number.normalize():f}"


def _descriptions(model: Model, name: str) -> Iterator[Parameter]:
    listed = model.supported_parameters
    preset = as_dict(listed.get("defaults")).get(name)
    for where in (as_dict(listed.get("parameters")), listed):
        said = where.get(name)
        described = as_dict(said)
        is_range = described.get("type") in _RANGES
        yield Parameter(
            # Options beside a number's range are suggestions, not all that there is.
            () if is_range else tuple(dict.fromkeys(_values(said))),
            _agreed(described.get("default"), preset),
            as_number(described.get("min")),
            as_number(described.get("max")) if described else as_number(said),
        )


def _agreed(*defaults: Any) -> str | None:
    """Return the default if the two places where it may stand do not contradict each other."""
    said = {text for default in defaults if (text := _word(default))}
    return said.pop() if len({plain(text) for text in said}) == 1 else None


def _word(value: Any) -> str:
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
    """Yield what an object may be called by; an API takes its id, people say its name."""
    names = (as_text(item.get(key)) for key in ("id", "voice_id", "value", "name"))
    yield from filter(None, names)
