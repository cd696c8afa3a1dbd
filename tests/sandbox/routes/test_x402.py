"""Calls without an account, as the sandbox plays them: quotes, the pretend Nano, completion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.sandbox import Reply, Request, SandboxApp
from tests.sandbox.asking import CHAT, HELLO, MODEL, ask, chat, code, data_url, image, message
from tests.sandbox.test_openapi import check

ASKED = {"model": MODEL, "messages": HELLO, "max_tokens": 100}
IMAGE = {"model": "hidream", "prompt": "a boat", "size": "256x256"}


@dataclass
class Box:
    """An app whose clock is moved by hand, and a wallet."""

    now: float = 1_800_000_000.0

    def __post_init__(self) -> None:
        self.app = SandboxApp(clock=lambda: self.now)
        self.wallet = self.app.wallet()

    def quote(self, path: str = CHAT, body: Any = ASKED, **headers: str) -> Reply:
        sent = {"content-type": "application/json", "x-x402": "true"} | headers
        return self.app.handle(Request("POST", path, {}, sent, json.dumps(body).encode()))

    def option(self, **asked: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.quote(**asked).json()["payment"]["accepted"][0]
        return found

    def follow(self, method: str, url: str) -> Reply:
        return self.app.handle(Request(method, url.removeprefix("http://sandbox.invalid")))

    def status(self, option: dict[str, Any]) -> str:
        return str(self.follow("GET", option["statusUrl"]).json()["status"])

    def pay(self, option: dict[str, Any], share: str = "1") -> None:
        xno = Decimal(option["amountFormatted"].removesuffix(" XNO"))
        self.wallet.send(option["payTo"], xno * Decimal(share))


def test_a_quote_is_paid_and_completed_once():
    box = Box()
    reply = box.quote()
    assert code(reply) == (402, "insufficient_quota")
    check("/x402/complete/{paymentId}", "POST", 402, reply.json())
    payment = reply.json()["payment"]
    option = payment["accepted"][0]
    assert option.items() >= {"scheme": "nano", "amountUsd": payment["amountUsd"]}.items()
    assert box.status(option) == "pending"
    assert box.follow("POST", option["completeUrl"]).status == 402
    box.pay(option)
    state = box.follow("GET", option["statusUrl"])
    check("/x402/status/{paymentId}", "GET", 200, state.json())
    assert state.headers["x-poll-after"] == "2"
    assert state.json()["readyToComplete"] is True
    assert message(box.follow("POST", option["completeUrl"]))["content"]
    assert box.status(option) == "completed"
    again = box.follow("POST", option["completeUrl"])
    assert code(again) == (409, None)
    assert box.app.balance == 5


def test_an_underpaid_quote_is_topped_up():
    box = Box()
    option = box.option()
    box.pay(option, "0.5")
    assert box.status(option) == "underpaid"
    assert box.follow("POST", option["completeUrl"]).status == 402
    box.pay(option, "0.5")
    assert box.follow("POST", option["completeUrl"]).status == 200


def test_an_expired_quote_is_refused_even_if_it_is_paid():
    box = Box()
    option = box.option()
    box.pay(option)
    box.now += 900
    assert box.status(option) == "expired"
    assert code(box.follow("POST", option["completeUrl"])) == (410, None)


def test_prices_are_those_of_the_account():
    box = Box()
    assert box.option(path="/api/v1/images/generations", body=IMAGE)["amountUsd"] == "0.005"
    search = box.option(path="/api/v1/data/web/search", body={"query": "Nano"})
    assert search["amountUsd"] == "0.006"
    assert search["amountFormatted"] == "0.01500000 XNO"
    assert search["amount"] == f"15{'0' * 27}"
    least, most = (Decimal(box.option(body=ASKED | {"max_tokens": n})["amountUsd"]) for n in (1, 9))
    whole = chat(box.app, HELLO, max_tokens=9).json()["x_nanogpt_pricing"]["cost"]
    assert least < whole <= most


def test_edits_take_json_alone():
    body = {"model": "gpt-image-1", "prompt": "bluer", "imageDataUrl": data_url(image())}
    box = Box()
    assert box.quote("/api/v1/images/edits", body).status == 402
    form = {"content-type": "multipart/form-data; boundary=x"}
    assert box.quote("/api/v1/images/edits", body, **form).status == 401


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        (CHAT, ASKED | {"stream": True}, {}),
        (CHAT, ASKED, {"x-x402": "false"}),
        (CHAT, ASKED, {"authorization": "L402 token:preimage"}),
        ("/api/web", {"query": "Nano"}, {}),
        ("/api/v1/embeddings", {"model": "BAAI/bge-m3", "input": ["Hello"]}, {}),
    ],
)
def test_what_is_not_quoted_needs_a_key(path, body, headers):
    assert Box().quote(path, body, **headers).status == 401


def test_requests_are_checked_before_they_are_quoted():
    assert code(Box().quote(body={"model": MODEL, "messages": []}))[0] == 400
    assert Box().quote("/api/v1/images/generations", {"model": "hidream"}).status == 400


def test_a_call_that_fails_fails_its_payment():
    def model(_: object) -> str:
        raise RuntimeError("no answer")

    box = Box()
    box.app = SandboxApp(model=model, clock=lambda: box.now)
    box.wallet = box.app.wallet()
    option = box.option()
    box.pay(option)
    with pytest.raises(RuntimeError):
        box.follow("POST", option["completeUrl"])
    assert box.status(option) == "failed"


def test_a_wallet_holds_what_it_holds():
    wallet = SandboxApp().wallet("0.5")
    wallet.send("nano_nowhere", "0.2")
    with pytest.raises(ValueError, match=r"holds 0.3 XNO, less than 0.4"):
        wallet.send("nano_nowhere", "0.4")
    assert (wallet.balance, len(wallet.sent)) == (Decimal("0.3"), 1)


def test_unknown_payments_and_the_list_of_routes():
    app = SandboxApp()
    assert code(ask(app, "GET", "/api/x402/status/pay_1")) == (404, None)
    assert code(ask(app, "POST", "/api/x402/complete/pay_1")) == (404, None)
    for query in ("", "?supported=all"):
        listed = ask(app, "GET", f"/api/v1/x402/endpoints{query}").json()
        check("/v1/x402/endpoints", "GET", 200, listed)
        assert listed["meta"]["count"] == len(listed["data"]) == 5
