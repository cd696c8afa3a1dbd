"""Choices: limits over everything that is said, and the two ways onto the wire."""

from __future__ import annotations

import json

from nanogpt_client.sandbox import Citation, ToolCall, Turn
from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.completion import Choice, Extras, Limits, Manner, deltas, message, shape

CALL = ToolCall("look", {"where": "in the garden behind the house"})
SOURCE = Citation("https://a.example", "A", 4, 9, "quick")
MANY = Limits(10_000)


def test_everything_fits():
    turn = Turn("The quick fox.", "Thinking.", (CALL,), (SOURCE,))
    choice = shape(turn, MANY, Extras(("call_1",)))
    assert (choice.text, choice.reasoning, choice.finish) == (
        turn.text,
        turn.reasoning,
        "tool_calls",
    )
    assert choice.calls == (("call_1", "look", json.dumps(CALL.arguments, separators=(",", ":"))),)
    assert choice.reasoning_tokens == count_tokens("Thinking.")
    assert choice.tokens > choice.reasoning_tokens + count_tokens(turn.text)


def test_reasoning_uses_the_budget_first():
    turn = Turn("An answer.", "A long line of thought, word by word by word.")
    choice = shape(turn, Limits(4), Extras())
    assert turn.reasoning.startswith(choice.reasoning)
    assert (choice.text, choice.finish, choice.tokens) == ("", "length", choice.reasoning_tokens)


def test_a_stop_sequence_ends_everything_after_it():
    turn = Turn("The quick fox.", "", (CALL,), (SOURCE,))
    choice = shape(turn, Limits(10_000, ("fox", "quick")), Extras(("call_1",)))
    assert (choice.text, choice.calls, choice.citations) == ("The ", (), ())
    assert choice.finish == "stop"


def test_citations_outlive_a_cut_behind_them():
    turn = Turn("The quick fox.", "", (), (SOURCE,))
    assert shape(turn, Limits(10_000, ("fox",)), Extras()).citations == (SOURCE,)


def test_calls_after_the_limit_are_not_made():
    turn = Turn("", "", (CALL, CALL))
    choice = shape(turn, Limits(2), Extras(("call_1", "call_2"), ("data:image/png;base64,",)))
    assert [call[0] for call in choice.calls] == ["call_1"]
    assert (choice.finish, choice.images) == ("length", ())


def test_text_and_calls_come_together():
    choice = Choice("Let me look.", calls=(("call_1", "look", "{}"),), finish="tool_calls")
    assert message(choice, Manner())["content"] == "Let me look."
    kinds = [next(iter(delta)) for delta in deltas(choice, Manner())]
    assert kinds == ["role", "content", "content", "content", "tool_calls", "tool_calls"]


def test_hidden_reasoning_is_nowhere():
    choice = Choice("Yes.", "Because.")
    for manner in (Manner(None), Manner(None, inline=True)):
        assert message(choice, manner) == {"role": "assistant", "content": "Yes."}
        assert list(deltas(choice, manner)) == [{"role": "assistant"}, {"content": "Yes."}]
