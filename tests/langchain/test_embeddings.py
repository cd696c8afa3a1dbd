"""`NanoGPTEmbeddings`: batches, order, types."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
from copy import deepcopy

import httpx
import numpy as np
import pytest

from langchain_nanogpt import NanoGPTEmbeddings
from langchain_nanogpt.embeddings import _batches
from nanogpt_client import ResponseFormatError, ServerError


class Wire:
    """Embeds a text as its own number; can fail, be slow, and count who is inside."""

    def __init__(self, *, fails_at: str | None = None, width: int | None = None) -> None:
        self.batches: list[list[str]] = []
        self.fails_at = fails_at
        self.width = width
        self.lock = threading.Lock()
        self.inside = self.most_inside = 0

    def __call__(self, request):
        texts = json.loads(request.content)["input"]
        with self.lock:
            self.batches.append(texts)
        if self.fails_at in texts:
            return httpx.Response(500, json={"error": "no"})
        rows = [
            {"index": at, "embedding": [float(text)] * (self.width or len(texts[0]))}
            for at, text in enumerate(texts)
        ]
        return httpx.Response(200, json={"data": rows[::-1], "model": "m"})

    async def answer(self, request):
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        await asyncio.sleep(0.001)
        self.inside -= 1
        return self(request)

    def model(self, **words):
        return NanoGPTEmbeddings(
            model="m",
            api_key="k-1",
            max_retries=0,
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self.answer)),
            **words,
        )


TEXTS = [str(number) for number in range(10, 33)]


async def every_way(model, texts):
    return model.embed_documents(texts), await model.aembed_documents(texts)


async def test_order_survives_batches_and_concurrency():
    wire = Wire()
    for vectors in await every_way(wire.model(chunk_size=5, max_concurrency=2), TEXTS):
        assert [vector[0] for vector in vectors] == list(map(float, TEXTS))
    assert max(map(len, wire.batches)) == 5
    assert wire.most_inside == 2


async def test_vectors_are_pythons_floats_or_one_array():
    model = Wire().model(chunk_size=5)
    assert type(model.embed_query("12")[0]) is float
    assert type((await model.aembed_query("12"))[0]) is float
    for array in (model.embed_documents_array(TEXTS), await model.aembed_documents_array(TEXTS)):
        assert (array.dtype, array.shape) == (np.float32, (len(TEXTS), 2))


async def test_no_texts_are_no_request():
    wire = Wire()
    assert await every_way(wire.model(), []) == ([], [])
    assert wire.model(dimensions=3).embed_documents_array([]).shape == (0, 3)
    assert wire.batches == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a"] * 5, [2, 2, 1]),
        (["aaa", "a", "a"], [2, 1]),
        (["aaaaaaaa", "a"], [1, 1]),
        (["é", "é", "é"], [2, 1]),
        ([], []),
    ],
)
def test_batches_stay_within_number_and_bytes(texts, expected):
    batches = list(_batches(texts, 2, 4))
    assert list(map(len, batches)) == expected
    assert [text for batch in batches for text in batch] == texts


async def test_one_failed_batch_fails_all_and_stops_the_rest():
    wire = Wire(fails_at=TEXTS[0])
    model = wire.model(chunk_size=1, max_concurrency=1)
    with pytest.raises(ServerError):
        model.embed_documents(TEXTS)
    assert len(wire.batches) < len(TEXTS)
    wire.batches.clear()
    with pytest.raises(ServerError):
        await model.aembed_documents(TEXTS)
    assert len(wire.batches) < len(TEXTS)


def test_vectors_of_several_lengths_are_an_error():
    with pytest.raises(ResponseFormatError, match=r"\[2, 3\]"):
        Wire().model(chunk_size=1).embed_documents(["12", "123"])


@pytest.mark.parametrize("words", [{"chunk_size": 2049}, {"chunk_size": 0}, {"batch": 1}])
def test_impossible_settings_are_refused(words):
    with pytest.raises(ValueError, match=next(iter(words))):
        Wire().model(**words)


@pytest.mark.parametrize("copy", [deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_work(embeddings, copy):
    vector = embeddings.embed_query("hi")
    assert copy(embeddings).embed_query("hi") == vector


def test_it_works_on_one_event_loop_after_another(embeddings):
    first, second = (asyncio.run(embeddings.aembed_query("hi")) for _ in range(2))
    assert first == second


def test_dimensions_shorten_the_vectors(embeddings):
    short = embeddings.model_copy(update={"dimensions": 8})
    assert len(short.embed_query("hi")) == 8
    assert len(embeddings.embed_query("hi")) > 8
