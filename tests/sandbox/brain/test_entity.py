"""Text parameters filled by what they mean, over many tools and requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nanogpt_client.sandbox.brain.entity import beside, outstanding
from tests.sandbox.brain.chats import INTEGER, NUMBER, TEXT, ask, calls, schema, tool

CASES = json.loads(Path(__file__).with_name("tool_requests.json").read_text("utf-8"))
KINDS = {"text": TEXT, "integer": INTEGER, "number": NUMBER}


def _is_filled(case):
    kinds = {
        name: KINDS[kind] if isinstance(kind, str) else kind
        for name, kind in case["parameters"].items()
    }
    turn = ask(case["request"], tools=[tool(case["tool"], case["about"], schema(**kinds))])
    return calls(turn) == [(case["tool"], case["arguments"])]


def test_most_requests_are_filled_right():
    """No case has a rule of its own: a few may fail, a worse share means a rule is broken."""
    wrong = [case["request"] for case in CASES if not _is_filled(case)]
    assert len(wrong) <= 0.05 * len(CASES), f"{len(wrong)} of {len(CASES)} are wrong: {wrong}"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("package", "How many docstrings does the package langchain_core have?", "langchain_core"),
        ("package_name", "the newest version of the pydantic package", "pydantic"),
        ("city", "How many people live in the city of Ulm?", "Ulm"),
        ("user", "the orders of user 42", "42"),
        ("movie", "Who directed the movie Blade Runner?", "Blade Runner"),
        ("room", "turn off the living room light", "living room"),
        ("table", "How many rows does the orders table have?", "orders"),
        ("word", "What does the word 'petrichor' mean?", "petrichor"),
        ("country", "What is the country code?", None),
        ("branch", "Nothing of the kind", None),
    ],
)
def test_what_stands_beside_a_name(name, text, found):
    span = next(beside(name.split("_"), text, {"cod"}), None)
    assert (span.value if span else None) == found
    assert span is None or text[span.start : span.end] == found


def test_what_looks_like_a_value_comes_first():
    known = {"count", "symbol", "find"}
    spans = outstanding("Find the symbol HttpRetryPolicy for Acme, with tungsten wire", known)
    assert [each.value for each in spans][:4] == [
        "HttpRetryPolicy", "HttpRetryPolicy", "Acme", "Acme",
    ]  # fmt: skip
    assert "tungsten wire" in [each.value for each in outstanding("care for tungsten wire", known)]


def test_examples_of_a_description_are_no_words_of_the_tool():
    count = tool("count_docstrings", "Count the docstrings of a package, such as langchain_core.",
                 schema(package=TEXT))  # fmt: skip
    turn = ask("Count the docstrings of langchain_core", tools=[count])
    assert calls(turn) == [("count_docstrings", {"package": "langchain_core"})]


def test_long_texts_are_searched_at_their_beginning():
    assert not list(beside(["city"], "x" * 3000 + " the city of Ulm", frozenset()))


def test_a_request_may_open_with_the_verb_of_a_tool():
    change = tool("set_config", "Set a configuration value.", schema(key=TEXT, value=TEXT))
    turn = ask("Set the key log_level to debug", tools=[change])
    assert calls(turn) == [("set_config", {"key": "log_level", "value": "debug"})]
