"""What one call of a tool may spend, read and return with default settings."""

from __future__ import annotations

import pytest

from nanogpt_client.tools import TOOLS, Toolbox


def paid(client) -> list[str]:
    return [e.kind for e in client.ledger if e.kind not in {"account", "catalog", "download"}]


def test_no_call_is_dearer_than_a_dollar_unless_allowed(way, client):
    drawn = {"prompt": "x", "size": "256x256", "n": 4}  # for 0.020 USD
    refused = way.call(client, "generate_image", drawn, refuse_above_usd="0.019")
    assert "0.02 USD, above the limit of 0.019 USD per call; nothing was" in refused.text
    film = {"prompt": "x", "duration": 8}  # for 0.56 USD
    refused = way.call(client, "generate_video", film, refuse_above_usd=0.5)
    assert "0.56" in refused.text
    assert "USD, above the limit of 0.5 USD per call" in refused.text
    assert paid(client) == []
    assert Toolbox(client=client).refuse_above_usd == 1
    for settings in ({}, {"refuse_above_usd": None}, {"refuse_above_usd": "0.02"}):
        assert not way.call(client, "generate_image", drawn, **settings).failed


def test_a_text_to_speak_is_bounded(way, client):
    seen = way.call(client, "speak", {"text": "Hi. " * 5001})
    assert "the text has 20004 characters; the limit is 20000 per call" in seen.text
    short = way.call(client, "speak", {"text": "Hi. " * 10}, max_speech_characters=20)
    assert "the limit is 20 per call" in short.text
    assert paid(client) == []


def test_what_a_model_reads_is_bounded_and_the_artifact_whole(way, client):
    whole = way.call(client, "search_web", {"query": "Nano"})
    seen = way.call(client, "search_web", {"query": "Nano"}, max_result_characters=40)
    assert seen.text == f"{whole.text[:40]} … (cut: 40 of {len(whole.text)} characters)"
    assert seen.artifact["sources"] == whole.artifact["sources"]


@pytest.mark.parametrize("depth", [70, 400])
def test_arguments_that_are_nested_without_end(way, client, depth):
    schema: dict = {}
    for _ in range(depth):
        schema = {"a": schema}
    asked = {"query": "x", "output": "structured", "answer_schema": schema}
    seen = way.call(client, "search_web", asked)
    assert "nested too deeply" in seen.text
    assert paid(client) == []


def test_which_model_is_paid_is_not_the_models_to_say():
    for tool in TOOLS.values():
        assert tool.name == "estimate_cost" or "model" not in tool.args.model_fields


def test_arguments_as_text_that_are_nested_without_end(client):
    with pytest.raises(ValueError, match="are not a JSON"):
        Toolbox(client=client).call("search_web", '{"a":' * 100_000)
