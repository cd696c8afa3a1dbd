"""Every option's bounds: refused here by name, or sent as given."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest

from nanogpt_client.endpoints._checks import checked
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.types import options as kinds
from nanogpt_client.types.options import (
    ChatOptions,
    EmbeddingOptions,
    ImageOptions,
    RequestOptions,
    SpeechOptions,
    TranscriptionOptions,
    VideoOptions,
    WebSearchOptions,
)

ALL = [
    ChatOptions, EmbeddingOptions, ImageOptions, SpeechOptions, TranscriptionOptions, VideoOptions,
    WebSearchOptions,
]  # fmt: skip
NAN, INF = float("nan"), float("inf")

BOUNDS: list[tuple[type, str, list[Any], list[Any]]] = [
    (ChatOptions, "temperature", [0, 2, 0.5], [-0.1, 2.1, "hot", NAN, INF]),
    (ChatOptions, "top_p", [0, 1], [-0.1, 1.1]),
    (ChatOptions, "min_p", [0, 1], [-1, 2]),
    (ChatOptions, "top_a", [0, 5, -0.1], [NAN, "x"]),
    (ChatOptions, "tfs", [0, 1], [2]),
    (ChatOptions, "typical_p", [0.5], [1.1]),
    (ChatOptions, "eta_cutoff", [0, 2.5], [INF]),
    (ChatOptions, "mirostat_tau", [0, 5], ["x"]),
    (ChatOptions, "logprobs", [True, False, 0, 5], [-1, "all", 0.5]),
    (ChatOptions, "prompt_caching", [True, {"enabled": True, "ttl": "1h"}], ["yes", 1]),
    (ChatOptions, "mirostat_mode", [0, 1, 2], [3, -1, 0.5]),
    (ChatOptions, "max_tokens", [1, 10**6], [0, -1, 1.5]),
    (ChatOptions, "min_tokens", [0], [-1]),
    (ChatOptions, "frequency_penalty", [-2, 2], [-2.1, 2.1]),
    (ChatOptions, "presence_penalty", [-2, 2], [-2.1, 2.1]),
    (ChatOptions, "repetition_penalty", [1.1], [2.1]),
    (ChatOptions, "logit_bias", [{"7": -100, "8": 100}], [{"7": -101}, {"7": 101}, [7]]),
    (ChatOptions, "top_logprobs", [0, 20], [-1, 21]),
    (ChatOptions, "n", [1], [0]),
    (ChatOptions, "stop", ["x", ["x", "y"]], [7, [7]]),
    (ChatOptions, "reasoning_effort", ["none", "xhigh", "max"], ["extreme"]),
    (ChatOptions, "memory", [True, False, 0, 1, 365, 400], [-1, "long"]),
    (ChatOptions, "model_context_limit", [10_000, 500, "30000"], [-1, "much"]),
    (ChatOptions, "service_tier", ["flex"], ["first class"]),
    (
        ChatOptions,
        "web_search",
        [True, "linkup-deep", {"provider": "exa"}, {"provider": "firecrawl"}],
        [{"provider": "bing"}],
    ),
    (ChatOptions, "tools", [[]], ["f", [7]]),
    (ChatOptions, "timeout", [0.5, 60], [0, -1, INF, NAN]),
    (ChatOptions, "extra_headers", [{"a": "b"}], [{"a": 1}, ["a"]]),
    (EmbeddingOptions, "dimensions", [1, 256], [0, -1]),
    (EmbeddingOptions, "encoding_format", ["float", "base64"], ["int8"]),
    (ImageOptions, "strength", [0, 1], [-0.1, 1.1]),
    (ImageOptions, "guidance_scale", [0, 7.5], [-1]),
    (ImageOptions, "num_inference_steps", [1], [0]),
    (ImageOptions, "n", [1], [0]),
    (ImageOptions, "response_format", ["url", "b64_json"], ["png"]),
    (SpeechOptions, "speed", [0.1, 0.25, 4, 5], [0.05, 5.1]),
    (SpeechOptions, "response_format", ["mp3", "pcm"], ["midi"]),
    (TranscriptionOptions, "temperature", [0, 1], [1.1]),
    (VideoOptions, "duration", [5, "5", 2.5], [[5]]),
    (WebSearchOptions, "max_results", [1], [0]),
    (WebSearchOptions, "output_type", ["searchResults"], ["poem"]),
    (WebSearchOptions, "provider", ["kagi", "firecrawl"], ["bing"]),
    (WebSearchOptions, "from_date", ["2026-01-31"], ["yesterday", 7, "2026-02-30"]),
]

GOOD = [(kind, name, value) for kind, name, good, _ in BOUNDS for value in good]
BAD = [(kind, name, value) for kind, name, _, bad in BOUNDS for value in bad]


@pytest.mark.parametrize(("kind", "name", "value"), GOOD)
def test_within_bounds_is_sent_as_given(kind, name, value):
    assert checked({name: value}, kind) == {name: value}


@pytest.mark.parametrize(("kind", "name", "value"), BAD)
def test_out_of_bounds_is_refused_by_name(kind, name, value):
    with pytest.raises(InvalidArgumentError) as caught:
        checked({name: value}, kind)
    assert caught.value.param == name
    assert str(caught.value).startswith(f"{name}=")
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("kind", ALL)
def test_none_means_not_given(kind):
    assert checked(dict.fromkeys(get_type_hints(kind)), kind) == {}


@pytest.mark.parametrize("kind", ALL)
def test_every_route_takes_the_common_words(kind):
    words = {"extra_body": {"x": 1}, "extra_headers": {"a": "b"}, "timeout": 3.0}
    assert checked(words, kind) == words
    assert words.keys() == get_type_hints(RequestOptions).keys()


@pytest.mark.parametrize("kind", ALL)
def test_unknown_options_are_refused(kind):
    with pytest.raises(InvalidArgumentError, match=r"unknown option 'zzzz'.*extra_body"):
        checked({"zzzz": 1}, kind)


@pytest.mark.parametrize(
    ("name", "hint"), [("stream", "stream_"), ("max_completion_tokens", "'max_tokens'")]
)
def test_options_of_openais_sdk_are_pointed_to_ours(name, hint):
    with pytest.raises(InvalidArgumentError, match=f"unknown option '{name}'.*{hint}"):
        checked({name: 1}, ChatOptions)


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("temprature", "temperature"), ("maxtokens", "max_tokens"), ("tool", "tools")],
)
def test_a_typo_is_told_what_was_meant(typo, meant):
    with pytest.raises(InvalidArgumentError, match=f"did you mean '{meant}'"):
        checked({typo: 1}, ChatOptions)


@pytest.mark.parametrize("name", kinds.__all__)
def test_every_options_type_forbids_what_it_does_not_name(name):
    kind = getattr(kinds, name)
    assert get_args(kind) == ()  # plain TypedDicts, which adapters can read the names of
    assert get_type_hints(kind)
