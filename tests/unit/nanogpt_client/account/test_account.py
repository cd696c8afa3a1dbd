"""`Account`: its arguments, what it shows, and how it travels."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import cloudpickle
import pytest

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPTEmbedding
from nanogpt_client import (
    AccountingWarning,
    AccountUnavailableError,
    Budget,
    BudgetExceededError,
    ConfigurationError,
    Ledger,
    LedgerEntry,
    NanoGPTClient,
    NanoGPTError,
)
from nanogpt_client.account import Account
from nanogpt_client.account.call import AccountCall
from nanogpt_client.jobs import PaidStore
from tests.support.forks import in_a_fork
from tests.support.stores import store_url, valkey_server

__all__ = ["store_url"]

COST = Decimal("0.000000123456")


def entry(model: str = "m", outcome: str = "ok", cost: Decimal | None = COST) -> LedgerEntry:
    return LedgerEntry("chat", model, outcome, cost, 3, 4, "req", 1, 5.0, 0.5, ("a", "b"))


def spend(account: Account, cost: Decimal | None = COST, model: str = "m") -> None:
    call = AccountCall(account, entry(model, "lost", None), Decimal("0.001"), billable=True)
    call.admit()
    call.finish(entry(model, cost=cost))
    account.flush()


def test_what_it_shows(url):
    account = Account(url, usd="2.5", max_calls=9, requests_per_second=50)
    for _ in range(2):
        spend(account)
    spend(account, None, "other")
    assert (account.spent, account.unknown) == (2 * COST, 1)
    assert account.remaining_usd == Decimal("2.5") - 2 * COST - Decimal("0.001")
    status = account.status()
    assert (status.usd, status.max_calls, status.requests_per_second) == (Decimal("2.5"), 9, 50)
    assert (status.calls, status.assumed, status.reserved) == (3, Decimal("0.001"), Decimal(0))
    first = account.rows()[0]
    assert LedgerEntry(**{k: v for k, v in first.items() if k != "worker"}) == entry()
    assert {name: each.calls for name, each in account.totals_by("model").items()} == {
        "m": 2, "other": 1,
    }  # fmt: skip
    assert account.totals_by("scope")["a/b"].cost == 2 * COST
    account.close()


def test_reading_changes_nothing(url):
    account = Account(url)
    assert account.spent == 0
    assert account.rows() == []
    assert account.totals_by("model") == {}
    assert account.remaining_usd is None


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"url": "spent.db"}, "must be memory:, ray://NAME, sqlite:///"),
        ({"url": "sqlite://spent.db"}, "must be memory:, ray://NAME, sqlite:///"),
        ({"url": "sqlite:///"}, "must be memory:, ray://NAME, sqlite:///"),
        ({"url": "redis:"}, "must be memory:, ray://NAME, sqlite:///"),
        ({"url": "postgres://x/y"}, "must be memory:, ray://NAME, sqlite:///"),
        ({"url": "sqlite:////no/such/folder/spent.db"}, "there is no folder"),
        ({"url": "redis://host/0?no_such=1"}, "cannot use this address"),
        ({"url": "redis://host:port/0"}, "must be memory:, ray://NAME, sqlite:///"),
        ({"url": "redis://[::1/0"}, "must be memory:"),
        ({"url": "redis://user:hunter2"}, "must be memory:"),
        ({"url": "redis://:hunter2#1@host/0"}, "special characters of the password"),
        ({"url": "redis://:hunter2/1@host/0"}, "special characters of the password"),
        ({"url": "postgres://user:hunter2@host/y"}, r"not postgres://…$"),
        ({"url": "user:hunter2@host"}, r"not another text$"),
        ({"url": "sqlite:///spent.db?mode=ro"}, "has no options"),
        ({"usd": -1}, "an Account's usd must be"),
        ({"usd": "much"}, "an Account's usd must be"),
        ({"assumed_usd": "much"}, "an Account's assumed_usd must be"),
        ({"max_calls": -1}, "an Account's max_calls must be"),
        ({"requests_per_second": 0}, "an Account's requests_per_second must be"),
        ({"lease": 0}, "an Account's lease must be"),
    ],
)
def test_wrong_arguments(arguments, match):
    with pytest.raises(ConfigurationError, match=match) as caught:
        Account(**arguments)
    assert "hunter2" not in str(caught.value)


def test_neither_repr_nor_errors_show_a_password(url):
    account = Account("redis://me:hunter2@127.0.0.1:1/0?socket_timeout=1", usd=1)
    assert "me:***@127.0.0.1:1" in repr(account)
    with pytest.raises(Exception, match="cannot be used") as caught:
        account.spent  # noqa: B018 - a property that asks the server
    assert "hunter2" not in repr(account) + str(caught.value)
    in_options = Account("redis://127.0.0.1:1/0?password=hunter2&account=us")
    assert "'redis://127.0.0.1:1/0?account=us'" in repr(in_options)
    assert repr(Account("memory:", usd=2)) == "Account('memory:', usd=2, requests_per_second=25.0)"


def test_a_servers_password_is_nowhere(caplog):
    caplog.set_level(logging.DEBUG)
    with valkey_server() as server:
        with server.client() as direct:
            direct.config_set("requirepass", "hunter2")
        shown = []
        for given in ("hunter2", "hunter22"):
            url = f"redis://:{given}@{server.host}:{server.port}/0?socket_timeout=5"
            account, store = Account(url, usd=1), PaidStore(url)
            shown += [repr(account), repr(store)]
            if given == "hunter2":
                spend(account)
                assert store.get(["a"]) == {}
                shown.append(repr(account.rows()))
                continue
            for use in (account.status, store.unknown):
                with pytest.raises(NanoGPTError) as caught:
                    use()
                shown.append("".join(traceback.format_exception(caught.value)))
        assert "invalid username-password" in shown[-1]
    assert "hunter2" not in "".join(shown) + caplog.text


def test_a_pickle_is_the_same_account(url, monkeypatch, tmp_path):
    account = Account(url, usd="0.5", max_calls=3, assumed_usd="0.25", lease=7)
    if url == "memory:":
        with pytest.raises(ConfigurationError, match="in memory cannot be pickled"):
            pickle.dumps(account)
        return
    sent = [dumps(account) for dumps in (pickle.dumps, cloudpickle.dumps)]
    spend(account)
    monkeypatch.chdir(tmp_path)
    for pickled in sent:
        assert len(pickled) < 500
        other = pickle.loads(pickled)
        assert other.spent == COST
        settings = other.usd, other.max_calls, other.assumed_usd, other.lease
        assert settings == (Decimal("0.5"), 3, Decimal("0.25"), 7)
        assert other.ledger is account.ledger


def test_a_relative_path_means_the_same_in_other_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    account = Account("sqlite:///spent.db")
    spend(account)
    pickled = pickle.dumps(account)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert pickle.loads(pickled).url == f"sqlite:///{tmp_path}/spent.db"
    assert list((tmp_path / "other").iterdir()) == []


def test_a_file_is_its_owners_alone(tmp_path):
    account = Account(f"sqlite:///{tmp_path}/spent.db")
    spend(account)
    assert [path.stat().st_mode & 0o77 for path in tmp_path.iterdir()] == [0, 0, 0]


def test_copies_are_the_same_account():
    account = Account()
    assert copy.copy(account) is copy.deepcopy(account) is account
    client = NanoGPTClient("any", account=account)
    assert copy.deepcopy(client).account is account


def test_in_a_fork(url):
    if url.startswith("ray:"):
        pytest.skip("Ray itself does not work in a forked process")
    account = Account(url)
    spend(account)

    def work() -> None:
        if url == "memory:":
            with pytest.raises(ConfigurationError, match="in a forked process"):
                spend(account)
        else:
            spend(account)

    assert in_a_fork(work) == 0
    assert account.spent == COST * (1 if url == "memory:" else 2)


def test_forks_in_the_middle_of_what_other_threads_do(store_url):
    """Of SQLite's connections, a child may inherit none."""
    account, store, stop = Account(store_url), PaidStore(store_url), threading.Event()

    def work() -> None:
        while not stop.is_set():
            spend(account)
            store.get(["a"])

    def in_child() -> None:
        spend(account)
        store.put(store.claim(["a"], model="m", take_over=True), {"a": b"1"})

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work) for _ in range(3)]
        try:
            codes = [in_a_fork(in_child) for _ in range(8)]
        finally:
            stop.set()
        assert [each.result() for each in working] == [None] * 3
    assert codes == [0] * 8
    assert account.spent == COST * len(account.rows())
    assert store.get(["a"]) == {"a": b"1"}
    store.close()


def test_several_accounts_on_one_server(valkey):
    ours, theirs = (
        Account(f"redis://127.0.0.1:{valkey.port}/3?account={name}") for name in ("us", "them")
    )
    spend(ours)
    assert (ours.spent, theirs.spent) == (COST, Decimal(0))


def test_it_warns_once_where_neither_price_nor_cost_is_available():
    account = Account(usd=1)
    call = AccountCall(account, entry(), None, billable=True)
    with pytest.warns(AccountingWarning, match=r"counts 0\.01 USD"):
        call.finish(entry(cost=None))
    call.finish(entry(cost=None))


def test_a_refusal_says_why(url):
    account = Account(url, usd="0.0015")
    spend(account)
    message = (
        r"budget of 0\.0015 USD .* 0\.000000123456 spent, 0 assumed, 0 reserved .*, 0\.002 est"
    )
    call = AccountCall(account, entry(), Decimal("0.002"), billable=True)
    with pytest.raises(BudgetExceededError, match=message):
        call.admit()
    assert call.is_refused
    with pytest.raises(BudgetExceededError, match="budget of 0 calls is used up"):
        spend(Account(url, max_calls=0))


def test_an_actor_that_dies_finds_its_file_again(url):
    if not url.startswith("ray:"):
        pytest.skip("of Ray alone")
    import ray  # noqa: PLC0415 - an extra

    account = Account(url, usd=1)
    spend(account)
    actor = ray.get_actor(urlsplit(url).netloc, namespace="nanogpt")
    ray.kill(actor, no_restart=False)
    spend(account)
    assert (account.spent, len(account.rows())) == (2 * COST, 2)


def test_an_actor_whose_file_is_lost_does_not_begin_anew(url, tmp_path):
    if not url.startswith("ray:"):
        pytest.skip("of Ray alone")
    import ray  # noqa: PLC0415 - an extra

    account = Account(url, usd=1)
    spend(account)
    for path in tmp_path.glob("spent.db*"):
        path.unlink()
    ray.kill(ray.get_actor(urlsplit(url).netloc, namespace="nanogpt"), no_restart=False)
    with pytest.raises(AccountUnavailableError, match="not that which this process has seen"):
        account.status()


def test_each_account_with_the_same_url_keeps_its_own_limits(url):
    """Also of 0; what is spent and reserved is counted together."""
    if url == "memory:":
        pytest.skip("each has a memory of its own")
    small, large = Account(url, usd="0.003", assumed_usd="0.001"), Account(url, usd=1, max_calls=4)
    for _ in range(2):
        spend(small)
    spend(large, Decimal("0.002"))
    with pytest.raises(BudgetExceededError, match=r"of 0\.003 USD"):
        spend(small)
    spend(large)
    with pytest.raises(BudgetExceededError, match="of 4 calls"):
        spend(large)
    assert small.spent == large.spent == 3 * COST + Decimal("0.002")


# As a setting


MAKERS: list[Any] = [
    lambda **settings: NanoGPTClient("any", **settings),
    lambda **settings: ChatNanoGPT(model="m", api_key="any", **settings),
    lambda **settings: NanoGPTEmbedding(model_name="m", api_key="any", **settings),
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_setting_of_clients_and_models(make, tmp_path):
    account = Account(f"sqlite:///{tmp_path}/spent.db")
    made = make(account=account)
    assert made.account is account
    assert made.ledger is account.ledger
    again = pickle.loads(pickle.dumps(made))
    assert again.account.url == account.url
    assert again.ledger is account.ledger
    for wrong in ({"budget": Budget(1)}, {"ledger": Ledger()}):
        with pytest.raises(ConfigurationError, match="an account has a"):
            make(account=account, **wrong)
    within = make(budget=Budget(1, within=account))
    assert within.ledger is account.ledger
    with pytest.raises(ValueError, match=r"[Aa]ccount"):
        make(account="memory:")


def test_a_model_copied_with_an_account_uses_it():
    account = Account()
    model = ChatNanoGPT(model="m", api_key="any").model_copy(update={"account": account})
    assert model.ledger is account.ledger
    assert model._client().account is account


def test_a_client_to_share_brings_its_account():
    client = NanoGPTClient("any", account=Account())
    model = ChatNanoGPT(model="m", client=client)
    assert (model.account, model.ledger) == (client.account, client.ledger)
    with pytest.raises(ConfigurationError, match="account differs from that of client="):
        ChatNanoGPT(model="m", client=client, account=Account())


@pytest.mark.parametrize("which", ["memory", "sqlite", "redis"])
def test_it_takes_less_than_a_millisecond_a_call(which, tmp_path, request):
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/spent.db"}
    if which == "redis":
        port = request.getfixturevalue("valkey").port
        urls["redis"] = f"redis://127.0.0.1:{port}/0?account=speed"
    account = Account(urls[which], usd=1000, requests_per_second=None)
    took = []
    for _ in range(200):
        started = time.perf_counter()
        spend(account)
        took.append(time.perf_counter() - started)
    # The fastest tenth: other processes of a busy machine have the rest.
    assert sorted(took)[20] < 0.001
