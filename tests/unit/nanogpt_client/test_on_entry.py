"""A ledger's sink: each entry once, outside of locks and collections, never at a call's expense."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
from decimal import Decimal
from typing import Any

import pytest

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import Ledger, LedgerEntry, NanoGPTClient, NanoGPTError
from nanogpt_client.hooks import AccountingWarning
from tests.promises.answers import STREAM, chat_answer
from tests.support.rawserver import RawServer, http_reply

received: list[LedgerEntry] = []


def entry(model: str = "m") -> LedgerEntry:
    return LedgerEntry("chat", model, "ok", Decimal("0.01"))


def test_each_entry_is_reported_once_with_its_scope():
    seen: list[LedgerEntry] = []
    ledger = Ledger(on_entry=seen.append)
    with ledger.scope("ingest"):
        ledger.record(entry())
    ledger.record(entry())
    assert seen == list(ledger.entries)
    assert [each.scope for each in seen] == [("ingest",), ()]


def test_what_a_file_holds_already_is_not_reported(tmp_path):
    Ledger(tmp_path / "spent.jsonl").record(entry("old"))
    seen: list[LedgerEntry] = []
    Ledger(tmp_path / "spent.jsonl", on_entry=seen.append).record(entry("new"))
    assert [each.model for each in seen] == ["new"]


def test_calls_are_reported_whole_streamed_failed_and_abandoned():
    seen: list[LedgerEntry] = []
    with RawServer(chat_answer(), STREAM, STREAM, [http_reply(status=401)]) as server:
        ledger = Ledger(on_entry=seen.append)
        with NanoGPTClient("sk-key", base_url=server.base_url, ledger=ledger) as client:
            client.chat("hi", model="m")
            list(client.stream_chat("hi", model="m"))
            with client.stream_chat("hi", model="m") as stream:
                next(stream)
            with pytest.raises(NanoGPTError):
                client.chat("hi", model="m")
    assert [each.outcome for each in seen] == ["ok", "ok", "abandoned", "AuthenticationError"]


def test_its_exception_costs_no_answer():
    def fail(_: LedgerEntry) -> None:
        raise RuntimeError("the database is away")

    with RawServer(chat_answer()) as server:
        settings: Any = {"base_url": server.base_url, "ledger": Ledger(on_entry=fail)}
        with NanoGPTClient("sk-key", **settings) as client:
            with pytest.warns(AccountingWarning, match="RuntimeError: the database is away"):
                assert client.chat("hi", model="m").text == "Hello"
            assert len(client.ledger) == 1


def test_where_warnings_are_errors_it_costs_no_answer_either(caplog):
    def fail(_: LedgerEntry) -> None:
        raise RuntimeError("away")

    ledger = Ledger(on_entry=fail)
    ledger.record(entry())  # pytest turns warnings into errors here
    assert "RuntimeError: away" in caplog.text
    assert len(ledger) == 1


def test_an_interrupt_in_it_is_raised_and_the_entry_is_reported_once():
    seen: list[LedgerEntry] = []

    def interrupted(each: LedgerEntry) -> None:
        seen.append(each)
        raise KeyboardInterrupt

    ledger = Ledger(on_entry=interrupted)
    with pytest.raises(KeyboardInterrupt):
        ledger.record(entry())
    assert len(ledger) == len(seen) == 1


def test_it_is_called_outside_of_the_ledgers_lock(tmp_path):
    free: list[bool] = []

    def record_elsewhere(_: LedgerEntry) -> None:
        other = threading.Thread(target=lambda: list(ledger))  # takes the lock of the file
        other.start()
        other.join(5)
        free.append(not other.is_alive())

    ledger = Ledger(tmp_path / "spent.jsonl", on_entry=record_elsewhere)
    ledger.record(entry())
    assert free == [True]


class Litter:
    """Records an entry when the garbage collector finds it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.itself = ledger, self

    def __del__(self) -> None:
        self.ledger.record(entry("collected"))


def test_an_entry_of_a_garbage_collection_waits_for_the_next_one():
    """The thread may hold a lock that the sink takes, such as a tracer's."""
    lock = threading.Lock()
    seen: list[str | None] = []

    def locking(each: LedgerEntry) -> None:
        assert lock.acquire(timeout=1)
        seen.append(each.model)
        lock.release()

    ledger = Ledger(on_entry=locking)
    Litter(ledger)
    with lock:
        gc.collect()
    assert (len(ledger), seen) == (1, [])
    ledger.record(entry("next"))
    assert seen == ["collected", "next"]


def receive(each: LedgerEntry) -> None:
    received.append(each)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_and_pickles_have_it(again):
    received.clear()
    again(Ledger(on_entry=receive)).record(entry())
    assert received == [entry()]


def with_ledger(cls: type, **settings: Any) -> Any:
    return cls(api_key="sk-test-key", ledger=Ledger(on_entry=lambda _: None), **settings)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Ledger(on_entry=lambda _: None),
        lambda: with_ledger(NanoGPTClient),
        lambda: with_ledger(ChatNanoGPT, model="a/b"),
        lambda: with_ledger(NanoGPT, model="a/b"),
        lambda: NanoGPTEmbedding(model_name="a", client=with_ledger(NanoGPTClient)),
    ],
    ids=["ledger", "client", "LangChain", "LlamaIndex", "LlamaIndex, client"],
)
def test_a_function_that_cannot_travel_is_an_error_and_no_silent_loss(make):
    thing = make()
    for _ in range(2):  # the first attempt leaves it as it was
        with pytest.raises((pickle.PicklingError, AttributeError), match=r"lambda|local object"):
            pickle.dumps(thing)
