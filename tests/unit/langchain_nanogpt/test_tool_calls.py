"""Tool calls: a streamed one is what the whole one is, however it is written and split."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain.agents import create_agent
from langchain_core.messages import HumanMessage

from langchain_nanogpt._from_wire import chunk_from_wire, completion_from_wire
from langchain_nanogpt._stream_state import StreamState
from nanogpt_client import (
    Billing,
    ChatChunk,
    ChatCompletion,
    Choice,
    Message,
    ToolCall,
    ToolCallDelta,
)
from tests.unit.langchain_nanogpt.replies import Wire, call

OBJECTS = st.dictionaries(st.text(max_size=3), st.text(max_size=5)).map(json.dumps)
ODD = st.sampled_from([
    "", " ", "null", "{}", "{ }", "[1]", "7", '"x"', "nonsense", '{"a": ', '{"a": "x\n',
    '{"a": 1} x', '{}{"a": 1}', '{"a": 1}{"b": 2}', '{"a": "x\ny",\n"b": 1}',
    '"{\\"a\\": 1}"', '{"a": NaN}',
])  # fmt: skip


@given(
    ODD | OBJECTS,
    st.sampled_from(["look", ""]),
    st.sets(st.integers(0, 20), max_size=4),
)
def test_a_streamed_call_is_what_the_whole_one_is(arguments, name, cuts):
    state, choice = (
        StreamState(),
        Choice(0, Message(tool_calls=(ToolCall("c1", name, arguments),)), "stop"),
    )
    ends = [0, *sorted(cuts), len(arguments)]
    parts = [arguments[a:b] for a, b in pairwise(ends)]
    deltas = [ToolCallDelta(0, None if at else "c1", None if at else name, part)
              for at, part in enumerate(parts)]  # fmt: skip
    completion = ChatCompletion("c1", "m", (choice,), None, Billing(), {})
    last = ChatChunk(finish_reason="stop", billing=completion.billing)
    chunks = [chunk_from_wire(ChatChunk(tool_calls=[delta]), state) for delta in deltas]
    chunks.append(chunk_from_wire(last, state, completion))
    first, *others = [chunk.message for chunk in chunks]
    total: Any = sum(others, first)
    (generation,) = completion_from_wire(completion).generations
    whole: Any = generation.message
    assert total.tool_calls == whole.tool_calls
    assert [(c["id"], c["name"] or None) for c in total.invalid_tool_calls] == [
        (c["id"], c["name"]) for c in whole.invalid_tool_calls
    ]
    # LangChain's third streaming interface reads the sum by the letter of the standard.
    (chunk,) = total.tool_call_chunks
    if whole.tool_calls:
        assert json.loads(chunk["args"] or "{}") == whole.tool_calls[0]["args"]
    else:
        with pytest.raises(ValueError, match=r"."):
            json.loads(chunk["args"])


class Turns(Wire):
    """Answers with one message after the other."""

    def __init__(self, *turns: Wire) -> None:
        super().__init__()
        self.turns = list(turns)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        return self.turns.pop(0)(request)


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("arguments", ["", "{}"])
def test_an_agent_runs_no_call_that_was_cut_off_before_its_arguments(arguments, streaming):
    """Its tool would take all its defaults."""
    ran = []

    def delete(customer: str | None = None) -> str:
        """Delete a customer's orders; everybody's if no customer is given."""
        ran.append(customer)
        return "deleted"

    wire = Turns(
        Wire(call(arguments, id="c1", name="delete"), finish="length"),
        Wire({"content": "Again?"}),
    )
    agent = create_agent(wire.model(streaming=streaming), [delete])
    said = agent.invoke({"messages": [HumanMessage("Delete c1.")]})["messages"]
    assert not ran
    assert said[-1].invalid_tool_calls[0]["name"] == "delete"
    wire.model().invoke([*said, HumanMessage("Well?")])
    result = next(m for m in wire.bodies[-1]["messages"] if m["role"] == "tool")
    assert "not a JSON object" in result["content"]


@pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
@pytest.mark.parametrize("arguments", ['{"customer": "c1', "[1]", '{"customer": "c1"} or so'])
async def test_an_agent_runs_no_unreadable_call_and_can_go_on(arguments, way, streaming):
    ran = []

    def delete(customer: str | None = None) -> str:
        """Delete a customer's orders; everybody's if no customer is given."""
        ran.append(customer)
        return "deleted"

    unreadable = call(arguments, id="c1", name="delete")
    readable = call('{"customer": "c2"}', 1, id="c2", name="delete")
    wire = Turns(
        Wire(unreadable, readable, finish="length"),
        Wire({"content": "Half is done."}),
        Wire(unreadable, finish="length"),
        Wire({"content": "Yes?"}),
    )
    agent = create_agent(wire.model(streaming=streaming), [delete])
    said: list[Any] = [HumanMessage("Delete c1 and c2.")]
    for _ in range(2):
        state = getattr(agent, way)({"messages": said})
        said = (await state if way == "ainvoke" else state)["messages"]
    await wire.model().ainvoke([*said, HumanMessage("Well?")])
    assert ran == ["c2"]
    *_, sent = wire.bodies
    calls = [c for m in sent["messages"] for c in m.get("tool_calls", ())]
    assert [json.loads(c["function"]["arguments"]) for c in calls] == [{"customer": "c2"}, {}, {}]
    results = [m for m in sent["messages"] if m["role"] == "tool"]
    assert {c["id"] for c in calls} == {m["tool_call_id"] for m in results}
    assert sum(arguments in m["content"] for m in results) == 2
