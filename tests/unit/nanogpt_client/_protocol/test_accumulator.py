"""Folding a stream: badly numbered tool calls, repeated citations, mirrored reasoning, any JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanogpt_client._protocol.accumulator import ChatAccumulator
from nanogpt_client.types.chat import ChatChunk, Citation, ToolCall, ToolCallDelta
from tests.support.driving import ODD_VALUES


def fold(*deltas: dict, **top) -> tuple[ChatAccumulator, list[ChatChunk]]:
    """Fold deltas of one answer, each a frame."""
    partial, chunks = ChatAccumulator(), []
    for delta in deltas:
        chunks += partial.add({"choices": [{"index": 0, "delta": delta}], **top})
    return partial, chunks


def call(index=None, id_=None, name=None, arguments=None) -> dict:
    function = {"name": name, "arguments": arguments}
    return {
        key: value
        for key, value in {"index": index, "id": id_, "function": function}.items()
        if value is not None
    }


def calls_of(*groups: list[dict]) -> list[tuple[str, str, str]]:
    """Return the tool calls folded from deltas, checking that the chunks tell the same."""
    partial, chunks = fold(*({"tool_calls": group} for group in groups))
    folded: dict[int, list[str]] = {}
    for chunk in [*chunks, *partial.end()]:
        for delta in chunk.tool_calls:
            id_, name, arguments = folded.setdefault(delta.index, ["", "", ""])
            assert not (id_ and delta.id), "an id came twice"
            assert not (name and delta.name), "a name came twice"
            folded[delta.index] = [
                id_ + (delta.id or ""),
                name + (delta.name or ""),
                arguments + delta.arguments,
            ]
    calls = [(c.id, c.name, c.arguments) for c in partial.completion().tool_calls]
    assert [tuple(folded[at]) for at in sorted(folded)] == calls
    return calls


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        # as it should be: an index each, id and name first
        (
            [[call(0, "a", "f", "")], [call(0, arguments='{"x"')], [call(0, arguments=":1}")]],
            [("a", "f", '{"x":1}')],
        ),
        (
            [[call(0, "a", "f", "{}"), call(1, "b", "g", "{")], [call(1, arguments="}")]],
            [("a", "f", "{}"), ("b", "g", "{}")],
        ),
        # interleaved
        (
            [
                [call(0, "a", "f", "1")],
                [call(1, "b", "g", "2")],
                [call(0, arguments="1")],
                [call(1, arguments="2")],
            ],
            [("a", "f", "11"), ("b", "g", "22")],
        ),
        # all with index 0, told apart by id
        (
            [[call(0, "a", "f", "1")], [call(0, "b", "g", "2")], [call(0, arguments="2")]],
            [("a", "f", "1"), ("b", "g", "22")],
        ),
        ([[call(0, "a", "f", "1"), call(0, "b", "f", "2")]], [("a", "f", "1"), ("b", "f", "2")]),
        # all with index 0, interleaved, the id on every piece
        (
            [[call(0, "a", "f", "1")], [call(0, "b", "g", "2")], [call(0, "a", None, "1")]],
            [("a", "f", "11"), ("b", "g", "2")],
        ),
        # no index at all
        ([[call(None, "a", "f", "1")], [call(None, None, None, "2")]], [("a", "f", "12")]),
        (
            [
                [call(None, "a", "f", "1")],
                [call(None, "b", "f", "2")],
                [call(None, "a", None, "3")],
            ],
            [("a", "f", "13"), ("b", "f", "2")],
        ),
        # neither index nor id: a name begins a new call
        (
            [
                [call(None, None, "f", "1")],
                [call(None, None, None, "2")],
                [call(None, None, "f", "3")],
            ],
            [("call_S_0_0", "f", "12"), ("call_S_0_1", "f", "3")],
        ),
        # index but no id: another name is another call
        (
            [[call(0, None, "f", "1")], [call(0, None, "g", "2")], [call(0, None, None, "3")]],
            [("call_S_0_0", "f", "1"), ("call_S_0_1", "g", "23")],
        ),
        # id and name repeated on every delta
        (
            [[call(0, "a", "f", "1")], [call(0, "a", "f", "2")], [call(0, "a", "f", "3")]],
            [("a", "f", "123")],
        ),
        # the id comes late
        ([[call(0, None, "f", "1")], [call(0, "a", None, "2")]], [("a", "f", "12")]),
        # arguments that are null, absent, an object, or begin with a space
        ([[call(0, "a", "f", None)]], [("a", "f", "")]),
        ([[{"index": 0, "id": "a"}]], [("a", "", "")]),
        ([[call(0, "a", "f", {"x": "é"})]], [("a", "f", '{"x": "é"}')]),
        ([[call(0, "a", "f", ' {"x": 1}')]], [("a", "f", ' {"x": 1}')]),
    ],
)
def test_tool_calls(deltas, expected, monkeypatch):
    monkeypatch.setattr(ChatAccumulator, "_unique", lambda _: "S")
    assert calls_of(*deltas) == expected


P, L = '{"city": "Paris"}', '{"city": "London"}'
BOTH = [("call_S_0_0", "w", P), ("call_S_0_1", "w", L)]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        # neither ids nor numbers that differ: an object after a whole one is another call
        ([[call(0, None, "w", P)], [call(0, None, "w", L)]], BOTH),
        ([[call(0, None, "w", P), call(0, None, "w", L)]], BOTH),
        ([[call(0, None, "w", "")], [call(0, None, "", P)], [call(0, None, "", L)]], BOTH),
        ([[call(0, None, "w", "")], [call(0, None, None, P), call(0, None, None, L)]], BOTH),
        ([[call(None, None, "w", P)], [call(None, None, None, L)]], BOTH),
        ([[call(0, None, "w", P)], [call(0, None, "w", "")], [call(0, None, None, L)]], BOTH),
        ([[call("0", None, "w", P[:5])], [call("0", None, None, P[5:] + " ")],
          [call("0", None, "w", " " + L)]],
         [("call_S_0_0", "w", P + " "), ("call_S_0_1", "w", " " + L)]),
        # the same twice: nothing says that it is a repetition
        ([[call(0, None, "w", P)], [call(0, None, "w", P)]],
         [("call_S_0_0", "w", P), ("call_S_0_1", "w", P)]),
        ([[call(0, None, "w", "{}"), call(0, None, "w", "{}")]],
         [("call_S_0_0", "w", "{}"), ("call_S_0_1", "w", "{}")]),
        ([[call(0, None, "w", ""), call(0, None, "w", "")]],
         [("call_S_0_0", "w", ""), ("call_S_0_1", "w", "")]),
        # one id for two calls
        ([[call(0, "a", "w", P)], [call(1, "a", "w", L)]],
         [("a", "w", P), ("call_S_0_1", "w", L)]),
        ([[call(None, "a", "w", P), call(None, "a", "w", P)]],
         [("a", "w", P), ("call_S_0_1", "w", P)]),
        ([[call(0, "a", "f", ""), call(1, "a", "g", "")]],
         [("a", "f", ""), ("call_S_0_1", "g", "")]),
        # a call that its own id says again
        ([[call(0, "a", "w", P)], [call(0, "a", "w", P)]], [("a", "w", P)]),
        ([[call(0, "a", "w", P)], [call(0, "a", "w", "")], []], [("a", "w", P)]),
        ([[call(0, "a", "w", P)], [call(0, None, "w", P)]], [("a", "w", P)]),
        # a new id in each delta: without a name it is the same call, until its object is whole
        ([[call(0, "a", "w", "")], [call(0, "b", None, P[:4])], [call(0, "c", None, P[4:])],
          [call(0, "d", None, "")], [call(0, "e", "w", "")], [call(0, "f", None, L)]],
         [("a", "w", P), ("e", "w", L)]),
        # an id that is none
        ([[call(0, "null", "w", P)], [call(1, "null", "w", L)]], BOTH),
        # an empty object before the real one
        ([[call(0, "a", "w", "{}")], [call(0, None, None, P[:3])], [call(0, None, None, P[3:])]],
         [("a", "w", "{}" + P)]),
        # a call without a name, beside one that has it
        ([[call(0, "a", "w", P)], [call(1, "b", None, L)]], [("a", "w", P), ("b", "", L)]),
        ([[call(0, "a", "w", P)], [call(0, "b", None, L)]], [("a", "w", P), ("b", "", L)]),
        # braces within texts
        ([[call(0, None, "w", '{"a": "}'), call(0, None, None, '{"}')]],
         [("call_S_0_0", "w", '{"a": "}{"}')]),
    ],
)  # fmt: skip
def test_badly_numbered_tool_calls(deltas, expected, monkeypatch):
    monkeypatch.setattr(ChatAccumulator, "_unique", lambda _: "S")
    assert calls_of(*deltas) == expected


@pytest.mark.parametrize(
    "names", [["get_", "weather"], ["get_", "get_weather"], ["get_weather"] * 2]
)
def test_names_may_come_in_parts_or_again(names):
    pieces = [[call(0, "a" if at == 0 else None, name, "")] for at, name in enumerate(names)]
    partial, chunks = fold(*({"tool_calls": each} for each in [*pieces, [call(0, None, None, P)]]))
    assert partial.completion().tool_calls == (ToolCall("a", "get_weather", P),)
    assert "".join(d.name or "" for c in chunks for d in c.tool_calls) == "get_weather"


def test_calls_of_a_whole_reply_are_never_merged():
    partial = ChatAccumulator()
    calls = [
        call(0, "a", "f", P),
        call(0, "a", "f", P),
        call(0, None, None, ""),
        call(0, "a", "f", L),
    ]
    partial.add({"id": "i", "choices": [{"message": {"tool_calls": calls}}]})
    assert [(c.name, c.arguments) for c in partial.completion().tool_calls] == [
        ("f", P), ("f", P), ("", ""), ("f", L)
    ]  # fmt: skip
    assert len({c.id for c in partial.completion().tool_calls}) == 4


def read_both_ways(calls: list[dict], finish: str) -> list[ToolCall]:
    """Read calls of a whole response, and check that a streamed one has the same."""
    whole, streamed = ChatAccumulator(), ChatAccumulator()
    message = {"message": {"tool_calls": calls}, "finish_reason": finish}
    whole.add({"id": "i", "choices": [message]})
    delta = {"delta": {"tool_calls": calls}, "finish_reason": finish}
    chunks = streamed.add({"id": "i", "choices": [delta]}) + streamed.end()
    found = streamed.completion().tool_calls
    assert found == whole.completion().tool_calls
    for at, each in enumerate(found):
        deltas = [d for chunk in chunks for d in chunk.tool_calls if d.index == at]
        assert "".join(d.arguments for d in deltas) == each.arguments
        assert "".join(d.id or "" for d in deltas) == each.id
    return list(found)


@pytest.mark.parametrize("finish", ["length", "content_filter"])
@pytest.mark.parametrize("arguments", [None, "", " ", "{}", "{ "])
@pytest.mark.parametrize("id_", ["b", None])
def test_a_call_that_was_cut_off_before_its_arguments_is_not_one_without(arguments, id_, finish):
    calls = [call(0, "a", "f", "{}"), call(1, id_, "g", arguments)]
    first, last = read_both_ways(calls, finish)
    assert first.parse() == {}
    assert last.problem is not None
    with pytest.raises(ValueError, match="'g'"):
        last.parse()
    assert last.arguments.startswith(arguments or "{")


@pytest.mark.parametrize(
    ("arguments", "finish"),
    [
        ("", "stop"),
        ("{}", "tool_calls"),
        ('{"x": 1}', "length"),
        ("null", "length"),
    ],
)
def test_calls_that_are_whole_stay_as_they_came(arguments, finish):
    (found,) = read_both_ways([call(0, "a", "f", arguments)], finish)
    assert (found.arguments, found.problem) == (arguments, None)


# How providers number calls: the index, and on which pieces of a call its id and its name are.
SCHEMES = {
    "as it should be": (int, "first", "first"),
    "all on every piece": (int, "each", "each"),
    "numbers as texts": (str, "first", "first"),
    "numbers alone": (int, "none", "first"),
    "all 0, ids first": (lambda _: 0, "first", "first"),
    "all 0, ids always": (lambda _: 0, "each", "first"),
    "all 0, no ids": (lambda _: 0, "none", "first"),
    "all 0, no ids, one name": (lambda _: 0, "none", "very first"),
    "no index, ids first": (lambda _: None, "first", "first"),
    "no index, ids always": (lambda _: None, "each", "first"),
    "names alone": (lambda _: None, "none", "first"),
}
CAN_MIX = {"as it should be", "all on every piece", "numbers as texts", "numbers alone",
           "all 0, ids always", "no index, ids always"}  # fmt: skip
ARGUMENTS = st.dictionaries(st.text(max_size=3), st.text(max_size=6) | st.integers(), max_size=2)


def pieces_of(at, arguments, cuts, scheme):
    """Tell one call in pieces."""
    index, ids, names = scheme

    def on(first, which):
        begins = which == "first" or (which == "very first" and at == 0)
        return which == "each" or (first and begins)

    parts = [arguments[a:b] for a, b in pairwise([0, *sorted(cuts), len(arguments)])]
    return [
        call(
            index(at),
            f"id{at}" if on(n == 0, ids) else None,
            ("tool" if names == "very first" else f"tool{at}") if on(n == 0, names) else None,
            part,
        )
        for n, part in enumerate(parts)
    ]


@pytest.mark.unwatched
@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=40)
@given(data=st.data())
def test_split_calls_read_as_whole_ones(scheme, data):
    texts = data.draw(st.lists(ARGUMENTS.map(json.dumps), min_size=1, max_size=4))
    cuts = [data.draw(st.sets(st.integers(1, len(text) - 1), max_size=4)) for text in texts]
    own = [
        pieces_of(at, text, cut, SCHEMES[scheme])
        for at, (text, cut) in enumerate(zip(texts, cuts, strict=True))
    ]
    order = [at for at, pieces in enumerate(own) for _ in pieces]
    if scheme in CAN_MIX:
        order = data.draw(st.permutations(order))
    expected = [texts[at] for at in dict.fromkeys(order)]
    stream, size = [own[at].pop(0) for at in order], data.draw(st.integers(1, 4))
    partial, _ = fold(*({"tool_calls": list(each)} for each in batched(stream, size)))
    assert [c.arguments for c in partial.completion().tool_calls] == expected
    assert all(c.name for c in partial.completion().tool_calls)


def batched(items, size):
    return [items[at : at + size] for at in range(0, len(items), size)]


def test_made_up_ids_are_stable_and_differ_between_answers():
    one, _ = fold({"tool_calls": [call(0, None, "f", "")]})
    two, _ = fold({"tool_calls": [call(0, None, "f", "")]})
    (first,) = one.completion().tool_calls
    assert one.completion().tool_calls == (first,)
    assert one.end()[0].tool_calls == [ToolCallDelta(0, first.id, None, "")]
    assert two.completion().tool_calls[0].id != first.id


def test_made_up_ids_use_the_answers_own():
    partial, _ = fold({"tool_calls": [call(0, None, "f", "")]}, id="chatcmpl-1")
    assert partial.completion().tool_calls == (ToolCall("call_chatcmpl-1_0_0", "f", ""),)


def test_made_up_ids_are_not_too_long_for_a_history():
    partial, _ = fold({"tool_calls": [call(0, None, "f", "")] * 2}, id="chatcmpl-" + "x" * 29)
    one, two = [c.id for c in partial.completion().tool_calls]
    assert one != two
    assert len(one) <= 40


def test_text_reasoning_and_calls_may_come_together():
    partial, (chunk,) = fold(
        {
            "content": "look",
            "reasoning": "hm",
            "tool_calls": [call(0, "a", "f", "{}")],
            "role": "model",
        }
    )
    assert (chunk.text, chunk.reasoning, len(chunk.tool_calls)) == ("look", "hm", 1)
    message = partial.completion().message
    assert (message.text, message.reasoning, message.role) == ("look", "hm", "model")


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning": "hm"},
        {"reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_content": "hm"},
        {"reasoning": "", "reasoning_content": "hm"},
        {"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"reasoning": None, "reasoning_details": [{"text": "h"}, {"text": "m"}, {"data": "x"}]},
        {"content": [{"type": "thinking", "thinking": "hm"}]},
        {"content": [{"type": "reasoning", "reasoning": "hm"}]},
    ],
)
def test_reasoning_is_counted_once_wherever_it_stands(delta):
    partial, (chunk,) = fold(delta)
    assert chunk.reasoning == partial.completion().reasoning == "hm"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("hi", "hi"), ("", ""), (None, ""), (["h", "i"], "hi"),
        ([{"type": "text", "text": "h"}, {"type": "text", "text": "i"}], "hi"),
        ([{"type": "odd"}, 7, None], "7"), ({"text": "hi"}, "hi"), (7, "7"),
    ],
)  # fmt: skip
def test_content_of_any_shape(content, text):
    partial, (chunk,) = fold({"content": content})
    assert chunk.text == partial.completion().text == text


@pytest.mark.parametrize(
    ("images", "urls"),
    [
        ([{"image_url": {"url": "u"}}], ["u"]),
        ([{"image_url": "u"}], ["u"]),
        ([{"url": "u"}], ["u"]),
        (["u", "v"], ["u", "v"]),
        ([{}, None, 7, {"image_url": None}], []),
        ("u", []),
    ],
)
def test_drawn_images_of_any_shape(images, urls):
    partial, (chunk,) = fold({"images": images})
    assert list(chunk.images) == list(partial.completion().images) == urls


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thinking", "thinking": "hm", "signature": "S"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"text": "m"}]},
        {"type": "reasoning", "text": "hm"},
        {"type": "reasoning", "reasoning": {"text": "hm"}},
    ],
)
def test_reasoning_among_the_content_is_no_text(part):
    partial, (chunk,) = fold({"content": [part, {"type": "text", "text": "hi"}]})
    assert (chunk.reasoning, chunk.text) == ("hm", "hi")
    assert (partial.completion().reasoning, partial.completion().text) == ("hm", "hi")


@pytest.mark.parametrize("value", ["hm", ["h", "m"], {"text": "hm"}, [{"text": "hm"}]])
@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_of_any_shape(name, value):
    partial, (chunk,) = fold({name: value})
    assert chunk.reasoning == partial.completion().reasoning == "hm"


def test_a_refusal_among_the_content():
    partial, _ = fold({"content": [{"type": "refusal", "refusal": "No."}]})
    assert (partial.completion().message.refusal, partial.completion().text) == ("No.", "")


def test_images_among_the_content():
    partial, (chunk,) = fold(
        {"content": [{"type": "image_url", "image_url": {"url": "u"}}, {"url": "v"}]}
    )
    assert list(chunk.images) == list(partial.completion().images) == ["u"]


def test_citations_repeated_in_every_delta_count_once():
    one = {"url_citation": {"url": "https://a", "title": "A"}}
    two = {"url": "https://b"}
    partial, chunks = fold({"annotations": [one]}, {"annotations": [one, two]}, {"annotations": {}})
    assert [len(chunk.citations) for chunk in chunks] == [1, 1, 0]
    assert partial.completion().citations == (Citation("https://a", "A"), Citation("https://b"))


def test_refusals_and_sound_come_in_chunks():
    partial, chunks = fold(
        {"refusal": "I "}, {"refusal": "cannot"},
        {"audio": {"id": "x", "data": "AA", "transcript": "h"}},
        {"audio": {"id": "x", "data": "BB", "transcript": "i", "expires_at": 7}},
    )  # fmt: skip
    message = partial.completion().message
    assert message.refusal == "I cannot"
    assert message.audio == {"id": "x", "data": "AABB", "transcript": "hi", "expires_at": 7}
    assert chunks[3].audio is not None
    assert chunks[3].audio["data"] == "BB"


def test_log_probabilities_add_up():
    partial = ChatAccumulator()
    for token in ("a", "b"):
        partial.add({"choices": [{"delta": {"content": token}, "logprobs": {"content": [token]}}]})
    partial.add({"choices": [{"delta": {}, "logprobs": {}}]})
    assert partial.completion().choices[0].logprobs == {"content": ["a", "b"]}


def test_answers_are_kept_apart_and_in_order():
    partial = ChatAccumulator()
    for index, text in ((1, "B"), (0, "A"), (1, "b"), (None, "a")):
        partial.add(
            {"choices": [{"index": index, "delta": {"content": text}, "finish_reason": None}]}
        )
    assert [c.message.text for c in partial.completion().choices] == ["Aa", "Bb"]
    assert (partial.finished, partial.whole, partial.failed) == (0, False, False)
    partial.add({"choices": [{"index": 1, "finish_reason": "error"}]})
    assert (partial.finished, partial.whole, partial.failed) == (1, False, True)
    partial.add({"choices": [{"index": 0, "finish_reason": "stop"}]})
    assert (partial.finished, partial.whole) == (2, True)


def test_choices_of_one_list_are_never_merged():
    partial = ChatAccumulator()
    for index in ({"index": 0}, {"index": None}, {}):
        partial = ChatAccumulator()
        partial.add({"choices": [{**index, "message": {"content": text}} for text in "AB"]})
        assert [c.message.text for c in partial.completion().choices] == ["A", "B"]


@pytest.mark.parametrize(
    "frames",
    [
        [
            {"prompt_tokens": 5, "completion_tokens": 2},
            {"prompt_tokens": 0, "completion_tokens": 0},
        ],
        [{"prompt_tokens": 5, "completion_tokens": 0}, {"completion_tokens": 2}],
        [
            {"prompt_tokens": 5, "completion_tokens": 1},
            {"prompt_tokens": 5, "completion_tokens": 2},
        ],
        [{"prompt_tokens": 5, "completion_tokens": 2}, {}, None],
    ],
)
def test_a_later_usage_takes_nothing_away(frames):
    partial = ChatAccumulator()
    for usage in frames:
        partial.add({"choices": [], "usage": usage})
    usage = partial.completion().usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (5, 2, 7)


@pytest.mark.parametrize("later", [None, "", {}, True])
def test_a_finish_reason_stays(later):
    partial = ChatAccumulator()
    partial.add({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    partial.add({"choices": [{"delta": {"content": ""}, "finish_reason": later}]})
    assert partial.completion().finish_reason == "stop"


def test_usage_and_billing_come_once_at_the_very_end():
    partial = ChatAccumulator({"x-request-id": "req_1"})
    usage = {"prompt_tokens": 3}
    partial.add(
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage, "new": 1}
    )
    partial.add(
        {
            "choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}],
            "usage": usage,
            "new": None,
        }
    )
    partial.add({"choices": [], "usage": {"prompt_tokens": 4}, "x_nanogpt_pricing": {"costUsd": 0}})
    one, two = partial.end()
    assert (one.finish_reason, one.usage, one.billing, one.raw) == ("stop", None, None, {})
    assert two.usage is not None
    assert two.usage.prompt_tokens == 4
    assert two.billing is not None
    assert (two.billing.cost, two.billing.request_id) == (Decimal(0), "req_1")
    assert two.raw["new"] == 1  # a later null does not wipe it
    assert two.billing == partial.completion().billing


def test_nothing_ends_in_nothing():
    assert ChatAccumulator().end() == []
    assert ChatAccumulator().completion().choices == ()
    assert not ChatAccumulator().whole


def test_unknown_keys_survive_in_raw():
    partial, (chunk,) = fold({"content": "x", "novelty": 1}, service_tier="flex")
    assert chunk.raw["delta"]["novelty"] == 1
    assert partial.completion().raw["service_tier"] == "flex"


FIELDS = """choices index delta message finish_reason logprobs content reasoning reasoning_content
reasoning_details tool_calls role annotations images refusal audio text thinking image_url url id
name function arguments url_citation title start_index usage x_nanogpt_pricing costUsd prompt_tokens
prompt_tokens_details cached_tokens model error type""".split()
ANY = st.recursive(
    st.sampled_from(ODD_VALUES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=12,
)
DELTAS = st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=4)


@pytest.mark.unwatched
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "choices": st.lists(
                    st.fixed_dictionaries({"delta": DELTAS, "index": ANY, "finish_reason": ANY})
                )
            },
            optional={"usage": ANY, "x_nanogpt_pricing": ANY, "id": ANY, "model": ANY},
        ),
        max_size=3,
    )
)
def test_any_events_are_folded(frames):
    partial = ChatAccumulator()
    chunks = [chunk for frame in frames for chunk in partial.add(frame)]
    whole = partial.completion()
    for choice in whole.choices:
        texts = [chunk.text for chunk in chunks if chunk.index == choice.index]
        assert "".join(texts) == choice.message.text
        thoughts = [chunk.reasoning for chunk in chunks if chunk.index == choice.index]
        assert "".join(thoughts) == choice.message.reasoning
    assert len(partial.end()) == len(whole.choices)


@given(DELTAS)
def test_a_message_and_a_delta_are_read_alike(delta):
    delta.pop("tool_calls", None)  # those of a message are one each
    one, two = ChatAccumulator(), ChatAccumulator()
    one.add({"id": "i", "choices": [{"delta": delta}]})
    two.add({"id": "i", "choices": [{"message": delta}]})
    assert json.dumps(repr(one.completion())) == json.dumps(repr(two.completion()))


ANSWER = {
    "role": "assistant",
    "content": "Hello",
    "reasoning": "hm",
    "tool_calls": [call(None, "a", "w", P), call(None, "b", "w", "")],
    "annotations": [{"url": "https://a"}],
    "images": ["u", "u"],
    "refusal": "no",
    "audio": {"id": "x", "data": "AA"},
}
IN_PIECES: list[dict] = [
    {"reasoning": "h"}, {"reasoning": "m"}, {"content": "Hel"}, {"content": "lo"},
    {"tool_calls": [call(0, "a", "w", P[:4])]}, {"tool_calls": [call(0, None, None, P[4:])]},
    {"tool_calls": [call(1, "b", "w", "")]}, {"annotations": [{"url": "https://a"}]},
    {"images": ["u", "u"]}, {"refusal": "no"}, {"audio": {"id": "x", "data": "AA"}},
]  # fmt: skip
PARTS = {
    **ANSWER,
    "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hello"}],
    "reasoning": None,
    "reasoning_content": "hm",
}


@pytest.mark.parametrize("delta", [{}, None, "absent"])
@pytest.mark.parametrize("message", [ANSWER, PARTS], ids=["text", "parts"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_message_that_repeats_the_answer_adds_nothing(delta, message, times):
    partial, _ = fold(*IN_PIECES, id="i")
    before = partial.completion().message
    last = {"index": 0, "message": message, "finish_reason": "stop"}
    last |= {} if delta == "absent" else {"delta": delta}
    for _ in range(times):
        (chunk,) = partial.add({"choices": [last]})
        new = (chunk.text, chunk.reasoning, chunk.tool_calls, chunk.citations, chunk.images)
        assert not any((*new, chunk.refusal, chunk.audio))
    assert partial.completion().message == before
    assert partial.completion().finish_reason == "stop"


def test_a_message_brings_what_did_not_stream():
    partial, _ = fold({"content": "Hello"}, id="i")
    (chunk,) = partial.add(
        {"choices": [{"delta": {"content": "!"}, "message": ANSWER, "finish_reason": "stop"}]}
    )
    assert (chunk.text, chunk.reasoning, chunk.images) == ("!", "hm", ["u", "u"])
    message = partial.completion().message
    assert (message.text, message.reasoning, message.refusal) == ("Hello!", "hm", "no")
    assert [c.id for c in message.tool_calls] == ["a", "b"]


@pytest.mark.unwatched
def test_large_answers_are_folded_in_time_that_grows_with_them():
    """Each of these took minutes when what had come was searched or joined for every frame."""
    partial, many = ChatAccumulator(), 30_000
    partial.add({
        "choices": [{"index": n, "message": {"content": "x"}, "finish_reason": "stop"}
                    for n in range(many)]
    })  # fmt: skip
    assert (partial.finished, len(partial.completion().choices)) == (many, many)
    annotations = [{"url": f"https://example.com/{n}"} for n in range(10_000)]
    partial, _ = fold({"annotations": annotations}, {"annotations": annotations})
    assert len(partial.completion().citations) == 10_000
    piece: dict = {"tool_calls": [call(0, "a", "w", "{x")], "audio": {"data": "A" * 100}}
    partial, _ = fold(*[piece] * 10_000)
    sound = partial.completion().message.audio
    assert sound is not None
    assert len(sound["data"]) == 1_000_000
    calls = [call(0, None, "w", P) for _ in range(20_000)]
    partial, _ = fold({"tool_calls": calls})
    assert len(partial.completion().tool_calls) == 20_000
