"""Tool results in sentences that read well and hold the results."""

from __future__ import annotations

import pytest

from nanogpt_client.sandbox.brain.conversation import Call, parse_loosely
from nanogpt_client.sandbox.brain.results import report
from nanogpt_client.sandbox.brain.statement import stated


@pytest.mark.parametrize(
    ("question", "value", "sentence"),
    [
        ("How many docstrings does the package langchain_core have?", "888",
         "The package langchain_core has 888 docstrings."),
        ("How many rows do we have?", "7", "You have 7 rows."),
        ("How many rows did the table contain?", "7", "The table contained 7 rows."),
        ("How many words are in 'a b'?", "2", "There are 2 words in 'a b'."),
        ("How many people live in Oslo?", "700000", "700000 people live in Oslo."),
        ("What is 12 times 7?", "84", "12 times 7 is 84."),
        ("What's the weather in Rome? Use the tool.", "dry, 21 degrees",
         "The weather in Rome is dry, 21 degrees."),
        ("What is my balance?", "9.98 USD", "Your balance is 9.98 USD."),
        ("Who is the owner of Acme?", "Ada", "The owner of Acme is Ada."),
        ("What is it like there?", "dry", ""),
        ("What is the size of A and the colour of B?", "7", ""),
        ("How many rows does it have?", "none", ""),
        ("Look it up", "7", ""),
        ("What is this?", "7", ""),
        ("What is the text?", "one\ntwo", ""),
    ],
)  # fmt: skip
def test_a_value_becomes_a_sentence(question, value, sentence):
    assert stated(question, value) == sentence


def _one(question, result, **arguments):
    return report(question, [Call("lookup", arguments, result)])


@pytest.mark.parametrize(
    ("question", "result", "text"),
    [
        ("Look up Rome", "888", "lookup returned 888 for Rome."),
        ("What is Rome?", "It is dry in Rome.", "It is dry in Rome."),
        ("Look up Rome", "report written by hand", "lookup returned: report written by hand"),
        ("Look up Rome", '{"sky": "clear", "degrees": 21}',
         "lookup returned: sky: clear, degrees: 21"),
        ("Look up Rome", "{'sky': 'clear'}", "lookup returned: sky: clear"),
        ("Look up Rome", '{"days": [1, 2]}', 'lookup returned: {"days": [1, 2]}'),
        ("Look up Rome", "one\ntwo three four", "lookup returned:\none\ntwo three four"),
        ("Look up Rome", "[]", "lookup returned nothing for Rome."),
        ("Look up Rome", "", "lookup returned nothing for Rome."),
        ("What is the air in Rome?", "sensor offline", "lookup returned sensor offline for Rome."),
        ("What is the air in Rome?", "Error: closed",
         "The tool lookup could not do it and reported: Error: closed"),
    ],
)  # fmt: skip
def test_one_result(question, result, text):
    assert _one(question, result, city="Rome") == text


def test_several_results_can_be_told_apart():
    calls = [
        Call("weather", {"city": "Rome"}, "It is dry in Rome."),
        Call("weather", {"city": "Oslo"}, "It is wet."),
        Call("add", {"a": 3, "b": 4}, "7"),
        Call("now", {}, "14:05"),
        Call("list", {"of": "x"}, "[1, 2]"),
        Call("air", {"city": "Rome"}, "Error: closed"),
    ]
    assert report("?", calls).split("\n") == [
        "- It is dry in Rome.",
        "- weather (Oslo): It is wet.",
        "- add returned 7 for 3 and 4.",
        "- now returned 14:05.",
        "- list (x): [1, 2]",
        "- air (Rome): Error: closed",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [('{"a": null}', {"a": None}), ("{'a': None}", {"a": None}), ("plain text", None), ("", None)],
)
def test_values_are_read_as_json_or_as_python_prints_them(text, value):
    assert parse_loosely(text) == value
