"""`NanoGPTRerank` in LlamaIndex: what is asked, what comes back, and engines that use it."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.schema import ImageNode, NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import QueryEngineTool
from llama_index_instrumentation import get_dispatcher
from pydantic import PrivateAttr, ValidationError

from llama_index_nanogpt import NanoGPTCostHandler, NanoGPTRerank
from nanogpt_client import ConfigurationError, InsufficientBalanceError, InvalidArgumentError
from nanogpt_client.sandbox import SandboxApp, Script, ToolCalls
from tests.support.in_process import OneReply
from tests.support.llama_index import agents_own_warnings
from tests.unit.llama_index_nanogpt.scripted import llm_of

pytestmark = [pytest.mark.usefixtures("litter_stays_here"), agents_own_warnings]

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
RANKING = {
    "results": [{"index": 1, "relevance_score": 7.5}, {"index": 0, "relevance_score": -2}],
    "usage": {"prompt_tokens": 9, "total_tokens": 9},
    "cost": 0.001,
}
FACTS = [
    "Our office is closed on Sundays.",
    "Wombats sleep sixteen hours a day.",
    "Open Settings and choose Reset password.",
    "The library opens at nine.",
]
QUESTION = "How do I reset my password?"


def nodes(*texts: str) -> list[NodeWithScore]:
    return [NodeWithScore(node=TextNode(text=text), score=0.5) for text in texts]


def reranker(wire: OneReply, **settings: Any) -> NanoGPTRerank:
    return NanoGPTRerank(api_key=KEY, **wire.settings, **settings)


@pytest.fixture(params=["postprocess_nodes", "apostprocess_nodes"])
def rank(request):
    async def act(made: NanoGPTRerank, given: Any, **query: Any) -> Any:
        found = getattr(made, request.param)(given, **(query or {"query_str": "q"}))
        return found if request.param == "postprocess_nodes" else await found

    return act


async def test_nodes_come_back_best_first_with_their_scores(rank):
    given = nodes("a", "b")
    found = await rank(reranker(OneReply(RANKING)), given, query_bundle=QueryBundle("q"))
    assert [(node.text, node.score) for node in found] == [("b", 7.5), ("a", -2.0)]
    assert [node.score for node in given] == [0.5, 0.5]  # the given ones stay as they were


async def test_every_setting_is_asked_for_with_the_text_that_is_embedded(rank):
    wire = OneReply(RANKING)
    made = reranker(wire, model="r-2", top_n=2, extra_body={"raw_scores": True})
    described = TextNode(text="a", metadata={"title": "T", "id": 7})
    described.excluded_embed_metadata_keys = ["id"]
    await rank(made, [NodeWithScore(node=described), *nodes("b")], query_str="nano")
    assert json.loads(wire.sent[0]) == {
        "model": "r-2", "query": "nano", "documents": ["title: T\n\na", "b"], "top_n": 2,
        "raw_scores": True,
    }  # fmt: skip


async def test_nodes_without_text_come_last_and_are_not_sent(rank):
    wire = OneReply(RANKING)
    picture = NodeWithScore(node=ImageNode(image_url="https://x.example/p.png"), score=0.9)
    found = await rank(reranker(wire), [picture, *nodes("a", "b")])
    assert [node.score for node in found] == [7.5, -2.0, None]
    assert found[-1].node is picture.node
    assert json.loads(wire.sent[0])["documents"] == ["a", "b"]


async def test_nothing_to_rank_is_no_request_and_a_query_is_needed(rank):
    wire = OneReply(RANKING)
    assert await rank(reranker(wire), []) == []
    assert len(await rank(reranker(wire), nodes(""))) == 1
    with pytest.raises(InvalidArgumentError, match="needs the query"):
        await rank(reranker(wire), nodes("a"), query_str=None)
    assert wire.sent == []


class Heard(BaseEventHandler):
    """Keeps the events of rerankers."""

    _events: list[Any] = PrivateAttr(default_factory=list)

    def handle(self, event: Any, **_: Any) -> None:
        if event.class_name().startswith("ReRank"):
            self._events.append(event)


async def test_events_are_those_of_llama_index(rank):
    debug, heard, wire = LlamaDebugHandler(print_trace_on_end=False), Heard(), OneReply(RANKING)
    made = reranker(wire, callback_manager=CallbackManager([debug]))
    get_dispatcher().add_event_handler(heard)
    try:
        await rank(made, nodes("a", "b"))
    finally:
        get_dispatcher().event_handlers.remove(heard)
    start, end = heard._events
    assert (start.query.query_str, start.top_n, start.model_name) == ("q", 4, made.model)
    assert [node.text for node in start.nodes] == ["a", "b"]
    assert [node.text for node in end.nodes] == ["b", "a"]
    (payloads,) = [
        [event.payload or {} for event in pair]
        for pair in debug.get_event_pairs(CBEventType.RERANKING)
    ]
    assert payloads[0]["query_str"] == "q"
    assert [node.text for node in payloads[1]["nodes"]] == ["b", "a"]


async def test_costs_are_told_to_handlers(rank):
    with NanoGPTCostHandler() as costs:
        await rank(reranker(OneReply(RANKING)), nodes("a", "b"))
        with pytest.raises(InsufficientBalanceError):
            await rank(reranker(OneReply({"error": "Insufficient balance"}, 402)), nodes("a"))
    assert [(e.kind, str(e.cost), e.prompt_tokens, e.outcome) for e in costs.ledger] == [
        ("rerank", "0.001", 9, "ok"), ("rerank", "0", None, "InsufficientBalanceError"),
    ]  # fmt: skip


@pytest.fixture
async def engine(sandbox, llm, embedding):
    made = NanoGPTRerank(top_n=1, api_key=sandbox.api_key, base_url=sandbox.base_url)
    index = VectorStoreIndex([Document(text=fact) for fact in FACTS], embed_model=embedding)
    yield index.as_query_engine(llm=llm, similarity_top_k=4, node_postprocessors=[made])
    made.close()
    await made.aclose()


async def test_in_a_query_engine(engine):
    for answer in (engine.query(QUESTION), await engine.aquery(QUESTION)):
        assert [node.get_content() for node in answer.source_nodes] == [FACTS[2]]
        assert "Settings" in str(answer)


async def test_in_an_agent(engine):
    tool = QueryEngineTool.from_defaults(engine, name="facts", description="Finds facts.")
    app = SandboxApp(model=Script(ToolCalls(facts={"input": QUESTION}), "In the settings."))
    answer = await FunctionAgent(tools=[tool], llm=llm_of(app)).run(QUESTION)
    assert str(answer) == "In the settings."
    assert "Settings" in app.requests[-1].messages[-1]["content"]


def test_no_key_is_shown_and_it_can_be_copied_and_sent():
    made = NanoGPTRerank(api_key=KEY, pickle_api_key=True, top_n=3)
    for shown in (repr(made), str(made), str(made.to_dict()), made.to_json()):
        assert KEY not in shown
    assert NanoGPTRerank.from_dict(made.to_dict() | {"api_key": KEY}).top_n == 3
    for copied in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert (copied.top_n, copied.api_key) == (3, made.api_key)


@pytest.mark.parametrize("wrong", [{"top_n": 0}, {"max_concurrency": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        NanoGPTRerank(api_key=KEY, **wrong)
    misspelt: dict[str, Any] = {"topn": 1}
    with pytest.raises(ConfigurationError, match="did you mean top_n"):
        NanoGPTRerank(api_key=KEY, **misspelt)
