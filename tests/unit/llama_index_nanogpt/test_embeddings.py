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
from llama_index.core.ingestion import IngestionCache, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.storage.kvstore import SimpleKVStore
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.event_handlers import BaseEventHandler
from llama_index_instrumentation.span_handlers import SimpleSpanHandler
from pydantic import ValidationError

from llama_index_nanogpt import NanoGPTCostHandler, NanoGPTEmbedding
from nanogpt_client import AuthenticationError, ConfigurationError, Ledger


class Counting:
    """Embeds a text as its length, answers in reverse order, and watches how much runs at once."""

    def __init__(self, dimensions=2):
        self.bodies = []
        self.running = self.most = 0
        self.seconds = 0.01
        self.two_are_in = asyncio.Event()
        self.dimensions = dimensions

    def answer(self, request):
        body = json.loads(request.content)
        self.bodies.append(body)
        if "broken" in body["input"]:
            return httpx.Response(401, json={"error": {"message": "no"}})
        width = body.get("dimensions", self.dimensions)
        data = [
            {"index": at, "embedding": [float(len(text)), *[0.5] * (width - 1)]}
            for at, text in enumerate(body["input"])
        ]
        return httpx.Response(200, json={"data": data[::-1], "model": body["model"]})

    async def aanswer(self, request):
        self.running += 1
        self.most = max(self.most, self.running)
        if self.running == 2:
            self.two_are_in.set()
        await asyncio.sleep(self.seconds)
        self.running -= 1
        return self.answer(request)

    def embedding(self, **words):
        return NanoGPTEmbedding(
            model_name=words.pop("model_name", "text-embedding-3-small"),
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


@pytest.mark.usefixtures("key_in_environment")
def test_settings_are_checked_and_the_key_stays_inside():
    embedding = Counting().embedding(dimensions=5, query_instruction="q: ")
    data = embedding.to_dict()
    assert (data["dimensions"], data["query_instruction"]) == (5, "q: ")
    assert "sk-test-key" not in json.dumps(data) + repr(embedding) + str(embedding.to_payload())
    assert NanoGPTEmbedding.from_dict(data).to_dict() == data
    with pytest.raises(ValidationError):
        Counting().embedding(embed_batch_size=2049)
    with pytest.raises(ConfigurationError, match="dimension"):
        Counting().embedding(dimension=5)


@pytest.mark.parametrize("words", [{}, {"num_workers": None}])
async def test_progress_is_shown(words, capsys):
    embedding = Counting().embedding(embed_batch_size=4, **words)
    embedding.get_text_embedding_batch(TEXTS, show_progress=True)
    await embedding.aget_text_embedding_batch(TEXTS, show_progress=True)
    shown = capsys.readouterr().err
    assert "10/10" in shown
    assert "3/3" in shown


VARIANTS: list[dict] = [
    {"model_name": "a"},
    {"model_name": "b"},
    {"model_name": "a", "dimensions": 3},
    {"model_name": "a", "extra_body": {"x": 1}},
    {"model_name": "a", "text_instruction": "passage: "},
]


async def test_one_cache_keeps_models_lengths_and_instructions_apart():
    server, store = Counting(), SimpleKVStore()
    for words in VARIANTS:
        embedding = server.embedding(embeddings_cache=store, **words)
        asked = len(server.bodies)
        vector = embedding.get_text_embedding("text")
        assert len(server.bodies) == asked + 1
        assert await embedding.aget_text_embedding("text") == vector
        assert embedding.get_text_embedding_batch(["text", "text"]) == [vector, vector]
        assert len(server.bodies) == asked + 1


async def test_a_cache_tells_queries_from_texts_only_if_they_are_asked_differently():
    server = Counting()
    told = server.embedding(embeddings_cache=SimpleKVStore(), query_instruction="query: ")
    assert told.get_query_embedding("a") == await told.aget_query_embedding("a")
    assert told.get_query_embedding("a") != told.get_text_embedding("a")
    assert len(server.bodies) == 2
    plain = server.embedding(embeddings_cache=SimpleKVStore())
    assert plain.get_query_embedding("a") == plain.get_text_embedding("a")
    assert len(server.bodies) == 3


async def test_with_a_cache_what_was_paid_before_a_failure_is_found_again():
    texts = [*TEXTS[:4], "broken", *TEXTS[4:]]
    for embed in (
        lambda embedding, texts: asyncio.to_thread(embedding.get_text_embedding_batch, texts),
        lambda embedding, texts: embedding.aget_text_embedding_batch(texts),
    ):
        server = Counting()
        embedding = server.embedding(
            embed_batch_size=2, num_workers=1, embeddings_cache=SimpleKVStore()
        )
        with pytest.raises(AuthenticationError):
            await embed(embedding, texts)
        assert await embed(embedding, TEXTS) == LENGTHS
        sent = [text for body in server.bodies for text in body["input"]]
        assert all(sent.count(text) == 1 for text in TEXTS[:4])


@pytest.mark.parametrize("workers", [1, 2, None])
async def test_after_a_failure_no_further_batch_is_sent(workers):
    server = Counting()
    embedding = server.embedding(embed_batch_size=1, num_workers=workers)
    with pytest.raises(AuthenticationError):
        await embedding.aget_text_embedding_batch(["broken", *TEXTS])
    await asyncio.sleep(0.05)  # those that LlamaIndex has left behind would be sent now
    assert len(server.bodies) == {1: 1, 2: 2, None: 11}[workers]
    assert await embedding.aget_text_embedding_batch(TEXTS) == LENGTHS


async def test_after_a_failure_those_on_their_way_are_waited_for_and_cached():
    server, store = Counting(), SimpleKVStore()
    embedding = server.embedding(embed_batch_size=1, num_workers=2, embeddings_cache=store)
    with pytest.raises(AuthenticationError) as caught:
        await embedding.aget_text_embedding_batch(["broken", "x", "xx"])
    assert caught.value.partial == [None, [[1.0, 0.5]], None]
    assert server.running == 0
    assert list(store.get_all("nanogpt_embeddings").values()) == [{"embedding": [1.0, 0.5]}]


async def test_a_cancelled_run_sends_no_further_batch_and_counts_those_on_their_way():
    server = Counting()
    server.seconds = 30
    embedding = server.embedding(embed_batch_size=1, num_workers=2)
    with NanoGPTCostHandler() as costs:
        task = asyncio.create_task(embedding.aget_text_embedding_batch(TEXTS))
        await server.two_are_in.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)
    assert server.bodies == []
    assert [entry.outcome for entry in costs.ledger] == ["abandoned"] * 2
    assert [entry.outcome for entry in embedding.ledger] == ["abandoned"] * 2


async def test_llama_indexs_own_limiter_and_cache_are_used():
    class Limiter:
        acquired = 0

        async def async_acquire(self, **_):
            self.acquired += 1

    limiter, server = Limiter(), Counting()
    embedding = server.embedding(embed_batch_size=4, rate_limiter=limiter)
    await embedding.aget_text_embedding_batch(TEXTS)
    assert limiter.acquired == len(server.bodies) == 3
    embedding = server.embedding(embed_batch_size=4)
    embedding.embeddings_cache = SimpleKVStore()
    for _ in range(2):
        assert await embedding.aget_text_embedding_batch(TEXTS) == LENGTHS
    assert len(server.bodies) == 6


async def test_no_texts_are_no_request():
    assert await Counting().embedding().aget_text_embedding_batch([]) == []


def test_the_cache_travels_and_stays_out_of_dicts():
    server = Counting()
    embedding = server.embedding(embeddings_cache=SimpleKVStore())
    vector = embedding.get_text_embedding("text")
    json.dumps(embedding.to_dict())
    asks_nobody = embedding.model_copy(update={"http_client": None, "http_async_client": None})
    for again in (copy.deepcopy(asks_nobody), pickle.loads(pickle.dumps(asks_nobody))):
        assert again.get_text_embedding("text") == vector
    with pytest.raises(TypeError, match="embeddings_cache"):
        server.embedding(embeddings_cache={})


async def test_events_and_spans_come_once():
    class Names(BaseEventHandler):
        @classmethod
        def class_name(cls):
            return "Names"

        def handle(self, event, **_):
            names.append(event.class_name())

    names: list[str] = []
    spans, root, handler = SimpleSpanHandler(), get_dispatcher(), Names()
    root.add_event_handler(handler)
    root.add_span_handler(spans)
    try:
        await Counting().embedding(embed_batch_size=5).aget_text_embedding_batch(TEXTS)
    finally:
        root.event_handlers.remove(handler)
        root.span_handlers.remove(spans)
    assert (
        names == ["EmbeddingStartEvent"] * 2 + ["NanoGPTCallEvent"] * 2 + ["EmbeddingEndEvent"] * 2
    )
    ids = [span.id_ for span in spans.completed_spans]
    assert sum("aget_text_embedding_batch" in span for span in ids) == 1


def over(sandbox, **words):
    return NanoGPTEmbedding(
        model_name="text-embedding-3-small",
        api_key=sandbox.api_key,
        base_url=sandbox.base_url,
        **words,
    )


def test_it_travels_and_lives_on_several_loops(sandbox):
    embedding = over(sandbox, pickle_api_key=True)
    vector = embedding.get_text_embedding("hello")
    for other in (copy.deepcopy(embedding), pickle.loads(pickle.dumps(embedding))):
        assert np.allclose(other.get_text_embedding("hello"), vector)
        other.close()
    for _ in range(2):
        assert np.allclose(asyncio.run(embedding.aget_query_embedding("hello")), vector)
    embedding.close()
    assert embedding.ledger.totals.calls == 4


@pytest.mark.unwatched
def test_an_ingestion_pipeline_works_with_processes_and_caches(sandbox, tmp_path):
    documents = [Document(text=f"Text number {n} is about the number {n}.") for n in range(6)]
    books = tmp_path / "spent.jsonl"
    store = SimpleKVStore()
    embedding = over(
        sandbox,
        dimensions=64,
        ledger=Ledger(books),
        embeddings_cache=store,
        pickle_api_key=True,
    )
    # The default tokenizer makes processes download its words, and without a network they hang.
    splitter = SentenceSplitter(tokenizer=str.split)
    pipeline = IngestionPipeline(transformations=[splitter, embedding])
    nodes = pipeline.run(documents=documents, num_workers=2)
    assert [len(node.get_embedding()) for node in nodes] == [64] * 6
    assert len(embedding.ledger) == 0
    assert [entry.kind for entry in Ledger(books)] == ["embedding"] * 2
    assert len(store.get_all("nanogpt_embeddings")) == 6  # what workers paid for came home
    assert all(type(node.get_embedding()) is list for node in nodes)
    calls = embedding.ledger.totals.calls
    again = pipeline.model_copy(update={"cache": IngestionCache()})
    assert len(again.run(documents=documents)) == 6
    assert embedding.ledger.totals.calls == calls
    alone = pipeline.run(documents=documents)
    assert np.allclose([n.get_embedding() for n in nodes], [n.get_embedding() for n in alone])
    calls = embedding.ledger.totals.calls
    pipeline.run(documents=documents)
    assert embedding.ledger.totals.calls == calls
    embedding.close()
    shorter = over(sandbox, dimensions=32)
    pipeline.transformations = [splitter, shorter]
    assert len(pipeline.run(documents=documents)[0].get_embedding()) == 32
    shorter.close()
