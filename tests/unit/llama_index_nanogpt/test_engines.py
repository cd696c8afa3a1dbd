"""LlamaIndex's indexes, query engines and chat engines, unmocked, over the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Document, PropertyGraphIndex, Settings, SummaryIndex, VectorStoreIndex
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.evaluation import CorrectnessEvaluator, GuidelineEvaluator
from llama_index.core.indices.property_graph import SimpleLLMPathExtractor
from llama_index.core.query_engine import RouterQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.selectors import LLMSingleSelector, PydanticSingleSelector
from llama_index.core.tools import QueryEngineTool
from llama_index_instrumentation.dispatcher import instrument_tags
from pydantic import BaseModel

from llama_index_nanogpt import NanoGPTCostHandler
from nanogpt_client.sandbox import Extractive, Model, Script, TestModel
from tests.unit.llama_index_nanogpt.scripted import llm_of

FACTS = [
    "The Brunnen bridge was built in 1887 by the engineer Clara Moss.",
    "Wombats of the northern valley sleep sixteen hours a day.",
    "The library of Oldham opens at nine in the morning.",
]


WHO, WHEN = "Who built the Brunnen bridge?", "When does the library of Oldham open?"


pytestmark = [
    pytest.mark.usefixtures("litter_stays_here"),
    # LlamaIndex's own: its memories leave their database to the garbage collector.
    pytest.mark.filterwarnings("ignore:<aiosqlite:ResourceWarning"),
]


class Builder(BaseModel):
    """Who built something, and when."""

    name: str
    year: int


@pytest.fixture
def index(embedding) -> VectorStoreIndex:
    return VectorStoreIndex([Document(text=fact) for fact in FACTS], embed_model=embedding)


@pytest.fixture
def facts(index, llm) -> QueryEngineTool:
    engine = index.as_query_engine(llm=llm, similarity_top_k=1)
    description = "Answers questions about bridges, wombats and libraries."
    return QueryEngineTool.from_defaults(engine, name="facts", description=description)


def test_a_query_engine_answers_from_the_right_source(index, llm):
    engine = index.as_query_engine(llm=llm, similarity_top_k=1)
    response = engine.query("Who built the Brunnen bridge?")
    assert "Clara Moss" in str(response)
    assert response.source_nodes[0].get_content() == FACTS[0]


def test_a_streamed_query_gives_the_same(index, llm):
    engine = index.as_query_engine(llm=llm, similarity_top_k=1, streaming=True)
    pieces = list(engine.query("Who built the Brunnen bridge?").response_gen)
    assert len(pieces) > 1
    assert "Clara Moss" in "".join(pieces)


async def test_a_chat_engine_streams(index, llm):
    engine = index.as_chat_engine(llm=llm, chat_mode="context", similarity_top_k=1)
    pieces = list(engine.stream_chat("How long do wombats of the valley sleep?").response_gen)
    assert "sixteen hours" in "".join(pieces)
    answer = await engine.astream_chat("When does the library of Oldham open?")
    assert "nine" in "".join([piece async for piece in answer.async_response_gen()])


@pytest.mark.parametrize("mode", ["context", "condense_plus_context", "condense_question"])
async def test_chat_engines_stream_answers_with_their_sources(index, llm, mode):
    engine = index.as_chat_engine(llm=llm, chat_mode=mode, similarity_top_k=1)
    assert "Clara Moss" in str(engine.chat(WHO))
    answer = engine.stream_chat(WHEN)
    pieces = list(answer.response_gen)
    assert len(pieces) > 1
    assert "nine" in "".join(pieces)
    assert [node.get_content() for node in answer.source_nodes] == [FACTS[2]]
    later = await engine.astream_chat(WHO)
    assert "Clara Moss" in "".join([piece async for piece in later.async_response_gen()])
    assert [message.role.value for message in engine.chat_history] == ["user", "assistant"] * 3


@pytest.mark.parametrize("mode", ["refine", "compact", "tree_summarize", "accumulate"])
async def test_answers_are_made_in_every_mode(index, llm, mode):
    engine = index.as_query_engine(llm=llm, response_mode=mode, similarity_top_k=2)
    assert "Clara Moss" in str(engine.query(WHO))
    assert "Clara Moss" in str(await engine.aquery(WHO))


def test_an_engine_answers_with_an_object(index, llm):
    structured = llm.as_structured_llm(Builder)
    found = index.as_query_engine(llm=structured, similarity_top_k=1).query(WHO).response
    assert isinstance(found, Builder)
    assert found.year == 1887


CHOICE = '{"choice": 1, "reason": "It is about a bridge."}'
SELECTORS: list[tuple[Any, Model]] = [
    (PydanticSingleSelector, TestModel()),
    (LLMSingleSelector, Script().when(contains="choices", then=CHOICE).when(then=Extractive())),
]


@pytest.mark.parametrize(("selector", "model"), SELECTORS)
def test_a_router_chooses_the_engine(index, facts, selector, model):
    llm = llm_of(model)
    summary = SummaryIndex([Document(text=fact) for fact in FACTS]).as_query_engine(llm=llm)
    other = QueryEngineTool.from_defaults(summary, description="Summarises everything.")
    router = RouterQueryEngine(selector.from_defaults(llm=llm), [facts, other], llm=llm)
    assert "Clara Moss" in str(router.query(WHO))


def test_tokens_of_a_query_are_those_that_nanogpt_bills(index, llm):
    counter = TokenCountingHandler()
    engine = index.as_query_engine(llm=llm)  # gives the LLM the index's callback manager
    llm.callback_manager = CallbackManager([counter])
    engine.query("Who built the Brunnen bridge?")
    totals = llm.ledger.totals
    assert counter.prompt_llm_token_count == totals.prompt_tokens > 0
    assert counter.completion_llm_token_count == totals.completion_tokens > 0
    assert totals.unknown_costs == 0


@pytest.fixture
def counter() -> Iterator[TokenCountingHandler]:
    handler = TokenCountingHandler()
    Settings.callback_manager = CallbackManager([handler])
    yield handler
    Settings._callback_manager = None


def test_tokens_of_a_streamed_chat_are_those_that_nanogpt_bills(index, llm, counter):
    engine = index.as_chat_engine(llm=llm, chat_mode="condense_plus_context")
    for question in (WHO, WHEN):
        list(engine.stream_chat(question).response_gen)
    totals = llm.ledger.totals
    assert len(counter.llm_token_counts) == totals.calls == 3  # one to condense the second question
    assert counter.prompt_llm_token_count == totals.prompt_tokens
    assert counter.completion_llm_token_count == totals.completion_tokens


def test_costs_of_an_engine_go_to_the_tags_of_whoever_asked(index, llm):
    engine = index.as_query_engine(llm=llm)
    with NanoGPTCostHandler(tags={"user": "ann"}) as ann, NanoGPTCostHandler() as everybody:
        for user in ("ann", "bob", "ann"):
            with instrument_tags({"user": user}):
                engine.query(WHO)
    chats = ann.ledger.totals_by("kind")["chat"]
    assert (chats.calls, everybody.ledger.totals_by("kind")["chat"].calls) == (2, 3)
    assert 0 < ann.total_usd < everybody.total_usd


def test_prompts_that_show_the_form_of_their_answer(llm, embedding):
    """LlamaIndex's own, which the sandbox's default model answers in the form that they show."""
    documents = [Document(text="Nano is a currency without fees."), Document(text="Parrots talk.")]
    index = VectorStoreIndex.from_documents(documents, embed_model=embedding)
    asked, said = "Which currency has no fees?", "Nano is a currency without fees."
    tool = QueryEngineTool.from_defaults(
        index.as_query_engine(llm=llm), name="facts", description="money and parrots"
    )
    questions = LLMQuestionGenerator.from_defaults(llm=llm)
    engine = SubQuestionQueryEngine.from_defaults(
        [tool], llm=llm, question_gen=questions, verbose=False, use_async=False
    )
    assert "without fees" in str(engine.query(asked))
    judged = CorrectnessEvaluator(llm=llm).evaluate(query=asked, response=said, reference=said)
    assert judged.score == 4.0
    followed = GuidelineEvaluator(llm=llm).evaluate(query=asked, response=said, contexts=[said])
    assert isinstance(followed.passing, bool)
    extractor = SimpleLLMPathExtractor(llm=llm)
    index_of_paths = PropertyGraphIndex.from_documents(
        documents, llm=llm, embed_model=embedding, kg_extractors=[extractor]
    )
    store: Any = index_of_paths.property_graph_store
    assert store.graph.relations
