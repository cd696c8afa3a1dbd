"""Tell whether a value is valid under a JSON schema.

Covers the keywords of JSON Schema 2020-12 that model APIs accept. `format` is checked for the
formats that `pattern.py` can write. Unknown keywords are ignored, as the standard asks.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from nanogpt_client.sandbox.brain.pattern import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Schema = Any  # a mapping, or true (anything) or false (nothing)

_DEEPEST = 60


def resolve(schema: Schema, root: Schema) -> Schema:
    """Follow a `$ref` into the same document; keywords beside it are kept.

    A reference that leads nowhere, or in a circle, allows anything.
    """
    for _ in range(_DEEPEST):
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            return schema
        target = _lookup(schema["$ref"], root)
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**target, **beside} if isinstance(target, dict) and beside else target
    return {}


def valid(value: Any, schema: Schema, root: Schema, depth: int = 0) -> bool:
    """Tell whether `value` is an instance of `schema`; references are looked up in `root`."""
    schema = resolve(schema, root)
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return schema is not False

    def inner(part: Any, under: Schema) -> bool:
        return valid(part, under, root, depth + 1)

    return (
        _is_of_type(value, schema.get("type"))
        and ("const" not in schema or same(value, schema["const"]))
        and ("enum" not in schema or any(same(value, each) for each in schema["enum"]))
        and _combined(value, schema, inner)
        and _limits(value, schema)
        and (not isinstance(value, list) or _array(value, schema, inner))
        and (not isinstance(value, dict) or _object(value, schema, inner))
    )


def same(one: Any, other: Any) -> bool:
    """Compare JSON values: 1 equals 1.0, true does not equal 1."""
    return _canonical(one) == _canonical(other)


def _canonical(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, sort_keys=True, default=str)


def _lookup(reference: str, root: Schema) -> Schema:
    """Return what a local JSON pointer or `$anchor`-less reference names."""
    if not reference.startswith("#"):
        return {}
    here = root
    for step in filter(None, reference.removeprefix("#").split("/")):
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(here, list):
            here = here[int(key)] if key.isdigit() and int(key) < len(here) else {}
        else:
            here = here.get(key, {}) if isinstance(here, dict) else {}
    return here


def _is_of_type(value: Any, kinds: Any) -> bool:
    wanted = kinds if isinstance(kinds, list) else [kinds]
    return kinds is None or any(_TYPES[kind](value) for kind in wanted if kind in _TYPES)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
}


def _combined(value: Any, schema: dict[str, Any], inner: Callable[[Any, Schema], bool]) -> bool:
    """Check allOf, anyOf, oneOf, not and if/then/else."""
    if not all(inner(value, each) for each in schema.get("allOf", ())):
        return False
    if "anyOf" in schema and not any(inner(value, each) for each in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(inner(value, each) for each in schema["oneOf"]) != 1:
        return False
    if "not" in schema and inner(value, schema["not"]):
        return False
    if "if" not in schema:
        return True
    return inner(value, schema.get("then" if inner(value, schema["if"]) else "else", True))


def _limits(value: Any, schema: dict[str, Any]) -> bool:
    """Check the bounds of a number or a string."""
    if isinstance(value, str):
        return (
            schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf)
            and ("pattern" not in schema or _matches(schema["pattern"], value))
            and _has_format(value, schema.get("format"))
        )
    if not _is_number(value):
        return True
    step = schema.get("multipleOf")
    return (
        schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)
        and _above(value, schema.get("exclusiveMinimum"))
        and _above(-value, _negated(schema.get("exclusiveMaximum")))
        and (not step or math.isclose(value / step, round(value / step), abs_tol=1e-9))
    )


def _above(value: float, bound: Any) -> bool:
    return not _is_number(bound) or value > bound


def _negated(bound: Any) -> Any:
    return -bound if _is_number(bound) else None


def _matches(pattern: str, value: str) -> bool:
    """Search as JSON Schema does; a pattern that Python cannot read forbids nothing."""
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return True


def _has_format(value: str, name: Any) -> bool:
    return name not in FORMATS or re.fullmatch(FORMATS[name].pattern, value) is not None


def _array(value: list[Any], schema: dict[str, Any], inner: Callable[[Any, Schema], bool]) -> bool:
    """Check length, items, contains and uniqueness."""
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", math.inf):
        return False
    if schema.get("uniqueItems") and len({_canonical(each) for each in value}) < len(value):
        return False
    if "contains" in schema:
        count = sum(inner(each, schema["contains"]) for each in value)
        if not schema.get("minContains", 1) <= count <= schema.get("maxContains", math.inf):
            return False
    return all(inner(each, item_schema(schema, i)) for i, each in enumerate(value))


def item_schema(schema: dict[str, Any], index: int) -> Schema:
    """Return the schema of the item at `index`; both spellings of tuples are read."""
    items = schema.get("items", True)
    first = items if isinstance(items, list) else schema.get("prefixItems", [])
    if index < len(first):
        return first[index]
    return schema.get("additionalItems", True) if isinstance(items, list) else items


def _object(
    value: dict[str, Any], schema: dict[str, Any], inner: Callable[[Any, Schema], bool]
) -> bool:
    """Check names, counts, dependencies and every member."""
    if not all(key in value for key in schema.get("required", ())):
        return False
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", math.inf):
        return False
    for key, needed in schema.get("dependentRequired", {}).items():
        if key in value and not all(other in value for other in needed):
            return False
    if not all(inner(key, schema.get("propertyNames", True)) for key in value):
        return False
    return all(
        inner(member, each) for key, member in value.items() for each in member_schemas(schema, key)
    )


def member_schemas(schema: dict[str, Any], key: str) -> list[Schema]:
    """Return every schema that the member `key` of an object must satisfy."""
    found = [schema["properties"][key]] if key in schema.get("properties", {}) else []
    found += [each for pattern, each in schema.get("patternProperties", {}).items()
              if _matches(pattern, key)]  # fmt: skip
    return found or [schema.get("additionalProperties", True)]
