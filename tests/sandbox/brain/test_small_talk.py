"""Requests that need no context: honest short answers."""

from __future__ import annotations

import pytest

from tests.sandbox.brain.chats import ask

EMULATOR = "NanoGPT's sandbox emulator"


@pytest.mark.parametrize(
    ("request_text", "answer"),
    [
        ("Name three colours.", "Red, blue and green."),
        ("List five planets", "Mercury, Venus, Earth, Mars and Jupiter."),
        ("Give me two programming languages", "Python and JavaScript."),
        ("Please name a fruit", "Apple."),
        ("What are the seasons?", "Spring, summer, autumn and winter."),
        ("Count to five", "1, 2, 3, 4, 5"),
        ("Say hello", "hello"),
        ("I like tea.", f"Noted: you like tea. (This is {EMULATOR}.)"),
        ("Summarize: The cat sat. It purred. Then it slept. At last it woke. It ate.",
         "The cat sat. It purred. Then it slept."),
    ],
)  # fmt: skip
def test_short_answers(request_text, answer):
    assert ask(request_text).text == answer


@pytest.mark.parametrize(
    ("request_text", "said"),
    [
        ("Translate 'good morning' into French.", "I cannot translate"),
        ("Write a Python function that reverses a string.", "I cannot write code"),
        ("Write a haiku about rain.", "placeholder for your haiku about rain"),
        ("Which model are you?", "no model weights"),
        ("hi, what can you do?", "no model weights"),
        ("Are you human?", "no model weights"),
        ("foo bar baz", "foo bar baz"),
    ],
)
def test_says_honestly_what_it_is(request_text, said):
    text = ask(request_text).text
    assert said in text
    assert EMULATOR in text


def test_a_question_about_saying_is_no_request_to_say():
    assert ask("What did Caesar say about Gaul?").text != "about Gaul?"


def test_names_only_what_it_knows():
    assert EMULATOR in ask("Name three quarks").text
