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


@pytest.mark.parametrize(
    ("pricing", "price"),
    [
        ({"prompt": 1.75, "completion": "14"}, "1.75 USD in, 14 USD out per million tokens"),
        ({"prompt": "1E-7", "completion": 2}, "0.0000001 USD in, 2 USD out per million tokens"),
        ({"prompt": 0.1, "completion": 0}, "0.1 USD per million tokens"),
        ({"prompt": 0, "completion": 0}, "0 USD per million tokens"),
        ({"per_million_tokens": 0.02}, "0.02 USD per million tokens"),
        ({"per_image": {"256x256": 0.005, "2k": {"hd": 0.0140}}}, "0.005 to 0.014 USD per image"),
        ({"with_audio": 4.8, "without_audio": 3.2}, "4.8 USD with audio, 3.2 USD without audio"),
        ({"unit": "image"}, ""),
        (None, ""),
    ],
)
def test_a_price_to_read(pricing, price):
    assert Model.read({"id": "m", "pricing": pricing}).price == price


def listed(number: int) -> ModelList:
    models = (Model.read(FULL | {"id": f"owner/model-{n}"}) for n in range(number))
    return ModelList(tuple(models), {})


def test_a_list_is_indexed_and_sliced():
    models = listed(5)
    assert models[0].id == "owner/model-0"
    assert models[-1].id == "owner/model-4"
    some = models[1:3]
    assert isinstance(some, ModelList)
    assert [model.id for model in some] == ["owner/model-1", "owner/model-2"]
    assert models[2] in models
    assert models.index(models[2]) == 2
    with pytest.raises(IndexError):
        models[5]


def test_a_list_shows_as_a_table_of_prices():
    shown = repr(listed(2)).splitlines()
    assert shown[0] == "2 models"
    assert shown[1].split() == ["model", "context", "price", "supports"]
    assert shown[2].startswith("owner/model-0  400,000  1.75 USD in, 14 USD out per million tokens")
    html = listed(2)._repr_html_()
    assert html.count("<tr>") == 3
    assert ">owner/model-0</td>" in html


def test_a_long_list_is_cut_and_says_so():
    shown = repr(listed(617))
    assert shown.startswith("617 models\n")
    assert shown.endswith("\n… and 587 more")
    assert "587 more" in listed(617)._repr_html_()
    assert repr(listed(0)).startswith("0 models")


def test_a_model_has_a_short_repr():
    model = Model.read(FULL | {"description": "x" * 10_000})
    assert len(repr(model)) < 700
    assert "prompt_usd=1.75" in repr(model)
