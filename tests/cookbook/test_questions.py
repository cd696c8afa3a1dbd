"""How a pipeline is measured."""

from __future__ import annotations

import pytest

from cookbook.questions import Quality, Question, hits, load_questions, quality, support

TEXTS = {"a": "Split HTML by its tags", "b": "Render a mustache template", "c": "Count tokens"}
QUESTIONS = [Question("How to split?", frozenset("a")), Question("How to render?", frozenset("bc"))]


def test_quality_counts_sources_places_and_answers():
    found = [["b", "a"], ["a"]]
    answers = ["Split it by tags.", "I do not know."]
    assert quality(QUESTIONS, found, answers, TEXTS) == Quality(2, 0.5, 0.25, 0.5)


def test_nothing_found_is_no_error():
    assert quality(QUESTIONS, [[], []], ["", ""], TEXTS) == Quality(2, 0, 0, 0)


def test_any_of_several_right_docstrings_counts():
    assert hits([["a"], ["x", "c"]], QUESTIONS) == 2


@pytest.mark.parametrize(
    ("answer", "share"), [("split html", 1.0), ("Split XML", 0.5), ("", 0), ("nothing", 0)]
)
def test_support_is_the_share_of_an_answers_words(answer, share):
    assert support(answer, TEXTS["a"]) == share


def test_both_sets_are_there():
    assert [len(load_questions()), len(load_questions("held_out"))] == [10, 40]
