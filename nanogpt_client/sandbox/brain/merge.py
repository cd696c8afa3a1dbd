"""Join a schema with its `allOf` parts and references into one flat schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox.brain.check import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from nanogpt_client.sandbox.brain.check import Schema

_DEEPEST = 40


def merged(schema: Schema, root: Schema, depth: int = 0) -> Schema:
    """Return `schema` without `$ref` and `allOf`, their keywords joined.

    Returns a mapping, or the boolean schema itself.
    """
    schema = resolve(schema, root)
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {} if schema is True or isinstance(schema, dict) else schema
    if "allOf" not in schema:
        return schema
    whole = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        flat = merged(part, root, depth + 1)
        if isinstance(flat, dict):
            whole = _both(whole, flat)
    return whole


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of two schemas that must both hold."""
    joined = {**one}
    for key, value in other.items():
        if key in joined and joined[key] != value and key in _JOINS:
            joined[key] = _JOINS[key](joined[key], value)
        elif key in {"anyOf", "oneOf"} and key in joined and joined[key] != value:
            joined[key] = [{"allOf": [a, b]} for a in joined[key] for b in value]
        else:
            joined.setdefault(key, value)
    return joined


def _types(one: Any, other: Any) -> Any:
    """Return the types that both allow; integers are numbers too."""
    firsts = one if isinstance(one, list) else [one]
    seconds = other if isinstance(other, list) else [other]
    both = [kind for kind in firsts if kind in seconds]
    if "integer" in firsts + seconds and "number" in firsts + seconds:
        both.append("integer")
    return both[0] if len(both) == 1 else both or one


def _properties(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Join properties; one that both name must satisfy both."""
    joined = {**one}
    for key, value in other.items():
        joined[key] = {"allOf": [one[key], value]} if key in one else value
    return joined


def _common(one: list[Any], other: list[Any]) -> list[Any]:
    return [each for each in one if each in other]


def _union(one: list[Any], other: list[Any]) -> list[Any]:
    return list(dict.fromkeys([*one, *other]))


_JOINS: dict[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "properties": _properties,
    "patternProperties": _properties,
    "required": _union,
    "enum": _common,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}
