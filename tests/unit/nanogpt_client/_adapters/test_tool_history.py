"""Histories as they are sent: their tool calls are such as providers take."""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._adapters.tool_history import PROBLEM, sendable
from nanogpt_client.messages import (
    assistant_message,
    image_part,
    message,
    text_part,
    tool_call,
    tool_message,
)

USER = message("user", "hi")


def calling(*calls: dict[str, Any], text: str = "") -> dict[str, Any]:
    return assistant_message(text, tool_calls=calls)


def arguments_of(conversation: list[dict[str, Any]]) -> list[str]:
    return [c["function"]["arguments"] for m in conversation for c in m.get("tool_calls", ())]


def ids_of(conversation: list[dict[str, Any]]) -> list[str]:
    """The ids of calls and of results, in their order."""
    return [
        each["id"] if "id" in each else each["tool_call_id"]
        for m in conversation
        for each in (m.get("tool_calls") or ([m] if m["role"] == "tool" else []))
    ]


@pytest.mark.parametrize(
    ("given_", "sent"),
    [
        ("", "{}"),
        (" ", "{}"),
        ("null", "{}"),
        ({}, "{}"),
        ({"a": "é"}, '{"a": "é"}'),
        ('{"a":1}', '{"a":1}'),
        ('{"a": "x\ny"}', '{"a": "x\\ny"}'),
        ('{}{"a": 1}', '{"a": 1}'),
        ('"{\\"a\\": 1}"', '{"a": 1}'),
    ],
)
def test_arguments_are_sent_as_objects(given_, sent):
    history = [calling(tool_call("c", "f", given_)), tool_message("done", "c")]
    assert arguments_of(sendable(history)) == [sent]
    assert sendable(history)[1] == history[1]


@pytest.mark.parametrize("unreadable", ['{"a": "x', "[1]", "7", "nonsense"])
def test_unreadable_arguments_are_told_in_the_result(unreadable):
    history = [calling(tool_call("c", "f", unreadable)), tool_message("no such tool", "c")]
    sent = sendable(history)
    assert arguments_of(sent) == ["{}"]
    problem = f"The arguments of this call are not a JSON object: {unreadable}"
    assert sent[1]["content"] == f"{problem}\nno such tool"
    parts = [text_part("a"), image_part("https://e.org/b.png")]
    in_parts = sendable([history[0], tool_message(parts, "c")])[1]["content"]
    assert in_parts == [text_part(problem), *parts]
    said_nothing = sendable([history[0], tool_message("", "c")])[1]["content"]
    assert said_nothing == f"{problem}\n(no output)"


def test_unreadable_calls_that_nobody_answered_are_answered():
    calls = [tool_call("a", "f", '{"x": '), tool_call("b", "g", "{}")]
    sent = sendable([calling(*calls), tool_message("done", "b"), USER])
    assert [m["role"] for m in sent] == ["assistant", "tool", "tool", "user"]
    assert ids_of(sent) == ["a", "b", "b", "a"]
    assert sent[2]["content"].endswith('{"x":  The tool was not run.')
    alone = sendable([calling(calls[0])])
    assert [m["role"] for m in alone] == ["assistant", "tool"]


def test_readable_calls_that_nobody_answered_are_answered_once_the_conversation_goes_on():
    calls = calling(tool_call("a", "f", "{}"), tool_call("b", "g", "{}"))
    without = {"content": "(no result: the conversation went on without it)"}
    sent = sendable([calls, tool_message("done", "a"), USER, calls])
    assert sent[:4] == [calls, tool_message("done", "a"), tool_message("", "b") | without, USER]
    assert len(sent) == 5  # nobody has tried to answer the last ones
    assert sendable([calls, tool_message("done", "a")]) == sent[:3]


def test_results_that_come_late_stand_behind_their_calls():
    calls = calling(tool_call("a", "f", "{}"), tool_call("b", "g", '{"x": '))
    late = [tool_message("A", "a"), tool_message("B", "b", name="g")]
    sent = sendable([calls, USER, *late, USER])
    assert [m["role"] for m in sent] == ["assistant", "tool", "tool", "user", "user"]
    assert sent[1] == late[0]
    problem = 'The arguments of this call are not a JSON object: {"x": '
    assert sent[2] == late[1] | {"content": f"{problem}\nB"}
    assert sendable([calls, USER, late[0], late[0]])[-1] == late[0]  # the second answers no call


def test_calls_without_a_name_get_one():
    sent = sendable([calling(tool_call("a", "", "{}")), USER])
    assert sent[0]["tool_calls"][0]["function"]["name"] == "unnamed"
    assert sent[1]["content"] == "The call names no tool. The tool was not run."


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("search<|channel|>commentary", "search__channel__commentary"),
        ("functions.search", "functions_search"),
        ("my tool", "my_tool"),
        ("f" * 80, "f" * 64),
        ("f-1", "f-1"),
    ],
)
def test_a_tool_that_a_model_made_up_ends_no_conversation(name, sent):
    history = [calling(tool_call("a", name, "{}")), tool_message("No such tool.", "a")]
    assert sendable(history)[0]["tool_calls"][0]["function"]["name"] == sent


def test_what_an_adapter_knows_of_a_call_is_told_and_not_sent():
    call = tool_call("a", "f", "{}") | {PROBLEM: "It is invalid.", "extra_content": 1}
    sent = sendable([calling(call)])
    assert sent[0]["tool_calls"] == [tool_call("a", "f", "{}") | {"extra_content": 1}]
    assert sent[1]["content"] == "It is invalid. The tool was not run."


def test_missing_and_repeated_ids_are_made_and_matched():
    turn = [
        calling(tool_call("", "f", "{}"), tool_call("x", "f", "{}"), tool_call("x", "g", "{}")),
        tool_message("1", ""),
        tool_message("2", "x"),
        tool_message("3", "x"),
    ]
    ids = ids_of(sendable([*turn, USER, *turn]))
    for first in (0, 6):
        calls, results = ids[first : first + 3], ids[first + 3 : first + 6]
        assert calls == results
    assert len(set(ids)) == 6
    assert ids[1] == "x"
    # What came before is sent in the same way, whatever follows: it is in the provider's cache.
    assert sendable(turn) == sendable([*turn, USER, *turn])[:4]


@pytest.mark.parametrize("empty", ["", " \n", [], None])
def test_empty_results_and_questions_end_no_thread(empty):
    """Providers refuse them, and LangGraph keeps the question of a turn that failed."""
    asked, said = message("user", ""), assistant_message("Yes?")
    result = tool_message("", "a") | {"content": empty}
    history = [USER, calling(tool_call("a", "f", "{}")), result, said]
    assert sendable(history)[2]["content"] == "(no output)"
    blank = asked | {"content": empty}
    assert sendable([blank, said, blank, USER]) == [said, USER]
    assert sendable([USER, blank]) == [USER, blank]
    assert sendable([blank]) == [blank]
    update = blank | {"configuration_update": {"reasoning": {"effort": "high"}}}
    assert sendable([update, USER]) == [update, USER]


KIMIS, LONG = "functions.find:0", "call_" + "x" * 36


@pytest.mark.parametrize(
    ("model", "kept", "replaced"),
    [
        ("anthropic/claude-opus-4.6", ["toolu_01-x"], [KIMIS, LONG, "a|b", "é"]),
        ("openai/gpt-5.2", ["toolu_01-x", "call_" + "x" * 35], [KIMIS, LONG]),
        ("nanogpt/coding-router", ["call_00_x"], [KIMIS]),
        ("mistralai/devstral-2-123b-instruct-2512", ["D681PevKs"], [KIMIS, "call_0", "é" * 9]),
        ("mistralai/Mixtral-8x22b", ["abcdefghi"], ["toolu_01-x"]),
        ("moonshotai/kimi-k2-thinking", [KIMIS, LONG, "toolu_01-x"], []),
        ("google/gemini-3-pro", [KIMIS, LONG], []),
    ],
)
def test_ids_are_as_the_next_model_accepts_them(model, kept, replaced):
    turn = [
        calling(*(tool_call(each, "f", "{}") for each in [*kept, *replaced])),
        *(tool_message(each, each) for each in reversed([*kept, *replaced])),
    ]
    sent = sendable([*turn, USER], model)
    ids = ids_of(sent[:1])
    assert ids[: len(kept)] == kept
    made = ids[len(kept) :]
    form = r"[A-Za-z0-9]{9}" if "mistral" in model else r"[A-Za-z0-9_-]{1,40}"
    assert all(re.fullmatch(form, each) for each in made)
    assert not {*made} & {*replaced}
    assert len({*ids}) == len(ids)
    assert ids_of(sent[1:]) == ids[::-1]
    assert sendable([*turn, USER, *turn], model)[: len(sent)] == sent


def test_results_with_the_tools_name_for_an_id_are_matched():
    """Thus in histories of Gemini and Ollama, written by LlamaIndex's integrations."""
    turn = [
        calling(tool_call("call_0", "f", "{}"), tool_call("", "g", "{}"), tool_call("", "f", "{}")),
        tool_message("1", "f"),
        tool_message("2", "g"),
        tool_message("3", "f"),
    ]
    first, second, third, *results = ids_of(sendable(turn))
    assert results == [first, second, third]
    named = [calling(tool_call("g", "f", "{}"), tool_call("f", "g", "{}")), tool_message("", "g")]
    assert ids_of(sendable(named))[:3] == ["g", "f", "g"]


def test_results_that_answer_no_call_stay():
    history = [USER, tool_message("orphan", "z"), tool_message("orphan", "")]
    assert sendable(history) == history


@pytest.mark.parametrize("empty", ["", " \n"])
def test_answers_that_say_nothing_are_left_out(empty):
    nothing = {"role": "assistant", "content": empty}
    assert sendable([USER, nothing, USER]) == [USER, USER]
    assert sendable([USER, nothing | {"name": "ann"}]) == [USER]
    assert sendable([nothing]) == [nothing]
    thinking = assistant_message(empty, reasoning="hm")
    assert sendable([USER, thinking])[1] == thinking | {"content": "hm"}
    older = {"role": "assistant", "content": empty, "function_call": {"name": "f"}}
    assert sendable([USER, older]) == [USER, older]


TEXTS = st.sampled_from(["", "null", "{}", '{"a": 1}', '{"a": ', "[1]", '{}{"a": 1}', "x"])
CALLS = st.builds(tool_call, st.sampled_from(["", "a", "b"]), st.sampled_from(["", "f"]), TEXTS)
ENTRIES = st.one_of(
    st.just(USER),
    st.builds(lambda calls: calling(*calls), st.lists(CALLS, max_size=3)),
    st.builds(tool_message, st.sampled_from(["", "done"]), st.sampled_from(["", "a", "b"])),
)


@given(st.lists(ENTRIES, max_size=6))
def test_any_history_is_sent_as_providers_take_it(history):
    before = json.dumps(history)
    sent = sendable(history)
    assert json.dumps(history) == before
    assert all(isinstance(json.loads(text), dict) for text in arguments_of(sent))
    ids = [call["id"] for m in sent for call in m.get("tool_calls", ())]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert all(c["function"]["name"] for m in sent for c in m.get("tool_calls", ()))
    assert arguments_of(sendable(sent)) == arguments_of(sent)
    for at in (at for at, m in enumerate(sent[:-1]) if m.get("tool_calls")):
        behind = takewhile(lambda m: m["role"] == "tool", sent[at + 1 :])
        answered = {m["tool_call_id"] for m in behind}
        assert answered >= {call["id"] for call in sent[at]["tool_calls"]}
