"""Quotes, options, states and payers as values."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client import ConfigurationError, InvalidArgumentError, Payer
from nanogpt_client.types.payments import (
    PayableEndpoint,
    PaymentChallenge,
    PaymentOption,
    PaymentStatus,
)
from tests.support.driving import NOW, ODD_VALUES
from tests.support.payments import PAYMENT, QUOTED, XNO, quote, state
from tests.support.typed import as_declared


def option(scheme: str) -> PaymentOption:
    found = PaymentChallenge.read(quote()).option(scheme)
    assert found is not None
    return found


def test_a_quote_is_read():
    challenge = as_declared(PaymentChallenge.read(quote(), kind="chat", model="m"))
    assert (challenge.payment_id, challenge.usd, challenge.expires_at) == (
        PAYMENT, Decimal(QUOTED), NOW + 900,
    )  # fmt: skip
    assert [each.scheme for each in challenge.options] == ["x402-exact", "nano", "lightning-l402"]
    assert challenge.option("solana") is None
    assert challenge.raw == quote()
    assert str(challenge) == (
        f"chat with m costs {QUOTED} USD (0.0714 USDC or {XNO} XNO or 108 sats), payment {PAYMENT}"
    )
    assert pickle.loads(pickle.dumps(challenge)) == challenge


def test_an_option_has_its_amount_in_its_currency():
    nano = as_declared(option("nano"))
    assert (nano.value, nano.currency, nano.usd) == (Decimal(XNO), "XNO", Decimal(QUOTED))
    assert (nano.amount, nano.pay_to) == ("170679880000000000000000000000", "nano_3sample")
    assert (option("lightning-l402").value, option("lightning-l402").currency) == (
        Decimal(108),
        "sats",
    )
    bare = PaymentOption.read({"scheme": "nano"})
    assert (bare.value, bare.currency, bare.usd, bare.is_sent) == (None, None, None, False)


def test_money_is_sent_for_some_schemes_and_proved_for_others():
    assert [each.is_sent for each in PaymentChallenge.read(quote()).options] == [False, True, False]
    assert PaymentOption.read({"scheme": "base-usdc", "payTo": "0x"}).is_sent
    assert PaymentOption.read({"scheme": "new", "payTo": "x", "completeUrl": "/y"}).is_sent
    proof = option("lightning-l402").proof("preimage")
    assert proof.headers == {"Authorization": "L402 token-of-the-quote:preimage"}
    assert "preimage" not in repr(proof)
    assert option("x402-exact").proof("cGF5").headers == {"X-PAYMENT": "cGF5"}
    for scheme, value in (("nano", "x"), ("x402-exact", ""), ("x402-exact", "a\nb"),
                          ("x402-exact", "é")):  # fmt: skip
        with pytest.raises(InvalidArgumentError):
            option(scheme).proof(value)


def test_no_repr_shows_the_token_of_a_quote():
    assert "token-of-the-quote" not in repr(PaymentChallenge.read(quote()))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-06-09T12:00:00.000Z", 1_781_006_400.0),
        ("2026-06-09T14:00:00+02:00", 1_781_006_400.0),
        (1_781_006_400, 1_781_006_400.0),
        ("1781006400", 1_781_006_400.0),
        ("2026-06-09T12:00:00", None),
        ("soon", None),
        (None, None),
    ],
)
def test_times_are_seconds(value, seconds):
    assert PaymentChallenge.read(quote(expiresAt=value)).expires_at == seconds


def test_a_state_is_read():
    status = as_declared(PaymentStatus.read(state("Underpaid", "0.1", amountRemaining="0.07")))
    assert (status.status, status.ready) == ("underpaid", False)
    assert (status.received, status.remaining) == (Decimal("0.1"), Decimal("0.07"))
    assert (status.poll_after, status.expires_at) == (2.0, NOW + 900)


@pytest.mark.parametrize(
    ("body", "ready"),
    [
        ({"status": "paid"}, True),
        ({"status": "paid", "readyToComplete": None}, True),
        ({"status": "paid", "readyToComplete": False}, False),
        ({"status": "pending", "readyToComplete": True}, True),
        ({"status": "pending"}, False),
    ],
)
def test_what_is_ready_is_nanogpts_to_say(body, ready):
    assert PaymentStatus.read(body).ready is ready


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
def test_odd_values_break_nothing(value):
    for name in quote()["payment"]:
        as_declared(PaymentChallenge.read(quote(**{name: value})))
    for name in quote()["payment"]["accepted"][1]:
        body = quote()
        body["payment"]["accepted"][1][name] = value
        challenge = as_declared(PaymentChallenge.read(body))
        assert str(challenge)
    for name in state():
        as_declared(PaymentStatus.read(state(**{name: value})))
    for name in ("method", "endpoint", "supported", "schemes", "streaming", "quoteType"):
        as_declared(PayableEndpoint.read({name: value}))
    as_declared(PaymentChallenge.read({"payment": value}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"refuse_above_usd": "a lot"},
        {"refuse_above_usd": -1},
        {"confirm_above_usd": float("nan")},
        {"poll_timeout": -1},
        {"poll_timeout": float("inf")},
        {"confirm": True},
    ],
)
def test_limits_of_a_payer_are_checked(wrong: dict[str, Any]):
    with pytest.raises(ConfigurationError):
        Payer(lambda _: None, **wrong)


def test_a_payer_is_made_of_a_function():
    with pytest.raises(ConfigurationError, match="functions"):
        Payer.of("wallet")  # type: ignore[arg-type]
    payer = Payer.of(print)
    assert payer is not None
    assert (payer.pay, payer.refuse_above_usd) == (print, 1)
    assert Payer.of(payer) is payer
    assert Payer.of(None) is None
    assert "print" not in repr(payer)
