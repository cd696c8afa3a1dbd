"""Faults that change an ordinary reply: cuts, stalls, missing and broken frames.

Each is a function of the reply and the seconds to stall. They work on streams, whose body has
one piece a frame, and on whole bodies, which are then treated as one frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from nanogpt_client.sandbox.completion import DONE, event
from nanogpt_client.sandbox.messages import Cut, Part, Reply, Stall, json_reply

Change = Callable[[Reply, float], Reply]
_SLOW = 0.05
_KEEP_ALIVE = 0.5
_MULTIBYTE = "… naïve café"


def _cut_mid_frame(reply: Reply, _: float) -> Reply:
    before, after = _halves(reply)
    return replace(reply, body=(*before, after[0][: len(after[0]) // 2], Cut()))


def _cut_mid_character(reply: Reply, _: float) -> Reply:
    before, _after = _halves(reply)
    if _is_stream(reply):
        piece = event(_head(before) | _choice({"content": _MULTIBYTE}, None))
    else:
        piece = json.dumps({"content": _MULTIBYTE}, ensure_ascii=False).encode()
    inside = piece.index("é".encode()) + 1
    return replace(reply, body=(*before, piece[:inside], Cut()))


def _no_finish(reply: Reply, _: float) -> Reply:
    if _is_stream(reply):
        return replace(reply, body=tuple(piece for piece in _frames(reply) if not _ends(piece)))
    return _with_choices(reply, finish=None)


def _no_done(reply: Reply, _: float) -> Reply:
    return replace(reply, body=tuple(piece for piece in reply.body if piece != DONE))


def _error_frame(reply: Reply, _: float) -> Reply:
    error = {
        "status": 503,
        "message": "Service temporarily unavailable. Please try again later.",
        "code": "service_unavailable",
    }
    return _ending_in_error(reply, {"error": error})


def _error_frame_bare(reply: Reply, _: float) -> Reply:
    return _ending_in_error(reply, {})


def _ending_in_error(reply: Reply, error: dict[str, Any]) -> Reply:
    if not _is_stream(reply):
        return _with_choices(reply, finish="error", extra=error)
    before, _after = _halves(reply)
    return replace(reply, body=(*before, event(_head(before) | _choice({}, "error") | error), DONE))


def _no_choices(reply: Reply, _: float) -> Reply:
    if _is_stream(reply):
        return replace(reply, body=(event(_head(_frames(reply)) | {"choices": []}), DONE))
    body = reply.json()
    emptied = {key: [] if key in {"choices", "data"} else value for key, value in body.items()}
    return json_reply(emptied, reply.status, _without_length(reply))


def _malformed_json(reply: Reply, _: float) -> Reply:
    before, after = _halves(reply)
    if not _is_stream(reply):
        return replace(reply, body=(after[0][: len(after[0]) // 2],))
    broken = after[0].rstrip()[: len(after[0]) // 2] + b"\n\n"
    return replace(reply, body=(*before, broken, *after[1:]))


def _stall_before(reply: Reply, seconds: float) -> Reply:
    return replace(reply, body=(Stall(seconds), *reply.body))


def _stall_mid(reply: Reply, seconds: float) -> Reply:
    before, after = _halves(reply)
    if not before:
        middle = len(after[0]) // 2
        before, after = [after[0][:middle]], [after[0][middle:]]
    return replace(reply, body=(*before, Stall(seconds), *after))


def _stall_keepalive(reply: Reply, seconds: float) -> Reply:
    before, after = _halves(reply)
    pause = min(_KEEP_ALIVE, seconds / 10)
    beats: list[Part] = []
    for _ in range(round(seconds / pause) if pause else 0):
        beats += [b": keep-alive\n\n" if _is_stream(reply) else b" ", Stall(pause)]
    return replace(reply, body=(*before, *beats, *after))


def _stall_after_finish(reply: Reply, seconds: float) -> Reply:
    frames = _frames(reply)
    return replace(reply, body=(*frames[:-1], Stall(seconds), frames[-1]))


def _slow(reply: Reply, _: float) -> Reply:
    body: list[Part] = []
    for piece in reply.body:
        body += [Stall(_SLOW), piece]
    return replace(reply, body=tuple(body))


def _odd_framing(reply: Reply, _: float) -> Reply:
    if not _is_stream(reply):
        return reply
    body = [b": hello\r\n\r\n"]
    for piece in _frames(reply):
        text = piece.decode().strip().replace('"choices":[', '"choices":\ndata: [', 1)
        body += [b"event: message\r\n", text.replace("\n", "\r\n").encode(), b"\r\n\r\n"]
    return replace(reply, body=(*body[:-1], b"\r\n"))


def _frames(reply: Reply) -> list[bytes]:
    return [piece for piece in reply.body if isinstance(piece, bytes)]


def _halves(reply: Reply) -> tuple[list[bytes], list[bytes]]:
    """Return the pieces before and after the middle; the second part is never empty."""
    frames = _frames(reply) or [b""]
    middle = len(frames) // 2
    return frames[:middle], frames[middle:]


def _is_stream(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").startswith("text/event-stream")


def _ends(piece: bytes) -> bool:
    return piece == DONE or json.loads(piece[6:])["choices"][0]["finish_reason"] is not None


def _head(frames: list[bytes]) -> dict[str, Any]:
    first: dict[str, Any] = json.loads(frames[0][6:])
    return {key: first[key] for key in ("id", "object", "created", "model")}


def _choice(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _with_choices(
    reply: Reply, *, finish: str | None, extra: dict[str, Any] | None = None
) -> Reply:
    body = reply.json()
    for choice in body.get("choices", ()):
        choice["finish_reason"] = finish
    return json_reply(body | (extra or {}), reply.status, _without_length(reply))


def _without_length(reply: Reply) -> dict[str, str]:
    return {key: value for key, value in reply.headers.items() if key != "content-length"}


CHANGES: dict[str, Change] = {
    "cut-mid-frame": _cut_mid_frame,
    "cut-mid-character": _cut_mid_character,
    "no-finish": _no_finish,
    "no-done": _no_done,
    "error-frame": _error_frame,
    "error-frame-bare": _error_frame_bare,
    "no-choices": _no_choices,
    "malformed-json": _malformed_json,
    "stall-before": _stall_before,
    "stall-mid": _stall_mid,
    "stall-keepalive": _stall_keepalive,
    "stall-after-finish": _stall_after_finish,
    "slow": _slow,
    "odd-framing": _odd_framing,
}
