"""Whether a value holds what its class says: for readers that may be given anything."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter


def as_declared(value: Any) -> Any:
    """Return a dataclass after checking that every field, inner ones too, has its declared type.

    Strictly: no ``True`` for a number, no NaN for dollars, no list for a tuple.
    """
    for field in fields(value):
        inner = getattr(value, field.name)
        _adapter(type(value), field.name).validate_python(inner, strict=True)
        for item in inner if isinstance(inner, tuple) else [inner]:
            if is_dataclass(item):
                as_declared(item)
    return value


@cache
def _adapter(cls: type, name: str) -> TypeAdapter[Any]:
    config = ConfigDict(arbitrary_types_allowed=True)
    hint = get_type_hints(cls)[name]
    return TypeAdapter(hint, config=None if is_dataclass(hint) else config)
