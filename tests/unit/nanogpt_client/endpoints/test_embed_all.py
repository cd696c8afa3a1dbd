"""Any number of texts: batches, order, progress, and what is kept when one of them fails."""

from __future__ import annotations

import asyncio
import json
import pickle
import threading
import time
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
import pytest

from nanogpt_client import (
    AsyncNanoGPTClient,
    Budget,
    BudgetExceededError,
    InvalidArgumentError,
    InvalidResponseError,
    NanoGPTClient,
    PartialEmbeddings,
    Progress,
    ServerError,
)
from nanogpt_client.endpoints.gather import sizes_of, slices
from nanogpt_client.types.plain import exact
from tests.unit.nanogpt_client.clients.shell import BOTH, KEY

TEXTS = [str(number) for number in range(10, 33)]
ASSUMED = pytest.mark.filterwarnings("ignore:neither the price nor the cost")


class Wire:
    """Embeds a text as its own number; can fail, interrupt, and hold calls back."""

    def __init__(self, fails_at: str | None = None, interrupts_at: str | None = None) -> None:
        self.batches: list[list[str]] = []
        self.fails_at = fails_at
        self.interrupts_at = interrupts_at
        self.lock = threading.Lock()
        self.inside = self.most_inside = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        texts = json.loads(request.content)["input"]
        with self.lock:
            self.batches.append(texts)
        if self.interrupts_at in texts:
            raise KeyboardInterrupt
        if self.fails_at in texts:
            return httpx.Response(500, json={"error": "no"})
        rows = [
            {"index": at, "embedding": [float(text)] * len(text)} for at, text in enumerate(texts)
        ]
        return httpx.Response(200, json={"data": rows[::-1], "model": "m", "cost": 0.5})

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        try:
            await asyncio.sleep(0.001)
        finally:
            self.inside -= 1
        return self(request)

    def settings(self, name: str, **more: Any) -> dict[str, Any]:
        transport: Any = httpx.MockTransport(self if name == "sync" else self.answer)
        client = httpx.Client if name == "sync" else httpx.AsyncClient
        return {"http_client": client(transport=transport), "max_retries": 0, **more}


@pytest.fixture(params=BOTH, ids=lambda shell: shell.name)
def use(request):
    """Return a function that embeds texts by either client, over a wire in memory."""

    def act(wire: Wire, texts: Any, **options: Any) -> Any:
        settings = wire.settings(request.param.name, budget=options.pop("budget", None))
        return request.param.use(settings, "embed_all", texts, model="m", **options)[0]

    return act


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_order_survives_batches_and_concurrency(use, workers):
    wire = Wire()
    vectors = use(wire, TEXTS, batch_size=5, max_concurrency=workers)
    assert (vectors.dtype, vectors.shape) == (np.float32, (23, 2))
    assert vectors[:, 0].tolist() == list(map(float, TEXTS))
    assert sorted(map(len, wire.batches)) == [3, 5, 5, 5, 5]
    assert wire.most_inside in (0, min(workers, 5))


def test_an_iterator_is_as_good_as_a_list(use):
    assert use(Wire(), iter(TEXTS), batch_size=7)[:, 0].tolist() == list(map(float, TEXTS))


def test_equal_texts_are_sent_as_they_stand(use):
    wire = Wire()
    assert use(wire, ["12", "12"], batch_size=1).tolist() == [[12, 12]] * 2
    assert wire.batches == [["12"], ["12"]]


def test_no_texts_are_no_request(use):
    wire = Wire()
    assert use(wire, [], dimensions=3).shape == (0, 3)
    assert wire.batches == []


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a"] * 5, [2, 2, 1]),
        (["aaa", "a", "a"], [2, 1]),
        (["aaaaaaaa", "a"], [1, 1]),
        (["a", "aaaaaaaa", "a"], [1, 1, 1]),
        (["é", "é", "é"], [2, 1]),
        (["\ud800" * 4, "a"], [1, 1]),
        ([], []),
    ],
)
def test_batches_stay_within_number_and_bytes(texts, expected):
    batches = [texts[rows] for rows in slices(sizes_of(texts), 2, 4)]
    assert list(map(len, batches)) == expected
    assert [text for batch in batches for text in batch] == texts


@pytest.mark.parametrize(
    ("texts", "options", "match"),
    [
        ("one text", {}, "texts must be a list of strings, not str"),
        (7, {}, "texts must be a list of strings, not int"),
        (["a", 7], {}, r"texts\[1\] must be a string, not int"),
        (["a"], {"batch_size": 0}, "batch_size must be at least 1 and at most 2048"),
        (["a"], {"batch_size": 2049}, "batch_size must be at least 1 and at most 2048"),
        (["a"], {"max_batch_bytes": 0}, "max_batch_bytes must be at least 1"),
        (["a"], {"max_concurrency": 0}, "max_concurrency must be at least 1"),
        (["a"], {"dimensons": 1}, "did you mean 'dimensions'"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(use, texts, options, match):
    wire = Wire()
    with pytest.raises(InvalidArgumentError, match=match):
        use(wire, texts, **options)
    assert wire.batches == []


@ASSUMED
@pytest.mark.parametrize("workers", [1, 4])
def test_what_was_paid_before_a_failure_is_kept(use, workers):
    wire, budget = Wire(fails_at=TEXTS[12]), Budget(100)
    with pytest.raises(ServerError) as caught:
        use(wire, TEXTS, batch_size=5, max_concurrency=workers, budget=budget)
    partial: Any = pickle.loads(pickle.dumps(caught.value)).partial
    assert isinstance(partial, PartialEmbeddings)
    there = [at for at in range(len(TEXTS)) if at not in partial.missing]
    sent = {int(text) - 10 for batch in wire.batches for text in batch}
    assert there == sorted(sent - {10, 11, 12, 13, 14})
    assert partial.vectors[there, 0].tolist() == [float(TEXTS[at]) for at in there]
    assert np.isnan(partial.vectors[partial.missing]).all()
    assert partial.cost == Decimal("0.5") * (len(wire.batches) - 1)
    note = f"{len(there)} of 23 texts are embedded, for {exact(partial.cost)} USD"
    assert note in str(caught.value.__notes__)
    assert len(wire.batches) == 3 or workers > 1
    assert budget._reserved == 0


def test_a_first_batch_that_fails_leaves_nothing_and_stops_the_rest(use):
    wire = Wire(fails_at=TEXTS[0])
    with pytest.raises(ServerError) as caught:
        use(wire, TEXTS, batch_size=1, max_concurrency=1)
    assert caught.value.partial is None
    assert len(wire.batches) == 1


def test_a_budget_that_is_used_up_keeps_what_it_paid_for(use):
    with pytest.raises(BudgetExceededError) as caught:
        use(Wire(), TEXTS, batch_size=5, max_concurrency=1, budget=Budget(max_calls=2))
    assert caught.value.partial.missing == list(range(10, 23))


def test_vectors_of_several_lengths_are_an_error(use):
    with pytest.raises(InvalidResponseError, match=r"\[2, 3\]") as caught:
        use(Wire(), ["12", "123"], batch_size=1, max_concurrency=1)
    assert caught.value.partial.missing == [1]


def test_progress_brings_every_batch_and_its_place(use):
    seen: list[Progress] = []
    vectors = use(Wire(), TEXTS, batch_size=5, on_progress=seen.append)
    assert {(progress.kind, progress.total) for progress in seen} == {("embedding", 23)}
    for progress in seen:
        found = progress.result
        rows = slice(found.offset, found.offset + len(found.vectors))
        assert (found.vectors == vectors[rows]).all()
        assert np.shares_memory(found.vectors, vectors)  # not twice in memory
    assert sorted(progress.result.offset for progress in seen) == [0, 5, 10, 15, 20]


def test_progress_never_runs_backwards_and_never_overlaps(use):
    seen: list[int] = []
    inside: list[int] = []
    overlaps: list[int] = []

    def look(progress: Progress) -> None:
        inside.append(progress.done)
        time.sleep(0.0005)
        overlaps.append(len(inside) - 1)
        inside.remove(progress.done)
        seen.append(progress.done)

    use(Wire(), TEXTS * 4, batch_size=1, max_concurrency=8, on_progress=look)
    assert seen == list(range(1, 93))
    assert not any(overlaps)


@ASSUMED
async def test_a_cancelled_run_sends_no_further_batch_and_reserves_nothing():
    wire, budget = Wire(), Budget(100)
    began = asyncio.Event()

    async def never(request: httpx.Request) -> httpx.Response:
        began.set()
        assert budget._reserved > 0
        await wire.answer(request)
        await asyncio.sleep(30)
        raise AssertionError

    carrier = httpx.AsyncClient(transport=httpx.MockTransport(never))
    async with AsyncNanoGPTClient(KEY, http_client=carrier, budget=budget) as client:
        task = asyncio.create_task(
            client.embed_all(TEXTS, model="m", batch_size=1, max_concurrency=2)
        )
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)
        assert len(wire.batches) <= 2
        assert budget._reserved == 0
        assert [entry.outcome for entry in client.ledger] == ["abandoned"] * 2


@ASSUMED
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_run_sends_no_further_batch_and_reserves_nothing(workers):
    wire, budget = Wire(interrupts_at=TEXTS[3]), Budget(100)
    with (
        NanoGPTClient(KEY, **wire.settings("sync", budget=budget)) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        client.embed_all(TEXTS, model="m", batch_size=1, max_concurrency=workers)
    assert len(wire.batches) < len(TEXTS) - 1
    assert budget._reserved == 0


def test_scopes_of_the_ledger_reach_every_batch():
    with NanoGPTClient(KEY, **Wire().settings("sync")) as client:
        with client.ledger.scope("ingest"):
            client.embed_all(TEXTS, model="m", batch_size=5)
        assert {entry.scope for entry in client.ledger} == {("ingest",)}


def test_a_bar_shows_the_texts_that_are_done(use, capsys):
    use(Wire(), TEXTS, batch_size=5, progress=True)
    assert "23/23" in capsys.readouterr().err
