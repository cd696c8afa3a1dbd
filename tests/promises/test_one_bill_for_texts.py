"""Rankings, moderations and memories: a request that may have been billed is sent once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain_core.documents import Document
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.schema import NodeWithScore, TextNode

from langchain_nanogpt import NanoGPTRerank
from llama_index_nanogpt import NanoGPTMemoryBlock, NanoGPTModerator
from llama_index_nanogpt import NanoGPTRerank as LlamaIndexRerank
from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient, OutcomeUnknownError
from tests.faults.matrix.callers import client_for
from tests.support.rawserver import End, RawServer, Script, http_reply

NODES = [NodeWithScore(node=TextNode(text="a"))]
ASKED = [ChatMessage("a")]


async def shared(client: NanoGPTClient, method: str, *args: Any, **options: Any) -> Any:
    async with AsyncNanoGPTClient.sharing(client) as other:
        return await getattr(other, method)(*args, **options)


CALLS: dict[str, Any] = {
    "rerank": lambda c: c.rerank("q", ["a"], model="m"),
    "async rerank": lambda c: asyncio.run(shared(c, "rerank", "q", ["a"], model="m")),
    "moderate": lambda c: c.moderate("a"),
    "async moderate": lambda c: asyncio.run(shared(c, "moderate", "a")),
    "compress_memory": lambda c: c.compress_memory("a"),
    "async compress_memory": lambda c: asyncio.run(shared(c, "compress_memory", "a")),
    "LangChain": lambda c: NanoGPTRerank(client=c).compress_documents([Document("a")], "q"),
    "LlamaIndex": lambda c: LlamaIndexRerank(client=c).postprocess_nodes(NODES, query_str="q"),
    "moderator": lambda c: NanoGPTModerator(client=c).check(ASKED),
    "memory block": lambda c: asyncio.run(NanoGPTMemoryBlock(client=c).aput(ASKED)),
}
BUSY: Script = [http_reply(json.dumps({"error": {"message": "busy"}}).encode(), status=503)]
each = pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))


@each
def test_a_lost_connection_is_no_reason_to_send_again(call):
    with RawServer([End.RESET]) as server, client_for(server.base_url, 10) as c:
        with pytest.raises(OutcomeUnknownError):
            call(c)
        assert server.posts == 1
        assert c.ledger.totals.unknown_costs == 1


@each
def test_nanogpts_own_refusal_is(call):
    replies = {
        "results": [{"index": 0, "relevance_score": 1, "flagged": False}],
        "messages": [{"role": "system", "content": "a"}],
        "cost": 0.5,
    }
    good: Script = [http_reply(json.dumps(replies).encode())]
    with RawServer(BUSY, good) as server, client_for(server.base_url, 10) as c:
        call(c)
        assert server.posts == 2
        assert c.ledger.spent == 0.5
