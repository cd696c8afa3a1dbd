"""Model lists: every field may be null, prices are exact."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.types.catalog import Model, ModelList
from tests.support.driving import ODD_VALUES
from tests.support.typed import as_declared

FULL = {
    "id": "openai/gpt-5.2",
    "name": "GPT 5.2",
    "description": "d",
    "owned_by": "openai",
    "context_length": 400000,
    "max_output_tokens": "128000",
    "capabilities": {"vision": True, "reasoning": False, "tool_calling": True},
    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text", None]},
    "pricing": {"prompt": 1.75, "completion": "14"},
    "supported_parameters": ["temperature", "seed"],
    "dimensions": None,
    "cost_estimate": 7,
}


def test_a_full_model():
    model = Model.read(FULL)
    assert (model.id, model.name, model.owned_by) == ("openai/gpt-5.2", "GPT 5.2", "openai")
    assert (model.context_length, model.max_output_tokens) == (400000, 128000)
    assert model.capabilities == {"vision", "tool_calling"}
    assert model.input_modalities == {"text", "image"}
    assert model.output_modalities == {"text"}
    assert (model.prompt_usd, model.completion_usd) == (Decimal("1.75"), Decimal(14))
    assert list(model.supported_parameters) == ["temperature", "seed"]
    assert model.dimensions is None
    assert model.raw["cost_estimate"] == 7


def test_a_bare_model():
    model = Model.read({"id": "m"})
    assert (model.name, model.context_length, model.prompt_usd) == ("m", None, None)


def test_embeddings_have_one_price_and_a_window():
    model = Model.read(
        {"id": "e", "pricing": {"per_million_tokens": 0.02}, "max_tokens": 8191, "dimensions": 1536}
    )
    assert (model.prompt_usd, model.completion_usd) == (Decimal("0.02"), None)
    assert (model.context_length, model.dimensions) == (8191, 1536)


def test_newer_keys_of_text_models_are_kept_as_they_are():
    pricing = {"prompt": 0.42, "completion": 1.32, "cacheReadInputPer1kTokens": 0.000078}
    entry = {"id": "m", "reasoning_efforts": ["low", "high"], "pricing": pricing}
    model = Model.read({**entry, "distillationPolicy": {"allowed": None}})
    assert (model.prompt_usd, model.completion_usd) == (Decimal("0.42"), Decimal("1.32"))
    assert model.raw["reasoning_efforts"] == ["low", "high"]
    assert model.raw["pricing"]["cacheReadInputPer1kTokens"] == 0.000078
    assert model.raw["distillationPolicy"] == {"allowed": None}


def test_a_free_model_is_not_an_unpriced_one():
    assert Model.read({"pricing": {"prompt": 0, "per_million_tokens": 3}}).prompt_usd == 0


def test_parameters_may_be_an_object():
    assert Model.read({"supported_parameters": {"sizes": ["1x1"]}}).supported_parameters == {
        "sizes": ["1x1"]
    }


@pytest.mark.parametrize("field", [*FULL, "max_tokens"])
def test_any_field_may_be_anything(field):
    for value in ODD_VALUES:
        raw = FULL | {field: value}
        assert as_declared(Model.read(raw)).raw is raw


@given(st.dictionaries(st.sampled_from(list(FULL)), st.sampled_from(ODD_VALUES)))
def test_any_model_is_read(raw):
    assert as_declared(Model.read(raw)).raw is raw


def test_a_list_is_iterated_counted_and_searched():
    models = ModelList((Model.read({"id": "a"}), Model.read({"id": "b"})), {})
    assert [model.id for model in models] == ["a", "b"]
    assert len(models) == 2
    found = models.get("b")
    assert found is not None
    assert found.id == "b"
    assert models.get("c") is None
