"""A stream's events: errors in every form, and what may stand around the last one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanogpt_client.endpoints._chat_stream import ChatDecoder
from nanogpt_client.errors import NanoGPTError, StreamInterruptedError

HELLO = {"choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}]}
STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}


def decode(*events: Any) -> ChatDecoder:
    """Feed events, dicts or bytes, up to the end of the connection."""
    decoder = ChatDecoder({})
    for event in events:
        data = event if isinstance(event, bytes) else json.dumps(event).encode()
        list(decoder.feed(b"data: " + data + b"\n\n"))
        if decoder.done or decoder.failure is not None:
            return decoder
    decoder.eof()
    return decoder


def failure_of(*events: Any) -> NanoGPTError:
    failure = decode(*events).failure
    assert failure is not None
    return failure


@pytest.mark.parametrize("ending", [[], [b"[DONE]"]])
@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"error": {"message": "gone", "code": 503}}, 503),
        ({"error": "gone", "status": 503}, 503),
        ({"error": ["gone"]}, None),
        ({"error": [{"message": "gone"}]}, None),
        ({"error": {"error": {"message": "gone"}}}, None),
        ({"error": "", "message": "gone", "code": 503}, 503),
        ({"error": True, "message": "gone"}, None),
        ({"object": "error", "message": "gone", "code": 503}, 503),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "gone"}}, None),
        ({"detail": "gone"}, None),
        ({"detail": [{"loc": ["body"], "msg": "gone"}]}, None),
        ({"errors": [{"message": "gone"}]}, None),
        ({"choices": [{"delta": {}, "error": {"code": 503, "message": "gone"}}]}, 503),
        ({"choices": [{"finish_reason": "error", "error": {"code": 503, "message": "gone"}}]}, 503),
    ],
)
def test_an_error_is_reported_in_its_own_words(event, status, ending):
    failure = failure_of(HELLO, event, *ending)
    assert "gone" in str(failure)
    assert (failure.status_code, failure.maybe_billed) == (status, True)


def test_a_message_without_choices_is_no_error_of_a_stream_that_goes_on():
    decoder = decode({"message": "You are number 3 in the queue"}, HELLO, STOP, b"[DONE]")
    assert (decoder.failure, decoder.partial().text) == (None, "Hello")


@pytest.mark.parametrize("later", [b"[DONE]", b" [DONE] ", b"oops", b"null", b'"bye"', b"{"])
def test_after_the_finish_reason_nothing_can_spoil_the_answer(later):
    decoder = decode(HELLO, STOP, later)
    assert (decoder.failure, decoder.finished) == (None, True)
    assert decoder.partial().text == "Hello"


def in_one(*events: Any) -> bytes:
    """Return events without blank lines between them, as the page error-handling shows them."""
    texts = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    return b"\ndata: ".join(texts)


def test_events_without_a_blank_line_between_them_are_told_apart():
    decoder = decode(in_one(HELLO, HELLO), in_one(STOP, b"[DONE]"))
    assert (decoder.failure, decoder.done) == (None, True)
    assert decoder.partial().text == "HelloHello"
    failed = {"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}
    error = {"status": 503, "message": "gone", "code": "service_unavailable"}
    failure = failure_of(HELLO, in_one(failed | {"error": error}, b"[DONE]"))
    assert (failure.status_code, failure.code) == (503, "service_unavailable")


def test_a_text_in_several_lines_stays_one_event():
    lines = json.dumps(HELLO, indent=1).encode().replace(b"\n", b"\ndata: ")
    assert decode(lines, STOP).partial().text == "Hello"


@pytest.mark.parametrize("early", [b"oops", b"null", b'"bye"', b"[]"])
def test_before_it_an_unreadable_event_is_an_error(early):
    assert repr(early)[2:-1].strip('"') in str(failure_of(HELLO, early, STOP))


def test_a_stream_that_ends_without_a_finish_reason_is_cut():
    assert type(failure_of(HELLO, b"[DONE]")) is StreamInterruptedError


def test_one_broken_byte_costs_one_character():
    event = json.dumps({"choices": [{"delta": {"content": "a?b"}}]}).encode().replace(b"?", b"\xff")
    assert decode(event, STOP).partial().text == "a\ufffdb"
