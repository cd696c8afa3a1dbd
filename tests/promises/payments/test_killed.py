"""A call without an account is paid once and completed once, wherever its process is killed.

A raw server counts what arrives: quotes, payments, completions. The process is a fork that kills
itself (SIGKILL) at one step; then another process continues with the id in the ledger's file.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT
from nanogpt_client import (
    CallEvent,
    Ledger,
    NanoGPTClient,
    OutcomeUnknownError,
    PaymentError,
)
from tests.support.forks import in_a_fork
from tests.support.payments import PAYMENT, XNO, quote, state
from tests.support.rawserver import End, RawRequest, RawServer, Script, http_reply

ANSWER = {"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}
LATER = 4_000_000_000.0  # quotes must not have expired


class Service:
    """NanoGPT and the Nano network at one address: it completes a payment once, as documented."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.lose_completion = self.lose_before = False
        self._completed = False
        self.server = RawServer(self._script)

    @property
    def origin(self) -> str:
        return self.server.base_url.removesuffix("/api/v1")

    def pay(self, _: Any) -> None:
        httpx.post(f"{self.origin}/network", trust_env=False).raise_for_status()

    def _script(self, request: RawRequest) -> Script:
        match request.method, request.target.split("/")[-2 if "pay_" in request.target else -1]:
            case "POST", "completions":
                assert request.headers["x-x402"] == "true"
                assert not {"authorization", "x-api-key"} & request.headers.keys()
                return self._counted("quotes", quote(origin=self.origin, until=LATER), 402)
            case "POST", "network":
                return self._counted("payments", {})
            case "GET", "status":
                return self._counted("states", self._state())
            case "POST", "complete":
                return self._complete()
        raise AssertionError(request.target)

    def _state(self) -> dict[str, Any]:
        if self._completed:
            return state("completed", expiresAt=LATER)
        return state() if self.counts["payments"] else state("pending", "0", pollAfterSeconds=0)

    def _complete(self) -> Script:
        if self.lose_before:
            self.lose_before = False
            return self._counted("completions", {}, end=End.RESET)
        if self._completed or not self.counts["payments"]:
            return self._counted("completions", {"error": {"message": "Already completed"}}, 409)
        self._completed = True
        self.counts["answers"] += 1
        lost = [End.RESET] if self.lose_completion else []
        return self._counted("completions", ANSWER, end=lost[0] if lost else None)

    def _counted(self, what: str, body: Any, status: int = 200, end: End | None = None) -> Script:
        self.counts[what] += 1
        return [end] if end else [http_reply(json.dumps(body).encode(), status=status)]


@pytest.fixture
def service():
    service = Service()
    with service.server:
        yield service


def never(_: Any) -> None:
    pytest.fail("it paid")


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at(path: str, act: Any) -> Any:
    """Return a hook that acts at requests to a path."""
    return lambda event: act() if path in event.path else None


def settings(service: Service, step: str) -> dict[str, Any]:
    """Return the settings of a client whose process dies at a step."""

    def pay(challenge: Any) -> None:
        if step == "before the payment":
            die()
        service.pay(challenge)
        if step == "after the payment":
            die()

    hooks: dict[str, dict[str, Any]] = {
        "before the quote": {"on_request": at("/chat/", die)},
        "after the quote": {"on_response": at("/chat/", die)},
        "before the state": {"on_request": at("/status/", die)},
        "after the state": {"on_response": at("/status/", die)},
        "before the completion": {"on_request": at("/complete/", die)},
        "after the completion": {"on_response": at("/complete/", die)},
    }
    return {"base_url": service.server.base_url, "pay": pay, **hooks.get(step, {})}


CALLERS: dict[str, Any] = {
    "chat": lambda client: client.chat("Say ok", model="m"),
    "stream": lambda client: list(client.stream_chat("Say ok", model="m")),
    "LangChain": lambda client: ChatNanoGPT(model="m", client=client).invoke("Say ok"),
    "LangChain stream": lambda client: list(ChatNanoGPT(model="m", client=client).stream("Say ok")),
    "LlamaIndex": lambda client: NanoGPT(model="m", client=client).complete("Say ok"),
    "LlamaIndex stream": lambda client: list(
        NanoGPT(model="m", client=client).stream_complete("Say ok")
    ),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize(
    ("step", "payments", "outcome"),
    [
        ("before the quote", 0, "nothing"),
        ("after the quote", 0, "nothing"),
        ("before the payment", 0, "unpaid"),
        ("after the payment", 1, "answered"),
        ("before the state", 1, "answered"),
        ("after the state", 1, "answered"),
        ("before the completion", 1, "answered"),
        ("after the completion", 1, "completed"),
        ("never", 1, "nothing"),
    ],
)
def test_killed_at_a_step_another_process_continues(
    service, tmp_path, step, payments, outcome, caller
):
    path = tmp_path / "ledger.jsonl"

    def first() -> None:
        CALLERS[caller](NanoGPTClient(ledger=Ledger(path), **settings(service, step)))

    assert in_a_fork(first) == (0 if step == "never" else -signal.SIGKILL)
    assert service.counts["payments"] == payments
    open_ = Ledger(path).open_payments()
    assert open_ == ([] if outcome == "nothing" else [PAYMENT])
    if open_:
        continue_(service, path, outcome)
    assert service.counts["payments"] == payments
    assert service.counts["quotes"] == (step != "before the quote")
    assert service.counts["answers"] == (payments and 1)


def continue_(service: Service, path: Path, outcome: str) -> None:
    """Complete the open payment in this process, which never pays."""
    ledger = Ledger(path)
    with NanoGPTClient(pay=never, base_url=service.server.base_url, ledger=ledger) as client:
        if outcome == "answered":
            assert client.complete_payment(PAYMENT).text == "ok"
            assert ledger.open_payments() == []
            return
        with pytest.raises(PaymentError) as caught:
            client.complete_payment(PAYMENT, poll_timeout=0)
    assert caught.value.payment_id == PAYMENT
    assert caught.value.payment_status == {"unpaid": "pending", "completed": "completed"}[outcome]


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_completion_is_continued_by_hand_and_never_paid_again(service, executed):
    service.lose_completion, service.lose_before = executed, not executed
    with NanoGPTClient(pay=service.pay, base_url=service.server.base_url) as client:
        with pytest.raises(PaymentError) as caught:
            client.chat("Say ok", model="m")
        assert isinstance(caught.value.__cause__, OutcomeUnknownError)
        assert service.counts["completions"] == 1
        if executed:
            with pytest.raises(PaymentError, match="completed already"):
                client.complete_payment(caught.value.payment_id)
        else:
            assert client.complete_payment(caught.value.payment_id).text == "ok"
    assert (service.counts["payments"], service.counts["answers"]) == (1, 1)


def test_an_exception_after_the_money_was_sent_loses_nothing(service):
    def pay(challenge: Any) -> None:
        service.pay(challenge)
        raise TimeoutError("no confirmation yet")

    events: list[CallEvent] = []
    client = NanoGPTClient(pay=pay, base_url=service.server.base_url, on_request=events.append)
    with client:
        with pytest.raises(PaymentError, match="no confirmation yet") as caught:
            client.chat("Say ok", model="m")
        assert [event.path for event in events] == ["/chat/completions"]
        assert client.complete_payment(caught.value.payment_id).text == "ok"
        assert client.ledger.open_payments() == []
    assert (service.counts["payments"], service.counts["answers"]) == (1, 1)
    assert caught.value.challenge.option().amount_formatted == f"{XNO} XNO"
