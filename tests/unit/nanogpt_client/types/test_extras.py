"""What messages and calls hold beyond their documented fields, whole and in pieces."""

from __future__ import annotations

from typing import Any

from nanogpt_client._protocol.accumulator import ChatAccumulator

SIGNED = {"google": {"thought_signature": "SIG"}}


def read(*deltas: dict[str, Any]) -> Any:
    """What is made of a stream."""
    partial = ChatAccumulator()
    for delta in deltas:
        partial.add({"choices": [{"index": 0, "delta": delta}]})
    return partial.completion().message


def whole(**message: Any) -> Any:
    partial = ChatAccumulator()
    partial.add({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    return partial.completion().message


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"reasoning_details": [{"type": "reasoning.text", "text": words, **more}]}


def test_whole_messages_keep_their_unknown_fields_as_they_came():
    details = [
        {"type": "reasoning.text", "text": "a", "signature": "S1", "index": 0},
        {"type": "reasoning.text", "text": "b", "signature": "S2", "index": 0},
        {"type": "reasoning.encrypted", "data": "E", "id": "r", "format": None},
    ]
    fields = {"signature": "S", "vendor": {"a": [1]}, "reasoning_details": details}
    said = whole(content="x", role="assistant", nothing=None, **fields)
    assert said.extra == fields
    assert (said.text, said.reasoning) == ("x", "ab")


def test_calls_keep_theirs_those_of_the_function_too():
    function = {"name": "f", "arguments": "{}", "thought_signature": "F"}
    calls = [{"id": "c", "type": "function", "function": function, "extra_content": SIGNED}]
    kept = {"extra_content": SIGNED, "function": {"thought_signature": "F"}}
    assert whole(tool_calls=calls).tool_calls[0].extra == kept
    plain = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert whole(tool_calls=[plain]).tool_calls[0].extra == {}


def test_calls_of_a_stream_get_them_from_any_delta():
    said = read(
        {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{"}}]},
        {"tool_calls": [{"index": 1, "id": "c2", "function": {"name": "g"}, "vendor": 1}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "}"}, "extra_content": SIGNED}]},
    )
    assert [call.extra for call in said.tool_calls] == [{"extra_content": SIGNED}, {"vendor": 1}]


def test_unknown_texts_go_on_and_repeated_ones_count_once():
    said = read(
        {"signature": "S1", "vendor": {"kind": "x", "note": "a"}, "flag": True, "list": [1]},
        {"signature": "S2", "vendor": {"kind": "x", "note": "b"}, "flag": True, "list": [2]},
        {"signature": None, "vendor": {"kind": None}},
    )
    vendor = {"kind": "x", "note": "ab"}
    assert said.extra == {"signature": "S1S2", "vendor": vendor, "flag": True, "list": [1, 2]}


def test_details_are_joined_by_index_up_to_their_seal():
    said = read(
        {"reasoning": "He"} | text("He", index=0, format="f"),
        {"reasoning": "He"} | text("He", index=0),
        text("", index=0, signature="SIG"),
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "EN", "index": 1}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "C", "index": 1}]},
    )
    assert said.reasoning == "HeHe"
    assert said.extra["reasoning_details"] == [
        {"type": "reasoning.text", "text": "HeHe", "index": 0, "format": "f", "signature": "SIG"},
        {"type": "reasoning.encrypted", "data": "ENC", "index": 1},
    ]


def test_details_without_an_index_go_on_until_they_are_sealed():
    one, other = {"type": "reasoning.encrypted", "data": "A"}, {"data": "B"}
    said = read(
        text("a"),
        text("b", signature="S"),
        text("c"),
        {"reasoning_details": [one, {"type": "reasoning.encrypted", **other}, "odd"]},
    )
    assert said.extra["reasoning_details"] == [
        {"type": "reasoning.text", "text": "ab", "signature": "S"},
        {"type": "reasoning.text", "text": "c"},
        {"type": "reasoning.encrypted", "data": "A"},
        {"type": "reasoning.encrypted", "data": "B"},
        "odd",
    ]


def test_details_of_several_calls_with_one_index_stay_apart():
    items = [{"type": "reasoning.encrypted", "data": c, "id": c, "index": 0} for c in "ab"]
    said = read(*({"reasoning_details": [item]} for item in items))
    assert said.extra["reasoning_details"] == items


def test_a_last_frame_that_repeats_them_adds_nothing():
    sealed = text("ab", index=0, signature="S")
    said = read(text("a", index=0), text("b", index=0), sealed, sealed, {"vendor": "v"}, sealed)
    assert said.extra == {**sealed, "vendor": "v"}


def test_details_that_only_repeat_the_reasoning_are_not_kept_twice():
    said = read({"reasoning": "ab"} | text("ab", index=0, format="f", id=None))
    assert (said.reasoning, said.extra) == ("ab", {})


def test_a_summary_is_reasoning_and_is_kept():
    details = [{"type": "reasoning.summary", "summary": "short"}]
    said = whole(reasoning_details=details)
    assert (said.reasoning, said.extra) == ("short", {"reasoning_details": details})


def test_what_was_handed_out_stays_as_it_was():
    partial = ChatAccumulator()
    for at in "ab":
        partial.add({"choices": [{"index": 0, "delta": {"vendor": {"x": [at]}}}]})
        if at == "a":
            early = partial.completion().message.extra
    assert early == {"vendor": {"x": ["a"]}}
    assert partial.completion().message.extra == {"vendor": {"x": ["a", "b"]}}
