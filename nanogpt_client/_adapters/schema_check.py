"""Checks whether a value fits a JSON schema, leniently.

Not a validator of all of JSON Schema: it checks types, required keys, enumerated values, and the
items of objects and lists. It ignores other keywords, and accepts null for an optional property.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["fits"]

_MAX_DEPTH = 60  # nested schemas; one that refers only to itself would never end

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def fits(value: Any, schema: Any) -> bool:
    """Return whether a value fits a schema.

    >>> fits({"age": 3}, {"type": "object", "properties": {"age": {"type": "integer"}}})
    True
    >>> fits([3], {"type": "object"})
    False
    """
    return _fits(value, schema, schema, 0)


def _fits(value: Any, schema: Any, root: Any, depth: int) -> bool:
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return schema is not False
    for unions in ("anyOf", "oneOf"):
        options = schema.get(unions)
        if options and not any(_fits(value, each, root, depth + 1) for each in options):
            return False
    others = [*(schema.get("allOf") or ()), *_target(schema, root)]
    if not all(_fits(value, each, root, depth + 1) for each in others):
        return False
    if not _is_of_type(value, schema.get("type")) or not _is_among(value, schema):
        return False
    if isinstance(value, dict):
        return _object_fits(value, schema, root, depth)
    items = None if "prefixItems" in schema else schema.get("items")
    return not isinstance(value, list) or all(_fits(v, items, root, depth + 1) for v in value)


def _object_fits(value: dict[str, Any], schema: Mapping[str, Any], root: Any, depth: int) -> bool:
    required = schema.get("required")
    required = required if isinstance(required, list) else []
    if not all(name in value for name in required):
        return False
    properties = schema.get("properties") or {}
    rest = schema.get("additionalProperties")
    return all(
        _fits(each, properties.get(name, rest), root, depth + 1)
        for name, each in value.items()
        if each is not None or name in required
    )


def _target(schema: Mapping[str, Any], root: Any) -> list[Any]:
    """Return the schema that a reference points to, if there is one."""
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#"):
        return []
    target = root
    for step in reference.split("/")[1:]:
        target = target.get(step) if isinstance(target, Mapping) else None
    return [] if target is None else [target]


def _is_of_type(value: Any, types: Any) -> bool:
    names = [types] if isinstance(types, str) else types if isinstance(types, list) else []
    if not names:
        return True
    if isinstance(value, bool):
        return "boolean" in names
    if isinstance(value, float) and not value.is_integer() and "number" not in names:
        return False
    return any(isinstance(value, _TYPES.get(name, (object,))) for name in names)


def _is_among(value: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a value is one of the enumerated ones; 1 and true are different."""
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(options, list):
        return True
    return any(
        value == each and isinstance(value, bool) == isinstance(each, bool) for each in options
    )
