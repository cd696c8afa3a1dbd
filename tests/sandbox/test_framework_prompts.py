"""LlamaIndex's and LangChain's own prompts get answers that their parsers read."""

from __future__ import annotations

import pytest
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.output_parsers import PydanticOutputParser as LangChainParser
from langchain_core.prompts import PromptTemplate
from llama_index.core import Document, PropertyGraphIndex, VectorStoreIndex
from llama_index.core.evaluation import (
    CorrectnessEvaluator,
    FaithfulnessEvaluator,
    GuidelineEvaluator,
    RelevancyEvaluator,
)
from llama_index.core.indices.property_graph import (
    DynamicLLMPathExtractor,
    SimpleLLMPathExtractor,
)
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.postprocessor.structured_llm_rerank import StructuredLLMRerank
from llama_index.core.program import LLMTextCompletionProgram
from llama_index.core.query_engine import SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.tools import QueryEngineTool
from pydantic import BaseModel

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client.sandbox import Sandbox
from tests.sandbox.asking import MODEL

QUERY = "Which currency has no fees?"
TRUE, FALSE = "Nano is a currency without fees.", "Parrots can talk."
DOCUMENTS = [Document(text=TRUE), Document(text=FALSE)]


class Person(BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def box():
    with Sandbox(rate=None) as running:
        yield running


@pytest.fixture
def llm(box):
    return NanoGPT(model=MODEL, api_key=box.api_key, base_url=box.base_url)


@pytest.fixture
def vectors(box):
    name = "text-embedding-3-small"
    return NanoGPTEmbedding(model_name=name, api_key=box.api_key, base_url=box.base_url)


def test_sub_questions(llm, vectors):
    index = VectorStoreIndex.from_documents(DOCUMENTS, embed_model=vectors)
    tools = [
        QueryEngineTool.from_defaults(index.as_query_engine(llm=llm), name=name, description=about)
        for name, about in (("money", "currencies and fees"), ("birds", "parrots and their talk"))
    ]
    made = LLMQuestionGenerator.from_defaults(llm=llm)
    engine = SubQuestionQueryEngine.from_defaults(tools, llm=llm, question_gen=made, verbose=False)
    answer = engine.query(f"{QUERY} Do parrots talk?")
    asked = [node.metadata.get("sub_question", node.text) for node in answer.source_nodes]
    assert TRUE in str(answer)
    assert any(QUERY in text for text in asked)
    assert any("Do parrots talk?" in text for text in asked)


def test_evaluators(llm):
    correct = CorrectnessEvaluator(llm=llm)
    assert correct.evaluate(query=QUERY, response=TRUE, reference=TRUE).score == 5
    assert correct.evaluate(query=QUERY, response=FALSE, reference=TRUE).score == 1
    judged = GuidelineEvaluator(llm=llm).evaluate(query=QUERY, response=TRUE, contexts=[TRUE])
    assert judged.passing in (True, False)
    assert judged.feedback


@pytest.mark.parametrize("kind", [FaithfulnessEvaluator, RelevancyEvaluator])
@pytest.mark.parametrize(("response", "passes"), [(TRUE, True), ("Rome was built by bees.", False)])
def test_evaluators_with_contexts(llm, kind, response, passes):
    found = kind(llm=llm).evaluate(query=QUERY, response=response, contexts=[FALSE, TRUE])
    assert found.passing is passes


def test_a_parser_that_prints_its_schema(llm):
    template = "Who is it? {text}"
    parser = PydanticOutputParser(Person)
    program: LLMTextCompletionProgram[Person] = LLMTextCompletionProgram.from_defaults(
        parser, prompt_template_str=template, llm=llm
    )
    assert program(text="Ann is 31 years old.") == Person(name="Ann", age=31)


def test_reranking(llm):
    texts = ["Water is wet.", FALSE, TRUE]
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in texts]
    found = StructuredLLMRerank(llm=llm, top_n=2).postprocess_nodes(nodes, query_str=QUERY)
    assert found[0].text == TRUE
    assert found[0].get_score() > 1


@pytest.mark.parametrize("kind", [SimpleLLMPathExtractor, DynamicLLMPathExtractor])
def test_triplets(llm, vectors, kind):
    index = PropertyGraphIndex.from_documents(
        DOCUMENTS, llm=llm, embed_model=vectors, kg_extractors=[kind(llm=llm)]
    )
    found = index.property_graph_store.get_triplets(entity_names=["Nano", "Parrots"])
    assert {relation.label.lower() for _, relation, _ in found} == {"is", "can"}


@pytest.mark.parametrize("kind", [LangChainParser, JsonOutputParser])
def test_parsers_of_langchain(box, kind):
    parser = kind(pydantic_object=Person)
    prompt = PromptTemplate.from_template("Who is it?\n{form}\n\n{text}\n")
    model = ChatNanoGPT(model=MODEL, api_key=box.api_key, base_url=box.base_url)
    found = (prompt | model | parser).invoke(
        {"form": parser.get_format_instructions(), "text": "Ann is 31 years old."}
    )
    assert Person.model_validate(found, from_attributes=True) == Person(name="Ann", age=31)
