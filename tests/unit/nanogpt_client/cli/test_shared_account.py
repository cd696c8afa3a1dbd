"""The command ``nanogpt account``."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from nanogpt_client import LedgerEntry, NanoGPTClient
from nanogpt_client.account import Account
from nanogpt_client.account.call import AccountCall
from tests.promises.answers import CHAT_MODEL, chat_answer
from tests.support.rawserver import RawServer
from tests.unit.nanogpt_client.cli.running import run


@pytest.fixture
def url(tmp_path):
    account = Account(f"sqlite:///{tmp_path}/spent.db", usd="0.5")
    with (
        RawServer(chat_answer(cost=0.25), chat_answer()) as server,
        NanoGPTClient("any", base_url=server.base_url, account=account) as client,
        account.scope("night"),
    ):
        for _ in range(2):
            client.chat("hi", model=CHAT_MODEL)
    lost = LedgerEntry("chat", "m", "lost", None)
    AccountCall(account, lost, Decimal("0.1"), billable=True).admit()
    return account.url


def test_as_json(url):
    shown = json.loads(run("account", url, "--json").stdout)
    (worker,) = shown.pop("by_worker")
    assert worker["name"].rpartition(":")[2].isdigit()
    assert shown.pop("requests_per_second") == pytest.approx(2 / 60, abs=0.01)
    counted = {"calls": 2, "cost_usd": "0.25", "unknown": 1}
    assert shown == {
        "spent_usd": "0.25", "assumed_usd": "0.01", "reserved_usd": "0.1", "limit_usd": "0.5",
        "calls": 3, "limit_calls": None, "unknown": 1, "limit_per_second": 25.0, "paused": None,
        "by_model": [{"name": CHAT_MODEL, **counted}], "by_scope": [{"name": "night", **counted}],
        "sandbox": False,
    }  # fmt: skip


def test_for_people(url):
    shown = run("account", url, "--by", "scope").stdout
    assert "0.25 USD of 0.5" in shown
    assert "night\t2\t0.25\t1" in shown
    assert "25 a second" in shown
    Account(url).pause(60, "daily")
    assert "NanoGPT's limit: daily" in run("account", url).stdout


@pytest.mark.parametrize(
    ("wrong", "code"),
    [("spent.db", 2), ("sqlite:////tmp/no-such-file.db", 2), ("redis://127.0.0.1:1/0", 9)],
)
def test_what_is_no_account(wrong, code):
    result = run("account", wrong)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("error: ")
