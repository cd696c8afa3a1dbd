"""A value fits a schema, or a wrong answer shows."""

from __future__ import annotations

import pytest

from nanogpt_client._adapters.schema_check import fits

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "kind": {"enum": ["a", "b", 1]},
        "friends": {"type": "array", "items": {"$ref": "#/$defs/Friend"}},
        "home": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["city"]}]},
    },
    "required": ["name"],
    "$defs": {"Friend": {"type": "object", "required": ["name"], "additionalProperties": False,
                         "properties": {"name": {"type": "string"}, "of": {"$ref": "#"}}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "fitting"),
    [
        ({"name": "Ada"}, True),
        ({"name": "Ada", "age": 36, "more": [1]}, True),
        ({"name": "Ada", "age": 36.0}, True),
        ({"name": "Ada", "age": None}, True),
        ({"name": None}, False),
        ({"name": "Ada", "kind": "b", "home": {"city": "x"}}, True),
        ({"name": "Ada", "friends": [{"name": "Bob", "of": {"name": "Ada"}}]}, True),
        ({"age": 36}, False),
        ({}, False),
        ([], False),
        ([{"name": "Ada"}], False),
        ("Ada", False),
        ({"name": 5}, False),
        ({"name": "Ada", "age": "36"}, False),
        ({"name": "Ada", "age": 36.5}, False),
        ({"name": "Ada", "age": True}, False),
        ({"name": "Ada", "kind": "c"}, False),
        ({"name": "Ada", "kind": True}, False),
        ({"name": "Ada", "home": {}}, False),
        ({"name": "Ada", "friends": [{}]}, False),
        ({"name": "Ada", "friends": [{"name": "Bob", "age": 1}]}, False),
        ({"name": "Ada", "friends": [{"name": "Bob", "of": {"age": 1}}]}, False),
    ],
)
def test_values_of_a_schema(value, fitting):
    assert fits(value, PERSON) is fitting


@pytest.mark.parametrize(
    ("value", "schema", "fitting"),
    [
        (5, {}, True),
        (5, True, True),
        (5, False, False),
        (5, {"type": ["string", "integer"]}, True),
        (None, {"type": ["string", "null"]}, True),
        (1, {"const": True}, False),
        (1.5, {"type": "number"}, True),
        (5, {"type": "unheard of"}, True),
        (5, {"allOf": [{"type": "integer"}, {"type": "string"}]}, False),
        (5, {"oneOf": [{"type": "string"}]}, False),
        ([1, "a"], {"type": "array", "prefixItems": [{}, {}], "items": False}, True),
        (5, {"$ref": "http://elsewhere"}, True),
        (5, {"$ref": "#/$defs/x"}, True),
        (5, {"$ref": "#"}, True),
    ],
)
def test_values_of_odd_schemas(value, schema, fitting):
    assert fits(value, schema) is fitting
