"""The store of paid work, on its real databases."""

from __future__ import annotations

import copy
import gc
import pickle
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cloudpickle
import pytest

from nanogpt_client.errors import ConfigurationError, StoreUnavailableError
from nanogpt_client.hooks import AccountingWarning
from nanogpt_client.jobs import PaidStore, _sqlite
from tests.support.forks import in_a_fork
from tests.support.stores import valkey_server

SHORT = 0.2  # seconds: a lease that ends within a test
RENEWED = 1.5  # seconds: one that is renewed in time, also on a busy machine


def ask(store, *keys, take_over=False):
    return store.claim(list(keys), model="m", take_over=take_over)


@pytest.fixture
def store(store_url):
    with PaidStore(store_url) as made:
        yield made


@pytest.fixture
def brief(store_url):
    """A store whose leases end soon."""
    with PaidStore(store_url, lease=SHORT) as made:
        yield made


def test_what_was_put_is_found_by_others(store, store_url):
    claim = ask(store, "a", "b")
    assert claim.states.mine == ["a", "b"]
    store.put(claim, {"a": b"1", "b": b"2"})
    with PaidStore(store_url) as other:
        assert other.get(["a", "b", "c"]) == {"a": b"1", "b": b"2"}
        assert ask(other, "a", "c").states.answers == {"a": b"1"}
        assert ask(other, "a", "d").states.mine == ["d"]


def test_many_keys_are_one_request(store):
    keys = [f"{number:064}" for number in range(2048)]
    claim = ask(store, *keys)
    assert claim.states.mine == keys
    store.put(claim, dict.fromkeys(keys, b"x" * 64))
    assert store.get(keys) == dict.fromkeys(keys, b"x" * 64)
    assert store.get([]) == {}


def test_one_worker_asks_and_others_wait_while_its_lease_is_renewed(store_url):
    with PaidStore(store_url, lease=RENEWED) as store, PaidStore(store_url) as other:
        claim = ask(store, "a")
        time.sleep(1.2 * RENEWED)
        again = ask(other, "a", "b", take_over=True)
        assert (again.states.busy, again.states.mine) == (["a"], ["b"])
        assert other.unknown() == []
        store.put(claim, {"a": b"1"})
        assert ask(other, "a").states.answers == {"a": b"1"}


def test_the_lease_of_a_worker_that_is_gone_ends(brief, store_url):
    claim = ask(brief, "a", "b")
    brief.drop(claim)
    with PaidStore(store_url) as other:
        time.sleep(2 * SHORT)
        (found,) = other.unknown()
        assert (found.model, found.items) == ("m", 2)
        assert abs(found.started_at - time.time()) < 5
        assert found.worker.rpartition(":")[2].isdigit()
        assert ask(other, "a").states.lapsed == ["a"]
        taken = ask(other, "a", take_over=True)
        assert taken.states.mine == ["a"]
        other.put(taken, {"a": b"1"})
        assert [request.id for request in other.unknown()] == [found.id]  # it may be billed


def test_a_lease_is_not_renewed_once_nobody_has_its_claim(brief):
    claim = ask(brief, "a")
    del claim
    gc.collect()
    time.sleep(2 * SHORT)
    assert ask(brief, "a").states.lapsed == ["a"]


def test_a_late_answer_is_an_answer(brief):
    claim = ask(brief, "a")
    brief.drop(claim)
    time.sleep(2 * SHORT)
    assert len(brief.unknown()) == 1
    brief.put(claim, {"a": b"1"})
    assert brief.unknown() == []
    assert brief.get(["a"]) == {"a": b"1"}


def test_a_request_that_cost_nothing_leaves_nothing(store):
    store.release(ask(store, "a"), unknown=False)
    assert store.unknown() == []
    assert ask(store, "a").states.mine == ["a"]


def test_a_request_of_unknown_outcome_is_on_record_at_once(brief):
    claim = ask(brief, "a")
    brief.release(claim, unknown=True)
    assert [request.id for request in brief.unknown()] == [claim.request.id]
    time.sleep(SHORT)  # whoever renews leases does not revive it
    assert ask(brief, "a").states.lapsed == ["a"]


def test_of_many_threads_one_asks(store):
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: ask(store, "a", "b"), range(16)))
    assert sum(claim.states.mine == ["a", "b"] for claim in claims) == 1
    assert sum(claim.states.busy == ["a", "b"] for claim in claims) == 15


def test_pickles_and_copies_reach_the_same_answers(store):
    claim = ask(store, "a")
    store.put(claim, {"a": b"1"})
    for made in (pickle.loads(pickle.dumps(store)), cloudpickle.loads(cloudpickle.dumps(store))):
        with made:
            assert made.get(["a"]) == {"a": b"1"}
    assert copy.copy(store) is copy.deepcopy(store) is store


def test_it_works_in_a_forked_child(store):
    claim = ask(store, "a")
    store.put(claim, {"a": b"1"})

    def work():
        assert store.get(["a"]) == {"a": b"1"}
        store.put(ask(store, "b"), {"b": b"2"})

    assert in_a_fork(work) == 0
    assert store.get(["a", "b"]) == {"a": b"1", "b": b"2"}


def test_it_opens_again_after_close(store):
    store.put(ask(store, "a"), {"a": b"1"})
    store.close()
    assert store.get(["a"]) == {"a": b"1"}


@pytest.mark.parametrize(
    "url",
    ["paid.db", "sqlite://", "sqlite:///", "redis://", "postgres://db/x", "memory:", "", None, 3],
)
def test_other_urls_are_refused(url):
    with pytest.raises(ConfigurationError, match="sqlite:///FILE") as caught:
        PaidStore(url)
    assert caught.value.param == "store"


@pytest.mark.parametrize("lease", [0, -1, float("inf"), float("nan")])
def test_a_lease_is_a_time(lease):
    with pytest.raises(ConfigurationError, match="lease"):
        PaidStore("sqlite:///paid.db", lease=lease)


def test_no_password_is_shown():
    secret = "s3cret-pass"
    store = PaidStore(f"redis://user:{secret}@127.0.0.1:1/0")
    assert repr(store) == "PaidStore('redis://user:***@127.0.0.1:1/0')"
    with pytest.raises(StoreUnavailableError) as caught:
        store.get(["a"])
    assert secret not in f"{caught.value} {caught.value.__cause__}"
    with pytest.raises(ConfigurationError) as refused:
        PaidStore(f"postgres://user:{secret}@host")
    assert secret not in str(refused.value)


def test_a_relative_file_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = PaidStore("sqlite:///paid.db")
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    with pickle.loads(pickle.dumps(store)) as other:
        other.get(["a"])
    assert (tmp_path / "paid.db").exists()


def test_a_file_that_cannot_be_opened_is_a_typed_error(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no folder"):
        PaidStore(f"sqlite:///{tmp_path}/missing/paid.db")
    (tmp_path / "missing").mkdir()
    store = PaidStore(f"sqlite:///{tmp_path}/missing/paid.db")
    (tmp_path / "missing").rmdir()
    with pytest.raises(StoreUnavailableError, match=r"paid\.db"):
        ask(store, "a")


def test_a_file_that_is_no_database_is_a_typed_error(tmp_path):
    (tmp_path / "paid.db").write_bytes(b"no database" * 100)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        PaidStore(f"sqlite:///{tmp_path}/paid.db").get(["a"])


def test_answers_stay_in_memory_while_a_file_is_locked(tmp_path, monkeypatch):
    monkeypatch.setattr(_sqlite, "_WAIT", 0.05)
    path = tmp_path / "paid.db"
    with PaidStore(f"sqlite:///{path}", lease=SHORT) as store:
        claim = ask(store, "a")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin exclusive")
        with pytest.warns(AccountingWarning, match="1 paid answers stay in memory"):
            store.put(claim, {"a": b"1"})
        with pytest.raises(StoreUnavailableError):
            ask(store, "b")
        other.execute("rollback")
        other.close()
        deadline = time.monotonic() + 10
        while read(path) != [("a", b"1")] and time.monotonic() < deadline:
            time.sleep(0.02)
        assert read(path) == [("a", b"1")]  # by itself
        assert store.unknown() == []


def read(path: Path) -> list[tuple[str, bytes]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("select * from answers").fetchall()
    finally:
        connection.close()


def test_answers_stay_in_memory_while_a_server_is_away():
    with valkey_server() as server:
        port = server.port
        store = PaidStore(f"redis://{server.host}:{port}/0", lease=60)
        claim = ask(store, "a")
    with pytest.warns(AccountingWarning, match="1 paid answers stay in memory"):
        store.put(claim, {"a": b"1"})
    with pytest.raises(StoreUnavailableError):
        ask(store, "b")
    with pytest.warns(AccountingWarning, match="1 paid answers are not in the store"):
        store.close()
    with valkey_server(port):
        assert store.get(["a"]) == {"a": b"1"}
        store.close()


def test_leases_are_renewed_by_one_thread_which_ends(brief):
    before = threading.active_count()
    claims = [ask(brief, str(number)) for number in range(5)]
    assert threading.active_count() == before + 1
    for claim in claims:
        brief.put(claim, {claim.request.id: b"1"})
        brief.drop(claim)
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() == before
