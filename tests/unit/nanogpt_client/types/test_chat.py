"""The types of a chat: usage counted once, citations in both forms, tool calls parsed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import ChatCompletion, Choice, Citation, Message, ToolCall, Usage


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4, 7)),
        ({"prompt_tokens": "3", "completion_tokens": 4.0, "total_tokens": 9}, (3, 4, 9)),
        ({"input_tokens": 5}, (5, None, None)),
        ({"input_tokens": 5, "output_tokens": 2}, (5, 2, 7)),
        # reasoning that is in the total and not in the completion
        ({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 23, "reasoning_tokens": 18},
         (3, 20, 23)),
        ({"prompt_tokens": 3, "completion_tokens": 20, "total_tokens": 23, "reasoning_tokens": 18},
         (3, 20, 23)),
        ({"prompt_tokens": 0, "input_tokens": 5}, (0, None, None)),
        ({"prompt_tokens": None, "completion_tokens": -1}, (None, None, None)),
    ],
)  # fmt: skip
def test_usage_totals(raw, expected):
    usage = Usage.read(raw)
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == expected
    assert usage.raw == raw


def test_usage_details():
    usage = Usage.read(
        {
            "prompt_tokens": 20000,
            "prompt_tokens_details": {
                "cached_tokens": 7,
                "created_cache_tokens": 8,
                "audio_tokens": 1,
            },
            "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 2},
            "reasoning_tokens": 0,
            "num_search_queries": 1,
        }
    )
    assert usage is not None
    assert (usage.cache_read_tokens, usage.cache_creation_tokens) == (7, 8)
    assert (usage.reasoning_tokens, usage.search_queries) == (5, 1)
    assert (usage.prompt_audio_tokens, usage.completion_audio_tokens) == (1, 2)


def test_cached_tokens_that_were_left_out_of_the_prompt_are_put_back():
    usage = Usage.read(
        {
            "prompt_tokens": 2,
            "completion_tokens": 10,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 0},
            "cache_read_input_tokens": 11213,
        }
    )
    assert usage is not None
    assert (usage.prompt_tokens, usage.cache_read_tokens, usage.total_tokens) == (
        11215,
        11213,
        11225,
    )


def test_cached_tokens_inside_the_prompt_stay_there():
    usage = Usage.read(
        {"prompt_tokens": 8500, "prompt_tokens_details": {"created_cache_tokens": 8000}}
    )
    assert usage is not None
    assert usage.prompt_tokens == 8500


CACHED = "cache_read_input_tokens"
CREATED = "cache_creation_input_tokens"


@pytest.mark.parametrize(
    ("usage", "prompt", "total"),
    [
        # page streaming-protocol: included, and both mirror the same tokens
        ({"prompt_tokens": 123, "completion_tokens": 20, "total_tokens": 143,
          "prompt_tokens_details": {"cached_tokens": 123}, CREATED: 123, CACHED: 123}, 123, 143),
        # seen live on Claude's routes: left out
        ({"prompt_tokens": 2, "completion_tokens": 10, "total_tokens": 12, CACHED: 11213}, 11215,
         11225),
        ({"prompt_tokens": "2", "completion_tokens": "10", CACHED: "11213",
          "prompt_tokens_details": {"cached_tokens": "0"}}, 11215, 11225),
        ({"prompt_tokens": 12000, "completion_tokens": 1, CACHED: 11213,
          "prompt_tokens_details": {"cached_tokens": 0}}, 23213, 23214),
        ({"prompt_tokens": 2, "completion_tokens": 1, CACHED: 100, CREATED: 50}, 152, 153),
        ({"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 9999, CACHED: 100}, 102,
         9999),  # a total that counts more than both is kept
        # included where the details say so, whatever else is named
        ({"prompt_tokens": 12000, "completion_tokens": 1, CACHED: 11213,
          "prompt_tokens_details": {"cached_tokens": 11213}}, 12000, 12001),
        ({"prompt_tokens": 100, "completion_tokens": 1, CREATED: 90,
          "prompt_tokens_details": {"cached_tokens": 60}}, 100, 101),
        # page prompt-caching: written tokens are included, unless they cannot be
        ({"prompt_tokens": 8500, "completion_tokens": 200, CREATED: 8000, CACHED: 0}, 8500, 8700),
        ({"prompt_tokens": 2, "completion_tokens": 1, CREATED: 8000, CACHED: 0}, 8002, 8003),
        ({"prompt_tokens": 0, "completion_tokens": 1, CACHED: 0}, 0, 1),
        ({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 4}, 9, 12),
    ],
)  # fmt: skip
def test_cached_tokens_are_counted_once(usage, prompt, total):
    read = Usage.read(usage)
    assert read is not None
    assert (read.prompt_tokens, read.total_tokens) == (prompt, total)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 0, "completion_tokens": 0}])
def test_tokens_that_only_the_pricing_names_are_the_usage(usage):
    read = Usage.read(
        usage,
        {"inputTokens": "9", "outputTokens": 20, "cacheReadInputTokens": 123, "cost": 1,
         "cacheCreationInputTokens": "7"},
    )  # fmt: skip
    assert read is not None
    assert (read.prompt_tokens, read.completion_tokens, read.total_tokens) == (139, 20, 159)
    assert (read.cache_read_tokens, read.cache_creation_tokens) == (123, 7)


@pytest.mark.parametrize("pricing", [None, {}, [], {"cost": 1}, {"inputTokens": 0}, {"x": 1}])
def test_a_pricing_without_tokens_is_no_usage(pricing):
    assert Usage.read(None, pricing) is None


def test_a_usage_beats_the_pricing():
    """The page streaming-protocol has both, and they differ."""
    read = Usage.read(
        {"prompt_tokens": 123, "completion_tokens": 20}, {"inputTokens": 9, "outputTokens": 20}
    )
    assert read is not None
    assert read.prompt_tokens == 123


@pytest.mark.parametrize("raw", [None, {}, [], "x", 7])
def test_no_usage(raw):
    assert Usage.read(raw) is None


NESTED = {
    "type": "url_citation",
    "url_citation": {
        "url": "https://a",
        "title": "A",
        "start_index": 1,
        "end_index": 5,
        "content": "c",
    },
}
FLAT = {
    "type": "url_citation",
    "url": "https://a",
    "title": "A",
    "start_index": 1,
    "end_index": 5,
    "content": "c",
}


def test_citations_in_both_forms_are_the_same():
    nested, flat = Citation.read(NESTED), Citation.read(FLAT)
    assert nested == flat == Citation("https://a", "A", 1, 5, "c")
    assert nested is not None
    assert nested.raw == NESTED


@pytest.mark.parametrize("raw", [None, "x", {}, {"url": None}, {"url_citation": {"title": "A"}}])
def test_no_citation_without_a_url(raw):
    assert Citation.read(raw) is None


@pytest.mark.parametrize(
    ("arguments", "parsed"),
    [("", {}), ("  ", {}), ("null", {}), ("{}", {}), (' {"a": 1}', {"a": 1})],
)
def test_tool_arguments(arguments, parsed):
    assert ToolCall("id", "f", arguments).parse() == parsed


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "7", '{}""'])
def test_tool_arguments_that_are_no_object(arguments):
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own messages, or ours
        ToolCall("id", "f", arguments).parse()


def completion(*choices: Choice) -> ChatCompletion:
    return ChatCompletion("id", "m", choices, None, Billing(), {})


def test_a_completion_shows_its_first_answer():
    message = Message("t", "r", (ToolCall("i", "f", ""),), (Citation("u"),), ("image",))
    whole = completion(Choice(0, message, "stop"), Choice(1, Message("other"), "length"))
    assert (whole.text, whole.reasoning, whole.finish_reason) == ("t", "r", "stop")
    assert (whole.tool_calls, whole.citations) == (message.tool_calls, message.citations)
    assert (whole.images, whole.message) == (("image",), message)


def test_an_empty_completion_shows_nothing():
    nothing = completion()
    assert (nothing.text, nothing.finish_reason, nothing.message) == ("", None, Message())


@pytest.mark.parametrize(
    ("text", "leaked"),
    [
        ("plain <b>text</b>", False),
        ('<tool_call>{"name": "f"}</tool_call>', True),
        ("<｜DSML｜function", True),
        ("<|DSML|function", True),
        ("<｜tool▁calls▁begin｜>", True),
        ("<function_calls>", True),
    ],
)
def test_leaked_tool_markup_is_flagged_and_kept(text, leaked):
    whole = completion(Choice(0, Message("fine"), "stop"), Choice(1, Message(text), "stop"))
    assert whole.leaked_tool_markup is leaked
    assert whole.choices[1].message.text == text


def shown(message: Message, **billing: Any) -> str:
    usage = Usage(prompt_tokens=1200, completion_tokens=1)
    bill = Billing(**billing)
    answer = ChatCompletion("id", "m", (Choice(0, message, "stop"),), usage, bill, {"raw": "JSON"})
    return answer._repr_markdown_()


def test_an_answer_is_markdown_in_notebooks():
    source = Citation("https://nano.org/a(b)", "Nano [official]")
    markdown = shown(
        Message(text="**Nano** has no fees.", reasoning="hm", citations=(source, source)),
        cost=Decimal("5E-7"),
    )
    assert markdown.split("\n\n") == [
        "**Nano** has no fees.",
        "1. [Nano \\[official\\]](https://nano.org/a%28b%29)",
        "*m · 0.0000005 USD · 1,200 tokens in · 1 token out*",
    ]


def test_an_answer_of_unknown_cost_says_so():
    assert shown(Message(text="hi")).endswith("*m · unknown cost · 1,200 tokens in · 1 token out*")


def test_an_answer_shows_images_tool_calls_and_refusals():
    call = ToolCall("1", "search", '{"query": "nano"}')
    markdown = shown(Message(tool_calls=(call,), images=("https://x/i.png",), refusal="No."))
    assert markdown.startswith('No.\n\n![](https://x/i.png)\n\n`` search({"query": "nano"}) ``')


def test_what_is_no_web_address_is_no_link():
    assert Citation("javascript:alert(1)", "x").link == "x"


def test_an_answer_has_a_short_repr():
    message = Message(text="x" * 50_000, images=("data:image/png;base64," + "A" * 9_999,))
    answer = ChatCompletion(
        "id",
        "m",
        (Choice(0, message, "stop"),),
        Usage(raw={"a": 1}),
        Billing(cost=Decimal("1E-7"), pricing={"cost": 1e-7}),
        {"raw": "JSON"},
    )
    assert len(repr(answer)) < 800
    assert "cost=0.0000001" in repr(answer)
    assert "JSON" not in repr(answer)
