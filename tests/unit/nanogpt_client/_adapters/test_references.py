"""Schemas without references mean the same; Gemini gets no others, through both frameworks."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

import pytest
from langchain_core.tools import StructuredTool
from llama_index.core import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, Field

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT
from nanogpt_client._adapters.references import schemas_for, without_references
from nanogpt_client._adapters.schema_check import fits
from nanogpt_client.sandbox import SandboxApp
from tests.support.in_process import connection


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Part(BaseModel):
    """One of many."""

    colour: Colour = Field(description="what it looks like")
    size: int = 1


class Thing(BaseModel):
    first: Part
    others: list[Part] = []
    last: Part | None = Field(default=None, description="if any")


class Tree(BaseModel):
    value: int
    kids: list[Tree] = []


def test_definitions_stand_where_they_are_used():
    plain = without_references(Thing.model_json_schema())
    assert "$ref" not in json.dumps(plain)
    assert "$defs" not in plain
    part = plain["properties"]["first"]
    assert part == plain["properties"]["others"]["items"]
    assert part["description"] == "One of many."
    assert part["properties"]["colour"]["enum"] == ["red", "blue"]
    assert part["properties"]["colour"]["description"] == "what it looks like"
    assert fits({"first": {"colour": "red"}}, plain)
    assert not fits({"first": {"colour": "green"}}, plain)


def test_properties_may_have_the_names_of_keywords():
    names = {
        "$ref": {"type": "string"},
        "default": {"$ref": "#/$defs/A"},
        "$defs": {"type": "null"},
    }
    schema = {"type": "object", "properties": names, "$defs": {"A": {"type": "integer"}}}
    expected = {**names, "default": {"type": "integer"}}
    assert without_references(schema) == {"type": "object", "properties": expected}
    data = {"const": {"$ref": "#/$defs/A"}, "$defs": {"A": {}}}
    assert without_references(data) == {"const": {"$ref": "#/$defs/A"}}


def doubling(levels: int) -> dict[str, Any]:
    """Return a schema that doubles with each level."""
    pair = [{"properties": {k: {"$ref": f"#/$defs/{n + 1}"} for k in "ab"}} for n in range(levels)]
    return {"$ref": "#/$defs/0", "$defs": {str(n): each for n, each in enumerate([*pair, {}])}}


@pytest.mark.parametrize(
    "schema",
    [
        Tree.model_json_schema(),
        doubling(30),
        {"properties": {"a": {"$ref": "#/$defs/Nowhere"}}, "$defs": {}},
        {"properties": {"a": {"$ref": "https://e.org/a.json"}}, "$defs": {}},
    ],
    ids=["recursive", "very large", "nowhere", "elsewhere"],
)
def test_what_cannot_be_without_references_stays(schema):
    before = json.dumps(schema)
    assert without_references(schema) == schema
    assert json.dumps(schema) == before


class Keep(BaseModel):
    thing: Thing


def keep(thing: Thing) -> str:
    """Keep a thing."""
    return thing.first.colour.value


def bodies(model: str) -> list[str]:
    """Return what both frameworks send to a model to offer a tool, and to ask for an object."""
    app = SandboxApp(rate=None)
    theirs = ChatNanoGPT(model=model, **connection(app))
    ours = NanoGPT(model=model, **connection(app))
    theirs.bind_tools([StructuredTool.from_function(keep)]).invoke("Keep a red one.")
    ours.chat_with_tools([FunctionTool.from_defaults(keep, fn_schema=Keep)], "Keep a red one.")
    theirs.with_structured_output(Thing, method="json_schema").invoke("A red one.")
    ours.structured_predict(Thing, PromptTemplate("A red one."))
    return [json.dumps(request.json) for request in app.requests]


@pytest.mark.parametrize(
    ("model", "are_sent"), [("google/gemini-3-pro-preview", False), ("openai/gpt-5.2", True)]
)
def test_gemini_gets_no_references(model, are_sent):
    sent = bodies(model)
    assert len(sent) == 4
    assert all("One of many." in body for body in sent)
    assert [("$ref" in body) for body in sent] == [are_sent] * 4


def test_options_without_schemas_stay():
    options = {
        "temperature": 0,
        "response_format": {"type": "json_object"},
        "tools": [{"type": "x"}],
    }
    assert schemas_for("google/gemini-3-pro-preview", options) == options
