"""What a model supports: from the bundled catalogue, from the live one, and enforced."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain_core.exceptions import ModelInvalidRequestError, ModelNotFoundError
from langchain_core.language_models import ModelProfile
from langchain_core.messages import HumanMessage
from langchain_core.runnables import ConfigurableField

from langchain_nanogpt import ChatNanoGPT
from langchain_nanogpt._profile import profile_of
from nanogpt_client import Model, bundled_models
from nanogpt_client.hooks import note_denial
from tests.unit.langchain_nanogpt.replies import Wire

KEY = "sk-nano-of-the-test"
VISION, TEXT_ALONE = "openai/gpt-5.2", "deepseek/deepseek-v3.2"
IMAGE = {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"}
MEDIA = ("vision", "pdf_upload", "audio_input", "video_input")
SOUND = {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav"}


def hello():
    return Wire({"content": "Hello"})


@pytest.mark.parametrize("suffixes", ["", ":online/linkup-deep:memory-30", ":thinking"])
def test_the_snapshot_knows_the_model_without_its_suffixes(suffixes):
    profile: Any = ChatNanoGPT(model=VISION + suffixes, api_key=KEY).profile
    assert profile["max_input_tokens"] == 400_000
    assert profile["max_output_tokens"] == 128_000
    assert profile["image_inputs"] is profile["tool_calling"] is True
    assert profile["structured_output"] is profile["reasoning_output"] is True
    assert profile["audio_inputs"] is profile["image_outputs"] is False


def test_an_unknown_model_has_no_profile_and_a_given_one_stays():
    unknown = ChatNanoGPT(model="nobody/knows-it", api_key=KEY)
    assert unknown.profile is None
    assert unknown.model_copy(update={"model": VISION}).profile is not None
    given = ChatNanoGPT(model=VISION, api_key=KEY, profile={"max_input_tokens": 7})
    assert given.profile == {"max_input_tokens": 7}
    assert given.model_copy(update={"model": TEXT_ALONE}).profile == {"max_input_tokens": 7}


@pytest.mark.parametrize(
    ("listed", "levels"), [(["low", "high", 3], ["low", "high"]), ([], []), ("low", None)]
)
def test_reasoning_efforts_are_those_of_the_catalogue(listed, levels):
    profile: Any = profile_of(Model.read({"id": "a/b", "reasoning_efforts": listed}))
    if "reasoning_effort_levels" in ModelProfile.__annotations__:
        assert profile.get("reasoning_effort_levels") == levels
    else:  # an older langchain-core
        assert "reasoning_effort_levels" not in profile


def test_what_the_catalogue_leaves_open_stays_open():
    model = Model.read({"id": "a/b", "capabilities": {"vision": True, "reasoning": None}})
    assert profile_of(model) == {
        "name": "a/b",
        "image_inputs": True,
        "image_url_inputs": True,
        "image_tool_message": True,
        "attachment": True,
    }


@pytest.mark.parametrize(
    ("listed", "attachment"),
    [({"vision": False}, None), (dict.fromkeys(MEDIA, False), False), ({"pdf_upload": True}, True)],
)
def test_whether_it_takes_attachments_is_said_where_all_media_are_known(listed, attachment):
    profile: Any = profile_of(Model.read({"id": "a/b", "capabilities": listed}))
    assert profile.get("attachment") is attachment


async def test_the_live_catalogue_is_asked_on_demand(sandbox_environment):
    llm = ChatNanoGPT(model=f"{VISION}:online", profile={})
    live = llm.refresh_profile()
    assert llm.profile == live == await llm.arefresh_profile()
    assert live["max_input_tokens"] == 400_000
    listed = llm.list_models()
    assert listed.get(VISION) == (await llm.alist_models()).get(VISION) is not None
    assert {model.id for model in llm.list_models("embedding")}
    unknown = ChatNanoGPT(model="nobody/knows-it")
    with pytest.raises(ModelNotFoundError, match="nobody/knows-it"):
        unknown.refresh_profile()
    assert unknown.profile is None


def test_a_copy_for_another_model_has_that_models_profile():
    wire = hello()
    llm = wire.model()
    other = llm.model_copy(update={"model": TEXT_ALONE})
    assert other.profile["image_inputs"] is False
    assert llm.model_copy(update={"temperature": 0.5}).profile == llm.profile
    chain = llm.configurable_fields(model=ConfigurableField(id="m"))
    configured, _ = chain.prepare({"configurable": {"m": TEXT_ALONE}})
    assert configured.profile == other.profile


def test_it_travels_with_pickles():
    llm = ChatNanoGPT(model=VISION, api_key=KEY)
    assert pickle.loads(pickle.dumps(llm)).profile == llm.profile


@pytest.mark.parametrize("block", [IMAGE, SOUND])
def test_media_that_a_profile_of_the_callers_own_denies_are_refused_unsent(block):
    wire = hello()
    denied = {"image_inputs": False, "audio_inputs": False}
    llm = wire.model(model=TEXT_ALONE, profile=denied)
    kind = "image_url" if block is IMAGE else "input_audio"
    asked = [HumanMessage(["Look", block])]
    with pytest.raises(ModelInvalidRequestError, match=f"'{kind}'.*'{TEXT_ALONE}'"):
        llm.invoke(asked)
    with pytest.raises(ModelInvalidRequestError, match=TEXT_ALONE):
        list(llm.stream(asked))
    assert wire.bodies == []


@pytest.mark.parametrize("block", [IMAGE, SOUND])
@pytest.mark.parametrize("model", [TEXT_ALONE, "openai/gpt-oss-120b"])
def test_what_the_catalogue_alone_denies_is_logged_once_and_sent(caplog, model, block):
    note_denial.cache_clear()
    assert ChatNanoGPT(model=model, api_key=KEY).profile["image_inputs"] is False  # type: ignore[index]
    wire = hello()
    for _ in range(2):
        wire.model(model=model).invoke([HumanMessage(["Look", block])])
        wire.model().invoke([HumanMessage(["Look", block])], model=model)
    assert len(wire.bodies) == 4
    assert [record.message.count(model) for record in caplog.records] == [2]
    assert "is asked all the same" in caplog.text


@pytest.mark.parametrize("model", ["openai/gpt-4o", "gemini-2.5-pro", "openai/gpt-4.1-mini"])
def test_a_catalogue_that_denies_tools_says_nothing_of_them(model):
    found = bundled_models.find(model)
    assert found is not None
    assert found.raw["capabilities"]["tool_calling"] is False
    profile = profile_of(found)
    assert not {"tool_calling", "tool_call_streaming", "structured_output"} & profile.keys()
    wire = hello()
    wire.model(model=model).bind_tools([{"title": "f", "description": "d"}]).invoke("hi")
    assert wire.bodies[0]["tools"]


@pytest.mark.parametrize(
    "settings",
    [
        {"model": VISION},
        {"model": "nobody/knows-it"},
        {"model": TEXT_ALONE},
        {"model": TEXT_ALONE, "check_inputs": False, "profile": {"image_inputs": False}},
        {"model": TEXT_ALONE, "profile": {"image_inputs": True}},
    ],
)
def test_media_are_sent_where_nothing_denies_them(settings):
    wire = hello()
    wire.model(**settings).invoke([HumanMessage(["Look", IMAGE])])
    assert wire.bodies[0]["messages"][0]["content"][1]["type"] == "image_url"


def test_the_model_of_the_call_counts():
    wire = hello()
    denied = {"image_inputs": False}
    with pytest.raises(ModelInvalidRequestError, match=TEXT_ALONE):
        wire.model(model=TEXT_ALONE, profile=denied).invoke([HumanMessage(["Look", IMAGE])])
    messages = [HumanMessage(["Look", IMAGE])]
    wire.model(model=TEXT_ALONE, profile=denied).invoke(messages, model=VISION)
    assert len(wire.bodies) == 1
