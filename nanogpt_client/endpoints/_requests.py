"""Building requests and reading JSON responses: what all endpoints share.

Bodies are encoded here, once, before anything is sent: a body that is not valid JSON, or is too
large, raises. A response with status 200 is returned only if it is an object without an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from nanogpt_client._protocol.call import FilePart, Reply, Request, Root
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError, error_from_body
from nanogpt_client.types._coerce import as_dict
from nanogpt_client.types._surrogates import repaired, repaired_text

MAX_BODY_BYTES = 32 * 1024 * 1024
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def post(
    path: str, body: Mapping[str, Any], options: Mapping[str, Any] | None = None, root: Root = "v1"
) -> Request:
    """Return a JSON POST; ``options`` may hold those that every route takes."""
    options = options or {}
    return Request(
        "POST",
        path,
        root,
        content=encode({**body, **(options.get("extra_body") or {})}),
        headers=headers_of(options),
        timeout=options.get("timeout"),
    )


def headers_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that options ask for; `extra_headers` override the others.

    ``moderation`` is ``true``, ``false`` or a model's id (page inline-moderation).
    """
    moderation = options.get("moderation")
    own = {} if moderation is None else {"moderation": _parameter(moderation)}
    return own | dict(options.get("extra_headers") or {})


def post_form(
    path: str,
    fields: Mapping[str, Any],
    files: Sequence[tuple[str, FilePart]],
    options: Mapping[str, Any],
    root: Root = "v1",
) -> Request:
    """Return a POST of a multipart form; ``options`` may hold those that every route takes."""
    form = {**fields, **(options.get("extra_body") or {})}
    return Request(
        "POST",
        path,
        root,
        form={
            key: str(value).lower() if value is True or value is False else repaired(str(value))
            for key, value in form.items()
        },
        files=files,
        headers=dict(options.get("extra_headers") or {}),
        timeout=options.get("timeout"),
    )


def encode(body: Mapping[str, Any]) -> bytes:
    """Encode a JSON body; lone surrogates, which UTF-8 cannot encode, are joined or replaced.

    Raises:
        InvalidArgumentError: it cannot be encoded as JSON, or is larger than 32 MB.
    """
    try:
        text = _encoder.encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"the request cannot be encoded as JSON: {error}") from error
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = repaired_text(text).encode()
    if len(data) > MAX_BODY_BYTES:
        raise InvalidArgumentError(
            f"the request has {len(data)} bytes; NanoGPT accepts at most {MAX_BODY_BYTES} (32 MB)"
        )
    return data


def get(path: str, query: Mapping[str, Any] | None = None, root: Root = "v1") -> Request:
    """Return a GET; parameters that are ``None`` are left out."""
    parameters = {
        name: _parameter(value) for name, value in (query or {}).items() if value is not None
    }
    return Request("GET", path, root, query=parameters)


def read_object(reply: Reply) -> dict[str, Any]:
    """Return the JSON object of a response.

    Raises:
        InvalidResponseError: it is HTML, empty, or JSON of another kind.
        APIStatusError: the status is 200 but the body holds an error.
    """
    try:
        body = reply.json()
    except ValueError:
        kind = reply.content_type or "no content type"
        start = " ".join(reply.text.split())[:120]
        what = f"{kind} that begins with {start!r}" if start else "an empty body"
        raise InvalidResponseError(f"NanoGPT answered with {what} instead of JSON") from None
    if not isinstance(body, dict):
        kind, start = type(body).__name__, reply.text.strip()[:120]
        msg = f"NanoGPT answered with a JSON {kind} instead of an object: {start}"
        raise InvalidResponseError(msg)
    if body.get("error") and not as_dict(body.get("data")):
        raise error_from_body(body, request_id=reply.request_id)
    return body


def _parameter(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
