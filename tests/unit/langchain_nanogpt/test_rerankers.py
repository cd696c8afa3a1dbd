"""`NanoGPTRerank` in LangChain: what is asked, what comes back, and a retriever that uses it."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.exceptions import ModelInvalidRequestError, ModelPermissionDeniedError
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import create_retriever_tool
from langchain_core.vectorstores import InMemoryVectorStore
from pydantic import ValidationError

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings, NanoGPTRerank
from nanogpt_client import ConfigurationError, NanoGPTError
from nanogpt_client.sandbox import SandboxApp, Script, ToolCalls
from tests.support.in_process import OneReply, connection

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
RANKING = {
    "results": [{"index": 1, "relevance_score": 7.5}, {"index": 0, "relevance_score": -2}],
    "cost": 0.001,
}
FACTS = [
    "Our office is closed on Sundays.",
    "Wombats sleep sixteen hours a day.",
    "Open Settings and choose Reset password.",
    "The library opens at nine.",
]
QUESTION = "How do I reset my password?"


def reranker(wire: OneReply, **settings: Any) -> NanoGPTRerank:
    return NanoGPTRerank(api_key=KEY, **wire.settings, **settings)


@pytest.fixture(params=["compress_documents", "acompress_documents"])
def rank(request):
    async def act(compressor: NanoGPTRerank, documents: Any, query: str = "q") -> Any:
        found = getattr(compressor, request.param)(documents, query)
        return found if request.param == "compress_documents" else await found

    return act


async def test_documents_come_back_best_first_with_their_scores(rank):
    documents = [Document("a", metadata={"source": "x"}), Document("b", id="2")]
    first, second = await rank(reranker(OneReply(RANKING)), documents)
    assert (first.page_content, first.id, first.metadata) == ("b", "2", {"relevance_score": 7.5})
    assert second.metadata == {"source": "x", "relevance_score": -2.0}
    assert documents[0].metadata == {"source": "x"}  # the given ones stay as they were


async def test_every_setting_is_asked_for(rank):
    wire = OneReply(RANKING)
    compressor = reranker(wire, model="r-2", top_n=2, extra_body={"raw_scores": True})
    await rank(compressor, [Document("a"), Document("b")], "nano")
    assert json.loads(wire.sent[0]) == {
        "model": "r-2", "query": "nano", "documents": ["a", "b"], "top_n": 2, "raw_scores": True,
    }  # fmt: skip


async def test_documents_without_text_come_last_and_are_not_sent(rank):
    wire = OneReply(RANKING)
    blank = Document(" ", metadata={"image": "x.png", "relevance_score": 99})
    found = await rank(reranker(wire), [Document("a"), blank, Document("b")])
    assert [document.page_content for document in found] == ["b", "a", " "]
    assert found[-1].metadata == {"image": "x.png"}
    assert json.loads(wire.sent[0])["documents"] == ["a", "b"]
    assert len(await rank(reranker(wire, top_n=2), [blank, Document("a"), Document("b")])) == 2


async def test_nothing_to_rank_is_no_request(rank):
    wire = OneReply(RANKING)
    assert await rank(reranker(wire), []) == []
    assert len(await rank(reranker(wire), [Document("")])) == 1
    assert wire.sent == []


async def test_errors_are_langchains_and_the_call_is_in_the_ledger(rank):
    compressor = reranker(OneReply({"error": "Not permitted"}, 403))
    with pytest.raises(ModelPermissionDeniedError) as caught:
        await rank(compressor, [Document("a")])
    assert isinstance(caught.value, NanoGPTError)
    with pytest.raises(ModelInvalidRequestError, match="query must be a non-empty string"):
        await rank(compressor, [Document("a")], " ")
    compressor = reranker(OneReply(RANKING))
    await rank(compressor, [Document("a"), Document("b")])
    assert [(e.kind, str(e.cost)) for e in compressor.ledger] == [("rerank", "0.001")]


class Compressing(BaseRetriever):
    """Retrieves, then compresses: what LangChain's ``ContextualCompressionRetriever`` does."""

    base_compressor: BaseDocumentCompressor
    base_retriever: BaseRetriever

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        config: Any = {"callbacks": run_manager.get_child()}
        found = self.base_retriever.invoke(query, config=config)
        callbacks = run_manager.get_child()
        return list(self.base_compressor.compress_documents(found, query, callbacks=callbacks))


@pytest.fixture
def retriever(sandbox_environment):
    embeddings = NanoGPTEmbeddings(model="text-embedding-3-small")
    store = InMemoryVectorStore.from_texts(FACTS, embeddings)
    wide = store.as_retriever(search_kwargs={"k": 4})
    return Compressing(base_compressor=NanoGPTRerank(top_n=1), base_retriever=wide)


async def test_in_a_retriever(retriever):
    for (found,) in (retriever.invoke(QUESTION), await retriever.ainvoke(QUESTION)):
        assert found.page_content == FACTS[2]
        assert found.metadata["relevance_score"] > 0


async def test_in_an_agent(retriever):
    tool = create_retriever_tool(retriever, "facts", "Finds facts.")
    app = SandboxApp(model=Script(ToolCalls(facts={"query": QUESTION}), "In the settings."))
    agent: Any = create_agent(ChatNanoGPT(model="openai/gpt-5.2", **connection(app)), [tool])
    answer = await agent.ainvoke({"messages": [("user", QUESTION)]})
    assert answer["messages"][-2].content == FACTS[2]
    assert answer["messages"][-1].text == "In the settings."


def test_it_can_be_sent_elsewhere_and_shows_no_key():
    made = NanoGPTRerank(api_key=KEY, top_n=3)
    assert pickle.loads(pickle.dumps(made)).top_n == 3
    assert KEY not in repr(made) + str(made.model_dump())
    assert made.model_copy(update={"top_n": None}).top_n is None


@pytest.mark.parametrize("wrong", [{"top_n": 0}, {"max_concurrency": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        NanoGPTRerank(api_key=KEY, **wrong)
    misspelt: dict[str, Any] = {"topn": 1}
    with pytest.raises(ConfigurationError, match="did you mean top_n"):
        NanoGPTRerank(api_key=KEY, **misspelt)
