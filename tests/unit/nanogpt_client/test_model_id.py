"""Model ids: taken apart and put together exactly, contradictions refused by name."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.model_id import REDACTION, ROUTING, SEARCH_BACKENDS, ModelId

WHOLE = "anthropic/claude-opus-4.6:memory-30:online/linkup-deep:reasoning-exclude"


def test_an_id_is_taken_apart():
    model = ModelId.parse(WHOLE)
    assert model.base == "anthropic/claude-opus-4.6"
    assert model.suffixes == ("memory-30", "online/linkup-deep", "reasoning-exclude")
    assert (model.web_search, model.memory_days, model.reasoning_excluded) == (
        "linkup-deep",
        30,
        True,
    )
    assert (model.routing, model.redacted) == (None, False)
    assert str(model) == WHOLE


def test_a_plain_id_has_no_directives():
    model = ModelId("openai/gpt-5.2")
    assert (model.base, model.suffixes) == ("openai/gpt-5.2", ())
    assert (model.web_search, model.memory_days, model.routing) == (None, None, None)
    assert (model.reasoning_excluded, model.redacted) == (False, False)


def test_an_id_is_composed():
    model = ModelId("openai/gpt-5.2").with_web_search("linkup-deep").with_memory(30)
    assert repr(model) == "ModelId('openai/gpt-5.2:online/linkup-deep:memory-30')"
    assert str(ModelId("m").with_web_search().with_memory()) == "m:online:memory"
    assert str(ModelId("m").with_routing("cheap").with_redaction()) == "m:cheap:redaction"
    assert str(ModelId("m").with_reasoning_excluded()) == "m:reasoning-exclude"


@pytest.mark.parametrize(
    "model",
    [
        "m:thinking",
        "m:thinking:8192",
        "m/official/original:official/original",
        "m:free",
        "m:fireworks",
        "a::b",
        "m:",
    ],
)
def test_what_is_no_directive_belongs_to_the_identity(model):
    parsed = ModelId.parse(model)
    assert (parsed.base, parsed.suffixes, str(parsed)) == (model, (), model)


def test_directives_between_parts_of_the_identity():
    parsed = ModelId("m:ONLINE:thinking:Memory-7:8192")
    assert (parsed.base, parsed.web_search, parsed.memory_days) == ("m:thinking:8192", "", 7)


@pytest.mark.parametrize("backend", sorted(SEARCH_BACKENDS))
def test_every_search_backend(backend):
    assert ModelId("m").with_web_search(backend).web_search == backend
    assert ModelId(f"m:online/{backend.upper()}").web_search == backend


@pytest.mark.parametrize("word", sorted(ROUTING))
def test_every_routing_word(word):
    assert ModelId(f"m:{word}").routing == word
    assert ModelId("m").with_routing(word.upper()).routing == word


@pytest.mark.parametrize("word", sorted(REDACTION))
def test_every_redaction_word(word):
    assert ModelId(f"m:{word}").redacted


def test_directives_are_removed():
    assert str(ModelId("m:online:thinking:memory").without_web_search()) == "m:thinking:memory"
    assert str(ModelId("m:online:thinking:memory-3").without_memory()) == "m:online:thinking"
    assert str(ModelId("m").without_memory()) == "m"


def test_the_same_directive_again_changes_nothing():
    model = ModelId("m:Online")
    assert model.with_web_search() is model


@pytest.mark.parametrize(
    ("model", "one", "other"),
    [
        ("m:online:online", "online", "online"),
        ("m:online/linkup:online/exa-fast", "online/linkup", "online/exa-fast"),
        ("m:memory:memory-30", "memory", "memory-30"),
        ("m:fast:cheap", "fast", "cheap"),
        ("m:caching:thinking:speed", "caching", "speed"),
        ("m:redaction:redacted", "redaction", "redacted"),
    ],
)
def test_contradictions_are_refused_by_both_names(model, one, other):
    with pytest.raises(InvalidArgumentError, match="contradict") as caught:
        ModelId.parse(model)
    assert f"':{one}' and ':{other}'" in str(caught.value)
    assert caught.value.param == "model"


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.with_web_search("exa-fast"), lambda m: m.with_memory(31),
        lambda m: m.with_routing("cheap"),
    ],
)  # fmt: skip
def test_a_second_opinion_is_refused(change):
    with pytest.raises(InvalidArgumentError, match="contradict each other; keep one"):
        change(ModelId("m:online/linkup:memory-30:fast"))


@pytest.mark.parametrize(
    "model",
    [
        "",
        ":online",
        " m",
        "m ",
        "m\n",
        "m:online/bing",
    ],
)
def test_malformed_ids_are_refused(model):
    with pytest.raises(InvalidArgumentError):
        ModelId.parse(model)


@pytest.mark.parametrize("days", [0, 1, 365, 366, 99999])
def test_days_of_memory_are_the_servers_to_clamp(days):
    assert ModelId.parse(f"m:memory-{days}").memory_days == days
    assert str(ModelId("m").with_memory(days)) == f"m:memory-{days}"


def test_no_memory_lasts_for_less_than_no_time():
    with pytest.raises(InvalidArgumentError, match="must be 0 or more, not -1"):
        ModelId("m").with_memory(-1)


@pytest.mark.parametrize("model", [None, 5, b"m", ["m"]])
def test_what_is_no_text_is_refused(model):
    with pytest.raises(InvalidArgumentError, match="is not a model id"):
        ModelId(model)


def test_unknown_words_are_refused_with_the_known_ones():
    with pytest.raises(InvalidArgumentError, match=r"unknown search backend 'bing'.*linkup-deep"):
        ModelId("m").with_web_search("bing")
    with pytest.raises(InvalidArgumentError, match=r"unknown routing 'best'.*cheap"):
        ModelId("m").with_routing("best")


@pytest.mark.parametrize(
    ("model", "provider", "caching"),
    [
        ("m:fast", "groq", False),
        ("m:tools", {"only": ["x"]}, False),
        ("m:caching", "x", False),
        ("m:fast", None, True),
    ],
)
def test_two_choices_of_a_provider_are_refused(model, provider, caching):
    with pytest.raises(InvalidArgumentError, match="both choose the provider"):
        ModelId(model).check_provider(provider, caching=caching)


@pytest.mark.parametrize(
    ("model", "provider", "caching"),
    [
        ("m", "groq", True),
        ("m:online", "groq", True),
        ("m:fast", None, False),
        ("m:cache", None, True),
    ],
)
def test_one_choice_of_a_provider_is_fine(model, provider, caching):
    ModelId(model).check_provider(provider, caching=caching)


SUFFIX = st.one_of(
    st.sampled_from(
        ["online", "Online/LINKUP", "memory-7", "fast", "redacted", "reasoning-exclude"]
    ),
    st.text(st.characters(exclude_categories=["Cs"])),
)


@given(st.text(min_size=1), st.lists(SUFFIX, max_size=4))
def test_whatever_is_accepted_comes_out_as_it_went_in(head, suffixes):
    text = ":".join([head, *suffixes])
    try:
        model = ModelId.parse(text)
    except InvalidArgumentError:
        return
    assert str(model) == text
    assert ModelId.parse(model) == model
    assert model.base.count(":") + len(model.suffixes) == text.count(":")
    assert ModelId.parse(model.base).suffixes == ()


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_ids_are_values(again):
    assert again(ModelId(WHOLE)) == ModelId(WHOLE)
    assert len({ModelId("m"), ModelId("m")}) == 1
