"""`NanoGPTWebSearchRetriever`: web pages as nodes."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import MetadataMode, QueryBundle

from llama_index_nanogpt import NanoGPTCostHandler, NanoGPTWebSearchRetriever
from nanogpt_client import InsufficientBalanceError
from tests.support.in_process import OneReply

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
PAGES = {
    "data": [
        {"type": "text", "title": "Nano", "url": "https://a.example", "content": "A coin."},
        {"type": "image", "title": "Logo", "url": "https://a.example/l", "imageUrl": "https://x"},
        {"type": "text", "title": "XNO", "url": "https://b.example", "content": "Its ticker."},
        {"type": "text", "title": "More", "url": "https://c.example", "content": "Too much."},
    ],
    "metadata": {"cost": 0.006},
}


class Wire(OneReply):
    """Answers with pages."""

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.sent]

    def retriever(self, **settings: Any) -> NanoGPTWebSearchRetriever:
        return NanoGPTWebSearchRetriever(api_key=KEY, **self.settings, **settings)


@pytest.fixture(params=["retrieve", "aretrieve"])
def retrieve(request):
    async def act(retriever: NanoGPTWebSearchRetriever, query: Any) -> Any:
        found = getattr(retriever, request.param)(query)
        return found if request.param == "retrieve" else await found

    return act


async def test_pages_as_nodes(retrieve):
    nodes = await retrieve(Wire(PAGES).retriever(k=2), "nano")
    assert [(n.node.get_content(), n.metadata, n.score) for n in nodes] == [
        ("A coin.", {"url": "https://a.example", "title": "Nano"}, 1.0),
        ("Its ticker.", {"url": "https://b.example", "title": "XNO"}, 0.95),
    ]  # fmt: skip
    assert "https://a.example" in nodes[0].node.get_content(MetadataMode.LLM)


async def test_every_word_is_asked_for(retrieve):
    wire = Wire(PAGES)
    retriever = wire.retriever(
        k=3, provider="exa", depth="fast", from_date="2026-01-01", to_date="2026-02-01",
        include_domains=["a.example"], exclude_domains=["c.example"],
    )  # fmt: skip
    await retrieve(retriever, QueryBundle("nano"))
    assert wire.asked == [
        {
            "query": "nano", "provider": "exa", "depth": "fast", "outputType": "searchResults",
            "maxResults": 3, "fromDate": "2026-01-01", "toDate": "2026-02-01",
            "includeDomains": ["a.example"], "excludeDomains": ["c.example"],
        }
    ]  # fmt: skip


async def test_costs_are_told_to_handlers(retrieve):
    with NanoGPTCostHandler() as costs:
        await retrieve(Wire(PAGES).retriever(), "nano")
        with pytest.raises(InsufficientBalanceError):
            await retrieve(Wire({"error": "Insufficient balance"}, 402).retriever(), "nano")
    assert [(e.kind, str(e.cost), e.outcome) for e in costs.ledger] == [
        ("search", "0.006", "ok"), ("search", "0", "InsufficientBalanceError"),
    ]  # fmt: skip


async def test_in_a_query_engine(sandbox, llm):
    retriever = NanoGPTWebSearchRetriever(k=2, api_key=sandbox.api_key, base_url=sandbox.base_url)
    answer = await RetrieverQueryEngine.from_args(retriever, llm=llm).aquery("Who founded Nano?")
    await retriever.aclose()
    assert "LeMahieu" in str(answer)
    assert all(node.metadata["url"] for node in answer.source_nodes)


def test_no_key_is_shown_and_it_can_be_copied_and_sent():
    retriever = NanoGPTWebSearchRetriever(api_key=KEY, pickle_api_key=True, k=3)
    for shown in (repr(retriever), str(retriever), str(retriever.model_dump())):
        assert KEY not in shown
    for copied in (pickle.loads(pickle.dumps(retriever)), copy.deepcopy(retriever)):
        assert (copied.k, copied.api_key) == (3, retriever.api_key)


@pytest.mark.parametrize(("words", "match"), [({"k": 0}, "k\n"), ({"kk": 1}, "take kk")])
def test_wrong_words_are_refused(words, match):
    with pytest.raises(ValueError, match=match):
        NanoGPTWebSearchRetriever(api_key=KEY, **words)
