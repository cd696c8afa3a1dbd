"""Faults that change an ordinary reply: cuts, stalls, missing and broken events.

Each takes the reply and the seconds to stall, and returns another body. They work on streams, whose
body has one part an event, and on whole bodies, which are then treated as one event.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from nanogpt_client.sandbox.completion import DONE, event
from nanogpt_client.sandbox.http import Cut, Part, Reply, Stall, dump

Body = Iterable[Part]
Change = Callable[[Reply, float], Body]
_PAUSE = Stall(0.05)
_KEEP_ALIVE = 0.5
_MULTIBYTE = {"content": "… naïve café"}
_UNAVAILABLE = {
    "status": 503,
    "message": "Service temporarily unavailable. Please try again later.",
    "code": "service_unavailable",
}


def _cut_mid_event(reply: Reply, _: float) -> Body:
    before, after = _halves(reply)
    return (*before, after[0][: len(after[0]) // 2], Cut())


def _cut_mid_character(reply: Reply, _: float) -> Body:
    before, _after = _halves(reply)
    if _is_stream(reply):
        part = event(_head(before) | _choice(_MULTIBYTE, None))
    else:
        part = json.dumps(_MULTIBYTE, ensure_ascii=False).encode()
    return (*before, part[: part.index("é".encode()) + 1], Cut())


def _no_finish(reply: Reply, _: float) -> Body:
    if _is_stream(reply):
        return (part for part in _events(reply) if not _ends(part))
    return _changed(reply, finish=None)


def _ended_in_error(reply: Reply, extra: dict[str, Any]) -> Body:
    if not _is_stream(reply):
        return _changed(reply, finish="error", extra=extra)
    before, _after = _halves(reply)
    return (*before, event(_head(before) | _choice({}, "error") | extra), DONE)


def _no_choices(reply: Reply, _: float) -> Body:
    if _is_stream(reply):
        return (event(_head(_events(reply)) | {"choices": []}), DONE)
    emptied: dict[str, list[Any]] = {key: [] for key in ("choices", "data") if key in reply.json()}
    return _changed(reply, finish=None, extra=emptied)


def _malformed_json(reply: Reply, _: float) -> Body:
    before, (first, *rest) = _halves(reply)
    half = first.rstrip()[: len(first) // 2]
    return (*before, half + b"\n\n", *rest) if _is_stream(reply) else (half,)


def _stall_mid(reply: Reply, seconds: float) -> Body:
    before, after = _halves(reply)
    if not before:
        middle = len(after[0]) // 2
        before, after = [after[0][:middle]], [after[0][middle:]]
    return (*before, Stall(seconds), *after)


def _stall_keepalive(reply: Reply, seconds: float) -> Body:
    before, after = _halves(reply)
    pause = min(_KEEP_ALIVE, seconds / 10)
    beat: list[Part] = [b": keep-alive\n\n" if _is_stream(reply) else b" ", Stall(pause)]
    beats = beat * (round(seconds / pause) if pause else 0)
    return (*before, *beats, *after)


def _stall_after_finish(reply: Reply, seconds: float) -> Body:
    *before, last = _events(reply)
    return (*before, Stall(seconds), last)


def _odd_framing(reply: Reply, _: float) -> Body:
    if not _is_stream(reply):
        return reply.body
    body = [b": hello\r\n\r\n"]
    for part in _events(reply):
        text = part.decode().strip().replace('"choices":[', '"choices":\ndata: [', 1)
        body += [b"event: message\r\n", text.replace("\n", "\r\n").encode(), b"\r\n\r\n"]
    return (*body[:-1], b"\r\n")


def _events(reply: Reply) -> list[bytes]:
    return [part for part in reply.body if isinstance(part, bytes)]


def _halves(reply: Reply) -> tuple[list[bytes], list[bytes]]:
    """Return the parts before and after the middle; the second half is never empty."""
    events = _events(reply) or [b""]
    middle = len(events) // 2
    return events[:middle], events[middle:]


def _is_stream(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").startswith("text/event-stream")


def _ends(part: bytes) -> bool:
    return part == DONE or json.loads(part[6:])["choices"][0]["finish_reason"] is not None


def _head(events: list[bytes]) -> dict[str, Any]:
    first: dict[str, Any] = json.loads(events[0][6:])
    return {key: first[key] for key in ("id", "object", "created", "model")}


def _choice(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _changed(reply: Reply, *, finish: str | None, extra: dict[str, Any] | None = None) -> Body:
    """Return a whole body with another finish reason, and `extra` on top."""
    body = reply.json()
    for choice in body.get("choices", ()):
        choice["finish_reason"] = finish
    return [dump(body | (extra or {})).encode()]


CHANGES: dict[str, Change] = {
    "cut-mid-frame": _cut_mid_event,
    "cut-mid-character": _cut_mid_character,
    "no-finish": _no_finish,
    "no-done": lambda reply, _: (part for part in reply.body if part != DONE),
    "error-frame": lambda reply, _: _ended_in_error(reply, {"error": _UNAVAILABLE}),
    "error-frame-bare": lambda reply, _: _ended_in_error(reply, {}),
    "no-choices": _no_choices,
    "malformed-json": _malformed_json,
    "stall-before": lambda reply, seconds: (Stall(seconds), *reply.body),
    "stall-mid": _stall_mid,
    "stall-keepalive": _stall_keepalive,
    "stall-after-finish": _stall_after_finish,
    "slow": lambda reply, _: (each for part in reply.body for each in (_PAUSE, part)),
    "odd-framing": _odd_framing,
}
