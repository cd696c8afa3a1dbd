"""Check JSON schemas of tools and of strict answers as the providers behind NanoGPT do.

What `strict` can express is the subset that NanoGPT's page on structured outputs names in short
(every property required, `additionalProperties: false`) and OpenAI documents in full
(https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas"). Keywords that
only describe, and those nobody has seen refused, are allowed.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from nanogpt_client.extras import needs
from nanogpt_client.sandbox.http import dump, invalid

# OpenAI's page lists the compositions, Azure's the others ("not supported"). `default`: "'default'
# is not permitted" (567-labs/instructor#1074); in 2026 from Azure only (openai-agents-python#4390).
_NOT_PERMITTED = frozenset(
    {
        "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas",
        "dependencies", "patternProperties", "propertyNames", "unevaluatedProperties",
        "minProperties", "maxProperties", "prefixItems", "additionalItems", "unevaluatedItems",
        "contains", "minContains", "maxContains", "uniqueItems", "minLength", "maxLength",
        "default",
    }
)  # fmt: skip
# Tuples: what a client sends in their place may not be hashable.
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_TYPES = ("string", "number", "boolean", "integer", "object", "array", "null")
_NOT_AT_THE_TOP = ("oneOf", "anyOf", "allOf", "enum", "not")
_MAPS = ("properties", "$defs", "definitions")
_MOST_PROPERTIES, _MOST_VALUES, _MOST_LEVELS = 5000, 1000, 10

Place = tuple[str, ...]


def check_strict(schema: Mapping[str, Any], what: str, param: str, code: str) -> None:
    """Refuse (400) a schema that strict mode cannot express; the message names the place in it.

    NanoGPT's page demands every property in `required`, and says as well that it makes optional
    ones nullable itself; no witness has seen that, so that here the demand counts.
    """
    _refuse(_faults(schema), what, param, code)


def check_parameters(schema: Mapping[str, Any], what: str, param: str, code: str) -> None:
    """Refuse (400) a schema of a tool's arguments that is no object with properties.

    Witnesses: OpenAI, "object schema missing properties" (evalstate/fast-agent#143); DeepSeek,
    "schema must be a JSON Schema of 'type: "object"', got 'type: null'"
    (farion1231/cc-switch#5490); OpenAI, "array schema missing items" and "not have 'oneOf'/'anyOf'
    /'allOf'/'enum'/'not' at the top level"; "[] is not of type 'object', 'boolean'" and "True is
    not of type 'array'", as JSON Schema's own schema says (FoundationAgents/OpenManus#1162,
    CherryHQ/cherry-studio#4188). A tool may lack the schema altogether.
    """
    _refuse(_wrong_parameters(schema), what, param, code)


def _wrong_parameters(schema: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    if (kind := schema.get("type")) != "object":
        yield (), f"schema must have type 'object', got {kind!r}"
    if any(key in schema for key in _NOT_AT_THE_TOP):
        yield (), f"none of {_NOT_AT_THE_TOP} may stand at the top"
    if not isinstance(schema.get("properties"), dict):
        yield (), "object schema missing properties"
    for place, node in _nodes(schema):
        if _is(node, "array") and "items" not in node and "prefixItems" not in node:
            yield place, "array schema missing items"
    if (wrong := _no_schema(dump(schema))) is not None:
        yield wrong


@lru_cache(maxsize=64)
def _no_schema(text: str) -> tuple[Place, str] | None:
    """Return where and why a JSON text is no schema, None if it is one."""
    with needs("sandbox", "a schema"):
        from jsonschema import Draft202012Validator  # noqa: PLC0415 - an extra
        from jsonschema.exceptions import best_match  # noqa: PLC0415
    checker = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    try:
        error = best_match(checker.iter_errors(json.loads(text)))
    except RecursionError:
        return (), "the schema is nested too deeply"
    return None if error is None else (tuple(map(str, error.absolute_path)), error.message)


def _refuse(faults: Iterator[tuple[Place, str]], what: str, param: str, code: str) -> None:
    if (first := next(faults, None)) is not None:
        place, wrong = first
        raise invalid(f"Invalid schema for {what}: in context={place}, {wrong}.", param, code)


def _faults(schema: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    if schema.get("type") != "object" or "anyOf" in schema:
        yield (), "the root must be of type 'object' and no 'anyOf'"
    properties = values = 0
    for place, node in _nodes(schema):
        if not isinstance(node, dict):
            yield place, "schema must have a 'type' key"
            continue
        for wrong in _faults_of(node, schema):
            yield place, wrong
        properties += _size(node.get("properties"))
        values += _size(node.get("enum"))
        if place.count("properties") > _MOST_LEVELS:
            yield place, f"the schema has more than {_MOST_LEVELS} levels of nesting"
    if properties > _MOST_PROPERTIES or values > _MOST_VALUES:
        limits = f"{_MOST_PROPERTIES} properties or {_MOST_VALUES} enum values"
        yield (), f"the schema has more than {limits}"


def _faults_of(node: dict[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in node:
        yield from _reference_faults(node, root)
        return
    for key in sorted(node.keys() & _NOT_PERMITTED):
        yield f"'{key}' is not permitted"
    if not node.keys() & {"type", "anyOf", "enum", "const"}:
        yield "schema must have a 'type' key"
    for kind in _types(node):
        if kind not in _TYPES:
            yield f"{kind!r} is not a valid type"
    if "format" in node and node["format"] not in _FORMATS:
        yield f"{node['format']!r} is not a valid format"
    if _is(node, "array") and "items" not in node:
        yield "array schema missing items"
    if _is(node, "object"):
        yield from _object_faults(node)


def _object_faults(node: dict[str, Any]) -> Iterator[str]:
    properties = node.get("properties")
    if not isinstance(properties, dict):
        yield "object schema missing properties"
        return
    if node.get("additionalProperties") is not False:
        yield "'additionalProperties' is required to be supplied and to be false"
    given = node.get("required")
    required: list[Any] = given if isinstance(given, list) else []
    wanted = "'required' is required to be supplied and to be an array including every key in"
    if missing := [key for key in properties if key not in required]:
        yield f"{wanted} properties; missing {missing[0]!r}"
    if extra := [key for key in required if key not in properties]:
        yield f"'required' names {extra[0]!r}, which is no property"


def _reference_faults(node: dict[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    # Witness: "$ref cannot have keywords {'description'}" (camel-ai/camel#3001).
    if beside := sorted(node.keys() - {"$ref", *_MAPS}):
        yield f"$ref cannot have keywords {beside}"
    start, *steps = str(node["$ref"]).split("/")
    target: Any = root if start == "#" else None
    for step in steps:
        target = target.get(step) if isinstance(target, dict) else None
    if not isinstance(target, dict):
        yield f"reference {node['$ref']!r} points to no definition of the schema"


def _nodes(schema: Any) -> Iterator[tuple[Place, Any]]:
    """Yield every schema inside a schema, itself first, with its place."""
    waiting: deque[tuple[Place, Any]] = deque([((), schema)])
    while waiting:
        place, node = waiting.popleft()
        yield place, node
        if isinstance(node, dict):
            waiting += (((*place, *steps), each) for steps, each in _inner(node))


def _inner(node: dict[str, Any]) -> Iterator[tuple[Place, Any]]:
    if "items" in node:
        yield ("items",), node["items"]
    for key in (*_MAPS, "anyOf"):
        inside = node.get(key)
        listed = inside if isinstance(inside, list) else ()
        named = inside.items() if isinstance(inside, dict) else enumerate(listed)
        yield from (((key, str(name)), each) for name, each in named)


def _types(node: dict[str, Any]) -> list[Any]:
    named = node.get("type", [])
    return named if isinstance(named, list) else [named]


def _size(value: object) -> int:
    return len(value) if isinstance(value, (dict, list)) else 0


def _is(node: object, kind: str) -> bool:
    return isinstance(node, dict) and kind in _types(node)
