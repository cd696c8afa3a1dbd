"""`NanoGPTEmbedding`: batches, order, concurrency, settings."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle

import httpx
import numpy as np
import pytest
from llama_index.core import Document
from llama_index.core.ingestion import IngestionPipeline
from pydantic import ValidationError

from llama_index_nanogpt import NanoGPTEmbedding


class Counting:
    """Embeds a text as its length, answers in reverse order, and watches how much runs at once."""

    def __init__(self, dimensions=2):
        self.bodies = []
        self.running = self.most = 0
        self.dimensions = dimensions

    def answer(self, request):
        body = json.loads(request.content)
        self.bodies.append(body)
        width = body.get("dimensions", self.dimensions)
        data = [
            {"index": at, "embedding": [float(len(text)), *[0.5] * (width - 1)]}
            for at, text in enumerate(body["input"])
        ]
        return httpx.Response(200, json={"data": data[::-1], "model": body["model"]})

    async def aanswer(self, request):
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.01)
        self.running -= 1
        return self.answer(request)

    def embedding(self, **words):
        return NanoGPTEmbedding(
            model_name="text-embedding-3-small",
            api_key="sk-test-key",
            base_url="https://nano.test/api/v1",
            http_client=httpx.Client(transport=httpx.MockTransport(self.answer)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self.aanswer)),
            **words,
        )


TEXTS = ["x" * n for n in range(1, 11)]
LENGTHS = [[float(n), 0.5] for n in range(1, 11)]


async def test_batches_keep_the_order():
    server = Counting()
    embedding = server.embedding(embed_batch_size=4)
    assert embedding.get_text_embedding_batch(TEXTS) == LENGTHS
    assert [len(body["input"]) for body in server.bodies] == [4, 4, 2]
    assert await embedding.aget_text_embedding_batch(TEXTS) == LENGTHS
    assert embedding.get_text_embedding_batch(TEXTS, show_progress=True) == LENGTHS


@pytest.mark.parametrize(("workers", "most"), [(1, 1), (3, 3), (None, 10)])
async def test_only_so_many_requests_run_at_once(workers, most):
    server = Counting()
    embedding = server.embedding(embed_batch_size=1, num_workers=workers)
    assert await embedding.aget_text_embedding_batch(TEXTS) == LENGTHS
    assert server.most == most


async def test_instructions_and_line_ends_go_out_as_they_are():
    server = Counting()
    embedding = server.embedding(query_instruction="query: ", text_instruction="passage: ")
    embedding.get_query_embedding("a\nb")
    await embedding.aget_query_embedding("a\nb")
    embedding.get_text_embedding("c\n")
    await embedding.aget_text_embedding("c\n")
    inputs = [body["input"] for body in server.bodies]
    assert inputs == [["query: a\nb"], ["query: a\nb"], ["passage: c\n"], ["passage: c\n"]]


def test_dimensions_and_more_of_the_body():
    server = Counting()
    embedding = server.embedding(dimensions=5, extra_body={"user": "ann"})
    assert len(embedding.get_query_embedding("a")) == 5
    assert (server.bodies[0]["dimensions"], server.bodies[0]["user"]) == (5, "ann")


def test_settings_are_checked_and_the_key_stays_inside():
    embedding = Counting().embedding(dimensions=5, query_instruction="q: ")
    data = embedding.to_dict()
    assert (data["dimensions"], data["query_instruction"]) == (5, "q: ")
    assert "sk-test-key" not in json.dumps(data) + repr(embedding) + str(embedding.to_payload())
    assert NanoGPTEmbedding.from_dict(data).to_dict() == data
    with pytest.raises(ValidationError):
        Counting().embedding(embed_batch_size=2049)
    with pytest.raises(ValidationError):
        Counting().embedding(dimension=5)


def over(sandbox, **words):
    return NanoGPTEmbedding(
        model_name="text-embedding-3-small",
        api_key=sandbox.api_key,
        base_url=sandbox.base_url,
        **words,
    )


def test_it_travels_and_lives_on_several_loops(sandbox):
    embedding = over(sandbox)
    vector = embedding.get_text_embedding("hello")
    for other in (copy.deepcopy(embedding), pickle.loads(pickle.dumps(embedding))):
        assert np.allclose(other.get_text_embedding("hello"), vector)
        other.close()
    for _ in range(2):
        assert np.allclose(asyncio.run(embedding.aget_query_embedding("hello")), vector)
    embedding.close()
    assert embedding.ledger.totals.calls == 4


def test_an_ingestion_pipeline_works_with_processes_and_caches(sandbox):
    documents = [Document(text=f"Text number {n} is about the number {n}.") for n in range(6)]
    embedding = over(sandbox, dimensions=64)
    pipeline = IngestionPipeline(transformations=[embedding])
    nodes = pipeline.run(documents=documents, num_workers=2)
    assert [len(node.get_embedding()) for node in nodes] == [64] * 6
    alone = pipeline.run(documents=documents)
    assert np.allclose([n.get_embedding() for n in nodes], [n.get_embedding() for n in alone])
    calls = embedding.ledger.totals.calls
    pipeline.run(documents=documents)
    assert embedding.ledger.totals.calls == calls
    embedding.close()
    shorter = over(sandbox, dimensions=32)
    pipeline.transformations = [shorter]
    assert len(pipeline.run(documents=documents)[0].get_embedding()) == 32
    shorter.close()
