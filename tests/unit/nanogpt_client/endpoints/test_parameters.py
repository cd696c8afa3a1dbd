"""What list entries say of parameters, in every shape that lists have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.endpoints._parameters import Parameter, parameter, plain
from nanogpt_client.types.catalog import Model
from tests.support.driving import ODD_VALUES


def listed(**parameters: Any) -> Model:
    return Model.read({"id": "m", "supported_parameters": parameters})


SELECT = {
    "type": "select",
    "default": "5",
    "options": [{"value": "4", "label": "4 seconds"}, {"value": 5}, "6"],
}


@pytest.mark.parametrize(
    ("model", "found"),
    [
        (listed(x=["a", "b"]), Parameter(("a", "b"))),
        (listed(x=[5, 10]), Parameter(("5", "10"))),
        (listed(x=[{"id": "a", "name": "Ann"}, {"voice_id": "b"}]), Parameter(("a", "Ann", "b"))),
        (listed(x={"en": ["a", "b"], "fr": [{"id": "c"}]}), Parameter(("a", "b", "c"))),
        (listed(x={"type": "enum", "values": ["a"], "default": "a"}), Parameter(("a",), "a")),
        (
            listed(x={"type": "range", "min": 1, "max": 4, "default": 2}),
            Parameter((), "2", Decimal(1), Decimal(4)),
        ),
        (listed(x=512), Parameter(most=Decimal(512))),
        (listed(x="20000"), Parameter(most=Decimal(20000))),
        (listed(parameters={"x": SELECT}), Parameter(("4", "5", "6"), "5")),
        (listed(parameters={"x": SELECT}, defaults={"x": "5s"}), Parameter(("4", "5", "6"), "5")),
        (listed(parameters={"x": SELECT}, defaults={"x": "4"}), Parameter(("4", "5", "6"))),
        (
            listed(parameters={"x": {"type": "switch"}}, defaults={"x": False}),
            Parameter((), "false"),
        ),
        (
            listed(parameters={"x": {"type": "number", "max": 9, "options": [{"value": 3}]}}),
            Parameter(most=Decimal(9)),
        ),
        (listed(y=["a"]), Parameter()),
        (Model.read({"id": "m", "supported_parameters": ["x"]}), Parameter()),
    ],
)
def test_shapes(model, found):
    read = parameter(model, "other", "x")
    assert (read.values, read.least, read.most) == (found.values, found.least, found.most)
    assert plain(read.default) == plain(found.default)


@pytest.mark.parametrize("odd", [*ODD_VALUES, [{"x": 1}], {"values": None}, {"en": {"a": "b"}}])
def test_odd_shapes_say_nothing_or_something(odd):
    for model in (
        listed(x=odd),
        listed(parameters={"x": odd}),
        listed(parameters=odd, defaults=odd),
    ):
        assert all(isinstance(value, str) for value in parameter(model, "x").values)


@pytest.mark.parametrize(
    "written",
    [("1024x1024", "1024*1024", "1024X1024", "1024×1024"), (5, 5.0, "5", "5s", "5.0"),
     ("4k", "4K"), ("text-to-video", "text_to_video"), ("MP3", "mp3", " mp3 ")],
)  # fmt: skip
def test_one_value_is_written_in_many_ways(written):
    assert len({plain(value) for value in written}) == 1
