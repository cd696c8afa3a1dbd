"""Histories: all that a conversation may hold can be sent, stored, and sent again."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore

from tests.conformance.llama_index.answers import HELLO, RICH
from tests.conformance.llama_index.base import Hooks
from tests.conformance.llama_index.wire import Answer, call

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WAV = b"RIFF\xff\xff\xff\xffWAVE sound"
PDF = b"%PDF-1.4 \x00\xff"
SOURCE = "https://example.org"
# All kinds of blocks that LlamaIndex's messages may hold.
BLOCKS: dict[str, Any] = {
    "text": TextBlock(text="a"),
    "image": ImageBlock(image=PNG, image_mimetype="image/png"),
    "audio": AudioBlock(audio=WAV, format="wav"),
    "video": VideoBlock(url="https://example.org/v.mp4"),
    "document": DocumentBlock(data=PDF, document_mimetype="application/pdf", title="a.pdf"),
    "cache": CachePoint(cache_control=CacheControl(type="ephemeral")),
    "citable": CitableBlock(title="T", source=SOURCE, content=[TextBlock(text="c")]),
    "citation": CitationBlock(
        title="T",
        source=SOURCE,
        cited_content=TextBlock(text="q"),
        additional_location_info={},
    ),
    "thinking": ThinkingBlock(content="hm"),
    "tool_call": ToolCallBlock(tool_call_id="c1", tool_name="f", tool_kwargs={"a": 1}),
}
ROLES = ("system", "user", "assistant", "tool")
CALLING = ChatMessage(
    role="assistant",
    blocks=[ToolCallBlock(tool_call_id="c1", tool_name="f", tool_kwargs={"a": 1})],
)


def result(*blocks: Any) -> ChatMessage:
    """The result of the call, as LlamaIndex's agents put it."""
    return ChatMessage(role="tool", blocks=list(blocks), additional_kwargs={"tool_call_id": "c1"})


class History(Hooks):
    """Invariants of what is sent."""

    @pytest.mark.parametrize("kind", BLOCKS)
    @pytest.mark.parametrize("role", ROLES)
    async def test_all_kinds_of_blocks_can_be_sent(self, serve, kind, role):
        """All ten kinds of blocks can be in a history, in every role, and are left unchanged."""
        llm, server = serve(HELLO)
        blocks = [TextBlock(text="see"), BLOCKS[kind]]
        message = ChatMessage(role=role, blocks=blocks, additional_kwargs={"tool_call_id": "c1"})
        before = message.model_dump_json()
        history = [CALLING, message] if role == "tool" else [message]
        assert llm.chat([ChatMessage("hi"), *history]).message.content == HELLO.message["content"]
        assert message.model_dump_json() == before
        assert "see" in json.dumps(server.body())

    async def test_pictures_of_tools_are_sent(self, serve):
        """An image that a tool returned reaches the model."""
        llm, server = serve(HELLO)
        llm.chat([ChatMessage("hi"), CALLING, result(TextBlock(text="see"), BLOCKS["image"])])
        assert base64.b64encode(PNG).decode() in json.dumps(server.body())

    async def test_calls_go_back_as_they_came(self, serve):
        """An answer's calls are sent back with their ids and arguments, and its text."""
        llm, server = serve(RICH, HELLO)
        answer = llm.chat([ChatMessage("hi")]).message
        llm.chat([ChatMessage("hi"), answer, result(TextBlock(text="42"))])
        _, said, told, *_ = server.body()["messages"]
        functions = [(c["id"], *c["function"].values()) for c in said["tool_calls"]]
        assert [set(f) for f in functions] == [{"c1", "f", '{"a": 1}'}, {"c2", "g", "{}"}]
        assert RICH.message["content"] in json.dumps(said["content"])
        assert (told["role"], told["tool_call_id"]) == ("tool", "c1")

    async def test_thoughts_go_back_beside_calls(self, serve):
        """Reasoning is sent back with its calls; without it, some models refuse to continue."""
        if not self.has_reasoning:
            pytest.skip("this LLM reads no thoughts")
        llm, server = serve(RICH, HELLO)
        answer = llm.chat([ChatMessage("hi")]).message
        llm.chat([ChatMessage("hi"), answer, result(TextBlock(text="42"))])
        assert RICH.message["reasoning"] in json.dumps(server.body()["messages"][1])

    @pytest.mark.parametrize("way", ["chat", "stream_chat"])
    async def test_a_stored_history_is_sent_the_same(self, serve, way):
        """A history that went through JSON gives the same request, byte for byte."""
        picture = Answer({"content": "See", "images": ["data:image/png;base64,iVBORw0KGgo="]})
        odd = Answer({"content": None, "tool_calls": [call(0, "c1", "f", ' {"a":1}')]})
        llm, server = serve(RICH, picture, odd, HELLO)
        answers = []
        for _ in range(3):
            answer = getattr(llm, way)([ChatMessage("hi")])
            answers.append((answer if way == "chat" else list(answer)[-1]).message)
        question = ChatMessage(role="user", blocks=[BLOCKS["text"], BLOCKS["image"]])
        history = [question, *answers, result(TextBlock(text="42"))]
        stored = [ChatMessage.model_validate_json(m.model_dump_json()) for m in history]
        llm.chat(history)
        llm.chat(stored)
        assert server.requests[-1].body == server.requests[-2].body

    async def test_a_memory_can_be_kept_and_resumed(self, serve, tmp_path):
        """A conversation stored in a database can be continued."""
        llm, server = serve(RICH, HELLO)
        place = f"sqlite+aiosqlite:///{tmp_path}/chats.db"
        kept, found = (SQLAlchemyChatStore("chats", async_database_uri=place) for _ in range(2))
        history = [ChatMessage("hi"), result(TextBlock(text="42"))]
        history.insert(1, (await llm.achat(history[:1])).message)
        try:
            await kept.add_messages("ann", history)
            await llm.achat(await found.get_messages("ann"))
        finally:
            for store in (kept, found):
                engine: Any = store._async_engine
                await engine.dispose()
        await llm.achat(history)
        assert server.requests[-1].body == server.requests[-2].body
