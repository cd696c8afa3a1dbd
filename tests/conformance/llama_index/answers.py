"""What an answer holds, and that it is the same however it was asked for."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, ThinkingBlock, ToolCallBlock
from llama_index.core.callbacks.token_counting import get_tokens_from_response

from tests.conformance.llama_index.base import (
    CHAT_WAYS,
    COMPLETION_WAYS,
    STREAMS,
    WAYS,
    Hooks,
    ask,
    calls_of,
)
from tests.conformance.llama_index.wire import USAGE, Answer, call, more

HELLO = Answer(
    {"content": "Grüße 🙂 there"},
    [
        {"role": "assistant", "content": ""},
        {"content": "Grü"},
        {"content": "ße 🙂"},
        {"content": " there"},
    ],
)
TEXT = "Grüße 🙂 there"
RICH = Answer(
    {
        "content": "Let me see",
        "reasoning": "A question.",
        "tool_calls": [call(0, "c1", "f", '{"a": 1}'), call(1, "c2", "g", "{}")],
    },
    [
        {"role": "assistant"},
        {"reasoning": "A que"},
        {"reasoning": "stion."},
        {"content": "Let me"},
        {"content": " see"},
        {"tool_calls": [call(0, "c1", "f", '{"a"')]},
        {"tool_calls": [more(0, ": 1}")]},
        {"tool_calls": [call(1, "c2", "g", "{}")]},
    ],
    finish_reason="tool_calls",
)
PLACES = pytest.mark.parametrize("usage_at", ["finish", "after"])
EACH_STREAM = pytest.mark.parametrize("way", STREAMS)
EACH_CHAT = pytest.mark.parametrize("way", CHAT_WAYS)


def placed(answer: Answer, usage_at: str) -> Answer:
    return Answer(answer.message, answer.deltas, answer.finish_reason, usage_at)


def blocks_of(response: Any, kind: type) -> list[Any]:
    return [block for block in response.message.blocks if isinstance(block, kind)]


def shape(llm: Any, response: Any) -> Any:
    """What must not depend on how an answer was asked for."""
    blocks = [block.model_dump() for block in response.message.blocks]
    return response.message.role, response.message.content, blocks, calls_of(llm, response)


class Answers(Hooks):
    """Invariants of a single answer."""

    @pytest.mark.parametrize("answer", [HELLO, RICH], ids=["text", "thoughts and calls"])
    async def test_four_ways_one_answer(self, serve, answer):
        """Blocking or async, whole or streamed: the answer is the same."""
        llm, _ = serve(answer)
        first, *others = [shape(llm, (await ask(llm, way))[-1]) for way in CHAT_WAYS]
        assert all(other == first for other in others)
        assert first[1] == answer.message["content"]

    @pytest.mark.parametrize("way", COMPLETION_WAYS)
    async def test_completions_say_what_chats_say(self, serve, way):
        """`complete` gives the same answer as `chat`, blocking, async and streamed."""
        llm, _ = serve(HELLO)
        items = await ask(llm, way)
        assert items[-1].text == TEXT
        if "stream" in way:
            assert "".join(item.delta or "" for item in items) == TEXT

    @EACH_STREAM
    async def test_deltas_add_up(self, serve, way):
        """The deltas of a stream, joined, are its final content."""
        llm, _ = serve(HELLO)
        items = await ask(llm, way)
        assert "".join(item.delta or "" for item in items) == items[-1].message.content == TEXT

    @EACH_STREAM
    async def test_content_grows(self, serve, way):
        """Each chunk contains everything before it, so the content only grows."""
        llm, _ = serve(RICH)
        texts = [item.message.content or "" for item in await ask(llm, way)]
        assert all(after.startswith(before) for before, after in itertools.pairwise(texts))
        assert texts[-1] == RICH.message["content"]

    @EACH_STREAM
    @pytest.mark.parametrize("size", [1, 5])
    async def test_bytes_may_come_in_any_pieces(self, serve, way, size):
        """A stream may be split into packets at any byte, even inside a character."""
        llm, _ = serve(Answer(HELLO.message, HELLO.deltas, bytes_at_once=size))
        assert (await ask(llm, way))[-1].message.content == TEXT

    @EACH_STREAM
    async def test_items_never_change(self, serve, way):
        """A chunk that was already yielded does not change when later ones arrive."""
        llm, _ = serve(RICH)
        answer: Any = getattr(llm, way)([ChatMessage("hi")])
        if way == "stream_chat":
            pairs = [(item, item.model_copy(deep=True)) for item in answer]
        else:
            pairs = [(item, item.model_copy(deep=True)) async for item in await answer]
        for item, copy in pairs:
            assert item.message == copy.message
            assert item.additional_kwargs == copy.additional_kwargs

    @EACH_STREAM
    @PLACES
    async def test_the_last_item_is_whole(self, serve, way, usage_at):
        """A stream's last chunk has text and calls, even if usage comes in an event after them."""
        llm, _ = serve(placed(RICH, usage_at))
        last = (await ask(llm, way))[-1]
        assert last.message.content == RICH.message["content"]
        assert [name for _, name, _ in calls_of(llm, last)] == ["f", "g"]
        assert len(blocks_of(last, ToolCallBlock)) == 2

    @EACH_CHAT
    @PLACES
    @pytest.mark.parametrize("reason", ["stop", "length"])
    async def test_the_finish_reason_is_told(self, serve, way, usage_at, reason):
        """The answer, and a stream's last chunk, say why the model stopped."""
        llm, _ = serve(Answer(HELLO.message, HELLO.deltas, reason, usage_at))
        assert self.finish_reason((await ask(llm, way))[-1]) == reason

    @pytest.mark.parametrize("way", WAYS)
    @PLACES
    async def test_tokens_are_told(self, serve, way, usage_at):
        """The billed tokens reach LlamaIndex's counter, from streams too."""
        llm, _ = serve(placed(HELLO, usage_at))
        counted = get_tokens_from_response((await ask(llm, way))[-1])
        assert counted == (USAGE["prompt_tokens"], USAGE["completion_tokens"])

    @EACH_CHAT
    async def test_text_is_one_block(self, serve, way):
        """Text that something else interrupts stays one text, without added line breaks."""
        pieces = [{"content": "Hel"}, {"reasoning": "hm"}, {"content": "lo"}]
        llm, _ = serve(Answer({"content": "Hello", "reasoning": "hm"}, pieces))
        assert (await ask(llm, way))[-1].message.content == "Hello"

    @EACH_CHAT
    @pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
    async def test_thoughts_come_first(self, serve, way, field):
        """Reasoning is the first block, whichever of the two fields it came in."""
        if not self.has_reasoning:
            pytest.skip("this LLM reads no thoughts")
        pieces = [{field: "Let me"}, {field: " think."}, {"content": "42"}]
        llm, _ = serve(Answer({field: "Let me think.", "content": "42"}, pieces))
        items = await ask(llm, way)
        first, *_ = items[-1].message.blocks
        assert isinstance(first, ThinkingBlock)
        assert first.content == "Let me think."

    @EACH_STREAM
    async def test_thoughts_stream(self, serve, way):
        """Reasoning streams as `thinking_delta`, where agents look for it, from the start."""
        if not self.has_reasoning:
            pytest.skip("this LLM reads no thoughts")
        llm, _ = serve(RICH)
        deltas = [item.additional_kwargs.get("thinking_delta") for item in await ask(llm, way)]
        assert "".join(delta or "" for delta in deltas) == RICH.message["reasoning"]

    @EACH_CHAT
    async def test_pictures_are_blocks(self, serve, way):
        """Images that a model generates are image blocks."""
        if not self.has_pictures:
            pytest.skip("this LLM reads no pictures")
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        llm, _ = serve(Answer({"content": "Here", "images": [image]}))
        (picture,) = blocks_of((await ask(llm, way))[-1], ImageBlock)
        assert picture.image == b"iVBORw0KGgo="

    @EACH_CHAT
    async def test_options_of_a_call_win(self, serve, way):
        """Options of a call override those of the constructor."""
        llm, server = serve(HELLO, temperature=0.1, max_tokens=5)
        await ask(llm, way, temperature=0.9, max_tokens=7)
        body = server.body()
        sent = body.get("max_tokens", body.get("max_completion_tokens"))
        assert (body["temperature"], sent) == (0.9, 7)
