"""The snapshot of the catalogue, and how it is written anew."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client import NanoGPTClient, NotFoundError, bundled_models
from nanogpt_client.bundled_models import find, models
from nanogpt_client.sandbox import Sandbox
from tests.packaging.refresh_bundled_models import SNAPSHOT, main


def test_metadata_of_a_model_comes_without_asking():
    model = find("anthropic/claude-opus-4.6")
    assert model is not None
    assert model.context_length == 1_000_000
    assert model.prompt_usd == Decimal("4.998")
    assert {"vision", "tool_calling", "reasoning"} <= model.capabilities


def test_directives_and_unlisted_variants_have_the_metadata_of_their_model():
    plain = find("openai/gpt-5.2")
    assert plain is not None
    assert find("openai/gpt-5.2:online/linkup-deep:memory-30") == plain
    assert find("openai/gpt-5.2:thinking") == plain


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("gpt-5.2", "openai/gpt-5.2"),
        ("gpt-5.2:online", "openai/gpt-5.2"),
        ("OpenAI/GPT-5.2", "openai/gpt-5.2"),
        ("anthropic/claude-sonet-4.6", "anthropic/claude-sonnet-4.6"),
        ("somebody/gpt-4o-mini", "openai/gpt-4o-mini"),
    ],
)
def test_similar_models_are_those_of_other_owners_or_spelled_alike(asked, expected):
    assert bundled_models.similar(asked)[0] == expected


@pytest.mark.parametrize("asked", ["openai/gpt-5.2", "qqqqqqqq", "", ":", "a:b:c"])
def test_nothing_is_similar_to_a_listed_or_a_strange_model(asked):
    assert bundled_models.similar(asked) == []


@pytest.mark.parametrize("streamed", [False, True])
def test_a_404_names_similar_models(streamed):
    with Sandbox(strict_models=True) as box:
        client = NanoGPTClient(box.api_key, base_url=box.base_url)
        call: Any = client.stream_chat if streamed else client.chat
        with pytest.raises(NotFoundError, match=r"Similar models: openai/gpt-5\.2$") as raised:
            list(call("hi", model="gpt-5.2"))
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_an_unknown_model_has_none():
    assert find("nobody/knows-it") is None


def test_all_of_them_can_be_compared():
    listed = models()
    assert len(listed) > 600
    assert listed["openai/gpt-5.2"] == find("openai/gpt-5.2")


def test_the_snapshot_is_sorted_so_that_its_diffs_are_readable():
    lines = SNAPSHOT.read_text("utf-8").splitlines()
    assert lines == sorted(lines)
    assert len({json.loads(line)["id"] for line in lines}) == len(lines) > 600


def test_it_is_written_anew_from_the_live_catalogue(sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("NANOGPT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("NANOGPT_BASE_URL", sandbox.base_url)
    main(["--output", str(tmp_path / "models.jsonl")])
    models = [json.loads(line) for line in (tmp_path / "models.jsonl").read_text().splitlines()]
    opus = next(model for model in models if model["id"] == "anthropic/claude-opus-4.6")
    assert opus["context_length"]
    assert opus["pricing"]
    assert "description" not in opus


@pytest.mark.parametrize("modality", ["image", "pdf"])
def test_it_is_updated_from_metadata(tmp_path, modality):
    fact = {"context": 1000, "input": ["text", modality], "tool_call": True}
    collected = tmp_path / "metadata.json"
    collected.write_text(json.dumps({"models": {"a/b": fact}}))
    main(["--metadata", str(collected), "--output", str(tmp_path / "models.jsonl")])
    model = json.loads((tmp_path / "models.jsonl").read_text())
    assert model["context_length"] == 1000
    assert model["capabilities"]["tool_calling"] is True
    assert model["capabilities"]["vision"] is (modality == "image")
