"""What a cassette may hold, and when a request counts as the recorded one.

vcrpy passes every request and reply through `Scrubber` before it writes or compares them, so all
rules hold for both. Headers are kept by an allow-list, because nobody knows what a gateway adds;
secrets are replaced by value wherever they stand, because they may turn up in a body or an URL;
account data is replaced by its JSON name. Multipart boundaries are random: they become a fixed
word; UUIDs in requests, which callers make up, are numbered. A loopback address becomes
`SANDBOX_ORIGIN`, because the sandbox's port changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vcr.request import Request

if TYPE_CHECKING:
    from vcr import VCR

SCRUBBED = "scrubbed"
SANDBOX_ORIGIN = "http://sandbox.invalid"

_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?(?=/|$|\")")
_BOUNDARY = re.compile(r"boundary=\"?([^\";]+)\"?", re.IGNORECASE)
_KEY = re.compile(r"sk-nano-[0-9a-fA-F-]{8,}")

_REQUEST_HEADERS = {
    "accept",
    "content-encoding",
    "content-type",
    "memory",
    "memory_expiration_days",
    "x-billing-mode",
    "x-provider",
}
_REPLY_HEADERS = {
    "content-disposition",
    "content-type",
    "location",
    "retry-after",
    "x-cost",
    "x-nano-cost",
}
_ID_HEADERS = {"x-request-id", "request-id"}

_UUID = re.compile(rb"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


class _Numbers(dict[bytes, bytes]):
    """Gives the same number to the same UUID."""

    def __call__(self, match: re.Match[bytes]) -> bytes:
        return self.setdefault(match.group(), b"uuid-%d" % (len(self) + 1))


# Names of account data, with any JSON scalar as value. A number stays one, so that it still parses.
_PRIVATE = re.compile(
    r'("(?:remainingBalance|balance|usd_balance|nano_balance|nanoDepositAddress|address|paymentId'
    r"|paymentLink|billedTeamId|billedTeamName|email|userId)\"\s*:\s*)"
    r'("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?)',
    re.IGNORECASE,
)
_NUMBER = re.compile(r'"?-?\d+(?:\.\d+)?"?')


def configure(vcr: VCR) -> None:
    """Teach a recorder our matcher."""
    vcr.register_matcher("same_body", same_body)


class Scrubber:
    """Replaces what must not be written; `secrets` are the keys in use."""

    def __init__(self, *secrets: str | None) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def request(self, request: Request) -> Request:
        """Return `request` as a cassette may hold it (vcrpy passes a copy of its own)."""
        boundary = _BOUNDARY.search(_header(request.headers, "content-type"))
        request.uri = self.text(request.uri)
        request.headers = {
            name.lower(): _fix_boundary(self.text(value))
            for name, value in request.headers.items()
            if name.lower() in _REQUEST_HEADERS
        }
        if request.body:
            body = self.body(bytes(request.body))
            word = boundary.group(1).encode() if boundary else None
            body = body.replace(word, b"boundary") if word else body
            request.body = _UUID.sub(_Numbers(), body)
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of `response` as a cassette may hold it."""
        headers = {
            name.lower(): [self._reply_header(name.lower(), value) for value in values]
            for name, values in response["headers"].items()
            if name.lower() in _REPLY_HEADERS | _ID_HEADERS
        }
        body = self.body(response["body"]["string"])
        return response | {"headers": headers, "body": {"string": body}}

    def text(self, text: str) -> str:
        """Replace secrets, keys of NanoGPT's form, and loopback addresses."""
        for secret in self._secrets:
            text = text.replace(secret, SCRUBBED)
        return _LOOPBACK.sub(SANDBOX_ORIGIN, _KEY.sub(SCRUBBED, text))

    def body(self, body: bytes) -> bytes:
        """Replace secrets and account data in a text body; other bodies may only hold secrets."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            for secret in self._secrets:
                body = body.replace(secret.encode(), SCRUBBED.encode())
            return body
        return _PRIVATE.sub(_hide_value, self.text(text)).encode()

    def _reply_header(self, name: str, value: str) -> str:
        return SCRUBBED if name in _ID_HEADERS else self.text(value)


def same_body(left: Request, right: Request) -> None:
    """Match JSON bodies by value, others byte for byte (vcrpy asks for an AssertionError)."""
    if _body_value(left) != _body_value(right):
        raise AssertionError(f"bodies differ:\n{left.body!r}\n{right.body!r}")


def _body_value(request: Request) -> object:
    body = bytes(request.body or b"")
    if "json" not in _header(request.headers, "content-type") or not body:
        return body
    return json.loads(body)


def _header(headers: Mapping[str, str], wanted: str) -> str:
    return next((value for name, value in headers.items() if name.lower() == wanted), "")


def _fix_boundary(value: str) -> str:
    return _BOUNDARY.sub("boundary=boundary", value)


def _hide_value(match: re.Match[str]) -> str:
    name, value = match.groups()
    if not _NUMBER.fullmatch(value):
        return f'{name}"{SCRUBBED}"'
    return f'{name}"1"' if value.startswith('"') else f"{name}1"
