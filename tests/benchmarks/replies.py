"""The answers that the benchmarks' server gives: bytes, made once, in the usual OpenAI shapes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

MODEL = "openai/gpt-5.2"
WORDS = "The quick brown fox jumps over the lazy dog while every token is counted ".split()
DIMENSIONS = 1536

Delta = dict[str, Any]


def text_deltas(count: int) -> Iterator[Delta]:
    return ({"content": f" {WORDS[at % len(WORDS)]}"} for at in range(count))


def long_deltas(count: int) -> Iterator[Delta]:
    """Pieces of 500 characters."""
    return ({"content": f"{at:500}"} for at in range(count))


def reasoning_deltas(count: int) -> Iterator[Delta]:
    for at in range(count):
        word = f" {WORDS[at % len(WORDS)]}"
        yield {"reasoning": word} if at < count - 1 else {"content": word}


def tool_deltas(count: int) -> Iterator[Delta]:
    """Four calls, whose pieces together are one JSON object of arguments each."""
    for at in range(count):
        index, piece = divmod(at, count // 4)
        call: Delta = {"index": index, "type": "function", "function": {"arguments": '1, "x":'}}
        last = piece == count // 4 - 1
        if piece == 0:
            call |= {"id": f"call_{index}"}
            call["function"] = {"name": "look_up", "arguments": '{"a": ' if not last else "{}"}
        elif last:
            call["function"] = {"arguments": "1}"}
        else:
            call["function"] = {"arguments": f'1, "k{piece}": '}
        yield {"tool_calls": [call]}


DELTAS: dict[str, Callable[[int], Iterator[Delta]]] = {
    "text": text_deltas,
    "long": long_deltas,
    "reasoning": reasoning_deltas,
    "tools": tool_deltas,
}


@cache
def stream(kind: str, count: int) -> bytes:
    """Return a stream of ``count`` deltas, after which come finish reason, usage and the end."""
    reason = "tool_calls" if kind == "tools" else "stop"
    first: Delta = {"role": "assistant", "content": ""}
    frames = [_frame(first), *map(_frame, DELTAS[kind](count)), _frame({}, reason)]
    usage = {"prompt_tokens": 9, "completion_tokens": count, "total_tokens": count + 9}
    frames.append(_encoded({"choices": [], "usage": usage}))
    return b"".join(b"data: %b\n\n" % frame for frame in [*frames, b"[DONE]"])


def _frame(delta: Delta, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _encoded({"choices": [choice]})


def _encoded(frame: dict[str, Any]) -> bytes:
    head = {
        "id": "chatcmpl-BkN2nNjDE0oBSmu1Fzp6cDhEaqWkD",
        "object": "chat.completion.chunk",
        "created": 1750256400,
        "model": MODEL,
        "system_fingerprint": "fp_34a54ae93c",
    }
    return json.dumps(head | frame, separators=(",", ":")).encode()


@cache
def completion() -> bytes:
    message = {"role": "assistant", "content": " ".join(WORDS), "refusal": None}
    reply = {
        "id": "chatcmpl-BkN2nNjDE0oBSmu1Fzp6cDhEaqWkD",
        "object": "chat.completion",
        "system_fingerprint": "fp_1",
        "created": 1750256400,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 14, "total_tokens": 23},
    }
    return json.dumps(reply).encode()


@cache
def vectors(encoding: str, count: int) -> bytes:
    """Return embeddings, in base64 or as lists of numbers."""
    rows = np.random.default_rng(0).standard_normal((count, DIMENSIONS), dtype=np.float32)
    values: list[Any] = (
        rows.tolist()
        if encoding == "float"
        else [base64.b64encode(row.tobytes()).decode() for row in rows]
    )
    data = [
        {"object": "embedding", "index": index, "embedding": value}
        for index, value in enumerate(values)
    ]
    usage = {"prompt_tokens": count, "total_tokens": count}
    return json.dumps({"object": "list", "data": data, "model": "e", "usage": usage}).encode()
