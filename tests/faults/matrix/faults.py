"""The faults of the matrix: what the server does, and what must come of it.

``posts`` is how many POSTs may be seen; more than one only where NanoGPT itself answered "try
again". ``cost`` is what the ledger books: ``"0"`` if nothing can have been billed, ``None`` if
nobody knows, ``"paid"`` for an answer that came whole after all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nanogpt_client import errors as e
from tests.support.rawserver import (
    EVENT_STREAM,
    EVENT_STREAM_UNTIL_CLOSE,
    LAST_CHUNK,
    End,
    Script,
    chunked,
    http_head,
    http_reply,
)

RETRIES = 2
SENT_AGAIN = 1 + RETRIES
HELLO = "Grüß Gott"
SOON, PATIENTLY = 0.4, 30.0  # seconds


@dataclass(frozen=True)
class Expected:
    """What a caller sees of a fault, how often it was sent, what the ledger books."""

    error: type[Exception] | None
    posts: int
    cost: str | None
    partial: str = ""


@dataclass(frozen=True)
class Fault:
    """A misbehaving server. ``scripts`` is ``None`` where a connection never gets that far.

    ``limit`` is how many seconds the client waits: few only where waiting in vain is the fault.
    """

    name: str
    scripts: Sequence[Script] | None
    expected: Expected
    reset_on_accept: bool = False
    only_streams: bool = False
    limit: float = PATIENTLY


def _json(body: Any, status: int = 200, **headers: str) -> list[Script]:
    return [[http_reply(json.dumps(body).encode(), status=status, headers=headers)]]


def _html(status: int) -> list[Script]:
    page = b"<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"
    return [[http_reply(page, status=status, headers={"content-type": "text/html"})]]


def _error(status: int, code: str, **headers: str) -> list[Script]:
    error = {"message": f"it is {code}", "type": "some_error", "code": code}
    return _json({"error": error}, status, **headers)


def frame(delta: Any = None, **top: Any) -> bytes:
    """Return one chunk of a chat as a server-sent event."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": top.pop("finish_reason", None)}
    chunk = {"id": "chatcmpl-1", "model": "m", "choices": [choice], **top}
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


TEXT = frame({"role": "assistant", "content": HELLO})
FINISH = frame(
    finish_reason="stop",
    usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    x_nanogpt_pricing={"costUsd": 0.25, "currency": "USD"},
)
_CUT = TEXT[: TEXT.index("ß".encode()) + 1]  # in the middle of a character
_FAILED = frame(finish_reason="error", error={"status": 503, "message": "no", "code": "x"})


def _stream(*steps: Any) -> list[Script]:
    return [[EVENT_STREAM, *(chunked(s) if isinstance(s, bytes) else s for s in steps)]]


def _keep_alive(seconds: float) -> list[Any]:
    return [step for _ in range(int(seconds / 0.05)) for step in (b": keep-alive\n\n", 0.05)]


def _drip(data: bytes, seconds: float = 4) -> list[Any]:
    return [data, 0.05] * int(seconds / 0.05)


_UNSENT = Expected(e.APIConnectionError, 0, "0")
_UNKNOWN = Expected(e.OutcomeUnknownError, 1, None)


def _refused(error: type[Exception], cost: str | None = "0", posts: int = 1) -> Expected:
    return Expected(error, posts, cost)


_402 = _refused(e.InsufficientBalanceError)
_legacy_402 = {"error": "Insufficient balance", "status": 402, "requiredBalance": 0.0035}
_typed_402 = {"type": "error", "error": {"type": "insufficient_balance", "message": "no"}}
_x402 = {
    "error": {"code": "insufficient_quota", "message": "pay"},
    "payment": {"paymentId": "p", "amountUsd": 0.01, "accepted": []},
    "accepts": [],
}

_STREAM_FAULTS: tuple[tuple[str, Sequence[Script], Expected], ...] = (
    (
        "end before any event",
        [[EVENT_STREAM, End.RESET]],
        Expected(e.StreamInterruptedError, 1, None),
    ),
    (
        "clean end before any event",
        [[EVENT_STREAM_UNTIL_CLOSE, End.CLOSE]],
        Expected(e.StreamInterruptedError, 1, None),
    ),
    (
        "cut in a frame",
        _stream(TEXT, FINISH[:40], End.RESET),
        Expected(e.StreamInterruptedError, 1, None, HELLO),
    ),
    (
        "clean cut in a frame",
        [[EVENT_STREAM_UNTIL_CLOSE, TEXT, FINISH[:40], End.CLOSE]],
        Expected(e.StreamInterruptedError, 1, None, HELLO),
    ),
    (
        "cut in a character",
        [[EVENT_STREAM_UNTIL_CLOSE, TEXT, _CUT, End.CLOSE]],
        Expected(e.StreamInterruptedError, 1, None, HELLO),
    ),
    (
        "end without finish",
        [[EVENT_STREAM_UNTIL_CLOSE, TEXT, End.CLOSE]],
        Expected(e.StreamInterruptedError, 1, None, HELLO),
    ),
    (
        "[DONE] without finish",
        [[EVENT_STREAM_UNTIL_CLOSE, TEXT, b"data: [DONE]\n\n", End.CLOSE]],
        Expected(e.StreamInterruptedError, 1, None, HELLO),
    ),
    (
        "error frame",
        _stream(TEXT, _FAILED, b"data: [DONE]\n\n", End.HOLD),
        Expected(e.ServerError, 1, None, HELLO),
    ),
    (
        "error frame, bare",
        _stream(TEXT, frame(finish_reason="error"), End.HOLD),
        Expected(e.StreamInterruptedError, 1, None, HELLO),
    ),
    (
        "frame over 64 MiB",
        [[EVENT_STREAM_UNTIL_CLOSE, TEXT, b'data: "', b"x" * (65 << 20), End.HOLD]],
        Expected(e.InvalidResponseError, 1, None, HELLO),
    ),
    (
        "end after finish",
        [[EVENT_STREAM, chunked(TEXT), chunked(FINISH), LAST_CHUNK]],
        Expected(None, 1, "0.25", HELLO),
    ),
)

_STALLS: tuple[tuple[str, Sequence[Script], Expected], ...] = (
    (
        "stall before the first event",
        [[EVENT_STREAM, End.HOLD]],
        Expected(e.StreamStalledError, 1, None),
    ),
    (
        "stall behind keep-alives",
        _stream(TEXT, *_keep_alive(4), End.HOLD),
        Expected(e.StreamStalledError, 1, None, HELLO),
    ),
    (
        "stall behind empty events",
        _stream(TEXT, *_drip(b"data: {}\n\n"), End.HOLD),
        Expected(e.StreamStalledError, 1, None, HELLO),
    ),
    (
        "stall in silence",
        _stream(TEXT, End.HOLD),
        Expected(e.StreamStalledError, 1, None, HELLO),
    ),
    (
        "stall after finish",
        _stream(TEXT, FINISH, End.HOLD),
        Expected(None, 1, "0.25", HELLO),
    ),
)

FAULTS: tuple[Fault, ...] = (
    Fault("refused", None, _UNSENT),
    Fault(
        "reset before the request",
        None,
        Expected(e.OutcomeUnknownError, 0, None),
        reset_on_accept=True,
    ),
    Fault("reset after the request", [[End.RESET]], _UNKNOWN),
    Fault("reset in the headers", [[b"HTTP/1.1 200 OK\r\ncontent-ty", End.RESET]], _UNKNOWN),
    Fault(
        "reset in the body",
        [
            [
                http_head(200, {"content-type": "application/json", "content-length": "99"}),
                b'{"ch',
                End.RESET,
            ]
        ],
        _UNKNOWN,
    ),
    Fault("read timeout", [[End.HOLD]], Expected(e.APITimeoutError, 1, None), limit=SOON),
    Fault(
        "early hints for ever",
        [[*_drip(b"HTTP/1.1 103 Early Hints\r\n\r\n"), End.HOLD]],
        Expected(e.APITimeoutError, 1, None),
        limit=SOON,
    ),
    Fault(
        "headers byte by byte",
        [[b"HTTP/1.1 200 OK\r\nx-a: ", *_drip(b"a"), End.HOLD]],
        Expected(e.APITimeoutError, 1, None),
        limit=SOON,
    ),
    Fault("400", _error(400, "invalid_request"), _refused(e.BadRequestError)),
    Fault(
        "400 context",
        _error(400, "context_length_exceeded"),
        _refused(e.ContextLengthExceededError),
    ),
    Fault("401", _error(401, "invalid_api_key"), _refused(e.AuthenticationError)),
    Fault("402", _error(402, "insufficient_balance"), _402),
    Fault("402 legacy", _json(_legacy_402, 402), _402),
    Fault("402 typed", _json(_typed_402, 402), _402),
    Fault("402 x402", _json(_x402, 402), _402),
    Fault("403", _error(403, "model_not_allowed"), _refused(e.PermissionDeniedError)),
    Fault("404 HTML", _html(404), _refused(e.NotFoundError)),
    Fault("408", _error(408, "timeout"), _refused(e.ServerError, None, SENT_AGAIN)),
    Fault("408 empty", [[http_reply(b"", status=408)]], _refused(e.GatewayError, None)),
    Fault("409", _error(409, "conflict"), _refused(e.ConflictError)),
    Fault("413", _error(413, "too_large"), _refused(e.PayloadTooLargeError)),
    Fault(
        "429",
        _error(429, "rate_limit_exceeded", **{"retry-after": "1"}),
        _refused(e.RateLimitError),  # by the client's settings: see `callers.client_for`
    ),
    Fault(
        "429 long",
        _error(429, "rate_limit_exceeded", **{"retry-after": "3600"}),
        _refused(e.RateLimitError),
    ),
    Fault(
        "429 daily",
        _error(429, "daily_usd_limit_exceeded", **{"retry-after": "1"}),
        _refused(e.DailyLimitError),
    ),
    *(
        Fault(
            f"{status}", _error(status, "server_error"), _refused(e.ServerError, None, SENT_AGAIN)
        )
        for status in (500, 502, 503, 504)
    ),
    *(
        Fault(f"{status} HTML", _html(status), _refused(e.ServerError, None, SENT_AGAIN))
        for status in (500, 503)
    ),
    *(
        Fault(f"{status} HTML", _html(status), _refused(e.GatewayError, None))
        for status in (502, 504, 520, 524)
    ),
    *(
        Fault(f"{status}", _error(status, "gateway"), _refused(e.GatewayError, None))
        for status in (520, 524, 529)
    ),
    *(
        Fault(f"{status}", _html(status), _refused(e.OriginUnreachableError, "0", SENT_AGAIN))
        for status in (521, 522, 523, 525, 526, 530)
    ),
    Fault("200 HTML", _html(200), Expected(e.InvalidResponseError, 1, None)),
    Fault(
        "200 JSON error",
        _json({"error": {"message": "no", "status": 503}}),
        Expected(e.ServerError, 1, None),
    ),
    Fault("200 empty", [[http_reply(b"")]], Expected(e.InvalidResponseError, 1, None)),
    Fault(
        "200 without an answer",
        _json({"choices": [], "data": []}),
        Expected(e.InvalidResponseError, 1, None),
    ),
    *(
        Fault(name, scripts, expected, only_streams=True, limit=limit)
        for faults, limit in ((_STREAM_FAULTS, PATIENTLY), (_STALLS, SOON))
        for name, scripts, expected in faults
    ),
)
