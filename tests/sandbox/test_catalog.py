"""Which models the sandbox has, and what it takes an unknown one for."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib.resources import files

import pytest

from nanogpt_client.sandbox import SandboxApp, catalog
from nanogpt_client.sandbox.model_name import parse
from tests.sandbox.asking import ask

HELLO = [{"role": "user", "content": "Hello"}]
LISTED = [
    json.loads(line)
    for line in (files("nanogpt_client") / "data" / "models.jsonl").read_text("utf-8").splitlines()
]


def answer(app, model, **more):
    body = {"model": model, "messages": HELLO, "max_tokens": 5, **more}
    return ask(app, "POST", "/api/v1/chat/completions", body)


def test_every_bundled_model_is_listed_with_its_window_and_price():
    reply = ask(SandboxApp(), "GET", "/api/v1/models?detailed=true")
    listed = {model["id"]: model for model in reply.json()["data"]}
    for model in LISTED:
        shown = listed[model["id"]]
        assert shown["context_length"] == model["context_length"]
        assert shown["pricing"]["prompt"] == pytest.approx(model["pricing"]["prompt"])
        assert shown["owned_by"]
        assert "sandbox" not in shown


def test_every_bundled_model_is_found_by_its_name():
    for model in LISTED:
        chosen = parse(model["id"])
        assert (chosen.search, chosen.routing, chosen.memory_days) == (None, None, None)
        catalog.find("text", chosen.id)


def test_every_twentieth_bundled_model_answers():
    app = SandboxApp(rate=None)
    for model in LISTED[::20]:
        assert answer(app, model["id"]).status == 200


def test_an_unknown_model_answers_at_the_documented_price():
    reply = answer(SandboxApp(), "nobody/nothing", reasoning_effort="low").json()
    usage, pricing = reply["usage"], reply["x_nanogpt_pricing"]
    expected = (usage["prompt_tokens"] + 4 * usage["completion_tokens"]) / 1_000_000
    assert pricing["cost"] == pytest.approx(expected)
    found = catalog.find("text", "nobody/nothing", strict=False)
    assert found.metadata["context_length"] == 128_000
    assert found.can("tool_calling")
    assert found.takes("image")


def test_an_unlisted_variant_is_its_plain_model():
    found = catalog.find("text", "openai/gpt-5.2:odd", strict=False)
    assert found.pricing["prompt"] == Decimal("1.75")
    assert found.private["reasoning"] == "asked"
    thinking = catalog.find("text", "openai/gpt-4o:thinking", strict=False)
    assert thinking.private["reasoning"] == "always"
    assert thinking.private["caching"] == "implicit"


def test_suffixes_stay_directives_of_an_unknown_model():
    reply = answer(SandboxApp(), "nobody/nothing:online:memory-5").json()
    assert reply["model"] == "nobody/nothing"


def test_the_list_of_an_unknown_model_does_not_grow():
    app = SandboxApp()
    before = ask(app, "GET", "/api/v1/models").json()
    answer(app, "nobody/nothing")
    assert ask(app, "GET", "/api/v1/models").json() == before


def test_tools_of_a_model_that_the_list_denies_them():
    tool = {"name": "f", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": tool}]
    assert catalog.find("text", "gemini-2.5-pro").metadata["capabilities"]["tool_calling"] is False
    assert answer(SandboxApp(), "gemini-2.5-pro", tools=tools).status == 200
    assert answer(SandboxApp(), "mistralai/mistral-large", tools=tools).status == 400
