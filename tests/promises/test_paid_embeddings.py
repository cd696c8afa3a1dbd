"""The embeddings of both frameworks pay once for a text, with ``store=``."""

from __future__ import annotations

import asyncio
import copy
import pickle
from decimal import Decimal

import numpy as np
import pytest
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import TextNode
from pydantic import ValidationError

from langchain_nanogpt import NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPTCostHandler, NanoGPTEmbedding
from nanogpt_client import NanoGPTError, OutcomeUnknownError, ServerError
from nanogpt_client.jobs import EmbedTexts
from tests.support.vectors import PRICE, VectorService, vectors_of

MODEL = "text-embedding-3-small"
TEXTS = [f"text {number}" for number in range(6)]
BROKEN = 500, {"error": {"message": "no", "type": "server_error"}}


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/paid.db"


def langchain(service, url, **settings):
    return NanoGPTEmbeddings(
        model=MODEL, store=url, chunk_size=2, max_concurrency=1, **service.settings,
        http_async_client=service.async_transport, **settings,
    )  # fmt: skip


def llama_index(service, url, **settings):
    return NanoGPTEmbedding(
        model_name=MODEL, store=url, embed_batch_size=2, num_workers=1, **service.settings,
        http_async_client=service.async_transport, **settings,
    )  # fmt: skip


WAYS = {
    "langchain": (langchain, lambda model: model.embed_documents(TEXTS)),
    "langchain, async": (langchain, lambda model: asyncio.run(model.aembed_documents(TEXTS))),
    "llama_index": (llama_index, lambda model: model.get_text_embedding_batch(TEXTS)),
    "llama_index, async": (
        llama_index, lambda model: asyncio.run(model.aget_text_embedding_batch(TEXTS)),
    ),
}  # fmt: skip
each_way = pytest.mark.parametrize(("make", "embed"), WAYS.values(), ids=list(WAYS))


@each_way
def test_a_run_that_failed_goes_on_where_it_stopped(make, embed, url):
    """Caches such as LangChain's ask for all missing texts at once, and store them at the end."""
    service = VectorService({1: BROKEN})
    with pytest.raises(ServerError):
        embed(make(service, url))
    again = make(service, url)
    assert np.array_equal(embed(again), vectors_of(TEXTS))
    assert service.requests == 2 + 2
    embed(make(service, url))
    assert service.requests == 4
    assert len(again.store.unknown()) == 1


@each_way
def test_unknown_outcomes_are_reported_on_demand(make, embed, url):
    with pytest.raises(ServerError):
        embed(make(VectorService({0: BROKEN}), url))
    service = VectorService()
    with pytest.raises(OutcomeUnknownError):
        embed(make(service, url, on_unknown="raise"))
    assert service.requests == 0


@pytest.mark.parametrize(
    ("cls", "name"), [(NanoGPTEmbeddings, "model"), (NanoGPTEmbedding, "model_name")]
)
def test_the_store_travels(cls, name, url):
    made = cls(**{name: MODEL}, store=url, api_key="sk-nano-0123abcd-4567")
    for other in (pickle.loads(pickle.dumps(made)), made.model_copy(), copy.deepcopy(made)):
        assert repr(other.store) == repr(made.store)


def test_queries_and_all_classes_share_what_was_paid(url):
    service = VectorService()
    EmbedTexts(MODEL, store=url, **service.settings)({"text": TEXTS})
    one, other = langchain(service, url), llama_index(service, url)
    expected = vectors_of(TEXTS[:1])[0]
    assert np.array_equal(one.embed_query(TEXTS[0]), expected)
    assert np.array_equal(asyncio.run(one.aembed_query(TEXTS[0])), expected)
    assert np.array_equal(other.get_query_embedding(TEXTS[0]), expected)
    assert np.array_equal(asyncio.run(other.aget_query_embedding(TEXTS[0])), expected)
    assert service.requests == 1


def test_a_pipeline_goes_on_where_it_stopped(url):
    service = VectorService({1: BROKEN})
    nodes = [TextNode(text=text) for text in TEXTS]
    with pytest.raises(NanoGPTError):
        IngestionPipeline(transformations=[llama_index(service, url)]).run(nodes=nodes)
    with NanoGPTCostHandler() as cost:
        embedded = IngestionPipeline(transformations=[llama_index(service, url)]).run(nodes=nodes)
    assert np.array_equal([node.get_embedding() for node in embedded], vectors_of(TEXTS))
    assert service.requests == 4
    assert cost.total_usd == Decimal(str(PRICE)) * 4  # of the second run alone


@pytest.mark.parametrize("make", [langchain, llama_index])
def test_settings_are_checked(make):
    for wrong in ({"url": "paid.db"}, {"url": "redis://host", "on_unknown": "retry"}):
        url = wrong.pop("url")
        with pytest.raises(ValidationError, match=r"sqlite:///FILE|on_unknown"):
            make(VectorService(), url, **wrong)
