"""`NanoGPTEmbeddings`: batches, order, types."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import threading
from copy import deepcopy
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
import pytest
from langchain_core.exceptions import ModelAPIError, ModelInvalidRequestError

from langchain_nanogpt import NanoGPTEmbeddings
from nanogpt_client import InvalidResponseError, ServerError


class Wire:
    """Embeds a text as its own number; can fail, be slow, and count who is inside."""

    def __init__(
        self, *, fails_at: str | None = None, width: int | None = None, cost: float | None = None
    ) -> None:
        self.batches: list[list[str]] = []
        self.cost = cost
        self.fails_at = fails_at
        self.width = width
        self.lock = threading.Lock()
        self.inside = self.most_inside = 0
        self.began = asyncio.Event()

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
        return httpx.Response(200, json={"data": rows[::-1], "model": "m", "cost": self.cost})

    async def answer(self, request):
        self.began.set()
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        await asyncio.sleep(0.001)
        self.inside -= 1
        return self(request)

    def model(self, **settings):
        return NanoGPTEmbeddings(
            model="m",
            api_key="k-1",
            max_retries=0,
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self.answer)),
            **settings,
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


@pytest.mark.parametrize("workers", [1, 4])
async def test_what_a_failed_run_had_paid_for_is_kept(workers):
    wire = Wire(fails_at=TEXTS[12], cost=0.5)
    model = wire.model(chunk_size=5, max_concurrency=workers)
    for embed in (model.embed_documents, lambda texts: asyncio.run(model.aembed_documents(texts))):
        wire.batches.clear()
        with pytest.raises(ModelAPIError) as caught:
            await asyncio.to_thread(embed, TEXTS)
        error = pickle.loads(pickle.dumps(caught.value))
        assert isinstance(error, ServerError)
        partial: Any = error.partial
        there = [at for at in range(len(TEXTS)) if at not in partial.missing]
        sent = [int(text) - 10 for batch in wire.batches for text in batch]
        assert there == sorted(set(sent) - {10, 11, 12, 13, 14})
        assert partial.vectors[there, 0].tolist() == [float(TEXTS[at]) for at in there]
        assert np.isnan(partial.vectors[partial.missing]).all()
        assert partial.cost == Decimal("0.5") * (len(wire.batches) - 1)
        assert (
            f"{len(there)} of 23 texts are embedded, for {partial.cost.normalize():f} USD"
            in str(caught.value.__notes__)
        )
        assert len(wire.batches) < 5 or workers > 1


async def test_a_first_batch_that_fails_leaves_nothing_and_stops_the_rest():
    wire = Wire(fails_at=TEXTS[0])
    model = wire.model(chunk_size=1, max_concurrency=1)
    with pytest.raises(ServerError) as caught:
        model.embed_documents(TEXTS)
    with pytest.raises(ServerError):
        await model.aembed_documents(TEXTS)
    assert caught.value.partial is None
    assert len(wire.batches) == 2


async def test_a_cancelled_run_sends_no_further_batch():
    wire = Wire()
    task = asyncio.create_task(wire.model(chunk_size=1, max_concurrency=1).aembed_documents(TEXTS))
    await wire.began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.01)
    assert len(wire.batches) <= 1


@pytest.mark.parametrize("texts", ["one text", ["a", 7]])
async def test_what_is_no_list_of_texts_is_refused_unsent(texts):
    wire = Wire()
    for embed in (wire.model().embed_documents, wire.model().embed_documents_array):
        with pytest.raises(ModelInvalidRequestError, match="text"):
            embed(texts)
    with pytest.raises(ModelInvalidRequestError, match="text"):
        await wire.model().aembed_documents(texts)
    assert wire.batches == []


def test_scopes_of_the_ledger_reach_every_batch():
    model = Wire().model(chunk_size=5)
    with model.ledger.scope("ingest"):
        model.embed_documents(TEXTS)
    assert {entry.scope for entry in model.ledger} == {("ingest",)}


@pytest.mark.parametrize(("asked", "shown"), [(True, True), (False, False), (None, False)])
async def test_a_bar_shows_the_texts_that_are_done(capsys, asked, shown):
    model = Wire().model(chunk_size=5, show_progress_bar=asked)
    model.embed_documents(TEXTS)
    await model.aembed_documents(TEXTS)
    assert ("23/23" in capsys.readouterr().err) is shown


def test_many_texts_show_a_bar_on_terminals_where_it_can_be_drawn(monkeypatch, capsys):
    monkeypatch.setattr("langchain_nanogpt.embeddings._MANY", 20)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    Wire().model().embed_documents(TEXTS[:19])
    assert capsys.readouterr().err == ""
    Wire().model().embed_documents(TEXTS)
    assert "23/23" in capsys.readouterr().err
    monkeypatch.setattr("langchain_nanogpt.embeddings.find_spec", lambda _: None)
    Wire().model().embed_documents(TEXTS)
    assert capsys.readouterr().err == ""


def test_a_bar_that_cannot_be_shown_is_an_error_if_it_was_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    wire = Wire()
    with pytest.raises(ModelInvalidRequestError, match=r"pip install .*\[progress\]"):
        wire.model(show_progress_bar=True).embed_documents(TEXTS)
    assert wire.batches == []


def test_vectors_of_several_lengths_are_an_error():
    with pytest.raises(InvalidResponseError, match=r"\[2, 3\]"):
        Wire().model(chunk_size=1).embed_documents(["12", "123"])


@pytest.mark.parametrize("settings", [{"chunk_size": 2049}, {"chunk_size": 0}, {"batch": 1}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Wire().model(**settings)


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
