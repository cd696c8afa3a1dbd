"""Merge JSON schemas that must all hold into one, as far as their keywords can be merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]


def merge(*schemas: Schema | bool) -> Schema:
    """Return one schema for what all of them say.

    Of two values that cannot be merged (two patterns, say) the first stays: whoever builds an
    instance still has to check it against the schemas themselves.
    """
    merged: dict[str, Any] = {}
    for schema in schemas:
        for name, value in schema.items() if isinstance(schema, Mapping) else ():
            if name not in merged:
                merged[name] = value
            elif merged[name] != value:
                merged[name] = _BOTH.get(name, _first)(merged[name], value)
    return merged


def _first(one: Any, _: Any) -> Any:
    return one


def _all_of(one: Any, other: Any) -> Any:
    return False if one is False or other is False else {"allOf": [one, other]}


def _each(one: Schema, other: Schema) -> Schema:
    shared = {name: _all_of(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _union(one: list[Any], other: list[Any]) -> list[Any]:
    return [*one, *(each for each in other if each not in one)]


def _common(one: list[Any], other: list[Any]) -> list[Any]:
    return [each for each in one if each in other]


def _types(one: str | list[str], other: str | list[str]) -> list[str]:
    """Return the types of both; an integer is a number."""
    pair = [[each] if isinstance(each, str) else list(each) for each in (one, other)]
    common = _common(*pair)
    if "integer" in pair[0] + pair[1] and {"number", "integer"} <= {*pair[0], *pair[1]}:
        common = _union(common, ["integer"])
    return common


def _pairs(one: list[Any], other: list[Any]) -> list[Any]:
    return [_all_of(first, second) for first in one for second in other]


_BOTH: dict[str, Callable[[Any, Any], Any]] = {
    "properties": _each,
    "patternProperties": _each,
    "dependentRequired": lambda one, other: {
        name: _union(one.get(name, []), other.get(name, [])) for name in (*one, *other)
    },
    "items": _all_of,
    "additionalProperties": _all_of,
    "propertyNames": _all_of,
    "required": _union,
    "enum": _common,
    "type": _types,
    "allOf": _union,
    "anyOf": _pairs,
    "oneOf": _pairs,
    "uniqueItems": lambda one, other: one or other,
    **dict.fromkeys(
        ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"),
        max,
    ),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}
