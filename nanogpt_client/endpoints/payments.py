"""Calls that are paid by themselves: their state, their completion, and the routes that allow it.

The payment itself is in `_protocol.payments`.
Follows https://docs.nano-gpt.com/api-reference/miscellaneous/x402
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from nanogpt_client._protocol import payments
from nanogpt_client._protocol.call import Call, Reply
from nanogpt_client._protocol.steps import Flow
from nanogpt_client.endpoints import _checks, chat, images, pages, search
from nanogpt_client.endpoints._requests import get, read_object
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.types._coerce import dicts
from nanogpt_client.types.payments import PaidKind, PayableEndpoint, PaymentStatus

_READERS: Final[dict[str, Callable[[Reply], Any]]] = {
    "chat": chat.read_completion,
    "image": images.read_images,
    "search": search.read_result,
    "scrape": pages.read_pages,
}


def payment_status(payment_id: str) -> Call[PaymentStatus]:
    """Request the state of a payment."""
    return payments.status_call(_checks.check_text("payment_id", payment_id))


def complete_payment(
    payment_id: str, kind: PaidKind = "chat", *, poll_timeout: float = 120.0
) -> Flow[Any]:
    """Wait until a payment has arrived, complete its call once, and return the answer.

    Raises:
        InvalidArgumentError: an argument is invalid; nothing was sent.
        PaymentError: there is no answer.
    """
    if kind not in _READERS:
        raise InvalidArgumentError(f"kind must be one of {list(_READERS)}, not {kind!r}")
    if not 0 <= poll_timeout < math.inf:
        raise InvalidArgumentError("poll_timeout must be 0 or more seconds", param="poll_timeout")
    status = payment_status(payment_id)
    completion: Call[Any] = payments.completion_call(payment_id, _READERS[kind], kind)
    return payments.completed(status, completion, poll_timeout)


def payable_endpoints(*, unsupported: bool = False) -> Call[list[PayableEndpoint]]:
    """Request the routes that can be paid per call; ``unsupported`` also those that cannot yet."""

    def parse(reply: Reply) -> list[PayableEndpoint]:
        return [PayableEndpoint.read(item) for item in dicts(read_object(reply).get("data"))]

    query = {"supported": "all" if unsupported else None}
    return Call(get("/x402/endpoints", query), parse, "payment")
