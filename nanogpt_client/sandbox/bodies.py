"""Read request bodies: JSON (compressed too), multipart forms, data URLs."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from nanogpt_client.extras import needs
from nanogpt_client.sandbox.http import Refusal, Request, invalid, missing, require

MAX_BODY = 32 * 1024 * 1024
_DATA_URL = re.compile(
    r"data:(?P<mime>[\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,(?P<data>.*)", re.DOTALL
)
_JSON_TYPES = re.compile(r"(application|text)/json|application/[\w.-]+\+json")


INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart form."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form: the text fields (last one wins) and the files by field name."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[Upload]] = field(default_factory=dict)

    def listed(self, name: str) -> list[Upload]:
        """Return the files of a field that may be written as `name` or `name[]`."""
        return [*self.files.get(name, ()), *self.files.get(f"{name}[]", ())]


def read_json(request: Request, *, compressed: bool = False) -> dict[str, Any]:
    """Return the JSON object of the body. Raises `Refusal` (400, 413 or 415)."""
    raw = _decompressed(request, allowed=compressed)
    try:
        found = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(400, "The request body is not valid JSON.", code="invalid_json") from None
    if b"\\ud" in raw.lower():  # half a character: replace it, for it cannot be sent back
        found = json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))
    if not isinstance(found, dict):
        raise Refusal(400, "The request body must be a JSON object.", code="invalid_json")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def parsed(text: str) -> Any:
    """Return the value of a JSON text, None for any other text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def plain_body(request: Request) -> bytes:
    """Return the body as far as it can be read: decompressed if it is compressed and valid."""
    try:
        return _decompressed(request, allowed=True)
    except Refusal:
        return request.body


def is_form(request: Request) -> bool:
    """Tell whether the body is `multipart/form-data`."""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


def is_json(request: Request) -> bool:
    """Tell whether the body is declared as JSON."""
    declared = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return bool(_JSON_TYPES.fullmatch(declared))


def read_form(request: Request) -> Form:
    """Return the multipart form of the body. Raises `Refusal` (400)."""
    with needs("sandbox", "a form"):
        from python_multipart import create_form_parser  # noqa: PLC0415 - an extra
        from python_multipart.exceptions import FormParserError  # noqa: PLC0415
    form = Form()

    def add_field(item: Any) -> None:
        form.fields[item.field_name.decode()] = (item.value or b"").decode("utf-8", "replace")

    def add_file(item: Any) -> None:
        item.file_object.seek(0)
        name = (item.file_name or b"file").decode("utf-8", "replace")
        upload = Upload(name, item.file_object.read())
        form.files.setdefault(item.field_name.decode(), []).append(upload)

    headers = {"Content-Type": request.headers["content-type"].encode()}
    try:
        in_memory = {"MAX_MEMORY_FILE_SIZE": MAX_BODY}
        parser = create_form_parser(headers, add_field, add_file, in_memory)
        parser.write(request.body)
        parser.finalize()
    except FormParserError:
        message = "The multipart body could not be parsed."
        raise Refusal(400, message, code="invalid_multipart_body") from None
    return form


def read_data_url(url: str, param: str) -> tuple[str, bytes]:
    """Return the MIME type and the bytes of a base64 data URL. Raises `Refusal` (400)."""
    match = _DATA_URL.fullmatch(url)
    if match is None:
        raise invalid(f"{param} must be a base64 data URL.", param)
    return match["mime"] or "", read_base64(match["data"], param)


def read_base64(text: str, param: str) -> bytes:
    """Return the decoded bytes. Raises `Refusal` (400)."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise invalid(f"{param} is not valid base64.", param) from None


def _decompressed(request: Request, *, allowed: bool) -> bytes:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return request.body
    if not allowed or encoding != "gzip":
        message = f"Content-Encoding '{encoding}' is not supported here."
        raise Refusal(415, message, code="unsupported_content_encoding")
    if not is_json(request):
        message = "A compressed body needs a JSON Content-Type."
        raise Refusal(415, message, code="unsupported_media_type")
    return _inflate(request.body)


def _inflate(raw: bytes) -> bytes:
    try:
        found = gzip.GzipFile(fileobj=BytesIO(raw)).read(MAX_BODY + 1)
    except (EOFError, OSError, zlib.error):
        message = "The compressed body could not be decoded."
        raise Refusal(400, message, code="invalid_json") from None
    if len(found) > MAX_BODY:
        raise too_large()
    return found


def too_large() -> Refusal:
    """Return the 413 for a body over 32 MB."""
    return Refusal(413, "The request body exceeds the 32 MB limit.", code="payload_too_large")


def string(body: Mapping[str, Any], name: str) -> str:
    """Return a string that must be there and say something. Raises `Refusal` (400)."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise missing(name)
    return value


def strings(body: Mapping[str, Any], name: str) -> list[str]:
    """Return an array of strings, empty when absent. Raises `Refusal` (400)."""
    given = body.get(name) or []
    are_strings = isinstance(given, list) and all(isinstance(each, str) for each in given)
    require(are_strings, f"{name} must be an array of strings.", name)
    return list(given)


def option(body: Mapping[str, Any], name: str, *options: str) -> str | None:
    """Return one of the options, None when absent or null. Raises `Refusal` (400)."""
    value = body.get(name)
    fits = value is None or (isinstance(value, str) and value in options)
    require(fits, f"{name} must be one of {', '.join(options)}.", name)
    return value


def number(
    body: Mapping[str, Any], name: str, low: float = -INFINITE, high: float = INFINITE
) -> float | None:
    """Return a number, None when absent or null. Raises `Refusal` (400)."""
    value = _ranged(body.get(name), name, "a number", low, high)
    return None if value is None else float(value)


def integer(
    body: Mapping[str, Any], name: str, low: float = -INFINITE, high: float = INFINITE
) -> int | None:
    """Return an integer, None when absent or null. Raises `Refusal` (400)."""
    value: int | None = _ranged(body.get(name), name, "an integer", low, high)
    return value


def _ranged(value: Any, name: str, kind: str, low: float, high: float) -> Any:
    types = int | float if kind == "a number" else int
    fits = isinstance(value, types) and not isinstance(value, bool) and low <= value <= high
    limits = f" from {low:g} to {high:g}" if high < INFINITE else f" of at least {low:g}"
    require(value is None or fits, f"{name} must be {kind}{limits * (low > -INFINITE)}.", name)
    return value
