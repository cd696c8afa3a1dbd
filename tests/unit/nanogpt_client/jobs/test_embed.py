"""`EmbedTexts`: each text once, in the container that it came in."""

from __future__ import annotations

import json
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cloudpickle
import httpx
import numpy as np
import pandas as pd
import pytest

from nanogpt_client import (
    Budget,
    BudgetExceededError,
    ConfigurationError,
    InvalidArgumentError,
    InvalidResponseError,
    OutcomeUnknownError,
    ServerError,
    StoreUnavailableError,
)
from nanogpt_client.jobs import EmbedTexts, PaidStore
from nanogpt_client.jobs._once import key_of
from tests.support.vectors import VectorService, vectors_of

MODEL = "text-embedding-3-small"
BROKEN = {"error": {"message": "no", "type": "server_error"}}


def texts_of(count, start=0):
    return [f"text {number}" for number in range(start, start + count)]


def job(service, store=None, **settings):
    return EmbedTexts(MODEL, store=store, **service.settings, **settings)


def test_a_second_run_sends_nothing_and_a_longer_one_the_rest(store_url):
    service = VectorService()
    for size in (100, 100, 130):
        embed = job(service, store_url, batch_size=25)
        texts = np.array(texts_of(size), object)
        vectors = embed({"text": texts})["vector"]
        assert vectors.dtype == np.float32
        assert np.array_equal(vectors, vectors_of(list(texts)))
        assert len(service.texts) == service.texts.total() == size
    assert service.requests == 4 + 0 + 2
    assert embed.store.unknown() == []


def test_equal_texts_are_asked_for_once_also_without_a_store():
    service = VectorService()
    vectors = job(service)({"text": ["a", "b", "a", "a"]})["vector"]
    assert (vectors == vectors_of(["a", "b", "a", "a"])).all()
    assert service.texts == {"a": 1, "b": 1}


def test_what_changes_the_vectors_has_vectors_of_its_own(tmp_path):
    service, store = VectorService(), PaidStore(f"sqlite:///{tmp_path}/paid.db")
    texts = {"text": ["a"]}
    job(service, store)(texts)
    job(service, store, user="someone", batch_size=7, encoding_format="float", timeout=5)(texts)
    assert service.requests == 1
    job(service, store, extra_body={"task": "query"})(texts)
    EmbedTexts("other", store=store, **service.settings)(texts)
    elsewhere = service.settings | {"base_url": "https://other.test/api/v1"}
    EmbedTexts(MODEL, store=store, **elsewhere)(texts)
    assert service.requests == 4
    store.close()


@pytest.mark.parametrize("host", ["https://nano-gpt.com", "https://api.nano-gpt.com"])
def test_hosts_of_nanogpt_are_one_service(host):
    service = VectorService()
    embed = EmbedTexts(MODEL, **service.settings | {"base_url": f"{host}/api/v1"})
    assert embed.client.config.service == "nano-gpt.com"


def test_a_batch_that_fails_keeps_what_was_paid(store_url):
    service = VectorService({2: (500, BROKEN)})
    embed = job(service, store_url, batch_size=10, max_concurrency=1)
    with pytest.raises(ServerError) as caught:
        embed({"text": texts_of(50)})
    assert caught.value.partial.missing == list(range(20, 50))
    assert (caught.value.partial.vectors[:20] == vectors_of(texts_of(20))).all()
    assert "20 of 50 texts are embedded" in caught.value.__notes__
    assert len(embed.store.unknown()) == 1  # after a 500 nobody can tell whether it was billed
    vectors = embed({"text": texts_of(50)})["vector"]
    assert (vectors == vectors_of(texts_of(50))).all()
    assert service.requests == 3 + 3
    assert len(embed.store.unknown()) == 1


def test_a_refused_request_is_not_on_record(store_url):
    service = VectorService({0: (401, BROKEN)})
    embed = job(service, store_url)
    with pytest.raises(Exception, match="401"):
        embed({"text": ["a"]})
    assert embed.store.unknown() == []
    embed({"text": ["a"]})


def test_a_spent_budget_leaves_no_intent(store_url):
    embed = job(
        VectorService(), store_url, budget=Budget(max_calls=1), batch_size=1, max_concurrency=1
    )
    with pytest.raises(BudgetExceededError):
        embed({"text": ["a", "b"]})
    assert embed.store.unknown() == []
    assert (embed({"text": ["a"]})["vector"] == vectors_of(["a"])).all()


def unanswered(url, *texts):
    """Let a worker disappear that was asking for these texts."""
    lost = VectorService({0: (500, BROKEN)})
    with pytest.raises(ServerError):
        job(lost, url)({"text": list(texts)})


def test_unknown_outcomes_are_sent_again(store_url):
    unanswered(store_url, "a", "b")
    service = VectorService()
    job(service, store_url)({"text": ["a", "c"]})
    assert service.texts == {"a": 1, "c": 1}


def test_unknown_outcomes_can_stop_the_job(store_url):
    unanswered(store_url, "a", "b")
    service = VectorService()
    embed = job(service, store_url, on_unknown="raise")
    with pytest.raises(OutcomeUnknownError, match="1 items") as caught:
        embed({"text": ["a", "c"]})
    assert caught.value.maybe_billed
    assert service.requests == 0
    job(service, store_url)({"text": ["c"]})  # its intent was taken back


def test_unknown_outcomes_can_be_skipped(store_url):
    unanswered(store_url, "a", "b")
    service = VectorService()
    embed = job(service, store_url, on_unknown="skip")
    vectors = embed({"text": ["a", "c"]})["vector"]
    assert np.isnan(vectors[0]).all()
    assert (vectors[1] == vectors_of(["c"])).all()
    assert embed({"text": ["b"]})["vector"].shape == (1, 0)
    assert service.texts == {"c": 1}


def test_workers_with_the_same_texts_wait_for_each_other(store_url):
    service, first = VectorService(), threading.Event()

    def slow(request):
        first.set()
        time.sleep(0.3)
        return service(request)

    settings = service.settings | {"http_client": httpx.Client(transport=httpx.MockTransport(slow))}
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(EmbedTexts(MODEL, store=store_url, **settings), {"text": ["a", "b"]})
        assert first.wait(5)
        other = job(service, store_url)({"text": ["c", "b", "a"]})["vector"]
    assert np.array_equal(other, vectors_of(["c", "b", "a"]))
    assert np.array_equal(one.result()["vector"], vectors_of(["a", "b"]))
    assert service.texts == {"a": 1, "b": 1, "c": 1}


def test_what_a_worker_never_finished_is_asked_for_after_its_lease(store_url):
    with PaidStore(store_url, lease=1.0) as other:
        service = VectorService()
        embed = job(service, PaidStore(store_url))
        key = address_of(embed, "b")
        other.drop(other.claim([key], model=MODEL, take_over=False))
        vectors = embed({"text": ["a", "b", "c"]})["vector"]
        assert np.array_equal(vectors, vectors_of(["a", "b", "c"]))
        assert service.texts == {"a": 1, "b": 1, "c": 1}
        assert service.requests == 2
        embed.store.close()


def address_of(embed, text):
    service = embed.client.config.service
    return key_of({"service": service, "route": "embeddings", "model": MODEL, "input": text})


def test_nothing_is_sent_while_the_store_is_away(tmp_path):
    service = VectorService()
    for url in (f"sqlite:///{tmp_path}", "redis://127.0.0.1:1/0"):  # a folder, and nobody
        with pytest.raises(StoreUnavailableError):
            job(service, url)({"text": ["a"]})
    assert service.requests == 0


def test_progress_is_reported_after_storing(tmp_path):
    service, store, seen = VectorService(), PaidStore(f"sqlite:///{tmp_path}/paid.db"), []

    def on_progress(progress):
        seen.append((progress.done, progress.total, stored_answers(store)))

    job(service, store, batch_size=2, max_concurrency=1, on_progress=on_progress)(
        {"text": texts_of(4)}
    )
    assert seen == [(2, 4, 2), (4, 4, 4)]
    store.close()


def stored_answers(store):
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(store._url.removeprefix("sqlite:///")) as connection:
        (count,) = connection.execute("select count(*) from answers").fetchone()
    connection.close()
    return count


def test_a_data_frame_gets_a_column_of_arrays():
    table = pd.DataFrame({"id": [7, 8], "words": ["a", "b"]}, index=[3, 4])
    result = job(VectorService(), column="words", output="v")(table)
    assert list(table) == ["id", "words"]
    assert list(result) == ["id", "words", "v"]
    assert list(result.index) == [3, 4]
    assert result["v"][3].dtype == np.float32
    assert (np.stack(result["v"]) == vectors_of(["a", "b"])).all()


def test_an_arrow_table_gets_a_fixed_size_list():
    pa = pytest.importorskip("pyarrow", reason="comes with Ray: make scale runs this, too")
    table = pa.table({"text": ["a", "b", "a"]})
    result = job(VectorService())(table)
    assert result.schema.field("vector").type == pa.list_(pa.float32(), 4)
    rows = np.array(result["vector"].to_pylist(), np.float32)
    assert (rows == vectors_of(["a", "b", "a"])).all()


def test_an_iterator_of_tables_gives_one():
    service = VectorService()
    embed = job(service)
    results = embed(iter([pd.DataFrame({"text": ["a"]}), pd.DataFrame({"text": ["b"]})]))
    assert service.requests == 0
    assert [len(result) for result in results] == [1, 1]


def test_an_empty_batch_has_no_vectors():
    service = VectorService()
    assert job(service, dimensions=4)({"text": []})["vector"].shape == (0, 4)
    assert service.requests == 0


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"words": ["a"]}, "no column 'text'; it has words"),
        (pd.DataFrame(), "no column 'text'; it has none"),
        (["a"], "not list"),
        ("a", "not str"),
        ({"text": ["a", None]}, r"texts\[1\] must be a string, not NoneType"),
        (pd.DataFrame({"text": ["a", np.nan]}), r"texts\[1\] must be a string, not float"),
    ],
)
def test_other_batches_are_refused_unsent(batch, message):
    service = VectorService()
    with pytest.raises(InvalidArgumentError, match=message):
        job(service)(batch)
    assert service.requests == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dimension": 3}, "unknown setting 'dimension'; did you mean 'dimensions'"),
        ({"dimensions": 0}, "dimensions=0"),
        ({"batch_size": 5000}, "batch_size"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"on_unknown": "retry"}, "on_unknown"),
        ({"store": "paid.db"}, "sqlite:///FILE"),
        ({"timeout": -1}, "timeout"),
    ],
)
def test_settings_are_checked_when_it_is_made(settings, message):
    with pytest.raises((ConfigurationError, InvalidArgumentError), match=message):
        job(VectorService(), **settings)


def test_a_model_is_needed():
    with pytest.raises(InvalidArgumentError, match="model"):
        EmbedTexts(" ", **VectorService().settings)


@pytest.mark.parametrize("library", [pickle, cloudpickle])
def test_it_travels_without_its_key(library, tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path}/paid.db"
    key = VectorService().settings["api_key"]
    embed = EmbedTexts(MODEL, store=url, api_key=key, base_url="https://nano.test", dimensions=4)
    data = library.dumps(embed)
    assert key.encode() not in data
    monkeypatch.setenv("NANOGPT_API_KEY", "sk-of-the-worker")
    worker = library.loads(data)
    assert repr(worker) == repr(embed)
    assert worker.client.config.api_key.get_secret_value() == "sk-of-the-worker"
    assert worker({"text": []})["vector"].shape == (0, 4)


def test_stored_vectors_of_another_length_are_an_error(store_url):
    service = VectorService()
    embed = job(service, store_url)
    embed({"text": ["a"]})
    short = 200, {"data": [{"index": 0, "embedding": [1.0]}]}
    with pytest.raises(InvalidResponseError, match="differ in length"):
        job(VectorService({0: short}), store_url)({"text": ["a", "b"]})


def test_the_request_has_the_options():
    sent = []
    service = VectorService()

    def note(request):
        sent.append(json.loads(request.content))
        return service(request)

    client = httpx.Client(transport=httpx.MockTransport(note))
    job_settings = service.settings | {"http_client": client, "dimensions": 4, "user": "u"}
    EmbedTexts(MODEL, **job_settings)({"text": ["a"]})
    assert sent == [
        {"model": MODEL, "input": ["a"], "encoding_format": "base64", "dimensions": 4, "user": "u"}
    ]
