"""Tables and short reprs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from typing import Any

import numpy as np

import nanogpt_client
from nanogpt_client.types.display import Readable, Table

LONG_ID = "owner/" + "very-long-name-" * 8


def test_numbers_stand_right_and_texts_left():
    table = Table(("model", "USD", "calls"), [("a", Decimal("1E-7"), 12345), ("long", None, 1)])
    assert str(table).splitlines() == [
        "model        USD   calls",
        "a      0.0000001  12,345",
        "long                   1",
    ]


def test_empty_columns_go():
    assert str(Table(("a", "b", "c"), [(1, None, ""), (2, None, None)])) == "a\n1\n2"
    assert "<th " not in Table(("a",), [])._repr_html_()


def test_a_limit_says_how_many_more_there_are():
    table = Table(("n",), [(n,) for n in range(1500)], limit=2)
    assert str(table).splitlines() == ["n", "0", "1", "… and 1,498 more"]
    assert "1,498 more" in table._repr_html_()
    assert table._repr_html_().count("<tr>") == 3


def test_ids_never_break():
    table = Table(("model", "about"), [(LONG_ID, "some words\nof it")])
    assert f"{LONG_ID}  some words of it" in str(table)
    assert (
        f'<td style="text-align: left; white-space: nowrap">{LONG_ID}</td>' in table._repr_html_()
    )


def test_html_is_escaped_and_right_aligned():
    shown = Table(("<h>", "n"), [("<script>", 1)])._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "&lt;h&gt;" in shown
    assert re.search(r'<td style="text-align: right[^>]*>1</td>', shown)


@dataclass(frozen=True, slots=True, repr=False)
class Result(Readable):
    text: str = ""
    cost: Decimal | None = None
    items: tuple[Any, ...] = ()
    data: bytes | None = None
    vectors: Any = None
    flag: bool = False
    inner: Result | None = None
    options: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)


def test_a_repr_leaves_out_what_is_empty_and_the_raw_response():
    assert repr(Result(raw={"secret": "noise"})) == "Result(flag=False)"


def test_a_repr_is_short_whatever_the_result_has():
    whole = Result(
        text="x" * 10_000,
        cost=Decimal("0E-9"),
        items=tuple({"key": n} for n in range(50)),
        data=b"\x00" * 5_000_000,
        vectors=np.zeros((300, 1536), np.float32),
        inner=Result(text="y" * 10_000),
        options={str(n): "z" * 1000 for n in range(100)},
    )
    shown = repr(whole)
    assert len(shown) < 1000
    assert "cost=0," in shown
    assert "items=<50 items>" in shown
    assert "data=<5,000,000 bytes>" in shown
    assert "vectors=<float32 of shape (300, 1536)>" in shown


def test_numbers_in_a_repr_have_no_exponent():
    shown = repr(Result(items=({"usd": 5.075e-05}, float("nan"), Decimal("2E-8"))))
    assert "0.00005075" in shown
    assert "nan" in shown
    assert "0.00000002" in shown


def test_no_public_result_shows_its_raw_response():
    exported = (getattr(nanogpt_client, name) for name in nanogpt_client.__all__)
    classes = [each for each in exported if isinstance(each, type) and is_dataclass(each)]
    results = [cls for cls in classes if any(f.name == "raw" for f in fields(cls))]
    assert len(results) > 20
    for cls in results:
        assert cls.__repr__ in {Readable.__repr__, nanogpt_client.ModelList.__repr__}, cls
