"""The checker agrees with jsonschema on what is valid."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanogpt_client.sandbox.brain.check import valid
from nanogpt_client.sandbox.brain.merge import merged

VALUES = [None, True, False, 0, 1, 1.0, 2.5, -3, "", "a", "abc", [], [1], [1, 1], [1, "a", 2], {},
          {"a": 1}, {"a": "x", "b": 2}, {"x-1": 1}, {"a": 1, "b": 2, "c": 3}]  # fmt: skip
SCHEMAS = [
    True, False, {},
    {"type": "integer"}, {"type": ["string", "null"]}, {"type": "boolean"},
    {"const": 1}, {"enum": [True, "a", [1]]},
    {"minimum": 1, "maximum": 2}, {"exclusiveMinimum": 0, "exclusiveMaximum": 2.5},
    {"multipleOf": 0.5}, {"minLength": 1, "maxLength": 2}, {"pattern": "^a"},
    {"items": {"type": "integer"}, "minItems": 1, "maxItems": 2}, {"uniqueItems": True},
    {"contains": {"const": 1}}, {"contains": {"const": 1}, "minContains": 2, "maxContains": 2},
    {"prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
    {"required": ["a"]}, {"properties": {"a": {"type": "string"}}},
    {"additionalProperties": False, "properties": {"a": {}}},
    {"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": {"type": "integer"}},
    {"propertyNames": {"maxLength": 1}}, {"minProperties": 1, "maxProperties": 2},
    {"dependentRequired": {"a": ["b"]}},
    {"allOf": [{"type": "integer"}, {"minimum": 1}]},
    {"anyOf": [{"type": "string"}, {"minimum": 1}]},
    {"oneOf": [{"type": "integer"}, {"minimum": 1}]},
    {"not": {"type": "integer"}},
    {"if": {"type": "integer"}, "then": {"minimum": 1}, "else": {"type": "string"}},
    {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n"},
    {"$defs": {"a/b": {"type": "integer"}}, "items": {"$ref": "#/$defs/a~1b"}},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_agrees_with_jsonschema(schema):
    reference = jsonschema.Draft202012Validator(schema)
    for value in VALUES:
        assert valid(value, schema, schema) is reference.is_valid(value), value


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(SCHEMAS[3:]), min_size=1, max_size=3), st.sampled_from(VALUES))
def test_merging_keeps_what_all_parts_ask(parts, value):
    both = {"allOf": [each for each in parts if "$defs" not in each]}
    flat = merged(both, both)
    if valid(value, both, both):
        assert valid(value, flat, flat)
