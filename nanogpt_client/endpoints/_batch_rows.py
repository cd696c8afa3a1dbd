"""The rows of a batch: checked one by one and written to a file, never all of them in memory.

A row is what a line of the documented JSONL file is: ``custom_id``, ``method``, ``url``, ``body``.
Follows https://docs.nano-gpt.com/api-reference/endpoint/batches (JSONL rules, inline API).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, TypeAlias

from nanogpt_client.budget import Unpriced
from nanogpt_client.endpoints import _checks
from nanogpt_client.endpoints._chat_estimate import estimated_usd
from nanogpt_client.endpoints._requests import encode
from nanogpt_client.endpoints.chat import chat_body
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.types._coerce import as_text, loads
from nanogpt_client.types.batches import CHAT, RESPONSES
from nanogpt_client.types.chat import MessageDict

__all__ = ["Prepared", "Rows", "chat_row", "own_id", "own_index", "prepare"]

Rows: TypeAlias = Iterable[Mapping[str, Any]] | str | os.PathLike[str]
"""Rows as dicts, or the path of a JSONL file with one a line."""

INLINE_ROWS = 10_000
INLINE_BYTES = 20 * 1024 * 1024
INLINE_TOKENS = 250_000
INLINE_CAP = 4096
"""Output tokens that NanoGPT assumes for an inline row without a limit."""
LEAST_RESPONSE_TOKENS = 16
IN_MEMORY = 8 * 1024 * 1024
"""Bytes of rows or results that stay in memory; more are in a temporary file."""

_CAPS: dict[str, tuple[str, ...]] = {
    CHAT: ("max_tokens", "max_completion_tokens"),
    RESPONSES: ("max_output_tokens",),
}
_INPUT: dict[str, str] = {CHAT: "messages", RESPONSES: "input"}
_HALF = Decimal("0.5")
_OWN_ID = "row-"


def own_id(index: int) -> str:
    """Return the id of a row that has none."""
    return f"{_OWN_ID}{index:06d}"


def own_index(custom_id: str, count: int) -> int | None:
    """Return the index in an id of `own_id` for one of ``count`` rows; ``None`` for any other.

    A user may have ids that look alike, such as a date behind ``row-``.
    """
    digits = custom_id.removeprefix(_OWN_ID)
    index = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else count
    return index if index < count and own_id(index) == custom_id else None


def chat_row(
    messages: str | Iterable[MessageDict],
    *,
    model: str,
    custom_id: str | None = None,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the row of a chat, checked as `chat` checks its arguments; see `ChatOptions`.

    Raises:
        InvalidArgumentError: an argument is invalid, or cannot be part of a row.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if given.get("extra_headers"):
        msg = "a batch's rows have no headers of their own: remove extra_headers"
        raise InvalidArgumentError(msg, param="extra_headers")
    conversation = messages if isinstance(messages, str) else list(messages)
    body = chat_body(conversation, model, given)
    row: dict[str, Any] = {"method": "POST", "url": CHAT, "body": body}
    return row if custom_id is None else {"custom_id": custom_id, **row}


@dataclass(slots=True)
class Prepared:
    """Checked rows, as JSONL in ``file``; what decides how they are sent, and their price.

    ``usd`` is the most that they may cost, ``None`` if a price is unknown.
    """

    file: IO[bytes]
    endpoint: str
    model: str
    rows: int = 0
    bytes: int = 0
    output_tokens: int = 0
    uncapped: str | None = None
    usd: Decimal | None = Decimal(0)
    ids: set[str] = field(default_factory=set, repr=False)

    @property
    def estimate(self) -> Decimal:
        """What a `Budget` reserves: the most in USD, or the number of rows of unknown price."""
        return Unpriced(self.rows) if self.usd is None else self.usd

    def why_not_inline(self) -> str | None:
        """Return which limit of inline batches the rows exceed, if any."""
        for number, limit, what in (
            (self.rows, INLINE_ROWS, "rows"),
            (self.bytes, INLINE_BYTES, "bytes"),
            (self.output_tokens, INLINE_TOKENS, "output tokens"),
        ):
            if number > limit:
                return f"{number} {what} are more than the {limit} of an inline batch"
        return None

    def is_inline(self, wanted: bool | None) -> bool:
        """Decide how the rows are sent.

        Raises:
            InvalidArgumentError: they do not fit what is wanted, or lack a limit that they need.
        """
        too_much = self.why_not_inline()
        if wanted and too_much:
            raise InvalidArgumentError(f"{too_much}: use inline=False", param="inline")
        inline = not too_much if wanted is None else wanted
        if not inline and self.uncapped is not None:
            why = f" ({too_much})" if too_much else ""
            msg = (
                f"{self.uncapped} needs {' or '.join(_CAPS[self.endpoint])}: rows of a file must "
                f"limit their output{why}"
            )
            raise InvalidArgumentError(msg, param="rows")
        return inline

    def inline_body(self) -> dict[str, Any]:
        """Return the rows as the body of an inline batch, which names the model once."""
        self.file.seek(0)
        requests = []
        for line in self.file:
            row = json.loads(line)
            del row["body"]["model"]
            requests.append({"custom_id": row["custom_id"], "body": row["body"]})
        return {"endpoint": self.endpoint, "model": self.model, "requests": requests}


def prepare(rows: Rows, *, model: str | None, endpoint: str | None) -> Prepared:
    """Check all rows and write them to a temporary file; this reads files, so it blocks.

    Raises:
        InvalidArgumentError: a row is invalid, or differs in endpoint or model; nothing was sent.
    """
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes it
    try:
        prepared: Prepared | None = None
        for at, (where, row) in enumerate(_read(rows)):
            if prepared is None:
                prepared = _first(file, where, row, model=model, endpoint=endpoint)
            _add(prepared, at, where, row)
    except BaseException:
        file.close()
        raise
    if prepared is None:
        file.close()
        raise InvalidArgumentError("a batch needs at least one row", param="rows")
    file.seek(0)
    return prepared


def _read(rows: Rows) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each row, and where it stands, for messages."""
    if not isinstance(rows, str | os.PathLike):
        if isinstance(rows, bytes | Mapping) or not isinstance(rows, Iterable):
            msg = f"rows must be dicts or the path of a JSONL file, not {type(rows).__name__}"
            raise InvalidArgumentError(msg, param="rows")
        for at, row in enumerate(rows):
            yield f"rows[{at}]", _mapping(row, f"rows[{at}]")
        return
    try:
        with Path(rows).open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"line {number}", _parsed(line, f"line {number}")
    except OSError as error:
        msg = f"rows: cannot read {str(rows)[:200]!r}: {error}"
        raise InvalidArgumentError(msg, param="rows") from error


def _parsed(line: bytes, where: str) -> Mapping[str, Any]:
    try:
        return _mapping(loads(line), where)
    except ValueError as error:
        if isinstance(error, InvalidArgumentError):
            raise
        raise InvalidArgumentError(f"{where} is not JSON: {error}", param="rows") from error


def _mapping(row: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(row, Mapping) or not isinstance(row.get("body"), Mapping):
        msg = f'{where} must be {{"custom_id": …, "body": {{…}}}}, with the request as the body'
        raise InvalidArgumentError(msg, param="rows")
    return row


def _first(
    file: IO[bytes],
    where: str,
    row: Mapping[str, Any],
    *,
    model: str | None,
    endpoint: str | None,
) -> Prepared:
    """Begin with the first row, whose endpoint and model all must have."""
    url = endpoint or as_text(row.get("url")) or CHAT
    if url not in _CAPS:
        msg = f"{where} is for {url!r}; batches support {' and '.join(_CAPS)}"
        raise InvalidArgumentError(msg, param="endpoint")
    name = row["body"].get("model") if model is None else model
    if name is None:
        raise InvalidArgumentError(f"{where} names no model: pass model=…", param="model")
    name = _checks.check_model(name)
    return Prepared(file, url, name)


def _add(prepared: Prepared, at: int, where: str, row: Mapping[str, Any]) -> None:
    """Check one row and write it."""
    name = row.get("custom_id")
    custom_id = own_id(at) if name is None else name
    if not isinstance(custom_id, str) or not custom_id:
        raise InvalidArgumentError(f"{where}: custom_id must be a non-empty text", param="rows")
    if custom_id in prepared.ids:
        msg = f"{where}: the custom_id {custom_id!r} is taken by an earlier row"
        raise InvalidArgumentError(msg, param="rows")
    where = f"{where} ({custom_id!r})"
    body = {**row["body"], "model": row["body"].get("model") or prepared.model}
    _check_same(prepared, row, body, where)
    cap = _cap(prepared, body, where)
    line = encode(
        {"custom_id": custom_id, "method": "POST", "url": prepared.endpoint, "body": body}
    )
    prepared.file.write(line + b"\n")
    prepared.ids.add(custom_id)
    prepared.rows += 1
    prepared.bytes += len(line) + 1
    prepared.output_tokens += cap * (body.get("n") or 1)
    prepared.usd = _plus(prepared.usd, body, cap)


def _check_same(
    prepared: Prepared, row: Mapping[str, Any], body: Mapping[str, Any], where: str
) -> None:
    """Check what all rows have in common, and what none may have."""
    problem = None
    if body["model"] != prepared.model:
        problem = f"has the model {body['model']!r}, others {prepared.model!r}: use one batch each"
    elif (row.get("url") or prepared.endpoint) != prepared.endpoint:
        problem = f"is for {row['url']!r}, others for {prepared.endpoint!r}: use one batch each"
    elif (row.get("method") or "POST") != "POST":
        problem = f"has the method {row['method']!r}; it must be 'POST'"
    elif body.get("stream"):
        problem = "has stream=True; batches do not stream"
    elif not body.get(_INPUT[prepared.endpoint]):
        problem = f"has no {_INPUT[prepared.endpoint]}"
    if problem:
        raise InvalidArgumentError(f"{where} {problem}", param="rows")
    if prepared.endpoint == CHAT:
        try:
            _checks.check_messages(body["messages"])
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"{where}: {error.message}", param="rows") from error


def _cap(prepared: Prepared, body: Mapping[str, Any], where: str) -> int:
    """Return the most output tokens of a row; remember the first row without a limit."""
    names = _CAPS[prepared.endpoint]
    found = next(((name, body[name]) for name in names if body.get(name) is not None), None)
    if found is None:
        prepared.uncapped = prepared.uncapped or where
        return INLINE_CAP
    name, cap = found
    least = LEAST_RESPONSE_TOKENS if prepared.endpoint == RESPONSES else 1
    if not isinstance(cap, int) or isinstance(cap, bool) or cap < least:
        msg = f"{where}: {name} must be an integer of at least {least}, not {cap!r}"
        raise InvalidArgumentError(msg, param="rows")
    return cap


def _plus(usd: Decimal | None, body: Mapping[str, Any], cap: int) -> Decimal | None:
    """Add the most that a row may cost: half the price of the same request by itself."""
    if usd is None:
        return None
    priced = {**body, "max_tokens": cap}
    if "messages" not in body:
        priced["messages"] = [{"content": json.dumps(body["input"])}]
    row = estimated_usd(priced)
    return None if row is None else usd + row * _HALF
