"""Characters that were cut in two, within one frame and over several."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.endpoints._chat_stream import ChatDecoder
from nanogpt_client.endpoints.chat import chat
from nanogpt_client.types._coerce import loads
from nanogpt_client.types._surrogates import repaired_text

EMOJI, LOST = "\U0001f600", "\ufffd"
HIGH, LOW = "\ud83d", "\ude00"


def frame(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": delta.pop("at", 0), "delta": delta}]}


def read(*frames: dict[str, Any]) -> tuple[list[Any], Any]:
    """The chunks and the whole answer of a stream."""
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    decoder = ChatDecoder({})
    chunks = [
        chunk
        for each in (*frames, end)
        for chunk in decoder.feed(b"data: " + json.dumps(each).encode() + b"\n\n")
    ]
    chunks += decoder.end()
    assert decoder.failure is None
    return chunks, decoder.partial()


def call(arguments: str, index: int = 0, **first: Any) -> dict[str, Any]:
    return frame(tool_calls=[{"index": index, "function": {"arguments": arguments}, **first}])


@pytest.mark.parametrize("field", ["content", "reasoning", "reasoning_content", "refusal"])
def test_an_emoji_cut_between_two_frames_is_one_again(field):
    chunks, answer = read(frame(**{field: "a" + HIGH}), frame(**{field: LOW + "b"}))
    said = answer.message
    assert said.text + said.reasoning + (said.refusal or "") == f"a{EMOJI}b"
    texts = [chunk.text + chunk.reasoning + (chunk.refusal or "") for chunk in chunks]
    assert [text for text in texts if text] == ["a", f"{EMOJI}b"]


def test_a_half_whose_other_never_comes_is_replaced_where_it_was():
    chunks, answer = read(frame(content="a" + HIGH), frame(content="b" + LOW + "c"))
    assert answer.text == "".join(chunk.text for chunk in chunks) == f"a{LOST}b{LOST}c"
    chunks, answer = read(frame(content="a" + HIGH))
    assert answer.text == "".join(chunk.text for chunk in chunks) == f"a{LOST}"


def test_a_lone_half_is_a_frame_that_says_nothing_yet():
    chunks, answer = read(frame(content=HIGH), frame(content=LOW))
    assert answer.text == EMOJI
    assert [chunk.text for chunk in chunks if chunk.text] == [EMOJI]


def test_arguments_of_calls_are_joined_each_for_itself():
    _, answer = read(
        call('{"a": "' + HIGH, id="c1"),
        call('{"b": "' + HIGH, 1, id="c2"),
        call(LOW + '"}'),
        call(LOW + '"}', 1),
    )
    assert [each.parse() for each in answer.tool_calls] == [{"a": EMOJI}, {"b": EMOJI}]


def test_answers_side_by_side_do_not_mix():
    decoder = ChatDecoder({}, choices=2)
    frames: list[dict[str, Any]] = [
        frame(content=HIGH),
        frame(content="x", at=1),
        frame(content=LOW),
        {"choices": [{"index": at, "delta": {}, "finish_reason": "stop"} for at in (0, 1)]},
    ]
    for each in frames:
        list(decoder.feed(b"data: " + json.dumps(each).encode() + b"\n\n"))
    assert [choice.message.text for choice in decoder.partial().choices] == [EMOJI, "x"]


def test_names_and_citations_are_mended_at_once():
    citation = {"url": "https://e.org", "title": "T" + HIGH, "content": HIGH}
    _, answer = read(
        frame(annotations=[{"type": "url_citation", "url_citation": citation}]),
        frame(tool_calls=[{"index": 0, "id": "c", "function": {"name": "f" + HIGH}}]),
    )
    assert (answer.citations[0].title, answer.citations[0].content) == (f"T{LOST}", LOST)
    assert answer.tool_calls[0].name == f"f{LOST}"


def test_raw_bytes_of_a_half_are_no_failure():
    decoder = ChatDecoder({})
    halves = [json.dumps(frame(content=half), ensure_ascii=False) for half in (HIGH, LOW)]
    for half in halves:
        list(decoder.feed(b"data: " + half.encode("utf-8", "surrogatepass") + b"\n\n"))
    assert decoder.failure is None
    assert decoder.partial().text == EMOJI


def test_whole_replies_hold_whole_characters_also_in_keys():
    value = json.dumps({"a" + HIGH: [HIGH + LOW, {"b": LOW}]})
    assert loads(value) == {f"a{LOST}": [EMOJI, {"b": LOST}]}
    assert loads(value.encode()) == loads(value)


@given(st.text(alphabet=st.sampled_from(["a", "ü", EMOJI, HIGH, LOW, "\uffff"])), st.data())
def test_however_a_text_is_cut_it_is_the_same(text, data):
    units = text.encode("utf-16-le", "surrogatepass")
    at = 2 * data.draw(st.integers(0, len(units) // 2))
    pieces = [half.decode("utf-16-le", "surrogatepass") for half in (units[:at], units[at:])]
    _, answer = read(*(frame(content=piece) for piece in pieces))
    assert answer.text == repaired_text(text)
    answer.text.encode()


def test_what_users_write_is_sent_with_whole_characters():
    body = chat([{"role": "user", "content": f"cut{HIGH}, whole{HIGH}{LOW}"}], model="m").request
    assert body.json["messages"][0]["content"] == f"cut{LOST}, whole{EMOJI}"


def test_halves_in_the_description_of_a_tool_are_no_failure():
    tool = {"type": "function", "function": {"name": "f", "description": HIGH, "parameters": {}}}
    body = chat("hi", model="m", tools=[tool]).request.json
    assert body["tools"][0]["function"]["description"] == LOST
