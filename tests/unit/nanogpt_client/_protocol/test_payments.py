"""Calls without an account, driven by hand: quoted, paid once, completed once, whatever happens."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.accounting import CallContext
from nanogpt_client._protocol.call import Reply, Request
from nanogpt_client._protocol.payments import Payments
from nanogpt_client._protocol.policy import run_flow, send_with_retries, stream_events
from nanogpt_client._protocol.steps import CallUser, Send, Unreachable
from nanogpt_client.config import Config
from nanogpt_client.endpoints import payments as endpoint
from nanogpt_client.endpoints.chat import chat, stream_chat
from nanogpt_client.endpoints.images import edit_image
from nanogpt_client.endpoints.search import search_web
from nanogpt_client.errors import (
    AuthenticationError,
    BudgetExceededError,
    InsufficientBalanceError,
    InvalidArgumentError,
    InvalidResponseError,
    OutcomeUnknownError,
    PaymentError,
    PaymentExpiredError,
    PaymentUnderpaidError,
    ServerError,
    SpendNotApprovedError,
)
from nanogpt_client.ledger import Budget
from nanogpt_client.types.payments import Payer, PaymentChallenge
from tests.support.driving import (
    NOW,
    Driven,
    context,
    drive,
    only_entry,
    reply,
    requests_of,
)
from tests.support.payments import ORIGIN, PAYMENT, QUOTED, XNO, quote, state

CALL = chat("Say ok", model="gpt-4.1-nano", stop=["x"])
ANSWER = reply({"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]})
QUOTE = reply(quote(), 402)
PAID = reply(state())
PENDING = reply(state("pending", "0"))
LOST = Unreachable(sent=True, reason="connection reset")
REFUSED = Unreachable(sent=False, reason="connection refused")
USD, ZERO = Decimal(QUOTED), Decimal(0)
PREIMAGE = "preimage-0123456789"


class Wallet:
    """Counts what is paid; ``returns`` is what `pay` returns or raises."""

    def __init__(self, returns: Callable[[PaymentChallenge], Any] | Exception | None = None):
        self.paid: list[PaymentChallenge] = []
        self._returns = returns

    def pay(self, challenge: PaymentChallenge) -> Any:
        self.paid.append(challenge)
        if isinstance(self._returns, Exception):
            raise self._returns
        return None if self._returns is None else self._returns(challenge)


def accountless(
    wallet: Wallet,
    *,
    base_url: str = f"{ORIGIN}/api/v1",
    budget: Budget | None = None,
    **limits: Any,
) -> CallContext:
    config = Config.resolve(None, base_url, accountless=True)
    return context(budget=budget, payments=Payments(Payer(wallet.pay, **limits), config))


def run(wallet: Wallet, *outcomes: Any, rules: CallContext | None = None) -> Driven:
    return drive(send_with_retries(CALL, rules or accountless(wallet)), *outcomes)


def posts(driven: Driven) -> list[str]:
    return [request.path for request in requests_of(driven) if request.method == "POST"]


def test_a_call_is_quoted_paid_and_completed():
    wallet = Wallet()
    rules = accountless(wallet)
    driven = run(wallet, QUOTE, PAID, ANSWER, rules=rules)
    assert driven.result.text == "ok"
    asked, state_, completed = requests_of(driven)
    assert asked == replace(CALL.request, headers={"x-x402": "true"})
    assert state_ == Request("GET", f"/x402/status/{PAYMENT}", "api")
    assert completed == Request("POST", f"/x402/complete/{PAYMENT}", "api")
    assert [type(step) for step in driven.steps] == [Send, CallUser, Send, Send]
    (challenge,) = wallet.paid
    assert (challenge.payment_id, challenge.usd) == (PAYMENT, USD)
    assert (challenge.kind, challenge.model) == ("chat", "gpt-4.1-nano")


def test_the_ledger_has_dollars_as_quoted_and_what_was_paid():
    rules = accountless(Wallet())
    run(Wallet(), QUOTE, PAID, ANSWER, rules=rules)
    begun, entry = rules.ledger
    assert (begun.kind, begun.outcome, begun.cost, begun.payment_id) == (
        "payment", "begun", ZERO, PAYMENT,
    )  # fmt: skip
    assert (entry.kind, entry.outcome, entry.cost, entry.sends) == ("chat", "ok", USD, 1)
    assert (entry.payment_id, entry.paid) == (PAYMENT, f"{XNO} XNO")
    assert rules.ledger.open_payments() == []


def test_a_reported_cost_replaces_the_quote_and_nano_is_never_dollars():
    rules = accountless(Wallet())
    run(Wallet(), QUOTE, PAID, reply(ANSWER.json() | {"cost": 0.05}), rules=rules)
    assert list(rules.ledger)[-1].cost == Decimal("0.05")
    without_dollars = quote(amountUsd=None)
    for option in without_dollars["payment"]["accepted"]:
        del option["amountUsd"]
    rules = accountless(Wallet(), refuse_above_usd=None)
    run(Wallet(), reply(without_dollars, 402), PAID, ANSWER, rules=rules)
    entry = list(rules.ledger)[-1]
    assert (entry.cost, entry.paid) == (None, f"{XNO} XNO")


def test_the_payment_is_recorded_before_it_is_made():
    seen = []
    rules: CallContext

    def look(_: PaymentChallenge) -> None:
        seen.append(rules.ledger.open_payments())

    rules = accountless(wallet := Wallet(look))
    run(wallet, QUOTE, PAID, ANSWER, rules=rules)
    assert seen == [[PAYMENT]]


def test_the_state_is_polled_until_the_money_is_seen():
    wallet = Wallet()
    slow = reply(state("pending", "0", pollAfterSeconds=5))
    driven = run(wallet, QUOTE, PENDING, slow, PAID, ANSWER)
    assert driven.sleeps == [2.0, 5.0]
    assert (driven.result.text, len(wallet.paid)) == ("ok", 1)


@pytest.mark.parametrize("word", ["processing", "something-new"])
def test_other_states_are_waited_for(word):
    driven = run(Wallet(), QUOTE, reply(state(word, readyToComplete=False)), PAID, ANSWER)
    assert driven.result.text == "ok"


def test_money_that_is_not_seen_in_time_leaves_the_payment_open():
    rules = accountless(wallet := Wallet(), poll_timeout=4.0)
    driven = run(wallet, QUOTE, PENDING, PENDING, PENDING, rules=rules)
    error = driven.failure(PaymentError)
    assert (error.payment_id, error.payment_status, error.maybe_billed) == (
        PAYMENT,
        "pending",
        True,
    )
    assert f"client.complete_payment('{PAYMENT}')" in str(error)
    assert posts(driven) == ["/chat/completions"]
    assert rules.ledger.open_payments() == [PAYMENT]


@pytest.mark.parametrize(
    ("body", "cls", "billed"),
    [
        (state("expired", "0"), PaymentExpiredError, False),
        (state("expired"), PaymentExpiredError, True),
        (state("underpaid", "0.1", amountRemaining="0.07067988"), PaymentUnderpaidError, True),
        (state("completed"), PaymentError, True),
        (state("failed"), PaymentError, True),
        (state("refunded"), PaymentError, True),
    ],
    ids=lambda value: value["status"] if isinstance(value, dict) else None,
)
def test_a_payment_that_cannot_be_completed_is_a_typed_error(body, cls, billed):
    wallet = Wallet()
    driven = run(wallet, QUOTE, reply(body))
    error = pickle.loads(pickle.dumps(driven.failure(cls)))
    assert (type(error), error.payment_id, error.maybe_billed) == (cls, PAYMENT, billed)
    assert error.payment_status == body["status"]
    assert error.challenge.payment_id == PAYMENT
    if cls is PaymentUnderpaidError:
        assert error.remaining == Decimal("0.07067988")
        assert "send 0.07067988 more" in str(error)
    assert len(wallet.paid) == 1
    assert posts(driven) == ["/chat/completions"]


def test_an_exception_of_pay_counts_as_perhaps_paid():
    rules = accountless(wallet := Wallet(OSError("the node went away")), budget=Budget("1"))
    driven = run(wallet, QUOTE, rules=rules)
    error = driven.failure(PaymentError)
    assert "pay raised OSError: the node went away" in str(error)
    assert isinstance(error.__cause__, OSError)
    assert (error.payment_id, error.maybe_billed, len(wallet.paid)) == (PAYMENT, True, 1)
    entry = list(rules.ledger)[-1]
    assert (entry.cost, entry.outcome, entry.payment_id) == (None, "PaymentError", PAYMENT)
    assert rules.budget is not None
    assert (rules.budget.spent, rules.budget.assumed) == (ZERO, USD)


def of_another_quote(_: PaymentChallenge) -> Any:
    return PaymentChallenge.read(quote("pay_other")).option("nano")


def that_needs_a_proof(challenge: PaymentChallenge) -> Any:
    return challenge.option("x402-exact")


def test_pay_may_name_the_option_that_it_paid():
    other = quote()
    usdc = other["payment"]["accepted"][1] | {
        "scheme": "base-usdc", "amountFormatted": "0.07 USDC", "amountUsd": "0.07",
        "paymentId": "pay_2", "statusUrl": f"{ORIGIN}/api/x402/status/pay_2",
        "completeUrl": f"{ORIGIN}/api/x402/complete/pay_2",
    }  # fmt: skip
    other["payment"]["accepted"].insert(0, usdc)
    rules = accountless(wallet := Wallet(lambda challenge: challenge.option("base-usdc")))
    driven = run(wallet, reply(other, 402), PAID, ANSWER, rules=rules)
    assert posts(driven)[-1] == "/x402/complete/pay_2"
    entry = list(rules.ledger)[-1]
    assert (entry.cost, entry.paid) == (Decimal("0.07"), "0.07 USDC")
    assert rules.ledger.open_payments() == []
    driven = run(wallet, reply(other, 402), PAID, LOST)
    assert driven.failure(PaymentError).payment_id == "pay_2"


@pytest.mark.parametrize("wrong", [of_another_quote, that_needs_a_proof])
def test_pay_must_name_an_option_of_its_quote(wrong):
    assert "of this quote" in str(run(Wallet(wrong), QUOTE).failure(PaymentError))


@pytest.mark.parametrize("wrong", ["paid", {"X-PAYMENT": "x"}, True])
def test_pay_must_return_what_it_paid(wrong):
    error = run(Wallet(lambda _: wrong), QUOTE).failure(PaymentError)
    assert "pay returned a" in str(error)
    assert error.payment_id == PAYMENT


def test_a_lost_completion_is_not_sent_again():
    rules = accountless(wallet := Wallet())
    driven = run(wallet, QUOTE, PAID, LOST, rules=rules)
    error = driven.failure(PaymentError)
    assert isinstance(error.__cause__, OutcomeUnknownError)
    assert (error.payment_id, error.maybe_billed, error.sends) == (PAYMENT, True, 1)
    assert posts(driven).count(f"/x402/complete/{PAYMENT}") == len(wallet.paid) == 1
    assert rules.ledger.open_payments() == [PAYMENT]


def test_a_completion_that_was_never_sent_is_sent_again():
    driven = run(wallet := Wallet(), QUOTE, PAID, REFUSED, ANSWER)
    assert (driven.result.text, len(wallet.paid)) == ("ok", 1)


def test_not_seen_yet_is_polled_and_completed_again():
    driven = run(wallet := Wallet(), QUOTE, PAID, reply(quote(), 402), PENDING, PAID, ANSWER)
    assert (driven.result.text, len(wallet.paid)) == ("ok", 1)
    assert posts(driven).count(f"/x402/complete/{PAYMENT}") == 2


def test_a_payment_that_another_completes_is_an_error():
    busy = reply({"error": {"message": "Payment is already processing"}}, 409)
    driven = run(Wallet(), QUOTE, PAID, busy, reply(state("processing")), reply(state("completed")))
    assert "completed already" in str(driven.failure(PaymentError))


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_a_refused_completion_leaves_the_payment_and_the_status(status):
    refusal = reply({"error": {"message": "no", "code": "why", "type": "t"}}, status)
    error = run(wallet := Wallet(), QUOTE, PAID, refusal).failure(PaymentError)
    assert (error.status_code, error.code, error.payment_id) == (status, "why", PAYMENT)
    assert len(wallet.paid) == 1


def test_an_unreadable_answer_has_the_payment_and_its_cost():
    rules = accountless(Wallet())
    error = run(Wallet(), QUOTE, PAID, Reply(200, {}, b"<html>"), rules=rules).failure(
        InvalidResponseError
    )
    assert error.payment_id == PAYMENT
    assert list(rules.ledger)[-1].cost == USD


# The quote


def test_a_quote_is_free_and_asked_for_again():
    rules = accountless(wallet := Wallet())
    assert run(wallet, LOST, QUOTE, PAID, ANSWER, rules=rules).result.text == "ok"
    rules = accountless(wallet := Wallet())
    error = run(wallet, LOST, LOST, LOST, rules=rules).failure(OutcomeUnknownError)
    assert (error.maybe_billed, only_entry(rules).cost, wallet.paid) == (False, ZERO, [])
    rules = accountless(wallet)
    run(wallet, *[reply({"error": {"message": "down"}}, 503)] * 3, rules=rules).failure(ServerError)
    assert only_entry(rules).cost == 0


def test_an_answer_without_a_payment_is_free():
    rules = accountless(wallet := Wallet())
    assert run(wallet, ANSWER, rules=rules).result.text == "ok"
    assert (wallet.paid, only_entry(rules).cost) == ([], ZERO)


def test_a_route_without_quotes_is_named():
    error = run(Wallet(), reply({"error": {"message": "Missing API key."}}, 401)).failure(
        AuthenticationError
    )
    assert "/chat/completions" in str(error)
    assert "payable_endpoints()" in str(error)


def test_402_without_a_payment_is_no_quote():
    broke = reply({"error": "Insufficient balance", "status": 402}, 402)
    run(wallet := Wallet(), broke).failure(InsufficientBalanceError)
    assert wallet.paid == []


@pytest.mark.parametrize("code", ["insufficient_quota", "payment_required", None])
def test_any_code_beside_a_payment_is_a_quote(code):
    body = quote() | {"error": {"message": "pay", "code": code}}
    assert run(Wallet(), reply(body, 402), PAID, ANSWER).result.text == "ok"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api/x402/complete/pay_1",
        "https://nano-gpt.com.evil.example/api/x402/complete/pay_1",
        "https://nano-gpt.com@evil.example/api/x402/complete/pay_1",
        "http://nano-gpt.com/api/x402/complete/pay_1",
        "https://nano-gpt.com/elsewhere/pay_1",
        "https://nano-gpt.com/api/../x402/pay_1",
        "//evil.example/api/x402/complete/pay_1",
        "https://nano-gpt.com/api/x402/complete/pay_1?next=//evil.example",
        "nonsense:",
    ],
)
@pytest.mark.parametrize("place", ["statusUrl", "completeUrl"])
def test_a_quote_with_an_url_elsewhere_is_not_paid(url, place):
    on_top, inside = quote(**{place: url}), quote()
    inside["payment"]["accepted"][1][place] = url
    for body in (on_top, inside):
        run(wallet := Wallet(), reply(body, 402)).failure(InvalidResponseError)
        assert wallet.paid == []


def test_the_paths_of_a_quote_are_followed_on_the_host_of_the_client():
    rules = accountless(Wallet(), base_url="https://api.nano-gpt.com/api/v1")
    driven = run(Wallet(), QUOTE, PAID, ANSWER, rules=rules)
    assert requests_of(driven)[-1].path == f"/x402/complete/{PAYMENT}"
    relative = quote(completeUrl=None, statusUrl=None)
    relative["payment"]["accepted"][1] |= {
        "completeUrl": "/api/x402/complete/pay_2", "statusUrl": "/api/x402/status/pay_2",
    }  # fmt: skip
    driven = run(Wallet(), reply(relative, 402), PAID, ANSWER)
    assert [r.path for r in requests_of(driven)][1:] == [
        "/x402/status/pay_2", "/x402/complete/pay_2",
    ]  # fmt: skip


@pytest.mark.parametrize("changes", [{"paymentId": ""}, {"accepted": []}, {"accepted": None}])
def test_an_incomplete_quote_is_not_paid(changes):
    run(wallet := Wallet(), reply(quote(**changes), 402)).failure(InvalidResponseError)
    assert wallet.paid == []


def test_an_expired_quote_is_not_paid():
    error = run(wallet := Wallet(), reply(quote(until=NOW), 402)).failure(PaymentExpiredError)
    assert (wallet.paid, error.maybe_billed) == ([], False)


def test_files_need_an_account():
    flow = run_flow(edit_image("x", model="m", image=b"\x89PNG\r\n\x1a\n"), accountless(Wallet()))
    error = drive(flow).failure(InvalidArgumentError)
    assert "generate_image(image=…)" in str(error)


# Limits


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        ({}, True),
        ({"refuse_above_usd": QUOTED}, True),
        ({"refuse_above_usd": "0.0713"}, False),
        ({"refuse_above_usd": "0.0713", "confirm": lambda _: True}, False),
        ({"confirm_above_usd": QUOTED}, True),
        ({"confirm_above_usd": "0.0713"}, False),
        ({"confirm_above_usd": "0.0713", "confirm": lambda _: True}, True),
        ({"confirm_above_usd": "0.0713", "confirm": lambda _: False}, False),
        ({"confirm": lambda _: 1}, False),
        ({"confirm": lambda _: True}, True),
    ],
)
def test_limits_apply_to_the_quote(limits, allowed):
    rules = accountless(wallet := Wallet(), **limits)
    driven = run(wallet, QUOTE, *([PAID, ANSWER] if allowed else []), rules=rules)
    assert len(wallet.paid) == allowed
    if not allowed:
        error = driven.failure(SpendNotApprovedError)
        assert f"{QUOTED} USD" in str(error)
        assert "nothing was paid" in str(error)
        assert only_entry(rules).cost == 0


def test_the_highest_price_of_the_options_counts():
    dear = quote()
    dear["payment"]["accepted"][0]["amountUsd"] = "2"
    run(wallet := Wallet(), reply(dear, 402)).failure(SpendNotApprovedError)
    assert wallet.paid == []


def test_a_quote_without_dollars_needs_confirmation():
    body = quote(amountUsd=None, accepted=[{"scheme": "nano", "payTo": "nano_3sample"}])
    run(wallet := Wallet(), reply(body, 402)).failure(SpendNotApprovedError)
    assert wallet.paid == []
    rules = accountless(wallet, confirm=lambda _: True)
    assert run(wallet, reply(body, 402), PAID, ANSWER, rules=rules).result.text == "ok"


def test_a_budget_reserves_the_quote():
    seen = []
    rules = accountless(
        wallet := Wallet(lambda _: seen.append(budget.remaining_usd)),
        budget=(budget := Budget("1")),
    )
    run(wallet, QUOTE, PAID, ANSWER, rules=rules)
    assert seen == [1 - USD]
    assert (budget.spent, budget.assumed, budget.calls) == (USD, ZERO, 1)
    rules = accountless(wallet := Wallet(), budget=Budget("0.07"))
    error = run(wallet, QUOTE, rules=rules).failure(BudgetExceededError)
    assert "nothing was paid" in str(error)
    assert (wallet.paid, only_entry(rules).cost) == ([], ZERO)


# Proofs


@pytest.mark.parametrize(
    ("scheme", "headers", "paid"),
    [
        ("lightning-l402", {"Authorization": f"L402 token-of-the-quote:{PREIMAGE}"}, "108 sats"),
        ("x402-exact", {"X-PAYMENT": PREIMAGE}, "0.0714 USDC"),
    ],
)
def test_a_proof_is_sent_once_with_the_same_request(scheme, headers, paid):
    def prove(challenge: PaymentChallenge) -> Any:
        option = challenge.option(scheme)
        assert option is not None
        return option.proof(PREIMAGE)

    rules = accountless(wallet := Wallet(prove))
    driven = run(wallet, QUOTE, ANSWER, rules=rules)
    assert requests_of(driven)[1] == replace(CALL.request, headers=headers)
    assert list(rules.ledger)[-1].paid == paid
    for outcome in (LOST, reply({"error": {"message": f"bad {PREIMAGE}"}}, 503)):
        error = run(wallet := Wallet(prove), QUOTE, outcome).failure(PaymentError)
        assert (len(wallet.paid), error.sends) == (1, 1)
        assert "extra_headers=proof.headers" in str(error)
        for shown in (error, error.__cause__):
            body = shown.response.text if shown.response else ""
            assert PREIMAGE not in f"{shown} {vars(shown)} {body}"


def test_a_request_with_a_proof_is_not_quoted():
    for headers in ({"X-PAYMENT": "proof"}, {"authorization": "L402 a:b"}):
        call = chat("Say ok", model="m", extra_headers=headers)
        driven = drive(send_with_retries(call, accountless(wallet := Wallet())), ANSWER)
        assert (driven.result.text, wallet.paid) == ("ok", [])


# Other calls


def test_a_stream_is_paid_whole_and_handed_on_as_chunks():
    rules = accountless(wallet := Wallet())
    call = stream_chat("Say ok", model="gpt-4.1-nano")
    driven = drive(stream_events(call, rules), QUOTE, PAID, ANSWER)
    assert (driven.text, len(wallet.paid)) == ("ok", 1)
    body = requests_of(driven)[0].json
    assert body["stream"] is False
    assert "stream_options" not in body
    entry = list(rules.ledger)[-1]
    assert (entry.outcome, entry.cost) == ("ok", USD)


def test_web_searches_go_to_the_route_that_can_be_paid():
    driven = drive(
        send_with_retries(search_web("Nano"), accountless(Wallet())),
        QUOTE, PAID, reply({"data": [], "metadata": {}}),
    )  # fmt: skip
    asked = requests_of(driven)[0]
    assert (asked.root, asked.path) == ("v1", "/data/web/search")


def test_free_calls_are_not_quoted():
    call = endpoint.payable_endpoints()
    driven = drive(send_with_retries(call, accountless(Wallet())), reply({"data": []}))
    assert requests_of(driven)[0].headers == {}


def test_a_cancelled_call_leaves_the_payment():
    rules = accountless(Wallet())
    steps = send_with_retries(CALL, rules)
    next(steps)
    steps.send(QUOTE)
    steps.close()
    begun, entry = rules.ledger
    assert (begun.payment_id, entry.outcome, entry.payment_id, entry.cost) == (
        PAYMENT, "abandoned", PAYMENT, None,
    )  # fmt: skip


# Resuming


def test_a_payment_is_completed_later_and_settled():
    budget = Budget("1")
    rules = accountless(wallet := Wallet(), budget=budget)
    error = run(wallet, QUOTE, PAID, LOST, rules=rules).failure(PaymentError)
    assert (budget.spent, budget.assumed) == (ZERO, USD)
    flow = run_flow(endpoint.complete_payment(error.payment_id), rules)
    driven = drive(flow, PENDING, PAID, ANSWER)
    assert (driven.result.text, len(wallet.paid)) == ("ok", 1)
    assert (budget.spent, budget.assumed) == (USD, ZERO)
    assert rules.ledger.open_payments() == []
    assert rules.ledger.spent == USD


def test_a_payment_of_another_process_costs_what_the_response_reports():
    for body, cost in ((ANSWER.json(), None), (ANSWER.json() | {"cost": 0.05}, Decimal("0.05"))):
        for rules in (accountless(Wallet()), context(), context(budget=Budget("0.00001"))):
            driven = drive(run_flow(endpoint.complete_payment(PAYMENT), rules), PAID, reply(body))
            assert driven.result.text == "ok"
            assert list(rules.ledger)[-1].cost == cost


def test_arguments_of_resuming_are_checked():
    with pytest.raises(InvalidArgumentError, match="payment_id"):
        endpoint.payment_status("")
    with pytest.raises(InvalidArgumentError, match="kind"):
        endpoint.complete_payment(PAYMENT, "video")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="poll_timeout"):
        endpoint.complete_payment(PAYMENT, poll_timeout=-1)


def test_a_state_without_a_status_is_no_state():
    bodies: list[Any] = [{}, [], {"paymentId": PAYMENT}]
    for body in bodies:
        error = run(Wallet(), QUOTE, reply(body)).failure(PaymentError)
        assert isinstance(error.__cause__, InvalidResponseError)
    assert isinstance(run(Wallet(), QUOTE, reply(b"<html>")).error, PaymentError)


ANY = st.sampled_from(
    [QUOTE, PAID, PENDING, LOST, REFUSED, ANSWER, reply(b"<html>"), reply(state("underpaid")),
     reply(state("completed")), reply({"error": {"message": "x"}}, 409),
     reply({"error": {"message": "x"}}, 503), reply({"error": {"message": "x"}}, 429)]
)  # fmt: skip


@given(st.lists(ANY, max_size=12))
def test_whatever_happens_it_is_paid_at_most_once_and_lost_completions_are_not_repeated(outcomes):
    rules = accountless(wallet := Wallet(), poll_timeout=6.0)
    outcomes = [*outcomes, *[LOST] * 9]
    driven = drive(send_with_retries(CALL, rules), *outcomes, spare=True)
    assert len(wallet.paid) <= 1
    sent = zip(requests_of(driven), outcomes, strict=False)
    completions = [outcome for request, outcome in sent if "/complete/" in request.path]
    assert all(map(is_rejection, completions[:-1]))


def is_rejection(answer: Any) -> bool:
    """Whether a completion was refused, or never sent, so that it may be sent again."""
    return answer is REFUSED or (
        isinstance(answer, Reply) and answer.status_code in {402, 409, 429}
    )
