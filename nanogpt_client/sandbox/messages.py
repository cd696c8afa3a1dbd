"""The two values that every sandbox route works with: a request and a reply.

A reply's body is a tuple of parts, so that a stream has one part an event and a fault can sit
between two of them: `Stall` makes the server wait, `Cut` makes it drop the connection. The app
only writes these markers; the server and the in-process transport act on them.
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
