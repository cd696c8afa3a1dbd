"""Copies, pickles, threads and event loops, before and after an LLM was used."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conformance.llama_index.answers import HELLO, TEXT
from tests.conformance.llama_index.base import CHAT_WAYS, Hooks, ask

COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda llm: pickle.loads(pickle.dumps(llm)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


class Lifetime(Hooks):
    """Invariants of where and how long an LLM works."""

    @pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
    @pytest.mark.parametrize("way", COPIES)
    async def test_copies_work(self, serve, way, used):
        """Pickled and copied LLMs work, whether made before or after the first call."""
        llm, server = serve(HELLO)
        if used:
            await ask(llm, "chat")
            await ask(llm, "achat")
        again = COPIES[way](llm)
        try:
            assert (await ask(again, "chat"))[0].message.content == TEXT
            assert (await ask(again, "astream_chat"))[-1].message.content == TEXT
        finally:
            await self.close_llm(again)
        assert server.posts == 2 + 2 * used

    @pytest.mark.parametrize("way", ["achat", "astream_chat", "acomplete"])
    def test_event_loops_may_come_and_go(self, serve, way):
        """One LLM works in several event loops, one after the other."""
        llm, _ = serve(HELLO)
        texts = {str(asyncio.run(_last(llm, way))) for _ in range(3)}
        assert len(texts) == 1
        assert TEXT in texts.pop()

    async def test_blocking_calls_within_a_loop(self, serve):
        """Blocking methods work while an event loop is running, also in other threads."""
        llm, _ = serve(HELLO)
        assert (await ask(llm, "chat"))[0].message.content == TEXT
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: llm.complete("hi").text, range(8)))
        assert answers == [TEXT] * 8

    @pytest.mark.parametrize("way", [way for way in CHAT_WAYS if way.startswith("a")])
    async def test_many_calls_at_once(self, serve, way):
        """Concurrent calls do not mix up their answers."""
        llm, server = serve(HELLO)
        answers = await asyncio.gather(*(ask(llm, way) for _ in range(8)))
        assert [items[-1].message.content for items in answers] == [TEXT] * 8
        assert server.posts == 8


async def _last(llm: Any, way: str) -> Any:
    return (await ask(llm, way))[-1]
