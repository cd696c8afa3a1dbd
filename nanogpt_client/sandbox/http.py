"""What every route works with: requests, replies, and refusals in the documented envelopes.

A reply's body is a tuple of parts, so that a stream has one part an event and a fault can sit
between two of them: `Stall` makes the server wait, `Cut` makes it drop the connection. The app
only writes these markers; the server and the in-process transport act on them.

A route raises `Refusal`; the app renders it in the form of the route:

    usual   {"error": {"message", "type", "code", "param"}}          most of /api/v1
    simple  {"error": "message", "status": 402}                      older routes under /api

An ordinary 402 has the simple form with `requiredBalance` everywhere; one with a code has the
route's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

JSON_TYPE = "application/json"
EVENT_STREAM = "text/event-stream; charset=utf-8"
_SECRET_HEADERS = {"authorization", "x-api-key", "x-payment"}


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing for `seconds`, with the connection open."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Drop the connection here; as the first part, before any byte of the answer."""


Part = bytes | Stall | Cut


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: header names in lower case, the body as it came over the wire.

    `origin` is the scheme and host the client used; links in the reply start with it.
    """

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = "http://sandbox.invalid"

    @property
    def redacted_headers(self) -> dict[str, str]:
        """Return the headers with the API key replaced by `[redacted]`."""
        return self.headers | {
            name: "[redacted]" for name in self.headers if name in _SECRET_HEADERS
        }


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer: status, headers (lower case) and the parts of its body."""

    status: int
    headers: dict[str, str]
    body: tuple[Part, ...]

    @property
    def content(self) -> bytes:
        """Return all bytes of the body, without the fault markers."""
        return b"".join(part for part in self.body if isinstance(part, bytes))

    @property
    def streams(self) -> bool:
        """Tell whether the parts must be sent one by one, without a length."""
        return len(self.body) > 1 or not all(isinstance(part, bytes) for part in self.body)

    @property
    def sent_headers(self) -> dict[str, str]:
        """Return the headers with the length, unless the body streams."""
        length = {} if self.streams else {"content-length": str(len(self.content))}
        return self.headers | length

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.content)


def dump(value: object) -> str:
    """Return `value` as compact JSON; decimals become plain numbers."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_number)


def json_reply(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Return a JSON answer."""
    return Reply(status, {"content-type": JSON_TYPE, **(headers or {})}, (dump(value).encode(),))


def html_reply(status: int, title: str) -> Reply:
    """Return the kind of page that a proxy or a website answers with."""
    head = f"<!DOCTYPE html><html><head><title>{title}</title></head>"
    page = f"{head}<body><h1>{title}</h1></body></html>"
    return Reply(status, {"content-type": "text/html; charset=utf-8"}, (page.encode(),))


def iso(seconds: float) -> str:
    """Return a time since the epoch as NanoGPT writes it: UTC, with milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_denied_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    429: "rate_limit_error",
    500: "server_error",
    502: "api_error",
    503: "service_unavailable",
    504: "timeout_error",
}


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - no error of the sandbox: an answer it gives
    """A request that NanoGPT would not serve."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    kind: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    required: Decimal | None = None
    beside: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the message that the reply carries."""
        return self.message

    def reply(self, *, simple: bool = False) -> Reply:
        """Return the HTTP answer, in the usual form or the simple one."""
        kind = self.kind or _TYPES.get(self.status, "invalid_request_error")
        error = {"message": self.message, "type": kind, "code": self.code, "param": self.param}
        body: dict[str, Any] = {"error": error} | self.beside
        if (simple and not self.beside) or self.required is not None:
            found = {"error": self.message, "status": self.status, "code": self.code}
            found |= {"requiredBalance": self.required}
            body = {name: value for name, value in found.items() if value is not None}
        return json_reply(body, self.status, self.headers)


def invalid(message: str, param: str, code: str = "invalid_parameter_value") -> Refusal:
    """Return the 400 for a field that holds the wrong thing."""
    return Refusal(400, message, code=code, param=param)


def require(
    condition: object, message: str, param: str, code: str = "invalid_parameter_value"
) -> None:
    """Raise the 400 for a field unless `condition` holds."""
    if not condition:
        raise invalid(message, param, code)


def missing(param: str) -> Refusal:
    """Return the 400 for a required field that is absent."""
    return Refusal(400, f"{param} is required.", code="missing_required_parameter", param=param)


def unknown_model(name: str) -> Refusal:
    """Return the 404 for a model that is not in the catalogue."""
    message = f"The model '{name}' does not exist or is not available."
    return Refusal(404, message, code="model_not_found", param="model")


def insufficient_balance(required: Decimal) -> Refusal:
    """Return the ordinary 402: the account holds less than `required` USD."""
    return Refusal(402, "Insufficient balance", required=required)


def sandbox_error(message: str, code: str) -> Refusal:
    """Return the 424 for a failure of the sandbox's own model, which no client retries."""
    return Refusal(424, message, code=code, kind="sandbox_error")
