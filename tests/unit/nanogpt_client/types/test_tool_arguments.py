"""Arguments of tool calls: what is read, what never is, and objects that come in pieces."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.types.chat import ToolCall
from nanogpt_client.types.tool_arguments import ObjectScanner, is_plain_object, read_arguments

OBJECTS = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just('{"a": [1}\\'),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
        ),
        max_leaves=5,
    ),
    max_size=3,
)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", {}),
        (" \n", {}),
        ("null", {}),
        ("{}", {}),
        ('""', {}),
        (' {"a": 1}\n', {"a": 1}),
        ('{"a": "x\ny\tz"}', {"a": "x\ny\tz"}),
        ('{}{"a": 1}', {"a": 1}),
        ('{} {} {"a": 1}', {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('" "', {}),
        ("{" + '"a": 1, ' * 9999 + '"a": 2}', {"a": 2}),
    ],
)
def test_what_is_unambiguous_is_read(text, read):
    assert read_arguments(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"a": ',
        '{"a": "x',
        '{"a": 1',
        '"{\\"a\\": ',
        "[1]",
        "[]",
        "7",
        "0",
        "false",
        '"text"',
        "text",
        '{"a": NaN}',
        '{"a": 1}{"b": 2}',
        '{"a": 1}{}',
        '{"a": 1} and so on',
        "null{}",
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_what_is_no_object_is_an_error(text):
    with pytest.raises(ValueError, match=r"."):
        read_arguments(text)


@given(OBJECTS)
def test_half_an_object_is_never_read(value):
    text = json.dumps(value)
    for end in range(1, len(text)):
        with pytest.raises(ValueError, match=r"."):
            read_arguments(text[:end])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("{}", True), (' {"a": 1}', True), ("", False), ("[1]", False), ('{"a": NaN}', False),
        ('{"a": "x\ny"}', False), ('{}{"a": 1}', False), ("[" * 100_000, False),
    ],
)  # fmt: skip
def test_what_a_provider_takes_as_an_object(text, plain):
    assert is_plain_object(text) is plain


@given(OBJECTS, st.integers(1, 7), st.sampled_from([None, 1]), st.sampled_from(["", "}", ' {"']))
def test_an_object_in_pieces_ends_where_it_ends(value, size, indent, behind):
    text = json.dumps(value, indent=indent, ensure_ascii=False) + behind
    scanner, passed, rest = ObjectScanner(), "", ""
    for at in range(0, len(text), size):
        inside, outside = scanner.feed(text[at : at + size])
        passed, rest = passed + inside, rest + outside
    assert scanner.whole
    assert (json.loads(passed), rest) == (value, behind)


def test_control_characters_within_texts_are_escaped():
    scanner = ObjectScanner()
    pieces = ['{\n"a": "x\n', "\ty\\", '\\z\x00"\n}']
    passed = "".join(scanner.feed(piece)[0] for piece in pieces)
    assert json.loads(passed) == {"a": "x\n\ty\\z\x00"}


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (ToolCall("c", "f", ""), None),
        (ToolCall("c", "", "{}"), "the call names no tool"),
        (ToolCall("c", "f", "[1]"), "the arguments of 'f' are not a JSON object: '[1]'"),
    ],
)
def test_a_call_says_why_it_cannot_be_carried_out(call, problem):
    assert call.problem == problem


@pytest.mark.parametrize(("levels", "read"), [(199, True), (201, False), (5_000, False)])
def test_how_deep_arguments_may_be_does_not_depend_on_python(levels, read):
    text = '{"a": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"
    if read:
        assert read_arguments(text)
    else:
        with pytest.raises(ValueError, match="deep"):
            read_arguments(text)


def test_wide_arguments_are_not_deep():
    wide = {"rows": [{"cells": [1, 2]} for _ in range(1_000)]}
    assert read_arguments(json.dumps(wide)) == wide
