"""The other side of the wire: a server on this machine that answers as OpenAI-like APIs do.

Needs the standard library alone. One `Answer` serves both forms: whole if the request asks for no
stream, else in the pieces given, with usage where and only if it was asked for.

    with WireServer(HELLO) as server:
        llm = OpenAILike(model="any", api_base=server.base_url, ...)
        llm.chat([ChatMessage("hi")])
        assert server.body()["messages"] == [{"role": "user", "content": "hi"}]
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.rawserver import (
    EVENT_STREAM,
    LAST_CHUNK,
    RawRequest,
    RawServer,
    Step,
    chunked,
    http_reply,
)

Delta = dict[str, Any]

USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
PRICING = {"costUsd": "0.00125", "remainingBalance": "4.5", "requestId": "req-1"}
_HEAD = {"id": "chat-1", "created": 1, "model": "test/model"}


def whole(message: Delta, finish_reason: str = "stop", **more: Any) -> dict[str, Any]:
    """A reply that is not streamed."""
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", **message}}
    return {
        **_HEAD,
        "object": "chat.completion",
        "choices": [choice | {"finish_reason": finish_reason}],
        "usage": USAGE,
        "x_nanogpt_pricing": PRICING,
        **more,
    }


def stream(
    *deltas: Delta, finish_reason: str | None = "stop", usage: str = "finish"
) -> list[dict[str, Any]]:
    """The frames of a streamed reply; without a finish reason it was cut.

    ``usage`` says where it is: on the ``"finish"`` frame, on one ``"after"`` it, or ``"nowhere"``.
    """
    frames = [_frame({"index": 0, "delta": delta, "finish_reason": None}) for delta in deltas]
    if finish_reason is not None:
        last = _frame({"index": 0, "delta": {}, "finish_reason": finish_reason})
        frames.append(last | {"x_nanogpt_pricing": PRICING})
        if usage == "finish":
            frames[-1]["usage"] = USAGE
        elif usage == "after":
            frames.append(_frame() | {"usage": USAGE})
    return frames


def _frame(*choices: dict[str, Any]) -> dict[str, Any]:
    return {**_HEAD, "object": "chat.completion.chunk", "choices": list(choices)}


def call(index: int, call_id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    """A tool call, or the delta of one."""
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": call_id, "type": "function", "function": function}


def more(index: int, arguments: str) -> dict[str, Any]:
    """The next piece of a call's arguments."""
    return {"index": index, "function": {"arguments": arguments}}


def sse(frames: Sequence[dict[str, Any]]) -> bytes:
    """Frames as server-sent events."""
    return b"".join([*map(event, frames), b"data: [DONE]\n\n"])


def event(frame: dict[str, Any]) -> bytes:
    """One frame as a server-sent event, its letters as UTF-8."""
    return f"data: {json.dumps(frame, ensure_ascii=False)}\n\n".encode()


@dataclass(frozen=True)
class Answer:
    """What a model says, whole and in pieces; by default in one piece."""

    message: Delta
    deltas: Sequence[Delta] = ()
    finish_reason: str = "stop"
    usage_at: str = "finish"  # or "after" it
    bytes_at_once: int | None = field(default=None)  # by default an event each

    def __call__(self, request: RawRequest) -> Sequence[Step]:
        """Return what the server sends."""
        body = json.loads(request.body or b"{}")
        if not body.get("stream"):
            reply = whole(self.message, self.finish_reason)
            return [http_reply(json.dumps(reply).encode())]
        told = (body.get("stream_options") or {}).get("include_usage")
        frames = stream(
            *(self.deltas or [self.message]),
            finish_reason=self.finish_reason,
            usage=self.usage_at if told else "nowhere",
        )
        data, size = sse(frames), self.bytes_at_once
        pieces = (
            [*map(event, frames), b"data: [DONE]\n\n"]
            if size is None
            else [data[at : at + size] for at in range(0, len(data), size)]
        )
        return [EVENT_STREAM, *map(chunked, pieces), LAST_CHUNK]


class WireServer(RawServer):
    """Plays answers, or `rawserver` scripts, in this order; the last one again and again."""

    def body(self, at: int = -1) -> dict[str, Any]:
        """Return what was asked, by default last."""
        asked: dict[str, Any] = json.loads(self.requests[at].body)
        return asked
