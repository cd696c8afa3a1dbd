"""No answer takes square time: many annotations, images or choices of one are read at once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from nanogpt_client._protocol.call import Reply
from nanogpt_client.endpoints.chat import chat, stream_chat
from tests.support.driving import DONE, frame, sse

MANY = 20_000
SECONDS = 4.0
"""Of processor time; where each was compared with all before it, it took a minute."""


def annotation(n: int) -> dict[str, Any]:
    citation = {"url": f"https://a/{n}", "title": "t", "start_index": 0, "end_index": 1}
    return {"type": "url_citation", "url_citation": citation}


def image(n: int) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"https://a/{n}"}}


def sealed(n: int) -> dict[str, Any]:
    return {"type": "reasoning.encrypted", "data": f"{n}", "id": f"rs_{n}"}


def indexed(n: int) -> dict[str, Any]:
    return {"type": "reasoning.text", "text": "x", "signature": f"{n}", "index": n}


def call(n: int) -> dict[str, Any]:
    function = {"name": "f", "arguments": '{"a": 1}'}
    return {"index": 0, "id": f"c{n}", "type": "function", "function": function}


MESSAGES: dict[str, list[dict[str, Any]]] = {
    "annotations": [{"annotations": [annotation(n) for n in range(MANY)]}],
    "images": [{"images": [image(n) for n in range(MANY)]}],
    "texts of reasoning": [{"reasoning_details": [{"type": "reasoning.text", "text": "x"}] * MANY}],
    "sealed reasoning": [{"reasoning_details": [sealed(n) for n in range(MANY)]}],
    "tool calls": [{"tool_calls": [call(n) for n in range(MANY)]}],
    "choices": [{} for _ in range(MANY)],
}


@pytest.mark.parametrize("messages", MESSAGES.values(), ids=MESSAGES)
def test_a_whole_answer(messages):
    choices = [
        {"index": n, "message": {"content": "x", **message}, "finish_reason": "stop"}
        for n, message in enumerate(messages)
    ]
    body = json.dumps({"id": "c", "model": "m", "choices": choices}).encode()
    started = time.process_time()
    answer = chat("hi", model="m").parse(Reply(200, {"content-type": "application/json"}, body))
    assert len(answer.choices) == len(messages)
    assert time.process_time() - started < SECONDS


DELTAS: dict[str, Callable[[int], dict[str, Any]]] = {
    "annotations": lambda n: {"annotations": [annotation(n)]},
    "images": lambda n: {"images": [image(n)]},
    "content": lambda n: {"content": f"{n} "},
    "reasoning": lambda n: {"reasoning": f"{n} "},
    "sealed reasoning": lambda n: {"reasoning_details": [sealed(n)]},
    "indexed reasoning": lambda n: {"reasoning_details": [indexed(n)]},
    "tool calls": lambda n: {"tool_calls": [call(n)]},
}


@pytest.mark.parametrize("delta", DELTAS.values(), ids=DELTAS)
def test_a_stream(delta):
    data = sse(*(frame(delta=delta(n)) for n in range(MANY)), frame(finish="stop"), DONE)
    decoder = stream_chat("hi", model="m").decoder({})
    started = time.process_time()
    list(decoder.feed(data))
    decoder.end()
    assert decoder.done
    assert time.process_time() - started < SECONDS
