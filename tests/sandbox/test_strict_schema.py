"""Schemas that a provider behind NanoGPT refuses are refused here, with the place inside them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanogpt_client.sandbox import ChatRequest, SandboxApp, TestModel, Turn
from nanogpt_client.sandbox.answers.schema_instance import NoInstanceError
from tests.sandbox.asking import chat, code, message

TEXT = {"type": "string"}
CLOSED = {"type": "object", "properties": {"a": TEXT}, "required": ["a"],
          "additionalProperties": False}  # fmt: skip
FORMAT_PLACE = "response_format.json_schema.schema"
TOOL_PLACE = "tools[0].function.parameters"


def closed(**properties: Any) -> dict[str, Any]:
    return {**CLOSED, "properties": properties, "required": list(properties)}


def model(request: ChatRequest) -> Turn:
    """Say `{}` where a schema without strictness has no instance."""
    try:
        return TestModel()(request)
    except NoInstanceError:
        return Turn("{}")


def answered(schema: Any, strict: Any = True, **body: Any) -> Any:
    """Ask for an answer that follows a schema."""
    wanted = {"name": "person", "strict": strict, "schema": schema}
    form = {"type": "json_schema", "json_schema": wanted}
    return chat(SandboxApp(model=model), response_format=form, **body)


def called(schema: Any, **function: Any) -> Any:
    """Offer a tool with the schema of its arguments."""
    tool = {"type": "function", "function": {"name": "look", "parameters": schema, **function}}
    return chat(SandboxApp(), tools=[tool])


NOT_STRICT = [
    ({"type": "object", "properties": {"a": TEXT}}, "additionalProperties"),
    ({**CLOSED, "additionalProperties": True}, "additionalProperties"),
    ({**CLOSED, "required": []}, "missing 'a'"),
    ({**CLOSED, "required": ["a", "b"]}, "'b'"),
    ({**closed(a=TEXT, b=TEXT), "required": ["a"]}, "missing 'b'"),
    (closed(a={"oneOf": [TEXT]}), "('properties', 'a'), 'oneOf' is not permitted"),
    (closed(a={"allOf": [TEXT]}), "'allOf' is not permitted"),
    (closed(a={**TEXT, "default": "x"}), "('properties', 'a'), 'default' is not permitted"),
    (closed(a={**TEXT, "maxLength": 5}), "'maxLength' is not permitted"),
    (closed(a={"type": "array", "items": TEXT, "uniqueItems": True}), "'uniqueItems'"),
    (closed(a={"type": "array", "prefixItems": [TEXT]}), "'prefixItems' is not permitted"),
    (closed(a={"type": "array"}), "array schema missing items"),
    (closed(a={"type": "array", "items": {"type": "object"}}), "('properties', 'a', 'items')"),
    (closed(a={"anyOf": [TEXT, {"type": "object", "properties": {}}]}), "'anyOf', '1'"),
    (closed(a={"type": ["object", "null"], "properties": {}}), "additionalProperties"),
    (closed(a={}), "'type' key"),
    (closed(a=True), "'type' key"),
    (closed(a={"type": "text"}), "'text' is not a valid type"),
    (closed(a={**TEXT, "format": "uri"}), "'uri' is not a valid format"),
    (closed(a={"$ref": "#/$defs/Gone"}), "points to no definition"),
    ({**closed(a={"$ref": "#/$defs/B", "description": "x"}), "$defs": {"B": TEXT}}, "description"),
    ({**closed(a={"$ref": "#/$defs/B"}), "$defs": {"B": {"type": "object"}}}, "('$defs', 'B')"),
    ({"anyOf": [CLOSED], "type": "object"}, "root"),
    ({"type": "array", "items": TEXT}, "root"),
]


@pytest.mark.parametrize(("schema", "said"), NOT_STRICT)
def test_what_strict_mode_cannot_express(schema, said):
    for stream in (False, True):
        reply = answered(schema, stream=stream)
        assert code(reply) == (400, "invalid_json_schema")
        error = reply.json()["error"]
        assert (error["type"], error["param"]) == ("invalid_request_error", FORMAT_PLACE)
        start = "Invalid schema for response_format 'person': in context=("
        assert error["message"].startswith(start)
        assert said in error["message"]
    assert answered(schema, strict=False).status == answered(schema, strict=None).status == 200
    reply = called(schema, strict=True)
    assert code(reply) == (400, "invalid_tool_spec")
    assert reply.json()["error"]["param"] == TOOL_PLACE


def nested(levels: int, schema: Any) -> Any:
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(("schema", "said"), [
    (closed(a={"type": {}}), "{} is not a valid type"),
    (closed(a={**TEXT, "format": []}), "[] is not a valid format"),
    ({**CLOSED, "required": True}, "missing 'a'"),
    (closed(**{f"p{number}": TEXT for number in range(5001)}), "5000 properties"),
    (closed(a={**TEXT, "enum": [str(number) for number in range(1001)]}), "1000 enum values"),
    (closed(a=nested(400, {"type": "array"})), ""),
])  # fmt: skip
def test_broken_schemas_and_large_ones(schema, said):
    assert code(answered(schema)) == (400, "invalid_json_schema")
    assert said in answered(schema).json()["error"]["message"]


def test_eleven_levels_are_too_many():
    schema = closed(a=TEXT)
    for _ in range(9):
        schema = closed(a=schema)
    assert answered(schema).status == 200
    assert "levels" in answered(closed(a=schema)).json()["error"]["message"]


@pytest.mark.parametrize("schema", [
    CLOSED, closed(),
    {**CLOSED, "title": "A", "description": "x", "$schema": "x", "examples": []},
    closed(a={"type": ["string", "null"]}, b={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    closed(a={"enum": ["x"]}, b={"const": "y"}, c={**TEXT, "pattern": "^2", "format": "date"}),
    closed(a={"type": "array", "items": CLOSED, "minItems": 1, "maxItems": 2}),
    {**closed(a={"$ref": "#/$defs/B"}), "$defs": {"B": closed(b=TEXT)}},
    closed(a={"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
    closed(default=TEXT, oneOf=TEXT),  # names of properties, no keywords
])  # fmt: skip
def test_what_strict_mode_can_express(schema):
    assert json.loads(message(answered(schema))["content"]).keys() == schema["properties"].keys()
    assert called(schema, strict=True).status == 200


def with_a(schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}}


@pytest.mark.parametrize(("schema", "said"), [
    ({"type": "object"}, "object schema missing properties"),
    ({"type": "object", "additionalProperties": True}, "object schema missing properties"),
    ({}, "got None"), ({"properties": {}}, "got None"), ({"type": "string"}, "got 'string'"),
    ({"type": "object", "properties": {}, "anyOf": [{"required": ["a"]}]}, "at the top"),
    (with_a({"type": "array"}), "in context=('properties', 'a'), array schema missing items"),
    (with_a({"type": "array", "items": [TEXT]}),
     "in context=('properties', 'a', 'items'), [{'type': 'string'}] is not of type"),
    (with_a({**TEXT, "required": True}),
     "in context=('properties', 'a', 'required'), True is not of type 'array'"),
    (with_a([]), "[] is not of type 'object', 'boolean'"),
    (with_a({"type": "text"}), "'text' is not"), (with_a(nested(400, TEXT)), ""),
])  # fmt: skip
def test_arguments_of_tools_are_objects_with_properties(schema, said):
    reply = called(schema)
    assert code(reply) == (400, "invalid_tool_spec")
    error = reply.json()["error"]
    assert error["param"] == TOOL_PLACE
    assert error["message"].startswith("Invalid schema for function 'look': in ")
    assert said in error["message"]


@pytest.mark.parametrize("schema", [
    None, {"type": "object", "properties": {}}, with_a({"type": "object"}),
    with_a({"oneOf": [TEXT]}), with_a({"type": "array", "items": {}}), with_a({}),
])  # fmt: skip
def test_arguments_of_tools_that_are_fine(schema):
    assert called(schema).status == 200


@pytest.mark.parametrize("name", ["look at", "a.b", "x" * 65, "schön"])
def test_names_of_tools_and_schemas_are_plain(name):
    reply = called({"type": "object", "properties": {}}, name=name)
    assert code(reply) == (400, "invalid_tool_spec")
    assert reply.json()["error"]["param"] == "tools[0].function.name"
    wanted = {"type": "json_schema", "json_schema": {"name": name, "schema": CLOSED}}
    reply = chat(SandboxApp(), response_format=wanted)
    assert reply.json()["error"]["param"] == "response_format.json_schema.name"
