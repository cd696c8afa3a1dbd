"""The object in an answer is found whatever stands around it, or none is."""

from __future__ import annotations

import json
import pickle
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, RootModel

from nanogpt_client._adapters.json_in_text import NoObjectError, find_object, partial_object


class Pick(BaseModel):
    currency: str


class Loose(BaseModel):
    currency: str = "none"
    more: Any = None


NANO = '{"currency": "nano"}'
EURO = '{"currency": "euro"}'
FENCED = f"```json\n{NANO}\n```"

OBJECT = {
    "alone": NANO,
    "before prose": f"{NANO}\n\nHope it helps!",
    "before prose on its line": f"{NANO} I hope {{that}} helps.",
    "after prose": f"Here it is: {NANO}",
    "amid prose": f"Here it is: {NANO}. Anything else?",
    "amid a sentence": f"My answer is {NANO} and no other.",
    "braces in prose": f"Of the set {{euro, nano}} only one is free: {NANO}",
    "brackets in prose": f"[note] As of [1] and [2024-01-01]: {NANO} [2]",
    "an open brace in prose": f"A {'{'} smiles. {NANO}",
    "in a fence": FENCED,
    "in a fence without a language": f"```\n{NANO}\n```",
    "in a fence of another language": f"```javascript\n{NANO}\n```",
    "in an open fence": f"```json\n{NANO}",
    "prose around a fence": f"Here:\n{FENCED}\nBye.",
    "behind a fence of something else": f"```python\nprint({{}})\n```\n{FENCED}",
    "twice": f"{NANO}\n{FENCED}",
    "behind thoughts": f"<think>\nMaybe {EURO}? No.\n</think>\n{NANO}",
    "behind thoughts in a fence": f"<think>\n```json\n{EURO}\n```\n</think>\n{FENCED}",
    "between thoughts": f"<think>{EURO}</think>{NANO}<think>{EURO}</think>",
    "behind half an object in thoughts": f'<think>{{"currency": "eu</think>{NANO}',
    "behind thoughts without a beginning": f"Maybe {EURO}? No.\n</think>\n{NANO}",
    "behind half an object without a beginning": f'Maybe {{"currency": "eu\n</think>\n{NANO}',
    "behind capital thoughts": f"<THINKING>{EURO}</THINKING>{NANO}",
    "behind reasoning": f'<reasoning effort="high">{EURO}</reasoning>{NANO}',
    "behind a thought": f"<thought>{EURO}</thought>{NANO}",
    "behind a model's own tag": f"<seed:think>{EURO}</seed:think>{NANO}",
    "behind bracketed thoughts": f"[THINK]{EURO}[/THINK]{NANO}",
    "behind other brackets": f"◁think▷{EURO}◁/think▷{NANO}",
    "behind a special token": f"<|begin_of_thought|>{EURO}<|end_of_thought|>{NANO}",
    "encoded twice": json.dumps(NANO),
    "encoded twice in a fence": f"```json\n{json.dumps(NANO)}\n```",
    "encoded three times": json.dumps(json.dumps(NANO)),
    "escaped": '{\\"currency\\": \\"nano\\"}',
    "in templating braces": f"{{{NANO}}}",
    "behind a schema": '{"type": "object", "properties": {}}\n' + NANO,
    "behind what is no JSON": f'{{"currency": ...}}\n{NANO}',
    "behind an example in a sentence": f"The form is {EURO}. The answer: {NANO}",
    "behind a thought in a sentence": f"At first {EURO} seemed right.\n\n{FENCED}",
}


@pytest.mark.parametrize("text", OBJECT.values(), ids=OBJECT)
def test_the_object_is_found(text):
    assert find_object(text, Pick.model_validate) == Pick(currency="nano")
    found = find_object(text, Pick.model_validate, finish_reason="stop")
    assert found.currency == "nano"


@pytest.mark.parametrize(
    "value",
    [
        "a\nb\tc",
        "```json\n" + EURO + "\n```",
        EURO,
        "<think>hm</think>",
        "</think>",
        "[THINK]",
        'quoted "{" and \\ and }',
        "ünï “code” 😀",
    ],
)
@pytest.mark.parametrize("form", ["{}", "```json\n{}\n```", "<think>x</think> {} Bye.", "So: {}"])
def test_texts_within_the_object_are_its_own(value, form):
    written = json.dumps({"currency": value}, ensure_ascii=False)
    raw = written.replace("\\n", "\n").replace("\\t", "\t")
    for text in (written, raw):
        found = find_object(form.replace("{}", text), Pick.model_validate)
        assert found == Pick(currency=value)


NONE = {
    "nothing": ("", "none"),
    "prose": ("I would rather not.", "none"),
    "half": ('{"currency": "na', "cut"),
    "half with an object in it": ('{"a": 1, "b": {"currency": "nano"}', "cut"),
    "half a list of them": (f"[{NANO}, ", "cut"),
    "half in a fence": ('```json\n{"currency":', "cut"),
    "half without quotes": ('{currency: "x", b: {"currency": "nano"}', "cut"),
    "half behind an example": (f'The form is {EURO}. The answer: {{"currency": "na', "cut"),
    "half behind thoughts": (f'<think>{EURO}</think>{{"currency": "na', "cut"),
    "an example in thoughts": (f"<think>Maybe {EURO}.</think> I cannot say.", "none"),
    "thoughts that never end": (f"<think>Maybe {EURO}. Or {NANO}", "none"),
    "thoughts that never began": (f"Maybe {EURO}.</think> I cannot say.", "none"),
    "two": (f"{EURO}\n{NANO}", "several"),
    "two in fences": (f"```json\n{EURO}\n```\n{FENCED}", "several"),
    "either": (f"Either {EURO} or {NANO}", "several"),
    "either with colons": (f"Option A: {EURO}\nOption B: {NANO}", "several"),
    "an example behind it": (f"{NANO}\nAnother form: {EURO}", "several"),
    "a change of mind": (f"{NANO}\nHm, no, rather {EURO} is right.", "several"),
    "an example and a misfit": (f'The form is {EURO}. The answer: {{"currency": 5}}', "several"),
    "a misfit": ('{"currency": 5}', "misfit"),
    "a list of one": (f"[{NANO}]", "misfit"),
    "a list of two": (f"[{EURO}, {NANO}]", "misfit"),
    "an object around it": (f'{{"answer": {NANO}}}', "misfit"),
    "single quotes around it": ("{'a': " + NANO + "}", "none"),
    "no JSON around it": (f'{{"a": x, "b": {NANO}}}', "none"),
    "a comment in it": (f'{{ // b\n "b": {NANO}}}', "none"),
    "a lone number": ("5", "none"),
}


@pytest.mark.parametrize(("text", "reason"), NONE.values(), ids=NONE)
def test_no_other_value_is_taken_for_the_object(text, reason):
    with pytest.raises(NoObjectError) as caught:
        find_object(text, Pick.model_validate)
    assert (caught.value.reason, caught.value.text) == (reason, text)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.reason, copied.text) == (str(caught.value), reason, text)


def test_numbers_and_truths_differ():
    with pytest.raises(NoObjectError, match="several"):
        find_object('{"more": 1}\n{"more": true}', Loose.model_validate)


@pytest.mark.parametrize(
    ("finish_reason", "told"), [("length", "max_tokens"), ("content_filter", "a content filter")]
)
@pytest.mark.parametrize("text", [NANO, '{"currency": "na', ""])
def test_an_answer_that_was_cut_off_holds_none(text, finish_reason, told):
    with pytest.raises(NoObjectError, match=told) as caught:
        find_object(text, Pick.model_validate, finish_reason=finish_reason)
    assert (caught.value.reason, caught.value.text) == ("cut", text)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("42", int, 42),
        ("```\n42\n```", int, 42),
        ("<think>41?</think>\n42", int, 42),
        ('"nano"', str, "nano"),
        ('"{a}"', str, "{a}"),
        ("true", bool, True),
        ("null", None, None),
        ("[1, 2]", list[int], [1, 2]),
        ("The list: [1, 2]", list[int], [1, 2]),
        ('"[1, 2]"', list[int], [1, 2]),
        ('["a"]', set[str], {"a"}),
        ('[1, "a"]', tuple[int, str], (1, "a")),
        ('{"a": 1}', dict[str, int], {"a": 1}),
    ],
)
def test_not_every_answer_is_an_object(text, kind, expected):
    assert find_object(text, RootModel[kind].model_validate).root == expected  # type: ignore[valid-type]


def test_the_schema_says_why_a_value_is_none():
    with pytest.raises(NoObjectError, match="valid string") as caught:
        find_object('[1] {"currency": 5}', Pick.model_validate)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("Her", None),
        ("Here: {", None),
        ('{"currency": "na', {"currency": "na"}),
        ('{"currency": "na\nno', {"currency": "na\nno"}),
        ('```json\n{"currency": "nano", "mo', {"currency": "nano"}),
        (f"{FENCED}\nBye", {"currency": "nano"}),
        ('[{"a": 1}, {"a', [{"a": 1}, {}]),
        ('<think>{"currency": "euro", ', None),
        (f"<think>{EURO}", None),
        ('<think>{"currency": "euro"}</think>{"currency": "na', {"currency": "na"}),
        ('Maybe {"currency": "eu</think>{"currency": "na', {"currency": "na"}),
        ('{"currency": ... }', None),
    ],
)
def test_a_value_is_shown_as_far_as_it_has_come(text, expected):
    assert partial_object(text) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


ANY_OBJECT = RootModel[dict[str, Any]].model_validate


@settings(deadline=None)
@given(st.dictionaries(st.text(), JSON), st.booleans(), st.integers(min_value=1))
def test_every_object_is_found_and_no_half_of_one(value, indented, end):
    text = json.dumps(value, ensure_ascii=False, indent=2 if indented else None)
    assert find_object(f"Sure:\n```json\n{text}\n```", ANY_OBJECT).root == value
    assert partial_object(text) == value
    with pytest.raises(NoObjectError):
        find_object(text[: 1 + end % (len(text) - 1)], ANY_OBJECT)


@settings(deadline=None)
@given(st.text(alphabet='{}[]":,ax1 \n\\`</think>', max_size=60))
def test_no_text_breaks_it(text):
    partial_object(text)
    with suppress(NoObjectError):
        find_object(text, ANY_OBJECT)


HOSTILE = [
    "[", "{", '{"a":', '{"a": x} ', '{"a":"b} ', "<think>", "<think ", '</think>{"a ', '\\"', '"',
    "[1] ", "[1,", "{a:", "[true ", "{ ", '{"a":1}', '{"a":1', f"{NANO} x ", "1", '{"a":"\\"',
]  # fmt: skip


@pytest.mark.unwatched
@pytest.mark.parametrize("piece", HOSTILE)
def test_long_texts_take_time_in_line_with_their_length(piece):
    began = time.perf_counter()
    for text in (piece * (200_000 // len(piece)), f'{{"a":"{piece * (200_000 // len(piece))}'):
        partial_object(text)
        with suppress(NoObjectError):
            find_object(text, Pick.model_validate)
    assert time.perf_counter() - began < 8
