"""However an answer is asked for, its final message is the same."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from langchain_nanogpt._stream_state import without_invalid_ending
from tests.unit.langchain_nanogpt.replies import Wire, call

pytestmark = pytest.mark.filterwarnings(  # v3 is said to be in beta
    "ignore::langchain_core._api.beta_decorator.LangChainBetaWarning"
)

CITATION = {"url": "https://example.org/a", "title": "A", "start_index": 0, "end_index": 5}
SAMPLES = {
    "text": Wire({"role": "assistant"}, {"content": "Hello "}, {"content": "world"}),
    "reasoning": Wire({"reasoning": "Hm, "}, {"reasoning": "yes."}, {"content": "Yes"}),
    "reasoning beside text": Wire(
        {"reasoning": "Hm", "content": "Y"}, {"reasoning": "!", "content": "es"}
    ),
    "text beside a call": Wire(
        {"content": "Let me look."} | call('{"city": ', id="c1", name="weather"),
        call('"Rome"}'),
        finish="tool_calls",
    ),
    "two calls": Wire(
        call("{}", id="c1", name="now"),
        call('{"city": "Rome"}', 1, id="c2", name="weather"),
        finish="tool_calls",
    ),
    "no arguments": Wire(call("", id="c1", name="now"), finish="tool_calls"),
    "null arguments": Wire(call(None, id="c1", name="now"), finish="tool_calls"),
    "spaced arguments": Wire(
        call(" ", id="c1", name="weather"), call(' {"city": "Rome"}'), finish="tool_calls"
    ),
    "citations": Wire(
        {"content": "Water"},
        {"content": " is wet", "annotations": [{"type": "url_citation", "url_citation": CITATION}]},
        {"annotations": [{"type": "url_citation", **CITATION, "url": "https://example.org/b"}]},
    ),
    "images": Wire(
        {"content": "Look:", "images": [{"image_url": {"url": "data:image/png;base64,AAAA"}}]},
        {"images": ["https://example.org/b.png"]},
    ),
    "refusal": Wire({"refusal": "I will "}, {"refusal": "not."}),
    "signatures": Wire(
        {"reasoning": "Hm"},
        call("{}", id="c1", name="now", extra_content={"google": {"thought_signature": "S"}}),
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "E"}]},
        finish="tool_calls",
    ),
    "sound": Wire({"audio": {"id": "a1", "data": "AAAA", "transcript": "Hi"}}),
}
LEAST = ("content", "additional_kwargs", "response_metadata", "usage_metadata", "tool_calls")


def summed(chunks):
    first, *rest = chunks
    return first + rest


async def every_way(model):
    return {
        "invoke": model.invoke("hi"),
        "ainvoke": await model.ainvoke("hi"),
        "stream": summed(list(model.stream("hi"))),
        "astream": summed([chunk async for chunk in model.astream("hi")]),
        "invoke(stream=True)": model.invoke("hi", stream=True),
    }


@pytest.mark.parametrize("name", SAMPLES)
async def test_v0_messages_are_the_same(name):
    answers = await every_way(SAMPLES[name].model())
    expected = answers.pop("invoke")
    for way, answer in answers.items():
        for field in LEAST:
            assert getattr(answer, field) == getattr(expected, field), (way, field)
        assert answer.content_blocks == expected.content_blocks, way


@pytest.mark.parametrize("name", SAMPLES)
async def test_v1_blocks_are_the_same(name):
    wire = SAMPLES[name]
    expected = wire.model().invoke("hi").content_blocks
    answers = await every_way(wire.model(output_version="v1"))
    answers["v3"] = wire.model().stream_events("hi", version="v3").output
    stream = await wire.model().astream_events("hi", version="v3")
    answers["async v3"] = await stream.output
    for way, answer in answers.items():
        assert sorted(map(plain, answer.content_blocks)) == sorted(map(plain, expected)), way


def plain(block):
    """Without the index, which only streams need, and empty extras."""
    return repr(sorted((k, v) for k, v in block.items() if k != "index" and v not in ({}, None)))


async def test_half_a_tool_call_is_invalid_everywhere():
    wire = Wire(call('{"path": "/', id="c1", name="delete"), finish="length")
    answers = await every_way(wire.model())
    answers["v3"] = wire.model().stream_events("hi", version="v3").output
    for way, answer in answers.items():
        assert answer.tool_calls == [], way
        (invalid,) = answer.invalid_tool_calls
        assert (invalid["name"], invalid["id"]) == ("delete", "c1"), way
        assert without_invalid_ending(invalid["args"]) == '{"path": "/', way


async def test_a_call_without_a_name_is_invalid_everywhere():
    wire = Wire(call("{}", id="c1", name=None), finish="tool_calls")
    answers = await every_way(wire.model())
    answers["v3"] = wire.model().stream_events("hi", version="v3").output
    for way, answer in answers.items():
        assert answer.tool_calls == [], way
        (invalid,) = answer.invalid_tool_calls
        assert (invalid["name"], invalid["id"]) == (None, "c1"), way


def test_every_chunk_names_its_provider_and_only_one_the_rest():
    chunks = list(SAMPLES["citations"].model().stream("hi"))
    assert all(c.response_metadata["model_provider"] == "nanogpt" for c in chunks[:-1])
    for once in ("cost", "balance", "request_id", "model_name", "finish_reason", "id"):
        assert sum(once in chunk.response_metadata for chunk in chunks) == 1, once
    assert sum(chunk.usage_metadata is not None for chunk in chunks) == 1
    assert sum("annotations" in chunk.additional_kwargs for chunk in chunks) == 1


def test_a_whole_answer_tells_cost_balance_and_request():
    answer = SAMPLES["text"].model().invoke("hi")
    assert isinstance(answer, AIMessage)
    assert answer.response_metadata | {"pricing": None} == {
        "model_provider": "nanogpt",
        "model_name": "openai/gpt-5.2",
        "id": "chat_1",
        "finish_reason": "stop",
        "normalized_finish_reason": "stop",
        "cost": 0.0125,
        "cost_source": "x_nanogpt_pricing.costUsd",
        "balance": 4.5,
        "request_id": "req_1",
        "pricing": None,
    }


def test_citations_of_both_forms_become_annotations():
    block: Any
    (block,) = SAMPLES["citations"].model().invoke("hi").content_blocks
    assert [a["url"] for a in block["annotations"]] == [
        "https://example.org/a",
        "https://example.org/b",
    ]
    assert block["annotations"][0] == {"type": "citation", **CITATION}
