"""Instances of JSON schemas: always valid, filled from a message, else as small as may be."""

from __future__ import annotations

from contextlib import suppress

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanogpt_client.sandbox.answers.schema_instance import NoInstanceError, instance_of


def schema(*, optional=(), **properties):
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def array(items, **more):
    return {"type": "array", "items": items, **more}


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
NULL, BOOLEAN = {"type": "null"}, {"type": "boolean"}
DATE, UNIT = STRING | {"format": "date"}, {"enum": ["celsius", "fahrenheit"]}
NODE = {"$ref": "#/$defs/Node", "$defs": {"Node": schema(
    value=INTEGER, next={"anyOf": [{"$ref": "#/$defs/Node"}, NULL]},
    children=array({"$ref": "#/$defs/Node"}),
)}}  # fmt: skip


@pytest.mark.parametrize(("wanted", "text", "instance"), [
    (schema(a=INTEGER, b=INTEGER), "Add 3 and 4.", {"a": 3, "b": 4}),
    (schema(a=NUMBER), "It costs $1,250.50, they say", {"a": 1250.5}),
    (schema(a=INTEGER), "from -5 to 7", {"a": -5}),
    (schema(a=INTEGER), "on 2026-05-01 at 10:30, v1.2.3, B12", {"a": 0}),
    (schema(city=STRING), "Weather in 'Paris'?", {"city": "Paris"}),
    (schema(city=STRING), "Weather in Paris?", {"city": "Weather in Paris?"}),
    (schema(a=STRING, b=STRING), "Hello!", {"a": "Hello!", "b": "a"}),
    (schema(a={**STRING, "maxLength": 3}), "Hello!", {"a": "a"}),
    (schema(name=STRING, day=DATE), "Buy “Tea” on 2026-05-01.",
     {"name": "Tea", "day": "2026-05-01"}),
    (schema(to={**STRING, "format": "email"}), "To ann@example.org.", {"to": "ann@example.org"}),
    (schema(at={**STRING, "format": "uri"}), "Open https://a.b/c now", {"at": "https://a.b/c"}),
    (schema(code={**STRING, "pattern": "^[A-Z]{3}$"}), "Fly to LIS!", {"code": "LIS"}),
    (schema(unit=UNIT), "in Fahrenheit, please", {"unit": "fahrenheit"}),
    (schema(unit=UNIT), "warm?", {"unit": "celsius"}),
    (schema(a=UNIT, b=UNIT), "from fahrenheit to celsius", {"a": "fahrenheit", "b": "celsius"}),
    (schema(q=STRING, limit=INTEGER, page=INTEGER, optional=("limit", "page")),
     "Find 5 cats", {"q": "Find 5 cats", "limit": 5}),
    (schema(q=STRING, note=STRING, optional=("note",)), "Hi", {"q": "Hi"}),
    (schema(n={"anyOf": [INTEGER, NULL]}), "no number", {"n": None}),
    (schema(n={"anyOf": [INTEGER, NULL]}), "number 9", {"n": 9}),
    (schema(n={"type": ["string", "null"]}), "text", {"n": None}),
    (schema(n=array(INTEGER)), "Sum 1, 2, 3", {"n": [1, 2, 3]}),
    (schema(n=array(schema(a=INTEGER))), "", {"n": [{"a": 0}]}),
    (schema(a={"const": "x"}, b=BOOLEAN), "", {"a": "x", "b": False}),
    ({"$ref": "#/$defs/A", "$defs": {"A": schema(a=INTEGER)}}, "7", {"a": 7}),
    (NODE, "3 and 4", {"value": 3, "next": None, "children": []}), ({}, "", "a"), (True, "", "a"),
])  # fmt: skip
def test_instances(wanted, text, instance):
    assert instance_of(wanted, text) == instance


@pytest.mark.unwatched
@pytest.mark.parametrize("pattern", [
    "^INV-\\d{4}$", "^#[0-9a-f]{6}$", "^\\+\\d{7,15}$", "[A-Z]{2}[0-9]{2}", "^(?:yes|no)$",
    "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}$", "^(?=.*\\d)(?=.*[A-Z]).{8,}$", "^\\S+@\\S+$",
    "^(?!0)\\d+$", "^$", "^[\u4e00-\u9fff]+$",
])  # fmt: skip
def test_patterns(pattern):
    wanted = {"type": "string", "pattern": pattern}
    jsonschema.validate(instance_of(wanted), wanted)
    with suppress(NoInstanceError):  # too short for the least length
        jsonschema.validate(instance_of(wanted | {"minLength": 12}), wanted | {"minLength": 12})


@pytest.mark.parametrize(("impossible", "shown"), [
    ({**schema(a=STRING, b=STRING, optional=("b",)), "dependentRequired": {"a": ["b"]}}, "depend"),
    ({"type": "string", "pattern": "(?<=x)^a$"}, r"\(\?<=x\)\^a\$"),
    (schema(code={"type": "string", "pattern": "^\\d{2}$", "minLength": 5}), "minLength"),
    ({"type": "string", "pattern": "["}, r"'\['"),
    ({"$ref": "#/$defs/Gone"}, "Gone"), ({"type": "wrong"}, "no JSON schema"),
    ({"type": "integer", "minimum": 3, "maximum": 2}, "minimum"),
    ({"$ref": "#/$defs/A", "$defs": {"A": schema(a={"$ref": "#/$defs/A"})}}, "#/[$]defs/A"),
    (False, "false"),
])  # fmt: skip
def test_what_has_no_instance_is_named(impossible, shown):
    with pytest.raises(NoInstanceError, match=shown):
        instance_of(impossible)


@pytest.mark.parametrize("wanted", [
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
    {"type": "number", "minimum": 0.15, "multipleOf": 0.1},
    {"type": "integer", "maximum": -7, "multipleOf": 5},
    array(BOOLEAN, uniqueItems=True, minItems=4, prefixItems=[INTEGER, STRING]),
    {"type": "string", "not": {"enum": ["a", "b"]}},
    {"oneOf": [{"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 3}]},
    {"allOf": [NUMBER, {"type": "integer", "minimum": 3}, {"maximum": 3}]},
    {"allOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}],
     "$defs": {"A": schema(a=INTEGER), "B": schema(b=INTEGER)}},
    {"anyOf": [{"minimum": 5, "type": "integer"}, STRING], "not": {"type": "string"}},
])  # fmt: skip
def test_rare_keywords(wanted):
    jsonschema.validate(instance_of(wanted, "1 'b' 2"), wanted)
    jsonschema.validate(instance_of(wanted), wanted)


FORMATS = ["date", "date-time", "email", "uuid", "uri", "ipv4", "ipv6", "time", "hostname"]
PARTS = st.lists(
    st.sampled_from(["[a-z]+", "\\d{3}", "[A-F]", "-", "(?:x|yz)", "\\.", "\\w*", "Q?"]),
    min_size=1, max_size=5,
).map("".join)  # fmt: skip
STRINGS = st.one_of(
    st.tuples(st.integers(0, 30), st.integers(0, 9)).map(
        lambda size: STRING | {"minLength": size[0], "maxLength": sum(size)}
    ),
    st.sampled_from(FORMATS).map(lambda name: STRING | {"format": name}),
    PARTS.map(lambda inside: STRING | {"pattern": f"^{inside}$"}),
    PARTS.map(lambda inside: STRING | {"pattern": inside}),
    st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True).map(lambda x: {"enum": x}),
    st.just(STRING),
)


@st.composite
def numbers(draw):
    low, width = draw(st.integers(-1000, 1000)), draw(st.integers(1, 50))
    found = dict(draw(st.sampled_from([INTEGER, NUMBER])))
    found |= {"minimum": low} if draw(st.booleans()) else {"exclusiveMinimum": low - 1}
    found |= {"maximum": low + width} if draw(st.booleans()) else {}
    return found | ({"multipleOf": draw(st.integers(1, width))} if draw(st.booleans()) else {})


@st.composite
def objects(draw, inner):
    names = draw(st.lists(st.text("abcxyz_", min_size=1, max_size=4), max_size=4, unique=True))
    optional = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    found = schema(optional=optional, **{name: draw(inner) for name in names})
    return found | draw(st.sampled_from([{}, {"additionalProperties": False}]))


def schemas(inner):
    sizes = st.tuples(st.integers(0, 3), st.integers(0, 2))
    return st.one_of(
        objects(inner),
        st.tuples(inner, sizes).map(lambda x: array(x[0], minItems=x[1][0], maxItems=sum(x[1]))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
        inner.map(lambda part: {"allOf": [part, {}]}),
        inner.map(lambda part: {"anyOf": [part, NULL]}),
    )


SCHEMAS = st.recursive(
    st.one_of(STRINGS, numbers(), st.just(BOOLEAN), st.just(NULL)), schemas, max_leaves=12
)
TEXTS = st.one_of(st.just(""), st.text(max_size=40), st.just("Add 3, -4.5 and 'x' on 2026-01-02."))


@pytest.mark.unwatched
@settings(max_examples=150, deadline=None)
@given(SCHEMAS, TEXTS)
def test_any_instance_is_valid_and_always_the_same(wanted, text):
    found = instance_of(wanted, text)
    jsonschema.validate(found, wanted)
    root = {"$ref": "#/$defs/Root", "$defs": {"Root": wanted}}
    assert found == instance_of(root, text) == instance_of(wanted, text)


def test_alternatives_are_tried_within_bounds():
    union = {"anyOf": [schema(**{f"p{place}": INTEGER}) for place in range(12)]}
    assert instance_of({"allOf": [union] * 8}) == {"p0": 0}
