"""From responses and chunks to LlamaIndex's types: values in, values out."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest

from llama_index_nanogpt._from_wire import (
    StreamState,
    chunk_from_wire,
    completion_from_wire,
    usage_from_wire,
)
from nanogpt_client import (
    Billing,
    ChatAccumulator,
    ChatChunk,
    ChatCompletion,
    Choice,
    Citation,
    Message,
    ToolCall,
    Usage,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
PDF = b"%PDF-1.4 \x00\xff"


def completion(message, **more):
    return ChatCompletion(
        id="i",
        model="m",
        choices=(Choice(0, message, "stop"),),
        usage=Usage(prompt_tokens=7, completion_tokens=5, total_tokens=None, raw={"a": None}),
        billing=Billing(cost=Decimal("0.25"), source="cost", balance=Decimal(4), request_id="r"),
        raw={"id": "i", "usage": {"prompt_tokens": None}, "strange": 1},
        **more,
    )


def test_a_response_has_reasoning_first_then_one_text_then_images_then_calls():
    message = Message(
        text="text",
        reasoning="hm",
        tool_calls=(ToolCall("c", "f", '{"a": 1}'),),
        citations=(Citation("https://s", "T", 0, 4, raw={"x": 1}),),
        images=(PNG_URL, "https://example.org/a.png"),
        refusal="no",
        audio={"id": "a", "data": base64.b64encode(b"sound").decode(), "format": "mp3"},
    )
    response = completion_from_wire(completion(message), citation_blocks=True)
    said: Any = response.message
    kinds = [block.block_type for block in said.blocks]
    assert kinds == ["thinking", "text", "image", "image", "audio", "tool_call", "citation"]
    assert said.content == "text"
    assert said.blocks[2].image == base64.b64encode(PNG)
    assert said.blocks[5].tool_kwargs == '{"a": 1}'
    function = {"name": "f", "arguments": '{"a": 1}'}
    annotation = {
        "type": "url_citation", "url": "https://s", "title": "T", "start_index": 0, "end_index": 4,
    }  # fmt: skip
    assert said.additional_kwargs == {
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
        "annotations": [annotation],
        "refusal": "no",
    }
    assert response.additional_kwargs["annotations"] == [annotation]
    json.dumps([said.model_dump(mode="json"), response.raw, response.additional_kwargs])


def test_raw_is_a_plain_dict_with_whole_numbers_the_cost_and_unknown_keys():
    response = completion_from_wire(completion(Message(text="hi")))
    raw: Any = response.raw
    assert raw == {
        "id": "i",
        "strange": 1,
        "usage": {"prompt_tokens": 7, "completion_tokens": 5},
        "finish_reason": "stop",
        "cost": 0.25,
        "cost_source": "cost",
        "balance": 4.0,
        "request_id": "r",
    }
    assert response.additional_kwargs["usage"] is not raw["usage"]


def test_unknown_cost_is_none_and_free_is_zero():
    free = ChatCompletion("i", "m", (), None, Billing(cost=Decimal(0)), {})
    unknown = ChatCompletion("i", "m", (), None, Billing(), {})
    raw: Any = completion_from_wire(unknown).raw
    assert raw["cost"] is None
    assert "usage" not in raw
    raw = completion_from_wire(free).raw
    assert raw["cost"] == 0.0
    assert usage_from_wire(None) == {}


def test_leaked_tool_markup_is_flagged_and_left_in_the_text():
    response = completion_from_wire(completion(Message(text="<tool_call>f</tool_call>")))
    assert response.additional_kwargs["leaked_tool_markup"] is True
    assert response.message.content == "<tool_call>f</tool_call>"


def test_logprobs_list_the_alternatives_or_the_token_itself():
    tokens = [
        {"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []},
        {"token": "b", "logprob": -0.2, "bytes": None,
         "top_logprobs": [{"token": "b", "logprob": -0.2}, {"token": "c", "logprob": -2.0}]},
    ]  # fmt: skip
    chunk = ChatChunk(text="ab", logprobs={"content": tokens})
    logprobs = chunk_from_wire(chunk, arriving()[1]).logprobs or []
    assert [[item.token for item in items] for items in logprobs] == [["a"], ["b", "c"]]


class Arriving:
    """A stream whose deltas are given by hand."""

    def __init__(self):
        self._message = ChatAccumulator()

    @property
    def snapshot(self):
        return self._message.completion()

    def add(self, delta):
        (chunk,) = self._message.add({"choices": [{"delta": delta}]})
        return chunk

    def end(self):
        self._message.add({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        return self._message.end()[-1]


def arriving():
    stream: Any = Arriving()
    return stream, StreamState(stream)


def called(index, arguments, name=None, **more):
    return {"index": index, "function": {"name": name, "arguments": arguments}, **more}


SOURCE = {"type": "url_citation", "url": "https://s"}
DELTAS: list[dict[str, Any]] = [
    {"reasoning": "hm"},
    {"content": "He"},
    {"content": "llo", "annotations": [SOURCE]},
    {"tool_calls": [called(0, "", "f", id="c1"), called(1, '{"x"', "g")]},
    {"tool_calls": [called(1, ": 1}"), called(0, "{}")]},
    {"images": [PNG_URL], "refusal": "n", "audio": {"id": "a", "data": "YQ=="}},
    {"refusal": "o", "audio": {"data": "Yg=="}},
]


def test_items_are_cumulative_and_never_change_later():
    stream, state = arriving()
    items, kept, chunks = [], [], []
    for delta in DELTAS:
        chunks.append(stream.add(delta))
        items.append(chunk_from_wire(chunks[-1], state))
        kept.append(items[-1].model_copy(deep=True))
    assert items == kept
    assert [item.delta for item in items] == [delta.get("content", "") for delta in DELTAS]
    assert [item.message.content or "" for item in items][:4] == ["", "He", "Hello", "Hello"]
    assert [item.additional_kwargs.get("thinking_delta") for item in items[:2]] == ["hm", None]
    assert items[0].raw == {"choices": [chunks[0].raw]}
    arguments = [b.tool_kwargs for b in items[-1].message.blocks if b.block_type == "tool_call"]
    assert arguments == ["{}", '{"x": 1}']
    assert all(block.block_type != "audio" for item in items for block in item.message.blocks)


@pytest.mark.parametrize(
    ("delta", "seen"),
    [
        ({"annotations": [SOURCE]}, "annotations"),
        ({"refusal": "no"}, "refusal"),
        ({"tool_calls": [called(0, "", "f", id="c")]}, "tool_calls"),
        ({"reasoning": "hm"}, "thinking"),
        ({"images": [PNG_URL]}, "image"),
    ],
)
def test_what_comes_after_text_is_seen_at_once_and_from_then_on(delta, seen):
    stream, state = arriving()
    chunk_from_wire(stream.add({"content": "hi"}), state)
    for more in (delta, {"content": "!"}):
        message = chunk_from_wire(stream.add(more), state).message
        kinds = [block.block_type for block in message.blocks]
        assert seen in [*message.additional_kwargs, *kinds]
    assert message.content == "hi!"


def test_the_last_item_is_the_whole_answer():
    stream, state = arriving()
    for delta in DELTAS:
        chunk_from_wire(stream.add(delta), state)
    last = chunk_from_wire(stream.end(), state, citation_blocks=True)
    whole = completion_from_wire(stream.snapshot, citation_blocks=True)
    assert last.delta == ""
    assert last.model_copy(update={"delta": None}) == whole
    assert [b.audio for b in last.message.blocks if b.block_type == "audio"] == [b"WVE9PVlnPT0="]
