"""The exceptions, as a tree, and the only tables from a response to an exception.

    NanoGPTError                     every error of this package
    ├── ConfigurationError           no key, a wrong setting or a missing extra (also a ValueError)
    ├── InvalidArgumentError         a wrong argument of a call, unsent (also a ValueError)
    ├── BudgetExceededError          refused, unsent: the budget is spent or reserved
    │   └── SpendNotApprovedError    refused, unsent: costs more than allowed, not approved
    ├── AccountUnavailableError      refused, unsent: the store of an ``Account`` is out of reach
    ├── StoreUnavailableError        refused, unsent: the file or server of a ``PaidStore`` is away
    ├── APIConnectionError           never reached NanoGPT: not billed
    ├── OutcomeUnknownError          sent, no response: may be billed, so not sent again
    │   └── APITimeoutError          … the response took longer than the timeout
    ├── APIStatusError               NanoGPT responded with an error
    │   ├── BadRequestError          400, 415, 422
    │   │   ├── ContextLengthExceededError
    │   │   └── ContentPolicyError
    │   ├── AuthenticationError      401
    │   ├── InsufficientBalanceError 402 (``required_usd``)
    │   ├── PermissionDeniedError    403
    │   ├── NotFoundError            404, 405
    │   ├── ConflictError            409
    │   ├── PayloadTooLargeError     413
    │   ├── RateLimitError           429 (``retry_after``, seconds)
    │   │   └── DailyLimitError      the key's own daily limit, until 00:00 UTC
    │   └── ServerError              5xx, 408
    │       ├── GatewayError         from a gateway: also an OutcomeUnknownError
    │       └── OriginUnreachableError … never reached NanoGPT: also an APIConnectionError
    ├── PaymentError                 a payment for one call (``payment_id``), which may be resumed
    │   ├── PaymentExpiredError      … the quote expired
    │   └── PaymentUnderpaidError    … less arrived than was quoted (``remaining``)
    ├── DownloadError                a file or page elsewhere could not be read: not billed
    ├── InvalidResponseError         an unreadable response: HTML, empty, no choices
    ├── StreamError                  a stream began and was not finished (``partial``)
    │   ├── StreamInterruptedError   … the connection or the stream ended early
    │   └── StreamStalledError       … no event for too long
    └── JobError                     a submitted job (``run_id``)
        ├── JobFailedError           … NanoGPT reports it as failed
        └── JobTimeoutError          … still running after poll_timeout; not lost

Follows https://docs.nano-gpt.com/api-reference/miscellaneous/error-handling
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypedDict, Unpack

from nanogpt_client.types._coerce import as_dict, as_int, as_number, as_text, dicts
from nanogpt_client.types._context_overflow import describes_overflow
from nanogpt_client.types._http_reply import HTTPReply
from nanogpt_client.types._one_line import one_line, plain
from nanogpt_client.types.billing import InlineModeration

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AccountUnavailableError",
    "AuthenticationError",
    "BadRequestError",
    "BudgetExceededError",
    "ConfigurationError",
    "ConflictError",
    "ContentPolicyError",
    "ContextLengthExceededError",
    "DailyLimitError",
    "DownloadError",
    "GatewayError",
    "InsufficientBalanceError",
    "InvalidArgumentError",
    "InvalidResponseError",
    "JobError",
    "JobFailedError",
    "JobTimeoutError",
    "NanoGPTError",
    "NotFoundError",
    "OriginUnreachableError",
    "OutcomeUnknownError",
    "PayloadTooLargeError",
    "PaymentError",
    "PaymentExpiredError",
    "PaymentUnderpaidError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "SpendNotApprovedError",
    "StoreUnavailableError",
    "StreamError",
    "StreamInterruptedError",
    "StreamStalledError",
    "error_from_body",
    "error_from_reply",
    "error_text",
]


class ErrorDetails(TypedDict, total=False):
    """Details of a failure, which are the attributes of the exception."""

    status_code: int | None
    code: str | None
    type: str | None
    param: str | None
    request_id: str | None
    sends: int
    maybe_billed: bool
    response: HTTPReply | None
    retry_after: float | None
    required_usd: Decimal | None
    partial: Any
    run_id: str | None
    cost: Decimal | None
    raw: dict[str, Any]
    payment_id: str | None
    challenge: Any
    payment_status: str | None
    remaining: Decimal | None
    moderation: dict[str, Any]


class NanoGPTError(Exception):
    """The base of all errors; ``str()`` is one readable line without the key.

    Attributes:
        status_code: HTTP status of the response, ``None`` if there was none.
        code: NanoGPT's machine-readable code, e.g. ``"context_length_exceeded"``.
        request_id: NanoGPT's id of the request, for its support.
        sends: how often the request was sent.
        maybe_billed: ``True`` if NanoGPT may have billed the failed call.
        response: the response (``status_code``, ``headers``, ``text``, ``json()``), if any.
        retry_after: seconds to wait before trying again, if NanoGPT reported it.
        partial: what had arrived: of a stream a ``ChatCompletion``, of a batch its results.
        payment_id: the payment that was made for this call alone, without an account.
    """

    status_code: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    request_id: str | None = None
    sends: int = 0
    maybe_billed: bool = False
    response: HTTPReply | None = None
    retry_after: float | None = None
    partial: Any = None
    payment_id: str | None = None

    def __init__(self, message: str, **details: Unpack[ErrorDetails]) -> None:
        self.message = one_line(message)
        super().__init__(self.message)
        self.__dict__.update(details)

    def __str__(self) -> str:
        return self.message

    @property
    def charged(self) -> Decimal | None:
        """USD charged: 0, or what the check by ``moderation=`` cost; ``None`` if maybe billed."""
        check = InlineModeration.read(self.response.headers) if self.response else None
        return None if self.maybe_billed else (check and check.cost) or Decimal(0)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message,), self.__dict__


class ConfigurationError(NanoGPTError, ValueError):
    """No key, a wrong address or setting, or a missing extra; nothing was sent or spent."""


class InvalidArgumentError(NanoGPTError, ValueError):
    """An argument of a call is wrong; nothing was sent or spent. ``param`` names the argument."""


class BudgetExceededError(NanoGPTError):
    """The next call could exceed the budget; nothing was sent."""


class SpendNotApprovedError(BudgetExceededError):
    """The call costs more than allowed without approval, and was not approved; unsent."""


class AccountUnavailableError(NanoGPTError):
    """The store of an `Account` cannot be reached, so its limits are unknown; nothing was sent."""


class StoreUnavailableError(NanoGPTError):
    """The database of a `PaidStore` cannot be reached; nothing was sent."""


class APIConnectionError(NanoGPTError):
    """The request never reached NanoGPT, so it was not billed."""


class OutcomeUnknownError(NanoGPTError):
    """The request was sent and no response came; it may have been billed."""


class APITimeoutError(OutcomeUnknownError):
    """No response within the timeout; NanoGPT may still have finished and billed the call."""


class APIStatusError(NanoGPTError):
    """NanoGPT responded with an error status."""


class BadRequestError(APIStatusError):
    """NanoGPT refused the request as invalid (400, 415, 422)."""


class ContextLengthExceededError(BadRequestError):
    """The messages and the requested output exceed the model's context window."""


class ContentPolicyError(BadRequestError):
    """The provider's policy refused the content, or the check by ``moderation=`` did.

    ``moderation`` is that check's verdict as NanoGPT sent it; read it with `Moderation.read`.
    """

    moderation: Mapping[str, Any] = MappingProxyType({})


class AuthenticationError(APIStatusError):
    """The key is missing, wrong or revoked (401)."""


class InsufficientBalanceError(APIStatusError):
    """The balance does not cover the request (402); ``required_usd`` if reported."""

    required_usd: Decimal | None = None


class PermissionDeniedError(APIStatusError):
    """The key does not permit this (403)."""


class NotFoundError(APIStatusError):
    """No such model or route (404, 405); often a wrong base URL."""

    def suggest(self, models: Sequence[str]) -> None:
        """Add the ids of similar models to the message."""
        if models:
            self.message = f"{self.message} Similar models: {', '.join(models)}"
            self.args = (self.message,)


class ConflictError(APIStatusError):
    """The request conflicts with the state at NanoGPT (409)."""


class PayloadTooLargeError(APIStatusError):
    """The request body is larger than NanoGPT accepts (413)."""


class RateLimitError(APIStatusError):
    """Too many requests (429); ``retry_after`` in seconds if reported."""


class DailyLimitError(RateLimitError):
    """The daily limit of this key is used up until 00:00 UTC."""


class ServerError(APIStatusError):
    """NanoGPT or a provider behind it failed (5xx) or was too slow (408, 504)."""


class GatewayError(ServerError, OutcomeUnknownError):
    """A gateway responded instead of NanoGPT, which may have finished and billed the call.

    502, 504 and 408 without NanoGPT's error body, 520, 524, and 5xx that NanoGPT does not document.
    """


class OriginUnreachableError(ServerError, APIConnectionError):
    """A gateway could not reach NanoGPT, so nothing was billed (521 to 523, 525, 526, 530)."""


class PaymentError(NanoGPTError):
    """A payment for one call was begun, and there is no answer; it is not made a second time.

    ``client.complete_payment(error.payment_id)``, also in another process, asks NanoGPT for the
    state of the payment, which is free, and completes the call if it is paid.

    Attributes:
        challenge: the `PaymentChallenge`, if this process requested it.
        payment_status: NanoGPT's last status of the payment, e.g. ``"pending"``.
        maybe_billed: ``True`` once money may have been sent.
    """

    payment_id: str = ""
    challenge: Any = None
    payment_status: str | None = None


class PaymentExpiredError(PaymentError):
    """The quote expired; NanoGPT completes no expired payment, even if it was paid later."""


class PaymentUnderpaidError(PaymentError):
    """Less arrived than was quoted: send ``remaining`` to the same address, then complete it.

    ``remaining`` is in the currency of the payment, e.g. XNO; ``None`` if not reported.
    """

    remaining: Decimal | None = None


class DownloadError(NanoGPTError):
    """A file of another server than NanoGPT, or a web page, could not be read; it is not billed.

    Of a file, the message names the host and the status, but quotes nothing of the response, which
    could be written to instruct a model that reads it. ``response`` has it.
    """


class InvalidResponseError(NanoGPTError):
    """The response cannot be read: HTML, an empty body, no choices."""


class StreamError(NanoGPTError):
    """A stream began and was not finished; ``partial`` is what had arrived."""


class StreamInterruptedError(StreamError):
    """The stream ended without a finish reason."""


class StreamStalledError(StreamError):
    """The stream sent no event for longer than the limit."""


class JobError(NanoGPTError):
    """A submitted job has no result; with its ``run_id`` it can be queried again, unbilled.

    Attributes:
        cost: USD as reported; 0 for a failed job, which is refunded.
        raw: the last status response, if any.
        code: the reason of a failure if reported, such as ``content_policy_violation``.
    """

    run_id: str | None = None
    cost: Decimal | None = None
    raw: Mapping[str, Any] = MappingProxyType({})


class JobFailedError(JobError):
    """NanoGPT reports the job as failed or cancelled."""


class JobTimeoutError(JobError):
    """The job was still running after ``poll_timeout`` seconds; it continues at NanoGPT."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientBalanceError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: NotFoundError,
    408: ServerError,
    409: ConflictError,
    413: PayloadTooLargeError,
    415: BadRequestError,
    422: BadRequestError,
    429: RateLimitError,
}

# Codes are more specific than the status, and an error event of a stream may have only a code.
# Of the codes for a missing balance, only the first two were seen in a public response.
_BY_CODE: dict[str, type[APIStatusError]] = {
    "context_length_exceeded": ContextLengthExceededError,
    "content_policy_violation": ContentPolicyError,
    "daily_rpd_limit_exceeded": DailyLimitError,
    "daily_usd_limit_exceeded": DailyLimitError,
    "rate_limit_exceeded": RateLimitError,
    **dict.fromkeys(
        (
            "insufficient_balance",
            "insufficient_quota",
            "memory_balance_required",
            "websearch_balance_required",
            "both_balance_required",
        ),
        InsufficientBalanceError,
    ),
    "invalid_api_key": AuthenticationError,
    "model_not_found": NotFoundError,
    "model_not_allowed": PermissionDeniedError,
    "api_key_origin_not_allowed": PermissionDeniedError,
}


# A gateway could not reach the server behind it.
_UNREACHED = frozenset({521, 522, 523, 525, 526, 530})
# NanoGPT's own failures …
_SERVER_STATUSES = frozenset({500, 502, 503, 504})
# … of which these are a gateway's, with unknown outcome, unless they have NanoGPT's error body.
_GATEWAY_STATUSES = frozenset({408, 502, 504})

_MAY_OVERFLOW = frozenset({400, 413, 422})

DIRECT_HOST = "https://api.nano-gpt.com/api/v1"
_DIRECT_HOST_HINT = (
    f"; for large bodies and long answers NanoGPT recommends base_url={DIRECT_HOST!r}"
)
_HINTED = frozenset({413, 504, 524})


def error_from_reply(reply: HTTPReply) -> APIStatusError:
    """Return the exception for a response with an error status, whatever its body."""
    status = reply.status_code
    try:
        body = reply.json()
    except ValueError:
        body = None
    first = next(iter(dicts(body)), None)  # of Google's: a list of one
    details = _details(as_dict(body if first is None else first))
    message = error_text(body) or plain(reply.text)
    cls = _class_for(status, details.get("code"), details.get("type"), message)
    if status in _GATEWAY_STATUSES and cls is ServerError and not _is_envelope(body):
        cls = GatewayError
    details["status_code"] = status
    details["response"] = reply
    details["request_id"] = reply.request_id or details.get("request_id")
    who = "A gateway" if issubclass(cls, GatewayError | OriginUnreachableError) else "NanoGPT"
    hint = _DIRECT_HOST_HINT if status in _HINTED else ""
    return cls(f"{who} answered {status}: {message}{hint}", **details)


def error_from_body(body: Mapping[str, Any], *, request_id: str | None = None) -> APIStatusError:
    """Return the exception for an error inside a 200 response, or inside a stream's event."""
    details = _details(body)
    message = error_text(body) or plain(json.dumps(body))
    cls = _class_for(details.get("status_code"), details.get("code"), details.get("type"), message)
    details.setdefault("request_id", request_id)
    # NanoGPT had accepted the request, so it may have billed it.
    details["maybe_billed"] = True
    return cls(f"NanoGPT reported an error: {message}", **details)


def _class_for(
    status: int | None, code: str | None, kind: str | None, message: str
) -> type[APIStatusError]:
    for name in (code, kind):
        if name is not None and name.lower() in _BY_CODE:
            return _BY_CODE[name.lower()]
    if (status is None or status in _MAY_OVERFLOW) and describes_overflow(message):
        return ContextLengthExceededError
    if status in _UNREACHED:
        return OriginUnreachableError
    if status is not None and status >= 500:
        return ServerError if status in _SERVER_STATUSES else GatewayError
    return _BY_STATUS.get(status or 0, APIStatusError)


def _is_envelope(body: Any) -> bool:
    """Whether a body is one of NanoGPT's own errors, which are JSON in a few forms."""
    fields = as_dict(body)
    return bool(fields.get("error")) or {"code", "message"} <= fields.keys()


def _details(body: Mapping[str, Any]) -> ErrorDetails:
    """Return the details in any of the five documented error bodies."""
    error = as_dict(body.get("error"))
    source = error or body
    # ``code`` may be a number that repeats the status (the form of NanoGPT's own skill document).
    code = source.get("code")
    status = as_int(source.get("status")) or as_int(body.get("status")) or as_int(code)
    details = ErrorDetails(
        code=(as_text(code) or None) if not isinstance(code, int | float) else None,
        type=as_text(source.get("type")) or None,
        param=as_text(source.get("param") or source.get("parameter")) or None,  # of image routes
        status_code=status if status is not None and 400 <= status <= 599 else None,
    )
    required = as_number(body.get("requiredBalance"))
    if required is None:
        required = as_number(as_dict(body.get("payment")).get("amountUsd"))
    if required is not None:
        details["required_usd"] = required
    if moderation := as_dict(body.get("moderation")):
        details["moderation"] = moderation
    return details


def error_text(body: Any) -> str:
    """Return the message in an error's body, whatever its form; ``""`` if there is none."""
    if isinstance(body, list):
        return "; ".join(filter(None, map(error_text, body)))
    if not isinstance(body, dict):
        return as_text(body) if isinstance(body, str) else ""
    texts = (error_text(body.get(key)) for key in ("error", "errors", "message", "detail"))
    return next(filter(None, texts), "")
