"""Structured answers: always valid, and filled from the conversation where it speaks of them."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.output_parsers import PydanticOutputParser as LangChainParser
from llama_index.core.output_parsers import PydanticOutputParser as LlamaIndexParser
from pydantic import BaseModel, Field

from nanogpt_client.sandbox.brain import Hit, Seen, respond
from nanogpt_client.sandbox.brain.check import valid
from nanogpt_client.sandbox.brain.pattern import FORMATS, example
from nanogpt_client.sandbox.brain.schema import fill
from nanogpt_client.sandbox.brain.source import Source
from tests.sandbox.brain.chats import INTEGER, TEXT, ask, schema, user

ADA = "Ada Lovelace, 36, lives in London."


class Person(BaseModel):
    """A person."""

    name: str = Field(description="the full name")
    age: int
    city: str | None = None


class Answer(BaseModel):
    """An answer with its sources."""

    answer: str
    confidence: float = Field(ge=0, le=1)
    sources: list[str]


def structured(content: Any, under: dict[str, Any], **given: Any) -> Any:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": under}}
    turn = respond({"messages": [user(content)], "response_format": wanted}, **given)
    value = json.loads(turn.text)
    jsonschema.Draft202012Validator(under).validate(value)
    return value


def test_fills_from_the_conversation():
    assert structured(ADA, Person.model_json_schema()) == {
        "name": "Ada Lovelace", "age": 36, "city": "London"
    }  # fmt: skip
    films = schema(title=TEXT, director=TEXT, year=INTEGER)
    assert structured("The film Solaris was directed by Andrei Tarkovsky in 1972.", films) == {
        "title": "Solaris", "director": "Andrei Tarkovsky", "year": 1972
    }  # fmt: skip


def test_fills_lists_of_records():
    people = schema(people={"type": "array", "items": schema(name=TEXT, age=INTEGER)})
    assert structured("Ada is 36 and Bob is 25.", people) == {
        "people": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 25}]
    }


def test_answers_from_context():
    prompt = "Context: The lamp was lit by Ida Brandt.\nQuestion: Who lit the lamp?"
    value = structured(prompt, Answer.model_json_schema())
    assert value["answer"] == "The lamp was lit by Ida Brandt."


def test_unknown_optional_values_stay_null():
    assert structured("Ada is 36.", Person.model_json_schema()).get("city") is None


def test_fills_from_pictures_and_web_results():
    picture = schema(color=TEXT, width=INTEGER, height=INTEGER)
    seen = [Seen(0, "a 64x48 PNG, mostly blue (#0000ff)")]
    assert structured("Describe it.", picture, seen=seen) == {
        "color": "blue", "width": 64, "height": 48
    }  # fmt: skip
    hits = [Hit("Lamps", "https://a.example/", "The lamp was lit by Ida Brandt.", "2024-01-01")]
    value = structured("Who lit the lamp?", schema(answer=TEXT), hits=hits)
    assert "Ida Brandt" in value["answer"]


@pytest.mark.parametrize("parser", [LangChainParser, LlamaIndexParser])
def test_schemas_printed_in_prompts(parser):
    if parser is LangChainParser:
        instructions = LangChainParser(pydantic_object=Person).get_format_instructions()
        prompts = [f"Answer the user query.\n{instructions}\n{ADA}\n", f"{ADA}\n\n{instructions}"]
    else:
        prompts = [LlamaIndexParser(Person).format(ADA)]  # its braces are doubled
        prompts.append(f"{ADA}{LlamaIndexParser(Person).get_format_string(escape_json=False)}")
    for prompt in prompts:
        value = Person.model_validate_json(ask(prompt).text)
        assert value == Person(name="Ada Lovelace", age=36, city="London")


@pytest.mark.parametrize(
    ("prompt", "value"),
    [
        ("Extract the data as JSON with keys name and age: Bob is 25 years old.",
         {"name": "Bob", "age": 25}),
        ('Return JSON like {"city": "x", "population": 1}: Paris has 2100000 inhabitants.',
         {"city": "Paris", "population": 2100000}),
    ],
)  # fmt: skip
def test_json_mode_takes_the_keys_of_the_prompt(prompt, value):
    assert json.loads(ask(prompt, response_format={"type": "json_object"}).text) == value
    assert json.loads(ask(prompt).text) == value


def test_json_mode_without_keys_is_an_object():
    value = json.loads(ask("Say something", response_format={"type": "json_object"}).text)
    assert set(value) == {"answer"}
    joke = (
        "Tell me a joke about cats. Return the result as a JSON with the 'setup' and 'punchline' "
        "keys. Return nothing other than JSON."
    )
    value = json.loads(ask(joke, response_format={"type": "json_object"}).text)
    assert set(value) == {"setup", "punchline"}
    assert value["setup"] != value["punchline"]
    assert "cats" in value["setup"]


NODE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["value", "next", "children"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}
EDGES = [
    NODE,
    {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}},
     "required": ["kids"]},
    {"type": ["string", "null"]},
    {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 9, "multipleOf": 4},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.1},
    {"type": "string", "pattern": "^[A-Z]{3}-\\d{4}$"},
    {"type": "string", "pattern": "^(foo|bar)+[^a-z]*$", "minLength": 12},
    {"type": "string", "minLength": 40, "maxLength": 42},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"type": "string", "format": "time"}, "minItems": 3,
     "uniqueItems": True},
    {"type": "array", "items": schema(n=INTEGER), "minItems": 3, "uniqueItems": True},
    {"type": "array", "prefixItems": [TEXT, INTEGER], "items": False, "minItems": 2},
    {"type": "array", "contains": {"const": 7}, "minContains": 2},
    {"type": "object", "additionalProperties": INTEGER, "minProperties": 2},
    {"type": "object", "patternProperties": {"^x-": INTEGER}, "additionalProperties": False,
     "minProperties": 1},
    {"type": "object", "required": ["free"], "properties": {}},
    {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["a"],
     "dependentRequired": {"a": ["b"]}},
    {"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 100}]},
    {"allOf": [schema(a=TEXT), schema(b=INTEGER)]},
    {"allOf": [{"minimum": 5}, {"maximum": 6}], "type": "integer"},
    {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"],
     "if": {"properties": {"kind": {"const": "a"}}}, "then": {"required": ["x"]}},
    {"type": "string", "not": {"const": "text"}},
    {"const": {"a": [1, None]}},
    {"enum": [None, 3]},
    {"anyOf": [{"type": "null"}, schema(when={"type": "string", "format": "date-time"})]},
]  # fmt: skip


@pytest.mark.parametrize("under", EDGES, ids=lambda each: json.dumps(each)[:60])
@pytest.mark.parametrize("text", ["", ADA, "a, b and c on 2024-05-01 at https://a.example/ 7 or 8"])
def test_edges_of_json_schema(under, text):
    value = fill(under, Source((text,)))
    jsonschema.Draft202012Validator(under).validate(value)
    assert valid(value, under, under)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_formats(name):
    under = {"type": "string", "format": name}
    value = fill(under, Source(()))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.validate(value, under, format_checker=checker)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\+?[1-9]\d{1,14}$",
        r"[\w.-]+@x\.io",
        r"^#[0-9a-f]{6}$",
        r"^(?:a|b){2,3}\s\S$",
        r"\x41\u0042\n",
        r"[^a-z\d]{2}",
        r"[\w-]+?\.",
        r"^\d{2,}$",
        r"(?P<year>\d{4})",
    ],
)
def test_patterns(pattern):
    jsonschema.validate(example(pattern), {"type": "string", "pattern": pattern})


def test_patterns_beyond_the_reader():
    assert example(r"^(?=a)b") is None
    assert example(r"(a)\1") is None
    assert example(r"a{2") in {None, "a{2"}
    for broken in ("(a", "[a", "a\\", "*a", "a)", r"\x4", r"\1", "(?#x)a"):
        assert example(broken) is None


_LEAVES = st.one_of(
    st.builds(lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
              st.integers(0, 30), st.integers(0, 30)),
    st.builds(lambda kind, low, more: {"type": kind, "minimum": low, "maximum": low + more},
              st.sampled_from(["integer", "number"]), st.integers(-50, 50), st.integers(0, 50)),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, {"type": "string"}, True]),
    st.builds(lambda each: {"type": "string", "format": each},
              st.sampled_from(["date", "date-time", "email", "uri", "uuid", "ipv4"])),
    st.builds(lambda each: {"enum": each},
              st.lists(st.sampled_from(["red", "blue", 1, 2.5, True, None]), min_size=1)),
)  # fmt: skip
_KEYS = st.sampled_from(["name", "city", "age", "tags", "url", "when", "ok", "notes", "answer"])


def _composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(_KEYS, inner, max_size=4)
    return st.one_of(
        st.builds(lambda each, extra: {**schema(**each), "additionalProperties": extra},
                  members, st.booleans()),
        st.builds(lambda each: {"type": "object", "properties": each}, members),
        st.builds(lambda each, low, more: {"type": "array", "items": each, "minItems": low,
                                           "maxItems": low + more},
                  inner, st.integers(0, 3), st.integers(0, 3)),
        st.builds(lambda each: {"anyOf": each}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda each: {"type": "object", "additionalProperties": each}, inner),
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.recursive(_LEAVES, _composed, max_leaves=8), st.sampled_from(["", ADA, "red, blue; 1 2"]))
def test_any_schema_gets_a_valid_instance(under, text):
    value = fill(under, Source((text,)))
    jsonschema.Draft202012Validator(under).validate(value)


def test_what_cannot_be_met_still_ends():
    endless = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
    assert isinstance(fill(endless, Source((ADA,))), dict)
    assert fill({"type": "string", "enum": []}, Source(("x",))) is not False
    fill({"$ref": "#/nowhere"}, Source(("x",)))
    fill({"$ref": "#"}, Source(("x",)))
