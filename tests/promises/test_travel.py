"""Everything public on its way to another process: it works there, or a message says why not."""

from __future__ import annotations

import inspect
import logging
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from typing import Any

import cloudpickle
import httpx
import pytest
from langchain_core.rate_limiters import InMemoryRateLimiter
from llama_index.core.rate_limiter import TokenBucketRateLimiter
from llama_index.core.storage.kvstore import SimpleKVStore

import langchain_nanogpt
import llama_index_nanogpt
import nanogpt_client
from nanogpt_client import (
    AsyncNanoGPTClient,
    Budget,
    CallEvent,
    ConfigurationError,
    Ledger,
    LedgerEntry,
    NanoGPTClient,
    NanoGPTError,
)
from nanogpt_client._methods.base_client import BaseClient
from nanogpt_client.account import Account
from nanogpt_client.tools import Toolbox
from tests.promises.answers import chat_answer
from tests.support.forks import in_a_fork
from tests.support.rawserver import RawServer

KEY = "sk-nano-0badc0de-1111-4222-8333-444455556666"
# What a class needs besides its settings.
NEEDED: dict[str, dict[str, Any]] = {
    "ChatNanoGPT": {"model": "m"},
    "NanoGPTEmbeddings": {"model": "m"},
    "NanoGPT": {"model": "m"},
    "NanoGPTEmbedding": {"model_name": "m"},
    "NanoGPTWebLoader": {"urls": "https://example.org"},
    "NanoGPTYoutubeLoader": {"urls": "https://www.youtube.com/watch?v=dQw4w9WgXcQ"},
}
OF_FRAMEWORKS = [
    cls
    for package in (langchain_nanogpt, llama_index_nanogpt)
    for name in package.__all__
    if "timeout" in inspect.signature(cls := getattr(package, name)).parameters
]
WITH_SETTINGS: list[Any] = [NanoGPTClient, AsyncNanoGPTClient, Toolbox, *OF_FRAMEWORKS]
every_class = pytest.mark.parametrize(
    "cls", WITH_SETTINGS, ids=lambda cls: f"{cls.__module__.partition('.')[0]}.{cls.__name__}"
)
DUMPS: dict[str, Callable[[Any], bytes]] = {
    "pickle": pickle.dumps,
    "cloudpickle": cloudpickle.dumps,
}
every_way = pytest.mark.parametrize("way", DUMPS)


@pytest.fixture(scope="module")
def worker() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def make(cls: Any, **settings: Any) -> Any:
    return cls(**{"api_key": KEY, **NEEDED.get(cls.__name__, {}), **settings})


def seen(thing: Any) -> tuple[str, Any, str | None]:
    """Return what the other process should see: class, timeout and account."""
    settings = thing.config if isinstance(thing, BaseClient) else thing
    account = getattr(thing, "account", None)
    return type(thing).__name__, settings.timeout, None if account is None else account.url


def values(path: str) -> list[Any]:
    """Return public things without settings of a client."""
    account = Account(f"sqlite:///{path}", usd=1)
    return [
        account,
        Budget(1),
        Budget("0.05", within=account),
        Ledger(),
        LedgerEntry("chat", "m", "ok", Decimal(1)),
        langchain_nanogpt.NanoGPTRateLimiter(account),
        llama_index_nanogpt.NanoGPTRateLimiter(account),
        nanogpt_client.ModelId("m"),
    ]


def test_all_classes_of_the_frameworks_are_tried():
    assert len(OF_FRAMEWORKS) >= 17
    # Handlers count calls of their own process, and the others are values or functions.
    others = {
        name
        for package in (langchain_nanogpt, llama_index_nanogpt)
        for name in package.__all__
        if getattr(package, name) not in OF_FRAMEWORKS
    }
    assert others == {
        "NanoGPTCostCallbackHandler", "NanoGPTCostHandler", "NanoGPTRateLimiter", "with_footnotes",
        "BatchJob", "batch_api", "abatch_api", "register",
    }  # fmt: skip


@every_class
@every_way
def test_settings_and_account_travel(cls, way, tmp_path, caplog):
    account = Account(f"sqlite:///{tmp_path}/spent.db")
    thing = make(cls, timeout=7.0, account=account)
    with caplog.at_level(logging.WARNING):
        pickled = DUMPS[way](thing)
    assert seen(pickle.loads(pickled)) == (cls.__name__, 7.0, account.url)
    assert KEY.encode() not in pickled
    assert not [text for text in caplog.messages if "account" in text]


def test_to_a_spawned_process(worker, tmp_path):
    account = Account(f"sqlite:///{tmp_path}/spent.db")
    things = [make(cls, timeout=7.0, account=account) for cls in WITH_SETTINGS]
    assert list(worker.map(seen, things)) == [seen(thing) for thing in things]
    path = f"{tmp_path}/other.db"
    others = values(path)
    assert list(worker.map(type, others)) == [type(each) for each in others]


def test_to_a_forked_process(tmp_path):
    account = Account(f"sqlite:///{tmp_path}/spent.db")
    things = [make(cls, timeout=7.0, account=account) for cls in WITH_SETTINGS]

    def work() -> None:
        for thing in things:
            assert seen(thing)[1:] == (7.0, account.url)
        assert account.spent == 0
        account.pause(60, "daily")

    assert in_a_fork(work) == 0
    assert account.status().paused == "daily"


@every_way
def test_values_travel(way, tmp_path):
    for value in values(f"{tmp_path}/spent.db"):
        again = pickle.loads(DUMPS[way](value))
        assert type(again) is type(value)
        assert repr(again) == repr(value) or "object at 0x" in repr(value)


# What cannot


class Unpicklable(SimpleKVStore):
    def __reduce__(self) -> Any:
        raise TypeError("a connection")


CANNOT: list[tuple[str, str, Any]] = [
    *(
        (
            cls.__name__,
            "http_client",
            httpx.AsyncClient if "Async" in cls.__name__ else httpx.Client,
        )
        for cls in WITH_SETTINGS
    ),
    *((cls.__name__, "http_async_client", httpx.AsyncClient) for cls in OF_FRAMEWORKS),
    *((cls.__name__, "account", Account) for cls in WITH_SETTINGS),
    ("ChatNanoGPT", "rate_limiter", lambda: InMemoryRateLimiter(requests_per_second=1)),
    ("NanoGPT", "rate_limiter", lambda: TokenBucketRateLimiter(requests_per_minute=1)),
    ("NanoGPTEmbedding", "rate_limiter", lambda: TokenBucketRateLimiter(requests_per_minute=1)),
    ("NanoGPTEmbedding", "embeddings_cache", Unpicklable),
]


def classes(name: str) -> list[Any]:
    return [cls for cls in WITH_SETTINGS if cls.__name__ == name]


@pytest.mark.parametrize(("name", "setting", "value"), CANNOT)
@every_way
def test_what_cannot_travel_is_refused_with_a_message(name, setting, value, way):
    for cls in classes(name):
        with pytest.raises((ConfigurationError, NanoGPTError), match=setting) as caught:
            DUMPS[way](make(cls, **{setting: value()}))
        assert "cannot be pickled" in str(caught.value)
        assert KEY not in str(caught.value)


def noted(event: CallEvent) -> None:
    """Do nothing: a hook that can be imported."""


def test_hooks_travel_if_they_can_be_found_there():
    client = NanoGPTClient(KEY, on_request=noted)
    assert pickle.loads(pickle.dumps(client))._context.hooks.on_request is noted
    client = NanoGPTClient(KEY, on_retry=lambda _: None)
    assert pickle.loads(cloudpickle.dumps(client))._context.hooks.on_retry is not None


def proxied() -> httpx.Client:
    return httpx.Client(proxy=PROXY)


PROXY = "http://127.0.0.1:1"  # of the test below


def ask_through(thing: Any, proxy: str) -> str:
    globals()["PROXY"] = proxy
    return str(pickle.loads(thing).chat("hi", model="m").text)


def test_a_function_that_makes_the_http_client_travels(worker):
    with RawServer(chat_answer()) as proxy:
        address = proxy.base_url.removesuffix("/api/v1")
        globals()["PROXY"] = address
        base_url = "http://nano.invalid/api/v1"
        settings: dict[str, Any] = {"base_url": base_url, "http_client": proxied}
        with NanoGPTClient(KEY, pickle_api_key=True, **settings) as client:
            assert client.chat("hi", model="m").text == "Hello"
            client.close()
            assert client.chat("hi", model="m").text == "Hello"  # through a new one
        pickled = pickle.dumps(client)
        assert worker.submit(ask_through, pickled, address).result() == "Hello"
        model = langchain_nanogpt.ChatNanoGPT(model="m", api_key=KEY, **settings)
        assert pickle.loads(cloudpickle.dumps(model)).http_client is proxied
        assert model.invoke("hi").text == "Hello"
        model.close()
        assert [request.headers["host"] for request in proxy.requests] == ["nano.invalid"] * 4


SHARED = SimpleKVStore()


def shared_cache() -> SimpleKVStore:
    return SHARED


@every_way
def test_a_function_that_returns_the_embeddings_cache_travels(way):
    made = llama_index_nanogpt.NanoGPTEmbedding(
        model_name="m", api_key=KEY, embeddings_cache=shared_cache
    )
    key = made._keys(["text"])[0]
    made.embeddings_cache.write([key], [[1.0, 2.0]])
    again = pickle.loads(DUMPS[way](made))
    assert again.embeddings_cache.store is SHARED
    assert again.get_text_embedding("text") == [1.0, 2.0]
