"""`NanoGPTMemoryBlock` in LlamaIndex's memory: what it lets go of is compressed, not lost."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.memory import Memory

from llama_index_nanogpt import NanoGPT, NanoGPTCostHandler, NanoGPTMemoryBlock
from nanogpt_client import InsufficientBalanceError, ServerError
from nanogpt_client.sandbox import SandboxApp, Script
from tests.support.in_process import OneReply, connection
from tests.support.llama_index import agents_own_warnings

pytestmark = [
    pytest.mark.usefixtures("litter_stays_here"),
    agents_own_warnings,
    # LlamaIndex's own: its memories leave their database to the garbage collector.
    pytest.mark.filterwarnings("ignore:<aiosqlite:ResourceWarning"),
]

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
USER, ASSISTANT = MessageRole.USER, MessageRole.ASSISTANT


def block(app: SandboxApp, **settings: Any) -> NanoGPTMemoryBlock:
    return NanoGPTMemoryBlock(**settings, **connection(app))


def memory_of(*blocks: NanoGPTMemoryBlock) -> Memory:
    return Memory.from_defaults(
        token_limit=100,
        token_flush_size=30,
        chat_history_token_ratio=0.5,
        memory_blocks=list(blocks),
        tokenizer_fn=str.split,
    )


async def talk(memory: Memory, turns: int) -> None:
    for n in range(turns):
        role = ASSISTANT if n % 2 else USER
        await memory.aput(ChatMessage(f"number{n} " + "and so on " * 3, role=role))


async def test_what_memory_lets_go_of_is_in_the_block():
    app = SandboxApp()
    made = block(app, expiration_days=45, model_context_limit=20_000)
    memory = memory_of(made)
    await talk(memory, 12)
    first = app.requests[0].json
    assert (first["expiration_days"], first["model_context_limit"]) == (45, 20_000)
    assert first["messages"][0]["content"].startswith("number0 ")
    assert "number0 " in made.memory
    messages = await memory.aget()
    everything = " ".join(message.content or "" for message in messages)
    assert messages[0].role == MessageRole.SYSTEM
    assert "<context_memory>" in (messages[0].content or "")
    assert all(f"number{n} " in everything for n in range(12))
    # A later compression takes the earlier one along.
    last = app.requests[-1].json["messages"]
    assert last[0]["role"] == "system"
    assert "number0 " in last[0]["content"]


async def test_in_an_agent():
    app = SandboxApp(model=Script(*(f"answer{n} and so on and so on" for n in range(6))))
    memory = memory_of(block(app))
    llm = NanoGPT(model="openai/gpt-5.2", **connection(app))
    agent = FunctionAgent(tools=[], llm=llm)
    for n in range(6):
        await agent.run(f"number{n} and so on and so on and so on", memory=memory)
    assert [request.path.rpartition("/")[2] for request in app.requests].count("memory") >= 1
    sent = json.dumps(app.requests[-1].messages)
    assert "number0" in sent
    assert "<context_memory>" in sent


async def test_a_failure_raises_and_loses_no_message():
    app = SandboxApp()
    made = block(app)
    poor = NanoGPTMemoryBlock(**connection(SandboxApp(balance="0")))
    with pytest.raises(InsufficientBalanceError):
        await poor.aput([ChatMessage("My cat is Ada.")])
    assert await poor.aget() == "user: My cat is Ada."
    made.waiting = poor.waiting
    await made.aput([ChatMessage("It is grey.")])
    assert [each["content"] for each in app.requests[0].json["messages"]] == [
        "My cat is Ada.", "It is grey.",
    ]  # fmt: skip
    assert made.waiting == []
    assert "Ada" in await made.aget()


async def test_costs_are_told_to_handlers():
    app = SandboxApp()
    with NanoGPTCostHandler() as costs:
        await block(app).aput([ChatMessage("My cat is Ada.")])
        failing = OneReply({"error": {"message": "busy"}}, 503)
        with pytest.raises(ServerError):
            await NanoGPTMemoryBlock(api_key=KEY, **failing.settings).aput([ChatMessage("Hi")])
    assert [(e.kind, e.outcome) for e in costs.ledger] == [
        ("memory", "ok"), ("memory", "ServerError"),
    ]  # fmt: skip
    assert costs.total_usd == 5 - app.balance
    assert len(failing.sent) == 1


async def test_too_long_a_text_loses_its_oldest_part():
    made = NanoGPTMemoryBlock(api_key=KEY, memory="x" * 40)
    assert await made.aget() == "x" * 40
    assert await made.atruncate("old, and new", 1) == " and new"
    assert await made.atruncate("old", 1) is None


def test_it_can_be_stored_and_sent_and_shows_no_key():
    made = NanoGPTMemoryBlock(api_key=KEY, memory="ours", waiting=[ChatMessage("Hi")])
    stored = made.model_dump_json()
    assert KEY not in stored + repr(made)
    again = NanoGPTMemoryBlock.model_validate(json.loads(stored) | {"api_key": KEY})
    for copied in (again, pickle.loads(pickle.dumps(made))):
        assert (copied.memory, copied.waiting[0].content) == ("ours", "Hi")
