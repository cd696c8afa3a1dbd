"""Paying for one call without an account (x402), as pure generators.

A call is quoted, approved, recorded as begun, paid once by the user's function, and completed once.
`send_with_retries` and `stream_events` use `pay_per_call` in the place of one exchange. What makes
a second payment impossible: the function is called at one place, after which nothing but the state
of the payment is requested, and its completion.

Follows https://docs.nano-gpt.com/api-reference/miscellaneous/x402
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, NoReturn, Protocol, TypeVar
from urllib.parse import quote

from nanogpt_client._protocol.call import Call, Reply, Request, RetrySafety, StreamCall
from nanogpt_client._protocol.steps import CallUser, Flow, Send, Sleep, Steps, ask_user
from nanogpt_client.budget import Budget
from nanogpt_client.config import Config
from nanogpt_client.errors import (
    APIStatusError,
    AuthenticationError,
    InvalidArgumentError,
    InvalidResponseError,
    NanoGPTError,
    PaymentError,
    PaymentExpiredError,
    PaymentUnderpaidError,
    SpendNotApprovedError,
)
from nanogpt_client.types._coerce import as_dict
from nanogpt_client.types.payments import (
    Payer,
    PaymentChallenge,
    PaymentOption,
    PaymentProof,
    PaymentStatus,
)

T = TypeVar("T")
AnyCall = Call[Any] | StreamCall[Any]

POLL_SECONDS = 2.0
_POLL_LIMITS = (0.1, 30.0)
# Wrappers around these routes, with the same bodies, which can be paid per call (page data-api).
_PAYABLE: Final = {
    ("api", "/web"): "/data/web/search",
    ("api", "/scrape-urls"): "/data/url/scrape",
}
_PROOFS: Final = frozenset({"x-payment", "authorization"})
# The completion was not carried out: not seen yet or too little (402), in work or done (409).
_REJECTED: Final = frozenset({402, 409})


@dataclass(slots=True)
class Payments:
    """What a client without an account pays with, and the payments whose outcome is open.

    ``open`` has the USD of each that its budget assumes; ``None`` if the quote had no dollars.
    """

    payer: Payer
    config: Config
    open: dict[str, Decimal | None] = field(default_factory=dict)

    def settled(self, payment_id: str, billing: Any, budget: Budget | None) -> Decimal | None:
        """Return the USD of a payment that was completed after all; correct the budget once.

        The cost that the response reports, else what was quoted; ``None`` if both are unknown.
        """
        is_assumed = payment_id in self.open
        quoted = self.open.pop(payment_id, None)
        cost = quoted if billing is None or billing.cost is None else billing.cost
        if is_assumed and budget is not None and cost is not None:
            budget.correct(cost, unknown=True, estimate=quoted)
        return cost


class Accounting(Protocol):
    """The accounting of the call that is paid."""

    sends: int

    def reserve_quote(self, challenge: PaymentChallenge) -> None:
        """Reserve the quote from the budget."""

    def paying(self, challenge: PaymentChallenge) -> None:
        """Record that the payment is about to be made."""

    def paid(self, option: PaymentOption, *secrets: str) -> None:
        """Store which option was paid, and what must not be in an error."""

    def answered(self) -> None:
        """Note that the answer has come."""


class Exchange(Protocol):
    """Sends a request as often as the retry rules allow: `policy`'s."""

    def __call__(self, call: AnyCall, step: Send, accounting: Any, context: Any) -> Steps[Any]:
        """Return the response with a status of success; raise an error for any other."""


@dataclass(slots=True)
class _Uncounted:
    """Counts the sends of requests beside the paid one: quotes and states, which are free."""

    sends: int = 0
    shared: None = None


def needs_payment(call: AnyCall, payments: Payments | None) -> bool:
    """Whether a call must be quoted: without an account, and neither paid already nor free."""
    if payments is None or not call.billable or call.payment_id is not None:
        return False
    return _PROOFS.isdisjoint(name.lower() for name in call.request.headers)


def pay_per_call(
    call: AnyCall, exchange: Exchange, accounting: Accounting, context: Any
) -> Steps[Reply]:
    """Quote a call, have it paid and complete it; return its response.

    Raises:
        SpendNotApprovedError: it costs more than allowed; nothing was paid.
        PaymentError: it may be paid, and there is no answer.
    """
    payments: Payments = context.payments
    if call.request.files:
        raise InvalidArgumentError(
            f"{call.request.path} with files needs an account; for images without one, use "
            "generate_image(image=…), which sends JSON"
        )
    request = without_stream(call.request)
    quoted = yield from _quoted(replace(call, request=request), exchange, context)
    if isinstance(quoted, Reply):
        return quoted
    options = _checked(quoted, payments.config)
    yield from _approve(payments.payer, quoted)
    accounting.reserve_quote(quoted)
    _check_time(quoted, context.retry.now())
    accounting.paying(quoted)
    paid = yield from _pay(payments.payer, quoted, options)
    if isinstance(paid, PaymentProof):
        accounting.paid(paid.option, *_secrets(paid))
        steps = exchange(*_proven(call, request, paid), accounting, context)
        how = "the same call with extra_headers=proof.headers continues, and pays nothing"
    else:
        accounting.paid(paid)
        quoted = replace(quoted, payment_id=paid.payment_id or quoted.payment_id)
        flow = _completion(call, paid, quoted, payments)
        steps = _performed(flow, exchange, accounting, context)
        how = ""
    reply: Reply = yield from _or_payment_error(steps, quoted, how)
    accounting.answered()
    return reply


def without_stream(request: Request) -> Request:
    """Return a request as it can be paid per call: at its payable path, and not streamed.

    Streams are not part of NanoGPT's stable contract for calls without an account. A response that
    is not streamed is handed on as chunks, so callers notice nothing but the wait.
    """
    root, path = request.root, request.path
    if (root, path) in _PAYABLE:
        root, path = "v1", _PAYABLE[root, path]
    content = request.content
    if content is not None and b'"stream"' in content:
        body = {k: v for k, v in as_dict(request.json).items() if k != "stream_options"}
        if body.get("stream"):
            body["stream"] = False
            content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return replace(request, root=root, path=path, content=content)


def _with_headers(request: Request, headers: Mapping[str, str]) -> Request:
    return replace(request, headers={**request.headers, **headers})


def _secrets(paid: PaymentProof) -> list[str]:
    """Return the proof itself, without its scheme and token."""
    return [re.split("[ :]", value)[-1] for value in paid.headers.values()]


def _quoted(
    call: AnyCall, exchange: Exchange, context: Any
) -> Generator[Any, Any, Reply | PaymentChallenge]:
    """Request a quote: nothing can be billed, as there is neither an account nor a payment."""
    request = _with_headers(call.request, {"x-x402": "true"})
    free = replace(call, request=request, resend=RetrySafety.ALWAYS, billable=False)
    try:
        reply: Reply = yield from exchange(free, Send(request), _Uncounted(), context)
    except AuthenticationError as error:
        error.message = (
            f"{error.message} NanoGPT quotes no price for {request.path} without an account; "
            "client.payable_endpoints() lists the routes for which it does."
        )
        error.args = (error.message,)
        raise
    except APIStatusError as error:
        quote = _quote_in(error, call)
        if quote is None:
            raise
        return quote
    return reply


def _quote_in(error: APIStatusError, call: AnyCall) -> PaymentChallenge | None:
    """Return the quote in a response; its top-level ``payment`` is the one stable sign of it."""
    if error.status_code != 402 or error.response is None:
        return None
    try:
        body = as_dict(error.response.json())
    except ValueError:
        return None
    if not as_dict(body.get("payment")):
        return None
    return PaymentChallenge.read(body, kind=call.kind, model=call.model)


def _checked(challenge: PaymentChallenge, config: Config) -> list[PaymentOption]:
    """Return the options that money is sent to, ``nano`` first; refuse a quote that misleads."""
    if not challenge.payment_id or not challenge.options:
        raise InvalidResponseError(
            "NanoGPT's quote has no payment id, or no way to pay; nothing was paid",
            payment_id=challenge.payment_id or None,
        )
    urls = [challenge.status_url, challenge.complete_url]
    urls += [
        url for option in challenge.options for url in (option.status_url, option.complete_url)
    ]
    for url in filter(None, urls):
        if config.path_of(url) is None:
            raise InvalidResponseError(
                f"the quote's URL {url[:200]!r} is not NanoGPT's; nothing was paid",
                payment_id=challenge.payment_id,
            )
    sent = [option for option in challenge.options if option.is_sent]
    return sorted(sent, key=lambda option: option.scheme != "nano")


def _check_time(challenge: PaymentChallenge, now: float) -> None:
    if challenge.expires_at is not None and challenge.expires_at <= now:
        raise PaymentExpiredError(
            f"the quote {challenge.payment_id} has expired; nothing was paid: make the call again",
            payment_id=challenge.payment_id, challenge=challenge, payment_status="expired",
        )  # fmt: skip


def _approve(payer: Payer, challenge: PaymentChallenge) -> Generator[CallUser, Any, None]:
    """Apply the limits, in the order of the tools' (`tools.approval`)."""
    usd, limit, free = challenge.highest_usd, payer.refuse_above_usd, payer.confirm_above_usd
    if isinstance(limit, Decimal) and usd is not None and usd > limit:
        msg = f"{challenge}, above the limit of {limit} USD per call; nothing was paid"
        raise SpendNotApprovedError(msg)
    if usd is None and payer.confirm is None and (limit, free) != (None, None):
        raise SpendNotApprovedError(f"{challenge}, which may be above the limit; nothing was paid")
    if free is None and payer.confirm is None:
        return
    if usd is not None and isinstance(free, Decimal) and usd <= free:
        return
    if payer.confirm is None:
        msg = f"{challenge}, above the {free} USD allowed without confirmation; nothing was paid"
        raise SpendNotApprovedError(msg)
    if (yield from ask_user(payer.confirm, challenge, off_loop=True)) is not True:
        raise SpendNotApprovedError(f"{challenge}: the user did not confirm it; nothing was paid")


def _pay(
    payer: Payer, challenge: PaymentChallenge, options: list[PaymentOption]
) -> Generator[CallUser, Any, PaymentOption | PaymentProof]:
    """Call ``pay``, the one place that does; return what it paid."""
    result = yield CallUser(payer.pay, challenge, off_loop=True)
    paid, error = result.value, result.error
    if error is not None:
        raise _open_payment(f"pay raised {type(error).__name__}: {error}", challenge) from error
    if isinstance(paid, PaymentProof) and paid.option in challenge.options:
        return paid
    if isinstance(paid, PaymentOption) and paid in options:
        return paid
    if paid is None and options:
        return options[0]
    raise _open_payment(
        f"pay returned a {type(paid).__name__}; it must return None, the option of this quote that "
        "it paid, or the proof of one",
        challenge,
    )


def _proven(call: AnyCall, request: Request, proof: PaymentProof) -> tuple[AnyCall, Send]:
    """Return the call with the proof of its payment, which is sent once."""
    request = _with_headers(request, proof.headers)
    return replace(call, request=request, resend=RetrySafety.IF_NOT_SENT), Send(request)


def _completion(
    call: AnyCall, paid: PaymentOption, challenge: PaymentChallenge, payments: Payments
) -> Flow[Reply]:
    """Return the flow that completes a call at the URLs of its quote."""
    payment_id = challenge.payment_id
    status = payments.config.path_of(paid.status_url or challenge.status_url or "")
    path = payments.config.path_of(paid.complete_url or challenge.complete_url or "")
    completion = completion_call(
        payment_id, lambda reply: reply, call.kind, call.model, path=path,
        timeout=call.request.timeout,
    )  # fmt: skip
    return completed(status_call(payment_id, path=status), completion, payments.payer.poll_timeout)


def _performed(flow: Flow[T], exchange: Exchange, accounting: Any, context: Any) -> Steps[T]:
    """Perform a flow's calls as parts of the one that is paid; only its own sends count."""
    try:
        step: Any = next(flow)
        while True:
            if not isinstance(step, Call):
                step = flow.send((yield step))
                continue
            counter = accounting if step.billable else _Uncounted()
            try:
                reply = yield from exchange(step, Send(step.request), counter, context)
                answer = step.parse(reply)
            except NanoGPTError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


def _or_payment_error(steps: Steps[T], challenge: PaymentChallenge, how: str) -> Steps[T]:
    """Turn every failure after a payment into a `PaymentError` with its id."""
    try:
        return (yield from steps)
    except PaymentError as error:
        error.challenge = challenge
        raise
    except NanoGPTError as error:
        raise _open_payment(error.message, challenge, error, how=how) from error


def _open_payment(
    reason: str, challenge: PaymentChallenge, cause: NanoGPTError | None = None, *, how: str = ""
) -> PaymentError:
    payment_id = challenge.payment_id
    how = how or f"client.complete_payment({payment_id!r}) continues"
    raised = PaymentError(
        f"{reason.rstrip('.')}. The payment {payment_id} may have been made, and is not made "
        f"again: {how}",
        payment_id=payment_id, challenge=challenge, maybe_billed=True,
    )  # fmt: skip
    if cause is not None:
        for name in ("status_code", "code", "type", "request_id", "response", "retry_after"):
            setattr(raised, name, getattr(cause, name))
    return raised


def status_call(payment_id: str, *, path: str | None = None) -> Call[PaymentStatus]:
    """Request the state of a payment, which is free."""
    request = Request("GET", path or f"/x402/status/{quote(payment_id, safe='')}", "api")

    def parse(reply: Reply) -> PaymentStatus:
        try:
            body = reply.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or not body.get("status"):
            raise InvalidResponseError("NanoGPT's answer has no state of the payment")
        return PaymentStatus.read(body)

    return Call(request, parse, "payment")


def completion_call(
    payment_id: str,
    parse: Callable[[Reply], T],
    kind: str,
    model: str | None = None,
    *,
    path: str | None = None,
    timeout: float | None = None,
) -> Call[T]:
    """Request the answer of a paid call. NanoGPT completes a payment once, and so do we."""
    path = path or f"/x402/complete/{quote(payment_id, safe='')}"
    request = Request("POST", path, "api", timeout=timeout)
    safety = RetrySafety.IF_NOT_SENT
    return Call(request, parse, kind, model, safety, billable=True, payment_id=payment_id)


def completed(state: Call[PaymentStatus], completion: Call[T], poll_timeout: float) -> Flow[T]:
    """Wait until NanoGPT has seen the money, then complete the call once.

    Raises:
        PaymentExpiredError: the quote has expired.
        PaymentUnderpaidError: less arrived than was quoted.
        PaymentError: NanoGPT has not seen the money in time, or the payment was used already.
    """
    waited, payment_id = 0.0, completion.payment_id or ""
    while True:
        status: PaymentStatus = yield state
        if status.ready:
            try:
                answer: T = yield completion
            except APIStatusError as error:
                if error.status_code not in _REJECTED:
                    raise
            else:
                return answer
        elif status.status in _FINAL:
            _raise_final(payment_id, status)
        if waited >= poll_timeout:
            raise PaymentError(
                f"after {waited:g} seconds the payment {payment_id} is {status.status} at NanoGPT: "
                f"check the wallet; client.complete_payment({payment_id!r}) asks again, free of "
                "charge",
                payment_id=payment_id, payment_status=status.status, maybe_billed=True,
            )  # fmt: skip
        pause = POLL_SECONDS if status.poll_after is None else status.poll_after
        pause = min(max(pause, _POLL_LIMITS[0]), _POLL_LIMITS[1])
        yield Sleep(pause)
        waited += pause


_FINAL: Final[dict[str, tuple[type[PaymentError], str]]] = {
    "expired": (PaymentExpiredError, "has expired, and cannot be completed"),
    "underpaid": (PaymentUnderpaidError, "is too small"),
    "completed": (PaymentError, "was completed already; its answer cannot be fetched again"),
    "failed": (PaymentError, "failed at NanoGPT; it decides about a refund"),
    "refunded": (PaymentError, "was refunded"),
}


def _raise_final(payment_id: str, status: PaymentStatus) -> NoReturn:
    cls, what = _FINAL[status.status]
    raised = cls(
        f"the payment {payment_id} {what}: {_amounts(status)}",
        payment_id=payment_id,
        payment_status=status.status,
        maybe_billed=status.received is None or status.received > 0,
    )
    if isinstance(raised, PaymentUnderpaidError):
        raised.remaining = status.remaining
    raise raised


def _amounts(status: PaymentStatus) -> str:
    of = "" if status.required is None else f" of {status.required}"
    received = "an unknown amount" if status.received is None else status.received
    more = (
        f"; send {status.remaining} more, then complete it" if status.status == "underpaid" else ""
    )
    return f"{received}{of} arrived{more}"
