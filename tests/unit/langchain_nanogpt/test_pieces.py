"""Chunks that are not validated are what LangChain's validation would have made of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_nanogpt._stream_state import StreamState
from langchain_nanogpt._translate import chunk_from_wire
from nanogpt_client import ChatChunk, ToolCallDelta

JSON_PIECES = st.text(alphabet='{}[]":, \\\n\tab01nultrefs.-', max_size=12)
WORDS = st.one_of(st.none(), st.text(max_size=4))


@given(
    st.text(max_size=8),
    st.text(max_size=8),
    st.lists(st.tuples(WORDS, WORDS, JSON_PIECES | st.text(max_size=6)), max_size=3),
)
def test_a_piece_is_as_validated(text, reasoning, calls):
    deltas = [ToolCallDelta(at, id_, name, args) for at, (id_, name, args) in enumerate(calls)]
    made = chunk_from_wire(
        ChatChunk(text=text, reasoning=reasoning, tool_calls=deltas), StreamState()
    )
    held = StreamState()
    pieces: list[ToolCallChunk] = [held.tool_call(delta) for delta in deltas]
    validated = AIMessageChunk(
        content=text,
        additional_kwargs={"reasoning_content": reasoning} if reasoning else {},
        response_metadata={"model_provider": "nanogpt"},
        tool_call_chunks=pieces,
        usage_metadata=None,
    )
    assert made == ChatGenerationChunk(message=validated)
    assert made.message.__dict__ == validated.__dict__
    assert (made + made).message == validated + validated
