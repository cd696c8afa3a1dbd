"""Instances of JSON schemas: always valid, filled from a message, else as small as may be."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanogpt_client.sandbox.answers.schema_instance import NoInstanceError, instance_of


def schema(*, optional=(), **properties):
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
DATE = {"type": "string", "format": "date"}


@pytest.mark.parametrize(
    ("given_schema", "text", "instance"),
    [
        (schema(a=INTEGER, b=INTEGER), "Add 3 and 4.", {"a": 3, "b": 4}),
        (schema(a=NUMBER), "It costs $1,250.50, they say", {"a": 1250.5}),
        (schema(a=INTEGER), "from -5 to 7", {"a": -5}),
        (schema(a=INTEGER), "on 2026-05-01 at 10:30, v1.2.3, B12", {"a": 0}),
        (schema(city=STRING), "Weather in 'Paris'?", {"city": "Paris"}),
        (schema(city=STRING), "Weather in Paris?", {"city": "Weather in Paris?"}),
        (schema(a=STRING, b=STRING), "Hello!", {"a": "Hello!", "b": "a"}),
        (schema(a={**STRING, "maxLength": 3}), "Hello!", {"a": "a"}),
        (schema(name=STRING, day=DATE), "Book “Tea” on 2026-05-01.",
         {"name": "Tea", "day": "2026-05-01"}),
        (schema(day=DATE, name=STRING), "Book it on 2026-05-01.",
         {"day": "2026-05-01", "name": "Book it on 2026-05-01."}),
        (schema(to={**STRING, "format": "email"}), "Write to ann@example.org.",
         {"to": "ann@example.org"}),
        (schema(at={**STRING, "format": "uri"}), "Open https://nano-gpt.com/api now",
         {"at": "https://nano-gpt.com/api"}),
        (schema(code={**STRING, "pattern": "^[A-Z]{3}$"}), "Fly to LIS!", {"code": "LIS"}),
        (schema(unit={"enum": ["celsius", "fahrenheit"]}), "in Fahrenheit, please",
         {"unit": "fahrenheit"}),
        (schema(a={"enum": ["x", "y"]}, b={"enum": ["x", "y"]}), "from y to x",
         {"a": "y", "b": "x"}),
        (schema(unit={"enum": ["celsius", "fahrenheit"]}), "warm?", {"unit": "celsius"}),
        (schema(q=STRING, limit=INTEGER, page=INTEGER, optional=("limit", "page")),
         "Find 5 cats", {"q": "Find 5 cats", "limit": 5}),
        (schema(q=STRING, note=STRING, optional=("note",)), "Hi", {"q": "Hi"}),
        (schema(n={"anyOf": [INTEGER, {"type": "null"}]}), "no number", {"n": None}),
        (schema(n={"anyOf": [INTEGER, {"type": "null"}]}), "number 9", {"n": 9}),
        (schema(n={"type": ["string", "null"]}), "text", {"n": None}),
        (schema(n={"type": "array", "items": INTEGER}), "Sum 1, 2, 3", {"n": [1, 2, 3]}),
        (schema(n={"type": "array", "items": schema(a=INTEGER)}), "", {"n": [{"a": 0}]}),
        (schema(a={"const": "x"}, b={"type": "boolean"}), "", {"a": "x", "b": False}),
        ({"$ref": "#/$defs/A", "$defs": {"A": schema(a=INTEGER)}}, "7", {"a": 7}),
        ({}, "", "a"),
        (True, "", "a"),
    ],
)  # fmt: skip
def test_instances(given_schema, text, instance):
    assert instance_of(given_schema, text) == instance


NODE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": schema(
            value=INTEGER,
            next={"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
            children={"type": "array", "items": {"$ref": "#/$defs/Node"}},
        )
    },
}


def test_recursive_schemas_end():
    assert instance_of(NODE, "3 and 4") == {"value": 3, "next": None, "children": []}


@pytest.mark.parametrize(
    "pattern",
    [
        "^INV-\\d{4}$", "^#[0-9a-f]{6}$", "^\\+\\d{7,15}$", "[A-Z]{2}[0-9]{2}", "^(?:yes|no)$",
        "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}$", "^(?=.*\\d)(?=.*[A-Z]).{8,}$", "^\\S+@\\S+$",
        "^(?!0)\\d+$", "^$", "^[\u4e00-\u9fff]+$",
    ],
)  # fmt: skip
@pytest.mark.parametrize("more", [{}, {"minLength": 12}])
def test_patterns(pattern, more):
    wanted = {"type": "string", "pattern": pattern, **more}
    try:
        found = instance_of(wanted)
    except NoInstanceError:
        assert more  # too short for the least length
    else:
        jsonschema.validate(found, wanted)


@pytest.mark.parametrize(
    ("impossible", "shown"),
    [
        ({"type": "string", "pattern": "(?<=x)^a$"}, r"\(\?<=x\)\^a\$"),
        (schema(code={"type": "string", "pattern": "^\\d{2}$", "minLength": 5}), "minLength"),
        ({"type": "string", "pattern": "["}, r"'\['"),
        ({"$ref": "#/$defs/Gone"}, "Gone"),
        ({"type": "wrong"}, "no JSON schema"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "minimum"),
        ({"$ref": "#/$defs/A", "$defs": {"A": schema(a={"$ref": "#/$defs/A"})}}, "#/[$]defs/A"),
        (False, "false"),
    ],
)
def test_what_has_no_instance_is_named(impossible, shown):
    with pytest.raises(NoInstanceError, match=shown):
        instance_of(impossible)


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
        {"type": "number", "minimum": 0.15, "multipleOf": 0.1},
        {"type": "integer", "maximum": -7, "multipleOf": 5},
        {"type": "array", "uniqueItems": True, "minItems": 4, "items": {"type": "boolean"},
         "prefixItems": [INTEGER, STRING]},
        {"type": "array", "uniqueItems": True, "minItems": 3,
         "items": {"type": "array", "items": STRING, "minItems": 1}},
        {"type": "array", "uniqueItems": True, "minItems": 3, "items": schema(a=INTEGER)},
        {"type": "array", "contains": {"const": 5}, "minContains": 2},
        {"type": "object", "minProperties": 3, "propertyNames": {"pattern": "^x-[a-z]$"}},
        {"type": "object", "required": ["n1"], "patternProperties": {"^n": INTEGER}},
        {"type": "object", "minProperties": 1, "patternProperties": {"^n": INTEGER},
         "additionalProperties": False},
        {**schema(a=STRING, b=STRING, optional=("b",)), "dependentRequired": {"a": ["b", "c"]}},
        {**schema(a={"const": 1}, b=STRING, optional=("b",)),
         "if": {"properties": {"a": {"const": 1}}}, "then": {"required": ["b"]}},
        {"type": "string", "not": {"enum": ["a", "b"]}},
        {"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 3}]},
        {"allOf": [{"type": "number"}, {"type": "integer", "minimum": 3}, {"maximum": 3}]},
        {"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}],
         "$defs": {"A": schema(a=INTEGER), "B": schema(b=INTEGER)}},
        {"anyOf": [{"minimum": 5, "type": "integer"}, STRING], "not": {"type": "string"}},
    ],
)  # fmt: skip
def test_rare_keywords(wanted):
    jsonschema.validate(instance_of(wanted, "1 'b' 2"), wanted)
    jsonschema.validate(instance_of(wanted), wanted)


@st.composite
def _strings(draw):
    kind = draw(st.sampled_from(["length", "format", "pattern", "enum", "plain"]))
    if kind == "length":
        least = draw(st.integers(0, 30))
        return STRING | {"minLength": least, "maxLength": least + draw(st.integers(0, 9))}
    if kind == "format":
        names = ["date", "date-time", "email", "uuid", "uri", "ipv4", "ipv6", "time", "hostname"]
        return STRING | {"format": draw(st.sampled_from(names))}
    if kind == "pattern":
        parts = ["[a-z]+", "\\d{3}", "[A-F]", "-", "(?:x|yz)", "\\.", "\\w*", "Q?"]
        inside = "".join(draw(st.lists(st.sampled_from(parts), min_size=1, max_size=5)))
        return STRING | {"pattern": draw(st.sampled_from([f"^{inside}$", inside]))}
    if kind == "enum":
        return {"enum": draw(st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True))}
    return STRING


@st.composite
def _numbers(draw):
    low, width = draw(st.integers(-1000, 1000)), draw(st.integers(1, 50))
    step = draw(st.integers(1, width))
    whole = draw(st.booleans())
    found = {"type": "integer" if whole else "number"}
    found |= {"minimum": low} if draw(st.booleans()) else {"exclusiveMinimum": low - 1}
    if draw(st.booleans()):
        found |= {"maximum": low + width}
    return found | ({"multipleOf": step} if draw(st.booleans()) else {})


@st.composite
def _objects(draw, inner):
    names = draw(st.lists(st.text("abcxyz_", min_size=1, max_size=4), max_size=4, unique=True))
    found = {"type": "object", "properties": {name: draw(inner) for name in names}}
    found["required"] = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    return found | draw(st.sampled_from([{}, {"additionalProperties": False}]))


@st.composite
def _arrays(draw, inner):
    least = draw(st.integers(0, 3))
    found = {"type": "array", "items": draw(inner), "minItems": least}
    if draw(st.booleans()):
        found["maxItems"] = least + draw(st.integers(0, 2))
    return found


def _schemas(inner):
    several = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        _objects(inner),
        _arrays(inner),
        several.map(lambda parts: {"anyOf": parts}),
        inner.map(lambda part: {"allOf": [part, {}]}),
        inner.map(lambda part: {"anyOf": [part, {"type": "null"}]}),
    )


SCHEMAS = st.recursive(
    st.one_of(_strings(), _numbers(), st.just({"type": "boolean"}), st.just({"type": "null"})),
    _schemas,
    max_leaves=12,
)
TEXTS = st.one_of(st.just(""), st.text(max_size=40), st.just("Add 3, -4.5 and 'x' on 2026-01-02."))


@settings(max_examples=150, deadline=None)
@given(SCHEMAS, TEXTS)
def test_any_instance_is_valid(wanted, text):
    jsonschema.validate(instance_of(wanted, text), wanted)


@settings(max_examples=40, deadline=None)
@given(SCHEMAS)
def test_the_same_schema_gives_the_same_instance(wanted):
    root = {"$ref": "#/$defs/Root", "$defs": {"Root": wanted}}
    assert instance_of(root) == instance_of(root) == instance_of(wanted)
