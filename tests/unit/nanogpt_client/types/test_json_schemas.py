"""Schemas as providers take them: strict where strict mode can express them, and legal names."""

from __future__ import annotations

import datetime as dt
import enum
import json
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, RootModel, WithJsonSchema

from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.sandbox.strict_schema import check_parameters
from nanogpt_client.types.json_schemas import (
    allowed_name,
    class_schema,
    closed_if_possible,
    is_allowed_name,
    json_schema_format,
    message_name,
    sendable_format,
    strict_schema,
    tool_parameters,
    without_alternatives,
    without_titles,
)

T = TypeVar("T")


class Cat(BaseModel):
    kind: Literal["cat"]
    meows: int = 0


class Dog(BaseModel):
    kind: Literal["dog"]
    barks: int = Field(default=0, description="loud", examples=[3])


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Owner(BaseModel):
    """Somebody."""

    title: str = "Dr."
    pet: Pet
    pets: list[Pet] = []
    first: Cat | None = Field(default=None, description="of all")


class Tree(BaseModel):
    value: int
    kids: list[Tree] = []


class Even(BaseModel):
    odd: Odd | None = None


class Odd(BaseModel):
    even: Even | None = None


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Plain(BaseModel):
    color: Color
    when: dt.datetime
    day: dt.date
    key: uuid.UUID
    count: Annotated[int, Field(ge=1, le=9)]
    code: Annotated[str, Field(pattern="^[a-z]+$")]
    names: Annotated[list[str], Field(min_length=1)]
    maybe: int | None = None


class Empty(BaseModel):
    pass


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int


class Page(BaseModel, Generic[T]):
    items: list[T]


STRICT = [Owner, Tree, Even, Plain, Empty, Closed, Page[int], Page[Tree]]


def fields(**kinds: Any) -> type[BaseModel]:
    return type("Fields", (BaseModel,), {"__annotations__": kinds})


LOOSE: dict[str, Any] = {
    "anything": fields(x=Any),
    "a list of anything": fields(x=list),
    "a tuple": fields(x=tuple[int, str]),
    "a set": fields(x=set[str]),
    "free keys": fields(x=dict[str, int]),
    "free keys further in": fields(x=list[dict[str, Cat]]),
    "extra keys": type("E", (BaseModel,), {"model_config": ConfigDict(extra="allow")}),
    "a list": RootModel[list[Cat]],
    "a number": RootModel[int],
    "a union": RootModel[Pet],
    "a map": RootModel[dict[str, Cat]],
    "an unknown format": fields(x=AnyUrl),
    "a pattern that looks around": fields(
        x=Annotated[str, WithJsonSchema({"type": "string", "pattern": "^(?!no)"})]
    ),
    "the length of a text": fields(x=Annotated[str, Field(min_length=1)]),
    "choices of several types": fields(x=Literal["a", 1]),
    "no schema": {},
    "all of two": {
        "type": "object",
        "properties": {"x": {"allOf": [{"type": "object", "properties": {}}, {"type": "object"}]}},
    },
    "what it is not": {"type": "object", "properties": {"x": {"type": "string", "not": {}}}},
    "patterns of keys": {"type": "object", "properties": {}, "patternProperties": {"^a": {}}},
    "a boolean": {"type": "object", "properties": {"x": True}},
    "a list without items": {"type": "object", "properties": {"x": {"type": "array"}}},
    "items by place": {"type": "object", "properties": {"x": {"type": "array", "items": [{}]}}},
    "a reference outwards": {"type": "object", "properties": {"x": {"$ref": "http://a/b.json"}}},
    "a reference to nothing": {"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}},
    "one of and any of": {
        "type": "object",
        "properties": {"x": {"anyOf": [{"type": "string"}], "oneOf": [{"type": "string"}]}},
    },
    "no map": {"type": "object", "properties": None},
    "too deep": {"type": "object", "properties": {"a": {"type": "string"}}},
    "too many choices": {
        "type": "object",
        "properties": {"x": {"type": "string", "enum": [str(n) for n in range(1001)]}},
    },
    "too many properties": {
        "type": "object",
        "properties": {str(n): {"type": "string"} for n in range(5001)},
    },
}
LOOSE["nested without end"] = {"type": "string"}
for _ in range(2000):
    LOOSE["nested without end"] = {"type": "array", "items": LOOSE["nested without end"]}
LOOSE["nested without end"] = {"type": "object", "properties": {"a": LOOSE["nested without end"]}}
for _ in range(11):
    LOOSE["too deep"] = {"type": "object", "properties": {"a": LOOSE["too deep"]}}


def schema_of(kind: Any) -> dict[str, Any]:
    return kind if isinstance(kind, dict) else kind.model_json_schema()


def refused(schema: Any) -> set[str]:
    """What OpenAI's guide says that strict mode refuses, read once more."""
    if isinstance(schema, list):
        return set().union(*map(refused, schema))
    if not isinstance(schema, dict):
        return set()
    found = {"oneOf", "allOf", "not", "prefixItems", "uniqueItems", "discriminator", "default"}
    found &= schema.keys()
    if schema.get("type") == "object":
        found |= {"open"} if schema.get("additionalProperties") is not False else set()
        found |= {"left out"} if schema["required"] != list(schema["properties"]) else set()
    if "$ref" in schema and len(schema) > 1:
        found.add("beside a reference")
    if not schema.keys() & {"type", "anyOf", "$ref"}:
        found.add("anything")
    for key, value in schema.items():
        if key in {"properties", "$defs"}:
            found |= refused(list(value.values()))
        elif key in {"anyOf", "items"}:
            found |= refused(value)
    return found


@pytest.mark.parametrize("cls", STRICT)
def test_what_strict_mode_can_express_is_strict(cls):
    before = cls.model_json_schema()
    spec = json_schema_format(cls.__name__, before)["json_schema"]
    assert spec["strict"] is True
    assert spec["schema"]["type"] == "object"
    assert not spec["schema"].keys() & {"anyOf", "$ref"}
    assert not refused(spec["schema"])
    assert is_allowed_name(spec["name"])
    assert before == cls.model_json_schema()
    assert json_schema_format(cls.__name__, before, strict=True)["json_schema"] == spec
    assert strict_schema(before) == spec["schema"]
    assert strict_schema(spec["schema"]) == spec["schema"]


@pytest.mark.parametrize("kind", LOOSE.values(), ids=LOOSE)
def test_what_strict_mode_cannot_express_is_sent_as_it_is(kind):
    schema = schema_of(kind)
    assert json_schema_format("f", schema)["json_schema"] == {"name": "f", "schema": schema}
    assert closed_if_possible(schema) == schema
    for ask in (
        lambda: json_schema_format("f", schema, strict=True),
        lambda: strict_schema(schema),
    ):
        with pytest.raises(InvalidArgumentError, match=r"strict=True: .* strict mode cannot"):
            ask()


def test_strict_may_be_declined():
    schema = Cat.model_json_schema()
    built = json_schema_format("f", schema, strict=False)["json_schema"]
    assert built == {"name": "f", "strict": False, "schema": schema}


def test_unions_by_a_key_become_plain_ones():
    closed = strict_schema(Owner.model_json_schema())
    union = {"anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}], "title": "Pet"}
    assert closed["properties"]["pet"] == union
    assert closed["properties"]["pets"]["items"] == {"anyOf": union["anyOf"]}
    assert closed["$defs"]["Dog"]["properties"]["barks"] == {
        "description": "loud",
        "title": "Barks",
        "type": "integer",
    }


def test_a_class_may_hold_itself():
    closed = strict_schema(Tree.model_json_schema())
    assert closed["properties"]["kids"]["items"] == {"$ref": "#/$defs/Tree"}
    assert closed["$defs"]["Tree"]["additionalProperties"] is False
    assert closed["$defs"]["Tree"]["required"] == ["value", "kids"]


def test_the_refusal_says_where():
    class Inner(BaseModel):
        free: dict[str, int]

    class Outer(BaseModel):
        inner: list[Inner]

    with pytest.raises(InvalidArgumentError, match=r"schema\.Inner\.free has keys of the model's"):
        strict_schema(Outer.model_json_schema())


def test_a_schema_without_a_type_is_of_its_properties():
    closed = strict_schema({"properties": {"a": {"type": ["string", "null"]}}})
    assert closed["type"] == "object"
    assert closed["required"] == ["a"]


def test_older_references_beside_words():
    schema = {
        "type": "object",
        "properties": {"a": {"allOf": [{"$ref": "#/definitions/A"}], "description": "d"}},
        "definitions": {"A": {"type": "object", "properties": {}}},
    }
    closed = strict_schema(schema)
    expected = {"anyOf": [{"$ref": "#/definitions/A"}], "description": "d"}
    assert closed["properties"]["a"] == expected


@pytest.mark.parametrize("schema", [None, {}, True, False, {"type": "object"}, {"properties": {}}])
def test_tools_without_arguments(schema):
    assert tool_parameters(schema) == {"type": "object", "properties": {}}


def test_parameters_keep_what_they_have():
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "My tool",
        "type": "object",
        "description": "d",
        "additionalProperties": {"type": "string"},
    }
    assert tool_parameters(schema) == {
        "type": "object",
        "description": "d",
        "additionalProperties": {"type": "string"},
        "properties": {},
    }
    assert "$id" in schema
    assert tool_parameters({"type": "array"})["type"] == "array"
    assert tool_parameters(Tree.model_json_schema())["type"] == "object"


A, B = {"type": "string"}, {"type": "integer"}
ONE_OF_TWO = {
    "type": "object",
    "properties": {"a": A, "b": B, "project": A},
    "required": ["project"],
    "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
}


def test_alternatives_at_the_root_become_one_object():
    assert without_alternatives(ONE_OF_TWO) == {
        k: ONE_OF_TWO[k] for k in ONE_OF_TWO if k != "anyOf"
    }
    union = without_alternatives(RootModel[Pet].model_json_schema())
    assert (union["type"], union["required"]) == ("object", ["kind"])
    assert union.keys().isdisjoint({"oneOf", "anyOf", "discriminator"})
    kinds = [each["const"] for each in union["properties"]["kind"]["anyOf"]]
    assert kinds == ["cat", "dog"]
    assert {"meows", "barks"} <= union["properties"].keys()


def test_alternatives_within_alternatives_and_all_of_them():
    actions = [{"properties": {"action": {"const": c}, c: A}, "required": [c]} for c in "xyz"]
    nested = {"oneOf": [actions[0], {"anyOf": actions[1:]}], "$defs": {}}
    plain = without_alternatives(nested)
    assert [each["const"] for each in plain["properties"]["action"]["anyOf"][:1]] == ["x"]
    assert {"x", "y", "z"} <= plain["properties"].keys()
    assert "required" not in plain
    both = without_alternatives(
        {"allOf": [actions[0], {"$ref": "#/$defs/B"}], "$defs": {"B": actions[1]}}
    )
    assert both["required"] == ["x", "y"]


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"type": "object", "properties": {}}, {"type": "null"}]},
        {"oneOf": [True, {"type": "object"}]},
    ],
)
def test_alternatives_that_are_no_objects_stay(schema):
    assert without_alternatives(schema) == schema


@pytest.mark.parametrize(
    "name", ["", "a b", "Page[int]", "ö", "a.b/c:d", "x" * 99, "Ответ", "[]", "a\n"]
)
def test_names_become_legal_and_stay_the_same(name):
    assert is_allowed_name(allowed_name(name))
    assert allowed_name(name) == allowed_name(name)
    assert allowed_name(allowed_name(name)) == allowed_name(name)
    assert not is_allowed_name(name)
    kept = message_name(name)
    assert kept is None or is_allowed_name(kept)


@pytest.mark.parametrize("name", ["f", "get_weather", "A-1", "_x_", "9", "x" * 64])
def test_legal_names_stay(name):
    assert allowed_name(name) == message_name(name) == name


def test_names_of_authors():
    assert message_name("User Onboarding Agent") == "User_Onboarding_Agent"
    assert message_name("<|im_start|>") == "im_start"
    assert message_name("Ответ") is message_name(None) is None


def test_a_class_is_described_once():
    described = class_schema(Page[int])
    assert described is class_schema(Page[int])
    assert described.title == "Page[int]"
    assert "title" not in described.schema["properties"]["items"]
    assert class_schema(Owner).description == "Somebody."
    assert class_schema(Owner).schema["properties"]["title"] == {
        "default": "Dr.",
        "type": "string",
    }
    assert list(class_schema(Tree).titled)[:2] == ["title", "description"]


class Handler(BaseModel):
    run: Callable[[int], int]


class Unfinished(BaseModel):
    missing: Nowhere  # type: ignore[name-defined]  # noqa: F821 - what is tested


@pytest.mark.parametrize(("cls", "why"), [(Handler, "Callable"), (Unfinished, "Nowhere|defined")])
def test_a_class_that_json_cannot_express_is_refused_by_its_name(cls, why):
    with pytest.raises(InvalidArgumentError, match=f"{cls.__name__} cannot be .*({why})"):
        class_schema(cls)


def test_titles_go_but_data_stay():
    schema = {
        "title": "T",
        "default": {"title": "x"},
        "anyOf": [{"title": "A", "const": {"title": "y"}}],
        "properties": {"title": {"title": "Title", "enum": [{"title": "z"}]}},
    }
    assert without_titles(schema) == {
        "default": {"title": "x"},
        "anyOf": [{"const": {"title": "y"}}],
        "properties": {"title": {"enum": [{"title": "z"}]}},
    }


@pytest.mark.parametrize(
    "kind", [{"type": "json_object"}, {"type": "text"}, {"type": "json_schema"}]
)
def test_other_formats_stay(kind):
    assert sendable_format(kind) == kind


def test_formats_made_elsewhere_become_legal():
    schema = Page[int].model_json_schema()
    made = {"type": "json_schema", "json_schema": {"name": "Page[int]", "schema": schema}}
    assert sendable_format(made)["json_schema"] == {"name": "Page_int_", "schema": schema}
    made["json_schema"] |= {"strict": True}  # type: ignore[operator]
    assert sendable_format(made) == json_schema_format("Page[int]", schema, strict=True)
    loose = {"name": "f", "strict": True, "schema": LOOSE["what it is not"]}
    assert sendable_format({"type": "json_schema", "json_schema": loose})["json_schema"] == loose


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("older", "newest"),
    [
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": ["array", "null"]}, {"type": ["array", "null"], "items": {}}),
        ({"items": [TEXT, TEXT]}, {"prefixItems": [TEXT, TEXT], "items": {}}),
        (
            {"items": [TEXT], "additionalItems": False},
            {"prefixItems": [TEXT], "items": {}, "maxItems": 1},
        ),
        ({"items": [TEXT], "additionalItems": TEXT}, {"prefixItems": [TEXT], "items": TEXT}),
        ({"minimum": 0, "exclusiveMinimum": True}, {"exclusiveMinimum": 0}),
        ({"maximum": 9, "exclusiveMaximum": False}, {"maximum": 9}),
        ({"anyOf": [{"type": "array"}]}, {"anyOf": [{"type": "array", "items": {}}]}),
        ({"items": {"type": "array"}}, {"items": {"type": "array", "items": {}}}),
        ({"const": {"type": "array"}}, {"const": {"type": "array"}}),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": TEXT}),
        (True, True),
    ],
)
def test_schemas_of_older_drafts_are_sent_in_the_newest(older, newest):
    given = {"type": "object", "properties": {"items": older, "b": TEXT}}
    before = json.dumps(given)
    sent = tool_parameters(given)
    assert sent == {"type": "object", "properties": {"items": newest, "b": TEXT}}
    assert json.dumps(given) == before
    assert tool_parameters(sent) == sent
    check_parameters(sent, "function 'f'", "tools", "invalid_json_schema")


def test_what_older_drafts_require_is_required_by_the_object():
    parts = {"a": TEXT | {"required": True}, "b": TEXT | {"required": False}, "c": TEXT}
    given = {"type": "object", "properties": parts, "required": ["c", "c"]}
    plain = dict.fromkeys("abc", TEXT)
    expected = {"type": "object", "properties": plain, "required": ["c", "a"]}
    assert tool_parameters(given) == expected
    assert tool_parameters(expected) == expected
    assert tool_parameters({"properties": {}, "required": []})["required"] == []


def test_a_schema_within_itself_is_left_to_whoever_writes_it():
    endless: dict[str, Any] = {"type": "object", "properties": {}}
    endless["properties"]["again"] = endless
    assert tool_parameters(endless) == endless
