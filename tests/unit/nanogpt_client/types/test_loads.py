"""The fast parser takes what it can; all else is as the standard library has it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.types._coerce import loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_values_come_back_as_they_are(value, ascii_alone):
    text = json.dumps(value, ensure_ascii=ascii_alone)
    assert repr(loads(text)) == repr(json.loads(text))
    assert repr(loads(text.encode("utf-8", "surrogatepass"))) == repr(json.loads(text))


@pytest.mark.parametrize(
    "data",
    [
        b"[1e999]", b'{"a": 1, "a": 2}', b"[1234567890123456789012]",
        b"[0.1000000000000000055511151231257827, 5e-324, -0, -0.0]", b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"), b"[" * 200 + b"]" * 200, b"[-Infinity]", b'"\\u0000"',
    ],
)  # fmt: skip
def test_odd_values_are_what_the_standard_library_makes_of_them(data):
    assert repr(loads(data)) == repr(json.loads(data))


@pytest.mark.parametrize(
    "data",
    [
        b"", b" ", b"{", b"[1,]", b'{"a":1,}', b"[01]", b"[1.]", b"[+1]", b"{}x", b"nan", b"[.5]",
        b'"\x01"', b"9" * 5000, b"<html>", b"[" * 100_000,
        b"[" * 300 + b"]" * 300, b'["\\ud83d",' + b"[" * 5000 + b"]" * 5001,
    ],
)  # fmt: skip
def test_what_is_no_json_is_a_value_error(data):
    with pytest.raises(ValueError):  # noqa: PT011 - any kind of it, whatever it says
        loads(data)


def test_no_number_stays_no_number():
    assert math.isnan(loads(b"NaN"))


def test_a_broken_byte_is_replaced():
    assert loads(b'{"a": "x\xffy"}') == {"a": "x\ufffdy"}
