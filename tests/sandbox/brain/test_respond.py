"""The whole brain: plain answers, web results, pictures, and histories of any shape."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.output_parsers import (
    CommaSeparatedListOutputParser,
    MarkdownListOutputParser,
    NumberedListOutputParser,
)

from nanogpt_client.sandbox.brain import Hit, Seen, Turn, respond
from tests.sandbox.brain.chats import (
    NUMBER,
    TEXT,
    ask,
    assistant,
    called,
    schema,
    system,
    tool,
    user,
)

HITS = (
    Hit("Lamps", "https://a.example/lamps", "A lamp needs oil. It was first lit by Ida Brandt.",
        "2024-05-01"),
    Hit("Tides", "https://b.example/tides", "The tide turns twice a day.", "2024-06-01"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Reply with exactly one word: pong", "pong"),
        ("Say hello world", "hello world"),
        ('Please respond with "all good" and nothing else.', "all good"),
        ("Repeat after me: the tide turns", "the tide turns"),
        ("What is 12*7?", "12*7 = 84."),
        ("what is 12 times 7? Answer with only the number", "84"),
        ("What is 15% of 80? Reply with just the number.", "12"),
        ("Count from 2 to 5", "2, 3, 4, 5"),
        ("Summarize in one sentence:\n\nRain fell. The river rose.", "Rain fell."),
        (
            "Summarize as a bulleted list:\n\nRain fell. The river rose.",
            "- Rain fell.\n- The river rose.",
        ),
        ("Summarize in upper case:\n\nRain fell.", "RAIN FELL."),
    ],
)
def test_simple_requests(text, answer):
    assert ask(text).text == answer


@pytest.mark.parametrize(
    "text",
    ["Hello", "Who are you?", "Write a story about a cat.", "Who wrote Dune?", "Translate it"],
)
def test_says_what_it_is(text):
    assert "NanoGPT's sandbox emulator" in ask(text).text


def test_the_same_request_gets_the_same_answer_and_others_vary():
    questions = [f"Tell me about topic number {number}" for number in range(12)]
    assert ask(questions[0]) == ask(questions[0])
    openings = {ask(each).text[:9] for each in questions}
    assert len(openings) > 2


@pytest.mark.parametrize(
    ("parser", "items"),
    [
        (CommaSeparatedListOutputParser(), ["Sandhaven", "Oldport", "Newquay"]),
        (NumberedListOutputParser(), ["The harbours are Sandhaven, Oldport and Newquay."]),
        (MarkdownListOutputParser(), ["The harbours are Sandhaven, Oldport and Newquay."]),
    ],
)
def test_lists_for_langchain_parsers(parser, items):
    context = "The harbours are Sandhaven, Oldport and Newquay. Rain fell all night."
    prompt = (
        f"Context: {context}\nQuestion: Name the harbours.\n\n{parser.get_format_instructions()}"
    )
    assert parser.parse(ask(prompt).text) == items


def test_web_results_are_cited_where_they_are_used():
    turn = respond({"messages": [user("Who first lit the lamp?")]}, hits=HITS)
    assert turn.citations
    first = turn.citations[0]
    assert (first.url, first.title) == ("https://a.example/lamps", "Lamps")
    spans = [turn.text[each.start_index : each.end_index] for each in turn.citations]
    assert any("Ida Brandt" in span for span in spans)
    assert all(span in "".join(hit.content for hit in HITS) for span in spans)
    assert "[1]" in turn.text


def test_web_results_that_do_not_fit_are_still_named():
    turn = respond({"messages": [user("What colour is jazz?")]}, hits=HITS)
    assert turn.citations[0].url == HITS[0].url


def test_courtesy_cites_nothing():
    assert respond({"messages": [user("Hello!")]}, hits=HITS).citations == ()


def test_web_results_and_tool_results_stand_together():
    weather = tool("get_weather", "Get the weather.", schema(city=TEXT))
    body = {"messages": [user("What is the weather in Paris, and who first lit the lamp?")],
            "tools": [weather]}  # fmt: skip
    first = respond(body, hits=HITS)
    assert [call.name for call in first.tool_calls] == ["get_weather"]
    body["messages"] += called(first.tool_calls[0], "call-1", "It is dry.")
    last = respond(body, hits=HITS)
    assert "It is dry." in last.text
    for each in last.citations:
        assert last.text[each.start_index : each.end_index] in "".join(h.content for h in HITS)


SEEN = [Seen(0, "a 64x48 PNG, mostly blue (#0000ff)"), Seen(1, "a 10x10 PNG, mostly red")]


@pytest.mark.parametrize(
    "question", ["What is in this image?", "What colour is it?", "How big?", ""]
)
def test_pictures_are_described(question):
    parts = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}]
    if question:
        parts.insert(0, {"type": "text", "text": question})
    turn = respond({"messages": [user(parts)]}, seen=SEEN[:1])
    assert turn.text == "The picture is a 64x48 PNG, mostly blue (#0000ff)."
    both = respond({"messages": [user(parts)]}, seen=SEEN)
    assert "picture 2 is a 10x10 PNG, mostly red" in both.text


def test_pictures_from_tools_are_described():
    camera = tool("take_photo", "Take a photo.")
    talk = [user("Take a photo and tell me what it shows")]
    first = ask(talk, tools=[camera])
    talk += called(first.tool_calls[0], "call-1", "photo taken")
    turn = respond({"messages": talk, "tools": [camera]}, seen=SEEN[:1])
    assert "photo taken" in turn.text
    assert "mostly blue" in turn.text


def test_developers_speak_as_the_system():
    told = {"role": "developer", "content": "The office opens at nine."}
    talk = [told, user("When does the office open?")]
    assert ask(talk).text == "The office opens at nine."


def test_system_only_and_empty_requests():
    assert respond({"messages": [system("You are a poet.")]}).text
    assert respond({"messages": [user(None)]}).text
    assert respond({"messages": [assistant("Hello")]}).text
    assert respond({"messages": [user([{"type": "unknown_part", "x": 1}])]}).text


@pytest.mark.parametrize(
    "text",
    ["1*" * 3000, "9" * 5000 + " plus 1", "1e999 and 2", "(" * 3000, "12," * 3000, "a, " * 3000,
     '{"a":' * 3000, "Context: a\n" * 1000, "x" * 50_000],
    ids=lambda text: f"{text[:6]!r}",
)  # fmt: skip
def test_long_and_odd_texts_are_answered_soon(text):
    weather = tool("get_weather", "Get the weather.", schema(city=TEXT))
    under = {"type": "json_schema", "json_schema": {"schema": schema(city=TEXT, n=NUMBER)}}
    started = time.perf_counter()
    assert ask(text).text
    assert ask(text, tools=[weather], tool_choice="required").tool_calls
    value = json.loads(ask(text, response_format=under).text, parse_constant=pytest.fail)
    assert set(value) == {"city", "n"}
    assert time.perf_counter() - started < 15


_PARTS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=40)),
    st.just({"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}),
    st.just({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}),
    st.just({"type": "mystery", "payload": [1, None]}),
)
_WORDS = st.lists(
    st.sampled_from(
        [
            *"weather in Paris Rome and then it 12 * 7 the ( ) --- ' \" { } {} (1)".split(),
            *"Context: Question: Answer: Observation: Thought: Action: Summarize:".split(),
            *"standalone question JSON schema name is Ada you my Document 1: use tool".split(),
            *"你好 https://a.example 1e309 9**9**9".split(),
            "\n",
            "\n\n",
        ]
    ),
    max_size=25,
).map(" ".join)
_CONTENT = st.one_of(st.none(), st.text(max_size=80), _WORDS, st.lists(_PARTS, max_size=3))
_ARGUMENTS = st.one_of(
    st.none(), st.just(""), st.just(" {}"), st.just("{broken"), st.just('{"city": "Rome"}'),
    st.just("[1]"), st.just("[" * 5000),
)  # fmt: skip
_CALL = st.builds(
    lambda key, name, arguments: {
        "id": key, "type": "function", "function": {"name": name, "arguments": arguments}
    },
    st.sampled_from(["1", "2"]), st.sampled_from(["get_weather", "gone"]), _ARGUMENTS,
)  # fmt: skip
_MESSAGE = st.one_of(
    st.builds(
        lambda role, content, name: {"role": role, "content": content, **name},
        st.sampled_from(["system", "developer", "user", "user", "assistant"]),
        _CONTENT,
        st.sampled_from([{}, {"name": "Bob"}]),
    ),
    st.builds(
        lambda content, made: {"role": "assistant", "content": content, "tool_calls": made},
        _CONTENT,
        st.lists(_CALL, max_size=2),
    ),
    st.builds(
        lambda key, content: {"role": "tool", "tool_call_id": key, "content": content},
        st.sampled_from(["1", "2", "3"]),
        _CONTENT,
    ),
)
_TOOLS = st.sampled_from(
    [
        None,
        [],
        [tool("get_weather", "Get the weather.", schema(city=TEXT)), tool("now", "Tell the time.")],
        [{"type": "function", "function": {"name": "bare"}}],
    ]
)
_FORMATS = st.sampled_from(
    [None, {"type": "text"}, {"type": "json_object"},
     {"type": "json_schema", "json_schema": {"name": "x", "schema": schema(city=TEXT)}}]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(_MESSAGE, min_size=1, max_size=6),
    _TOOLS,
    st.sampled_from([None, "auto", "none", "required"]),
    _FORMATS,
    st.booleans(),
)
def test_any_history_is_answered(messages, tools, choice, wanted, is_searching):
    body: dict[str, Any] = {"messages": messages, "tools": tools, "tool_choice": choice}
    if wanted:
        body["response_format"] = wanted
    turn = respond(body, reasons=True, hits=HITS if is_searching else (), seen=SEEN[:1])
    assert isinstance(turn, Turn)
    assert turn.text or turn.tool_calls
    assert turn.reasoning
    assert turn == respond(body, reasons=True, hits=HITS if is_searching else (), seen=SEEN[:1])
    for call in turn.tool_calls:
        assert tools
        json.dumps(call.arguments)
    if not turn.tool_calls and wanted and wanted["type"].startswith("json"):
        json.loads(turn.text)
    for each in turn.citations:
        assert 0 <= each.start_index < each.end_index <= len(turn.text)
