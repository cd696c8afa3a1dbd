"""What goes back to which model."""

from __future__ import annotations

import pytest

from nanogpt_client import bundled_models
from nanogpt_client._adapters.history import KEPT, Kept, Recipient, fields_of, keep, takes
from nanogpt_client.types.catalog import Model
from nanogpt_client.types.chat import Message, ToolCall

GEMINI = "google/gemini-3-pro-preview"
CALL = ToolCall("c1", "f", "{}", {"extra_content": {"google": {"thought_signature": "S"}}})
SAID = Message(tool_calls=(CALL, ToolCall("c2", "g", "{}")), extra={"reasoning_details": [1]})


@pytest.mark.parametrize(
    ("model", "gets_it"),
    [
        (GEMINI, True),
        (GEMINI + ":online/linkup-deep:memory-30", True),
        (GEMINI + ":thinking", True),
        ("GEMINI-3-pro-preview", True),
        ("google/gemini-3-flash-preview", False),
        ("anthropic/claude-opus-4.6", False),
        ("", False),
    ],
)
def test_what_a_model_sent_goes_back_to_it_alone(model, gets_it):
    extra = {"other": 1, **keep(SAID, GEMINI + ":online")}
    expected = Kept({"reasoning_details": [1]}, {"c1": CALL.extra}) if gets_it else Kept()
    assert Recipient(model).kept(extra) == expected


def test_nothing_is_kept_of_an_answer_that_has_nothing_more():
    assert keep(Message(text="x", tool_calls=(ToolCall("c", "f", "{}"),)), GEMINI) == {}


@pytest.mark.parametrize("odd", [None, 1, [], {"fields": 1, "tool_calls": {"c": 1}}, {"model": []}])
def test_odd_values_under_the_key_are_nothing(odd):
    found = Recipient(GEMINI).kept({KEPT: odd})
    assert not found.fields
    assert not any(found.tool_calls.values())


def test_fields_without_a_model_are_for_any():
    assert Recipient("m").kept({KEPT: {"fields": {"new": 1}}}).fields == {"new": 1}


@pytest.mark.parametrize(
    ("model", "setting", "beside_calls", "alone"),
    [
        ("openai/gpt-5.2", None, True, False),
        ("deepseek/deepseek-v4-pro:thinking", None, True, True),
        ("deepseek/deepseek-v4-flash", None, True, True),
        ("DeepSeek-V4", None, True, True),
        ("deepseek/deepseek-v3.2", None, True, False),
        ("deepseek-chat", None, True, False),
        ("openai/gpt-5.2", True, True, True),
        ("deepseek/deepseek-v4-pro", False, False, False),
        ("mistral/mistral-medium-3.5:thinking", None, False, False),
        ("mistralai/devstral-2-123b-instruct-2512", True, True, True),
    ],
)
def test_reasoning_goes_back_where_it_is_wanted(model, setting, beside_calls, alone):
    to = Recipient(model, send_reasoning=setting)
    assert to.wants_reasoning(beside_calls=True) is beside_calls
    assert to.wants_reasoning(beside_calls=False) is alone


def test_fields_of_users_are_told_from_those_of_frameworks():
    update = {"reasoning": {"effort": "high"}}
    extra = {
        "configuration_update": update,
        "new_field": [1, {"a": None}, ("x",)][:1],
        "lc_source": "summarization",
        "__openai_role__": "developer",
        "session_id": "s",
        "tool_call_id": "c",
        "function_call": {},
        "refusal": "No.",
        "reasoning_content": "hm",
        "nanogpt": {"model": "m"},
        "object": object(),
        "nested": {"bytes": b""},
        "empty": None,
    }
    assert fields_of(extra) == {"configuration_update": update, "new_field": [1]}


def test_who_sees_is_known_from_the_catalogue():
    assert takes(None) == {}
    assert takes(bundled_models.find("openai/gpt-5.2")) == {}
    blind = takes(Model.read({"id": "m", "capabilities": {"vision": False, "pdf_upload": True}}))
    assert (blind["image_url"], blind["file"]) == (False, True)
