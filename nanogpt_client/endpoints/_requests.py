"""Building requests and reading JSON answers: what all endpoints share.

Bodies are encoded here, once, before anything is sent: what cannot be JSON, or is too large,
is refused. A reply with status 200 is read as an object only if it is one and holds no error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nanogpt_client._protocol.call import Reply, Request, Root
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError, error_from_body
from nanogpt_client.types._coerce import as_dict
from nanogpt_client.types._surrogates import mended_text

MAX_BODY_BYTES = 32 * 1024 * 1024
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_REQUEST_WORDS = ("extra_body", "extra_headers", "timeout", "on_progress", "progress")


def post(
    path: str, body: Mapping[str, Any], options: Mapping[str, Any] | None = None, root: Root = "v1"
) -> Request:
    """Return a JSON POST; ``options`` may hold the words that every route takes."""
    options = options or {}
    return Request(
        "POST",
        path,
        root,
        content=encode({**body, **(options.get("extra_body") or {})}),
        headers=dict(options.get("extra_headers") or {}),
        timeout=options.get("timeout"),
    )


def encode(body: Mapping[str, Any]) -> bytes:
    """Write a JSON body; halves of characters, which UTF-8 has not, are joined or replaced.

    Raises:
        InvalidArgumentError: JSON cannot express it, or it is larger than NanoGPT takes.
    """
    try:
        text = _encoder.encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"the request cannot be written as JSON: {error}") from error
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = mended_text(text).encode()
    if len(data) > MAX_BODY_BYTES:
        raise InvalidArgumentError(
            f"the request has {len(data)} bytes; NanoGPT takes {MAX_BODY_BYTES} (32 MB) at most"
        )
    return data


def get(path: str, query: Mapping[str, Any] | None = None, root: Root = "v1") -> Request:
    """Return a GET; parameters that are ``None`` are left out."""
    words = {name: _word(value) for name, value in (query or {}).items() if value is not None}
    return Request("GET", path, root, query=words)


def without_request_words(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that belong in the body."""
    return {name: value for name, value in options.items() if name not in _REQUEST_WORDS}


def read_object(reply: Reply) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        InvalidResponseError: it is HTML, empty, or JSON of another kind.
        APIStatusError: the answer says 200 but its body is an error.
    """
    try:
        body = reply.json()
    except ValueError:
        kind = reply.content_type or "no content type"
        start = " ".join(reply.text.split())[:120]
        what = f"{kind} that begins with {start!r}" if start else "an empty body"
        raise InvalidResponseError(f"NanoGPT answered with {what} instead of JSON") from None
    if not isinstance(body, dict):
        msg = f"NanoGPT answered with a JSON {type(body).__name__} instead of an object"
        raise InvalidResponseError(msg)
    if body.get("error") and not as_dict(body.get("data")):
        raise error_from_body(body, request_id=reply.request_id)
    return body


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
