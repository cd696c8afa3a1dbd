"""Bad input is refused before anything is sent, with a message that says what and where."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client.endpoints._checks import (
    MAX_TOOLS_BYTES,
    check_messages,
    check_model,
    check_text,
    check_tools,
    is_url,
    read_file,
)
from nanogpt_client.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("messages", "match"),
    [
        ([], "at least one message"),
        ((), "at least one message"),
        (None, "at least one message"),
        ({"role": "user"}, "at least one message"),
        (iter([{"role": "user", "content": "hi"}]), "at least one message"),
        ("", "messages must be a non-empty string"),
        ("  \n", "messages must be a non-empty string"),
        (["hi"], r"messages\[0\] must be a dict with a role"),
        (b"hi", r"messages\[0\] must be a dict with a role"),
        ([{"content": "hi"}], r"messages\[0\] has the role None"),
        (
            [{"role": "user", "content": "hi"}, {"role": "bot"}],
            r"messages\[1\].*'bot'; use one of .*user",
        ),
        ([{"role": ["user"], "content": "hi"}], r"the role \['user'\]"),
        ([{"role": "user"}], r"messages\[0\] \(user\) has no content"),
        ([{"role": "system", "content": None}], "has no content"),
        ([{"role": "tool", "content": "42"}], "needs the tool_call_id"),
    ],
)
def test_messages_that_nanogpt_would_refuse(messages, match):
    with pytest.raises(InvalidArgumentError, match=match) as caught:
        check_messages(messages)
    assert caught.value.param == "messages"


def test_a_text_is_a_users_message():
    assert check_messages("hi") == [{"role": "user", "content": "hi"}]


def test_a_conversation_is_copied_and_kept():
    given = [
        {"role": "developer", "content": "be kind"},
        {"role": "user", "content": ""},
        {"role": "assistant", "content": None, "tool_calls": [{}]},
        {"role": "tool", "content": "42", "tool_call_id": "i"},
        {"role": "function", "content": "42", "name": "f"},
        {"role": "system", "content": "", "configuration_update": {"reasoning": {}}},
        {"role": "developer", "configuration_update": {"reasoning": {}}},
    ]
    checked = check_messages(given)
    assert checked == given
    assert checked[0] is not given[0]
    assert check_messages(tuple(given)) == given


@pytest.mark.parametrize("model", [None, "", "  ", 5, ["m"]])
def test_a_model_must_be_named(model):
    with pytest.raises(InvalidArgumentError, match="model must be a model id"):
        check_model(model)


@pytest.mark.parametrize("text", [None, "", "  ", 5])
def test_a_text_must_say_something(text):
    with pytest.raises(InvalidArgumentError, match="prompt must be a non-empty string") as caught:
        check_text("prompt", text)
    assert caught.value.param == "prompt"


def tool(name: str = "f", description: str = "") -> dict:
    return {"type": "function", "function": {"name": name, "description": description}}


@pytest.mark.parametrize(
    ("tools", "match"),
    [
        ("f", "tools must be a list"),
        ({"f": 1}, "tools must be a list"),
        ([tool(), "f"], r"tools\[1\] must be"),
        ([{"type": "function"}], r"tools\[0\] must be"),
        ([{"function": {"description": "no name"}}], r"tools\[0\] must be"),
        ([{"function": {"name": ""}}], r"tools\[0\] must be"),
        ([{"function": {"name": "f", "parameters": object()}}], "cannot be encoded as JSON"),
    ],
)
def test_malformed_tools(tools, match):
    with pytest.raises(InvalidArgumentError, match=match):
        check_tools(tools)


@pytest.mark.parametrize(
    "name", ["get weather", "mcp.search", "a/b", "Page[int]", "é", "x" * 65, 5]
)
def test_a_name_that_providers_refuse_is_told_before_anything_is_sent(name):
    with pytest.raises(InvalidArgumentError, match=r"tools\[1\] is named .* providers refuse"):
        check_tools([tool(), tool(name)])
    check_tools([tool("a-Z_9" + "x" * 59)])


@pytest.mark.parametrize(
    "parameters", [None, {}, {"type": "object"}, True, {"$schema": "s", "type": "object"}]
)
def test_every_tool_has_an_object_of_arguments(parameters):
    given: Any = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    (sent,) = check_tools([given])
    assert sent["function"]["parameters"] == {"type": "object", "properties": {}}
    assert given["function"]["parameters"] == parameters
    (bare,) = check_tools([tool()])
    assert bare["function"]["parameters"] == {"type": "object", "properties": {}}


def test_a_tool_that_says_strict_is_closed_if_it_can_be():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    function = {"name": "f", "strict": True, "parameters": schema}
    (sent,) = check_tools([{"type": "function", "function": function}])
    closed = {**schema, "required": ["a"], "additionalProperties": False}
    assert sent["function"]["parameters"] == closed
    loose = {"type": "object", "properties": {"a": {}}}
    (sent,) = check_tools([{"type": "function", "function": function | {"parameters": loose}}])
    assert sent["function"]["parameters"] == loose


def test_tools_up_to_200_kb():
    room = MAX_TOOLS_BYTES - len(
        b'[{"type": "function", "function": {"name": "f", "description": ""}}]'
    )
    check_tools([tool(description="x" * room)])
    with pytest.raises(
        InvalidArgumentError, match=r"have 204801 bytes.*204800 \(200 KB\).*largest is 'f'"
    ):
        check_tools([tool(description="x" * (room + 1))])


def test_the_largest_tool_is_named():
    with pytest.raises(InvalidArgumentError, match="the largest is 'big'"):
        check_tools([tool("small"), tool("big", "x" * 300_000), tool("other", "x" * 1000)])


def test_files_by_path_and_by_bytes(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    assert read_file(path, "audio") == read_file(str(path), "audio") == ("a.wav", b"RIFF")
    assert read_file(b"RIFF", "audio") == ("audio", b"RIFF")


@pytest.mark.parametrize("source", ["missing.wav", ".", "a\0b", "x" * 10_000, None, 5])
def test_files_that_cannot_be_read(source):
    with pytest.raises(InvalidArgumentError, match="audio: cannot read") as caught:
        read_file(source, "audio")
    assert len(str(caught.value)) <= 500


def test_empty_files_are_refused(tmp_path):
    (tmp_path / "a.wav").touch()
    for source in (tmp_path / "a.wav", b""):
        with pytest.raises(InvalidArgumentError, match="audio is empty"):
            read_file(source, "audio")


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("https://a", True),
        ("http://a", True),
        ("data:x", True),
        ("a.png", False),
        (b"http://", False),
    ],
)
def test_urls(source, url):
    assert is_url(source) is url
