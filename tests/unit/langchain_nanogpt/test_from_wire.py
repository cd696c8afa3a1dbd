"""Completions and chunks as LangChain's messages; unvalidated chunks equal validated ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
)
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_nanogpt._from_wire import (
    chunk_from_wire,
    completion_from_wire,
    model_metadata,
    usage_from_wire,
)
from langchain_nanogpt._stream_state import StreamState, without_invalid_ending
from nanogpt_client import (
    Billing,
    ChatChunk,
    ChatCompletion,
    Choice,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)


def completion(*messages, **fields):
    choices = tuple(Choice(at, message, "stop") for at, message in enumerate(messages))
    defaults: dict[str, Any] = {"usage": None, "billing": Billing(), "raw": {}}
    return ChatCompletion(id="1", model="m", choices=choices, **(defaults | fields))


def answers(found: ChatCompletion) -> list[AIMessage]:
    messages = [generation.message for generation in completion_from_wire(found).generations]
    return [message for message in messages if isinstance(message, AIMessage)]


def text_chunk(text: str, state: StreamState) -> AIMessageChunk:
    message = chunk_from_wire(ChatChunk(text=text), state).message
    assert isinstance(message, AIMessageChunk)
    return message


def test_several_choices_are_paid_once():
    usage = Usage(prompt_tokens=3, completion_tokens=4, total_tokens=7)
    money = Billing(cost=Decimal("0.5"))
    first, second = answers(completion(Message("a"), Message("b"), usage=usage, billing=money))
    assert first.response_metadata["cost"] == 0.5
    assert first.usage_metadata == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    assert "cost" not in second.response_metadata
    assert second.usage_metadata is None
    assert second.response_metadata["model_name"] == "m"


@pytest.mark.parametrize(
    ("cost", "expected"), [(Decimal(0), {"cost": 0.0}), (None, {}), (Decimal("0.1"), {"cost": 0.1})]
)
def test_no_cost_is_not_the_same_as_an_unknown_one(cost, expected):
    (answer,) = answers(completion(Message("a"), billing=Billing(cost=cost)))
    found = answer.response_metadata
    assert {k: v for k, v in found.items() if k == "cost"} == expected


def test_undocumented_fields_of_a_response_reach_the_user():
    raw = {
        "id": "1",
        "object": "x",
        "usage": {},
        "provider": "p",
        "citations": ["https://a"],
        "k": 1,
    }
    found = completion(Message("a"), raw=raw)
    (whole,) = answers(found)
    chunk = chunk_from_wire(ChatChunk(), StreamState(), found).message
    for message in (whole, chunk):
        assert message.response_metadata["extra"] == {"citations": ["https://a"], "k": 1}
        assert message.response_metadata["provider"] == "p"
    (plain,) = answers(completion(Message("a"), raw={"id": "1"}))
    assert "extra" not in plain.response_metadata


def test_broken_arguments_are_an_invalid_call():
    message = Message(tool_calls=(ToolCall("c1", "look", '{"at": '), ToolCall("c2", "look", "[1]")))
    (answer,) = answers(completion(message))
    assert answer.tool_calls == []
    assert [call["args"] for call in answer.invalid_tool_calls] == ['{"at": ', "[1]"]
    assert all(call["error"] for call in answer.invalid_tool_calls)


def test_leaked_markup_is_flagged_and_kept():
    (answer,) = answers(completion(Message("<tool_call>{}")))
    assert answer.content == "<tool_call>{}"
    assert answer.response_metadata["leaked_tool_markup"] is True


def test_usage_has_whole_numbers_alone():
    usage = Usage(
        prompt_tokens=10,
        completion_tokens=5,
        total_tokens=15,
        reasoning_tokens=2,
        cache_read_tokens=3,
        cache_creation_tokens=4,
        prompt_audio_tokens=1,
        completion_audio_tokens=0,
    )
    assert usage_from_wire(usage) == {
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "input_token_details": {"cache_read": 3, "cache_creation": 4, "audio": 1},
        "output_token_details": {"reasoning": 2, "audio": 0},
    }
    assert usage_from_wire(None) is None
    assert usage_from_wire(Usage()) is None
    counted = usage_from_wire(Usage(completion_tokens=5))
    assert counted == {"input_tokens": 0, "output_tokens": 5, "total_tokens": 5}


def test_text_chunks_share_nothing():
    state = StreamState()
    first, second = text_chunk("a", state), text_chunk("b", state)
    first.tool_call_chunks.append(ToolCallChunk(name="x", args="", id="1", index=0))
    first.additional_kwargs["x"] = 1
    first.response_metadata["x"] = 1
    assert (first.text, second.text) == ("a", "b")
    third = text_chunk("c", state)
    assert (third.tool_call_chunks, third.additional_kwargs) == ([], {})
    assert second.response_metadata == {"model_provider": "nanogpt"}


def last_chunk(choice, state):
    whole = ChatCompletion("c1", "m", (choice,), None, Billing(), {})
    return chunk_from_wire(ChatChunk(finish_reason="stop", billing=whole.billing), state, whole)


def test_logprobs_come_together_at_the_end():
    state = StreamState()
    chunks = [ChatChunk(text=token, logprobs={"content": [{"token": token}]}) for token in "ab"]
    choice = Choice(0, Message(), "stop", {"content": [{"token": "a"}, {"token": "b"}]})
    others = [chunk_from_wire(chunk, state) for chunk in chunks]
    last = last_chunk(choice, state)
    assert last.message.response_metadata["logprobs"] == {
        "content": [{"token": "a"}, {"token": "b"}]
    }
    assert all("logprobs" not in other.message.response_metadata for other in others)


@pytest.mark.parametrize(
    "arguments",
    [
        '{"a": "x',
        '{"a": "x\\',
        '{"a": [1, ',
        '{"a": ["x',
        '{"a": ["x\\',
        '{"a": {"b": 1',
        '{"a": nul',
        "[1]",
        "[1",
        "7",
        '"x',
    ],
)
def test_arguments_that_are_no_object_are_never_mended(arguments):
    state = StreamState()
    delta = ToolCallDelta(0, "c1", "look", arguments)
    first = chunk_from_wire(ChatChunk(tool_calls=[delta]), state).message
    total: Any = first + last_chunk(Choice(0, Message(), "stop"), state).message
    assert total.tool_calls == []
    assert without_invalid_ending(total.invalid_tool_calls[0]["args"]) == arguments


def test_a_copied_text_chunk_is_what_a_validated_one_would_be():
    chunk = chunk_from_wire(ChatChunk(text="a"), StreamState())
    built = type(chunk)(message=type(chunk.message)(**chunk.message.model_dump()))
    assert chunk == built


JSON_PARTS = st.text(alphabet='{}[]":, \\\n\tab01nultrefs.-', max_size=12)
SHORT_TEXTS = st.one_of(st.none(), st.text(max_size=4))


@pytest.mark.unwatched
@given(
    st.text(max_size=8),
    st.text(max_size=8),
    st.lists(st.tuples(SHORT_TEXTS, SHORT_TEXTS, JSON_PARTS | st.text(max_size=6)), max_size=3),
)
def test_a_chunk_is_as_validated(text, reasoning, calls):
    deltas = [ToolCallDelta(at, id_, name, args) for at, (id_, name, args) in enumerate(calls)]
    made = chunk_from_wire(
        ChatChunk(text=text, reasoning=reasoning, tool_calls=deltas), StreamState()
    )
    state = StreamState()
    call_chunks: list[ToolCallChunk] = [state.tool_call(delta) for delta in deltas]
    validated = AIMessageChunk(
        content=text,
        additional_kwargs={"reasoning_content": reasoning} if reasoning else {},
        response_metadata={"model_provider": "nanogpt"},
        tool_call_chunks=call_chunks,
        usage_metadata=None,
    )
    assert made == ChatGenerationChunk(message=validated)
    assert made.message.__dict__ == validated.__dict__
    assert (made + made).message == validated + validated


@pytest.mark.parametrize(
    ("reported", "normalized"),
    [
        ("stop", "stop"),
        ("tool_calls", "tool_call"),
        ("function_call", "tool_call"),
        ("length", None),  # LangChain has no word for it in any release
        (None, None),
    ],
)
def test_the_finish_reason_is_also_in_langchains_words(reported, normalized):
    metadata = model_metadata("chat_1", "m", reported)
    assert metadata.get("finish_reason") == reported
    assert metadata.get("normalized_finish_reason") == normalized
