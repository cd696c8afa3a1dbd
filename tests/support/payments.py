"""Quotes and states of payments, as page x402 documents them, for tests of calls without a key."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.support.driving import NOW

ORIGIN = "https://nano-gpt.com"
PAYMENT = "pay_0123456789abcdef"
QUOTED = "0.0714"
XNO = "0.17067988"


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def quote(
    payment_id: str = PAYMENT, *, origin: str = ORIGIN, until: float = NOW + 900, **changes: Any
) -> dict[str, Any]:
    """Return the body of a 402 with the options ``nano``, ``x402-exact`` and ``lightning-l402``."""
    urls = {
        "statusUrl": f"{origin}/api/x402/status/{payment_id}",
        "completeUrl": f"{origin}/api/x402/complete/{payment_id}",
    }
    nano = {
        "scheme": "nano", "protocolScheme": "nano", "network": "nano-mainnet",
        "amount": "170679880000000000000000000000", "amountFormatted": f"{XNO} XNO",
        "amountUsd": QUOTED, "payTo": "nano_3sample", "paymentId": payment_id, **urls,
    }  # fmt: skip
    exact = {"scheme": "x402-exact", "protocolScheme": "exact", "network": "base",
             "amount": "71400", "amountFormatted": "0.0714 USDC", "amountUsd": QUOTED,
             "payTo": "0xsample"}  # fmt: skip
    lightning = {"scheme": "lightning-l402", "network": "bitcoin-lightning", "amount": "108",
                 "amountFormatted": "108 sats", "amountUsd": "0.0643", "payTo": "lnbc1sample",
                 "invoice": "lnbc1sample", "l402Token": "token-of-the-quote"}  # fmt: skip
    payment = {
        "version": 1, "paymentId": payment_id, "requestHash": "sha256:sample",
        "expiresAt": iso(until), "amountUsd": QUOTED, **urls,
        "accepted": [exact, nano, lightning],
    }  # fmt: skip
    error = {"type": "insufficient_quota", "code": "insufficient_quota",
             "message": "Payment required to complete this request."}  # fmt: skip
    return {"error": error, "payment": payment | changes, "x402Version": 1, "accepts": []}


def state(status: str = "paid", received: str = XNO, **changes: Any) -> dict[str, Any]:
    """Return the body of a payment's state."""
    return {
        "paymentId": PAYMENT, "status": status, "amountRequired": XNO, "amountReceived": received,
        "amountRemaining": "0", "payTo": "nano_3sample", "expiresAt": int(NOW + 900),
        "pollAfterSeconds": 2, "readyToComplete": status == "paid",
    } | changes  # fmt: skip
