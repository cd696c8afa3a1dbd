"""The lenient readers: any JSON value in, the wished value or nothing out."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.types._coerce import (
    as_count,
    as_dict,
    as_float,
    as_int,
    as_list,
    as_number,
    as_text,
    dicts,
    first,
    loads,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(JSON)
def test_every_reader_takes_every_value(value):
    assert isinstance(as_text(value), str)
    assert isinstance(as_dict(value), dict)
    assert isinstance(as_list(value), list)
    assert all(isinstance(item, dict) for item in dicts(value))
    number, whole, count, real = as_number(value), as_int(value), as_count(value), as_float(value)
    assert number is None or number.is_finite()
    assert whole is None or type(whole) is int
    assert count is None or count >= 0
    assert real is None or abs(real) < float("inf")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, "0"),
        (0.1, "0.1"),
        ("129.46", "129.46"),
        (" 7 ", "7"),
        ("1e-7", "0.0000001"),
        (Decimal("2.5"), "2.5"),
        (10**30, "1e30"),
        (10**31, None),
        ("1e31", None),
        ("1e999999999", None),
        (True, None),
        (None, None),
        ("", None),
        ("free", None),
        ("\ud800", None),
        (float("nan"), None),
        (float("-inf"), None),
        ("sNaN", None),
        ([1], None),
    ],
)
def test_as_number(value, number):
    assert as_number(value) == (None if number is None else Decimal(number))


@pytest.mark.parametrize(
    ("value", "whole", "count"),
    [
        (7, 7, 7), (7.0, 7, 7), ("7", 7, 7), ("7.0", 7, 7), (-7, -7, None), (0, 0, 0),
        (7.5, None, None), (True, None, None), (None, None, None), ("x", None, None),
        (10**40, None, None), (-(10**40), None, None),
    ],
)  # fmt: skip
def test_as_int_and_as_count(value, whole, count):
    assert (as_int(value), as_count(value)) == (whole, count)


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (7, "7"), (0.5, "0.5"), (True, ""), (None, ""), ([], ""), ({}, "")],
)
def test_as_text(value, text):
    assert as_text(value) == text


def test_dicts_passes_over_the_rest():
    assert dicts([{"a": 1}, None, 7, {}]) == [{"a": 1}, {}]
    assert dicts({"a": 1}) == []


def test_first_passes_over_null_and_empty_but_not_zero():
    assert first({"a": None, "b": "", "c": 0, "d": 1}, "x", "a", "b", "c", "d") == 0
    assert first({}, "a") is None


@pytest.mark.parametrize("text", ["", "{", b"\xff\xfe{", "[" * 100_000, "9" * 5000, "<html>"])
def test_loads_raises_value_errors_alone(text):
    with pytest.raises(ValueError):  # noqa: PT011 - any
        loads(text)


@given(JSON)
def test_loads_is_json(value):
    text = json.dumps(value)
    assert json.dumps(loads(text)) == text
