"""The exceptions, drawn as a tree, and the only tables from an answer to an exception.

    NanoGPTError                     everything that leaves this package
    ├── ConfigurationError           no key, a wrong setting or a missing extra (also a ValueError)
    ├── InvalidArgumentError         a wrong argument of a call, unsent (also a ValueError)
    ├── BudgetExceededError          refused here: the budget is spent or reserved
    │   └── SpendNotApprovedError     refused here: dearer than allowed, and nobody confirmed it
    ├── APIConnectionError           never reached NanoGPT: nothing was billed
    ├── OutcomeUnknownError          sent, no answer: may have been billed, so never sent again
    │   └── APITimeoutError          … because the answer took longer than the timeout
    ├── APIStatusError               NanoGPT answered with an error
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
    │   │   └── DailyLimitError      the key's own daily cap: lifted at 00:00 UTC
    │   └── ServerError              5xx, 408
    │       ├── GatewayError         not NanoGPT's own: also an OutcomeUnknownError
    │       └── OriginUnreachableError … never reached NanoGPT: also an APIConnectionError
    ├── DownloadError                another host than NanoGPT did not hand a file over
    ├── InvalidResponseError          an answer nobody can read: HTML, empty, no choices
    ├── StreamError                  a stream began and did not finish (``partial``)
    │   ├── StreamInterruptedError   … the connection or the stream ended early
    │   └── StreamStalledError       … nothing but silence or keep-alives for too long
    └── JobError                     a submitted job (``run_id``)
        ├── JobFailedError           … NanoGPT says it failed
        └── JobTimeoutError          … still running when the time was up; ask again by run id

Follows https://docs.nano-gpt.com/api-reference/miscellaneous/error-handling
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Protocol, TypedDict, Unpack

from nanogpt_client.types._coerce import as_dict, as_int, as_number, as_text

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
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
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "SpendNotApprovedError",
    "StreamError",
    "StreamInterruptedError",
    "StreamStalledError",
    "error_from_body",
    "error_from_reply",
]

_MAX_MESSAGE = 500
_READ_OF_PAGE = 10_000  # characters; of many unclosed tags, stripping takes the square
_KEY = re.compile(r"sk-[A-Za-z0-9_-]{6,}")


class HTTPReply(Protocol):
    """What an error keeps of the answer; has the attributes of an ``httpx.Response``."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def text(self) -> str: ...
    @property
    def request_id(self) -> str | None: ...
    def json(self) -> Any: ...


class ErrorDetails(TypedDict, total=False):
    """What may be known of a failure; every exception carries all of it as attributes."""

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


class NanoGPTError(Exception):
    """Anything that went wrong; ``str()`` is one readable line without the key.

    Attributes:
        status_code: HTTP status of the answer, ``None`` if there was none.
        code: NanoGPT's machine-readable code, e.g. ``"context_length_exceeded"``.
        request_id: NanoGPT's id of the request, to quote to its support.
        sends: how often the request was sent.
        maybe_billed: ``True`` if NanoGPT may have charged for what failed here.
        response: the answer (``status_code``, ``headers``, ``text``, ``json()``), if any.
        retry_after: seconds to wait before asking again, if NanoGPT said so.
        partial: what had arrived of a stream, as a ``ChatCompletion``, if one had begun.
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

    def __init__(self, message: str, **details: Unpack[ErrorDetails]) -> None:
        self.message = _one_line(message)
        super().__init__(self.message)
        self.__dict__.update(details)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message,), self.__dict__


class ConfigurationError(NanoGPTError, ValueError):
    """No key, a wrong address or setting, or a missing extra; nothing was sent or spent."""


class InvalidArgumentError(NanoGPTError, ValueError):
    """An argument of a call is wrong; nothing was sent or spent. ``param`` names the argument."""


class BudgetExceededError(NanoGPTError):
    """The next call could exceed the budget; nothing was sent."""


class SpendNotApprovedError(BudgetExceededError):
    """The call is dearer than may be spent without asking, and was not confirmed; unsent."""


class APIConnectionError(NanoGPTError):
    """The request never reached NanoGPT, so it was not billed."""


class OutcomeUnknownError(NanoGPTError):
    """The request was sent and no answer came back; it may have been billed."""


class APITimeoutError(OutcomeUnknownError):
    """No answer within the timeout; NanoGPT may still have finished and billed the work."""


class APIStatusError(NanoGPTError):
    """NanoGPT answered with an error."""


class BadRequestError(APIStatusError):
    """NanoGPT refused the request as invalid (400, 415, 422)."""


class ContextLengthExceededError(BadRequestError):
    """The messages and the asked-for output do not fit the model's context window."""


class ContentPolicyError(BadRequestError):
    """The provider's content policy refused the request."""


class AuthenticationError(APIStatusError):
    """The key is missing, wrong or revoked (401)."""


class InsufficientBalanceError(APIStatusError):
    """The balance does not cover the request (402); ``required_usd`` if NanoGPT told it."""

    required_usd: Decimal | None = None


class PermissionDeniedError(APIStatusError):
    """The key may not do this (403)."""


class NotFoundError(APIStatusError):
    """No such model or route (404, 405); often a wrong base URL."""


class ConflictError(APIStatusError):
    """The request conflicts with the state at NanoGPT (409)."""


class PayloadTooLargeError(APIStatusError):
    """The request body is larger than NanoGPT accepts (413)."""


class RateLimitError(APIStatusError):
    """Too many requests (429); ``retry_after`` in seconds if NanoGPT told it."""


class DailyLimitError(RateLimitError):
    """The daily cap of this key is used up; asking again before 00:00 UTC is useless."""


class ServerError(APIStatusError):
    """NanoGPT or the provider behind it failed (5xx) or was too slow (408, 504)."""


class GatewayError(ServerError, OutcomeUnknownError):
    """A gateway answered in NanoGPT's place, which may have done and billed the work.

    502, 504 and 408 without NanoGPT's envelope, 520, 524, and 5xx that NanoGPT does not document.
    """


class OriginUnreachableError(ServerError, APIConnectionError):
    """A gateway could not reach NanoGPT, so nothing was billed (521 to 523, 525, 526, 530)."""


class DownloadError(NanoGPTError):
    """Another host than NanoGPT did not hand a file over; nothing was billed.

    The message says which host, and the status that it answered, but none of its words: they may
    be meant for the model that reads them. ``response`` has them.
    """


class InvalidResponseError(NanoGPTError):
    """An answer came that nobody can read: HTML, an empty body, no choices."""


class StreamError(NanoGPTError):
    """A stream began and did not finish; ``partial`` holds what had arrived."""


class StreamInterruptedError(StreamError):
    """The stream ended before the model said that it had finished."""


class StreamStalledError(StreamError):
    """The stream sent no event for longer than the limit."""


class JobError(NanoGPTError):
    """A submitted job did not deliver; ``run_id`` asks for it again without a second charge.

    ``cost`` is what is known of its price in USD: 0 for one that failed, which is refunded.
    ``raw`` is the last that NanoGPT said of it, if it did. ``code`` says why it failed where that
    is told, such as ``content_policy_violation`` (in the casing that came).
    """

    run_id: str | None = None
    cost: Decimal | None = None
    raw: Mapping[str, Any] = MappingProxyType({})


class JobFailedError(JobError):
    """NanoGPT reports the job as failed or cancelled."""


class JobTimeoutError(JobError):
    """The job was still running when the waiting time was up; it goes on at NanoGPT."""


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

# Codes say more than the status they come with, and a stream's error frame may bring a code alone.
# Of those for a missing balance, no public witness has shown a body but with the first two.
_BY_CODE: dict[str, type[APIStatusError]] = {
    "context_length_exceeded": ContextLengthExceededError,
    "content_policy_violation": ContentPolicyError,
    "daily_rpd_limit_exceeded": DailyLimitError,
    "daily_usd_limit_exceeded": DailyLimitError,
    "rate_limit_exceeded": RateLimitError,
    "insufficient_balance": InsufficientBalanceError,
    "insufficient_quota": InsufficientBalanceError,
    "memory_balance_required": InsufficientBalanceError,
    "websearch_balance_required": InsufficientBalanceError,
    "both_balance_required": InsufficientBalanceError,
    "invalid_api_key": AuthenticationError,
    "model_not_found": NotFoundError,
    "model_not_allowed": PermissionDeniedError,
    "api_key_origin_not_allowed": PermissionDeniedError,
}


# A gateway says with these that it never reached the server behind it.
_UNREACHED = frozenset({521, 522, 523, 525, 526, 530})
# With these NanoGPT says itself that it failed or was too slow …
_SERVER_STATUSES = frozenset({500, 502, 503, 504})
# … but these are a gateway's, which knows of no outcome, unless they come in NanoGPT's envelope.
_GATEWAY_STATUSES = frozenset({408, 502, 504})

# The words of the providers behind NanoGPT for a conversation that does not fit; few send the code.
_OVERFLOW = re.compile(
    r"prompt is too long|input is too long for (?:the )?requested model"
    r"|(?:maximum|max) (?:context|prompt) (?:length|window|size)"
    r"|exceeds?(?:ed)? (?:the |its |this )?(?:model'?s? )?(?:maximum |available )?"
    r"(?:context|token limit|model token limit)"
    r"|(?:greater|longer|larger) than the (?:model'?s? )?(?:maximum )?context"
    r"|context (?:length|window|size|limit)[^.]{0,40} exceed|context[ _]length[ _]exceeded"
    r"|input (?:token count|length|tokens)[^.]{0,60} exceeds? "
    r"|reduce the length of (?:the|your) (?:messages|prompt|input)"
    r"|(?:prompt|input) contains (?:too many|\d+) tokens",
    re.IGNORECASE,
)
_MAY_OVERFLOW = frozenset({400, 413, 422})

DIRECT_HOST = "https://api.nano-gpt.com/api/v1"
_DIRECT_HOST_HINT = (
    f"; for large bodies and long answers NanoGPT recommends base_url={DIRECT_HOST!r}"
)
_HINTED = frozenset({413, 504, 524})


def error_from_reply(reply: HTTPReply) -> APIStatusError:
    """Turn an answer with an error status into the exception for it, whatever its envelope."""
    status = reply.status_code
    try:
        body = reply.json()
    except ValueError:
        body = None
    details = _details(as_dict(body))
    message = _message(body) or _plain(reply)
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
    """Turn an error that came inside a 200, or inside a stream's frame, into its exception."""
    details = _details(body)
    message = _message(body) or "without a message"
    cls = _class_for(details.get("status_code"), details.get("code"), details.get("type"), message)
    details.setdefault("request_id", request_id)
    # NanoGPT had accepted the request, so the work may have been charged.
    details["maybe_billed"] = True
    return cls(f"NanoGPT reported an error: {message}", **details)


def _class_for(
    status: int | None, code: str | None, kind: str | None, message: str
) -> type[APIStatusError]:
    for word in (code, kind):
        if word is not None and word.lower() in _BY_CODE:
            return _BY_CODE[word.lower()]
    if (status is None or status in _MAY_OVERFLOW) and _OVERFLOW.search(message):
        return ContextLengthExceededError
    if status in _UNREACHED:
        return OriginUnreachableError
    if status is not None and status >= 500:
        return ServerError if status in _SERVER_STATUSES else GatewayError
    return _BY_STATUS.get(status or 0, APIStatusError)


def _is_envelope(body: Any) -> bool:
    """Whether NanoGPT itself speaks: its errors are JSON in one of a few forms."""
    fields = as_dict(body)
    return bool(fields.get("error")) or {"code", "message"} <= fields.keys()


def _details(body: Mapping[str, Any]) -> ErrorDetails:
    """Collect what the five documented envelopes know (contract §3)."""
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
    return details


def _message(body: Any) -> str:
    error = as_dict(body).get("error")
    if isinstance(error, str):
        return error
    source = as_dict(error) or as_dict(body)
    return as_text(source.get("message")) or as_text(source.get("detail"))


def _plain(reply: HTTPReply) -> str:
    """Make one readable line of a body that is no JSON error: HTML, text or nothing."""
    text = reply.text[:_READ_OF_PAGE]
    words = " ".join(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL).split())
    return words or "an empty body"


def _one_line(message: str) -> str:
    line = _KEY.sub("sk-…", " ".join(message.split()))
    return line if len(line) <= _MAX_MESSAGE else line[: _MAX_MESSAGE - 1] + "…"
