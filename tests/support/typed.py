"""Whether a value holds what its class says: for readers that may be given anything."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter


def as_declared(value: Any) -> Any:
    """Return a dataclass after checking that every field, inner ones too, has its declared type.

    Strictly: no ``True`` for a number, no NaN for dollars, no list for a tuple.
    """
    cls: Any = type(value)
    adapters = _adapters(cls)
    for field in fields(value):
        inner = getattr(value, field.name)
        adapters[field.name].validate_python(inner, strict=True)
        for item in inner if isinstance(inner, tuple) else [inner]:
            if is_dataclass(item):
                as_declared(item)
    return value


@lru_cache
def _adapters(cls: Any) -> dict[str, TypeAdapter[Any]]:
    loose = ConfigDict(arbitrary_types_allowed=True)
    return {
        name: TypeAdapter(hint, config=None if is_dataclass(hint) else loose)
        for name, hint in get_type_hints(cls).items()
    }
