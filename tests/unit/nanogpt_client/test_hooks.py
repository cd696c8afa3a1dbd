"""What hooks and the log are told of a call: everything but headers and bodies."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from nanogpt_client._protocol.call import Reply
from nanogpt_client._protocol.policy import send_with_retries, stream_events
from nanogpt_client._protocol.steps import Unreachable
from nanogpt_client.endpoints.chat import chat, stream_chat
from nanogpt_client.hooks import CallEvent, Hooks
from tests.support.driving import DONE, connected, context, drive, frame, piece, reply

SECRET = "tell nobody"
ANSWER = {"choices": [{"message": {"content": SECRET}, "finish_reason": "stop"}]}


def watched(told: list[tuple[str, CallEvent]], **limits):
    hooks = Hooks(
        on_request=lambda event: told.append(("request", event)),
        on_response=lambda event: told.append(("response", event)),
        on_retry=lambda event: told.append(("retry", event)),
    )
    return replace(context(**limits), hooks=hooks)


def test_hooks_see_every_step():
    told: list[tuple[str, CallEvent]] = []
    call = chat(SECRET, model="m")
    drive(
        send_with_retries(call, watched(told)),
        Unreachable(sent=False, reason="refused"),
        Reply(503),
        reply(ANSWER, x_request_id="req_1"),
    )
    assert [what for what, _ in told] == ["request", "response", "retry"] * 2 + [
        "request",
        "response",
    ]
    first, lost, again = (event for _, event in told[:3])
    assert first == CallEvent("POST", "/chat/completions", "chat", "m", sends=1)
    assert (lost.error, lost.status_code) == ("refused", None)
    assert (again.seconds, again.error) == (
        0.5,
        "POST /chat/completions could not be sent: refused",
    )
    assert told[4][1].status_code == 503
    last = told[-1][1]
    assert (last.sends, last.status_code, last.request_id) == (3, 200, "req_1")


def test_hooks_see_a_stream_begin():
    told: list[tuple[str, CallEvent]] = []
    call = stream_chat("hi", model="m")
    drive(
        stream_events(call, watched(told)),
        connected(x_request_id="r"),
        piece(frame("a", finish="stop"), DONE),
    )
    assert [(what, event.status_code) for what, event in told] == [
        ("request", None),
        ("response", 200),
    ]
    assert told[1][1].request_id == "r"


@pytest.mark.parametrize("which", ["on_request", "on_response", "on_retry"])
def test_a_hook_that_fails_costs_no_answer(which, caplog):
    def fail(_: CallEvent) -> None:
        raise RuntimeError("hook")

    rules = replace(context(), hooks=Hooks(**{which: fail}))
    driven = drive(send_with_retries(chat("hi", model="m"), rules), Reply(503), reply(ANSWER))
    assert driven.result.text == SECRET
    assert "a hook failed" in caplog.text


def test_the_log_has_neither_prompts_nor_answers_nor_headers(caplog):
    caplog.set_level(logging.DEBUG, "nanogpt_client")
    call = chat(SECRET, model="m", extra_headers={"x-secret": SECRET})
    drive(send_with_retries(call, context()), Reply(503, {"set-cookie": SECRET}), reply(ANSWER))
    levels = [record.levelname for record in caplog.records]
    assert levels == ["DEBUG", "WARNING", "DEBUG"]  # one for each response, and the retry
    assert "POST /chat/completions model=m: 503" in caplog.text
    assert SECRET not in caplog.text


def test_a_storm_of_refusals_is_one_warning_for_each_reason(caplog):
    caplog.set_level(logging.DEBUG, "nanogpt_client")
    rules = context()
    for number in range(20):
        refused = Reply(429, {"retry-after": "1", "x-request-id": str(number)})
        drive(send_with_retries(chat("hi", model="m"), rules), refused, reply(ANSWER))
    for _ in range(3):
        drive(send_with_retries(chat("hi", model="m"), rules), Reply(503), reply(ANSWER))
    warned = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [("429" in record.message, "503" in record.message) for record in warned] == [
        (True, False),
        (False, True),
    ]
    again = [record for record in caplog.records if "sent again in" in record.message]
    assert len(again) == 23


def test_paths_with_ids_are_one_warning_and_take_no_memory(caplog):
    hooks = Hooks()
    for number in range(20):
        event = CallEvent("GET", f"/batches/batch_{number}", "batch", None, 1)
        hooks.retry(event, reason="ServerError")
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert len(hooks._warned) == 1


def test_nothing_is_above_debug_where_all_goes_well(caplog):
    caplog.set_level(logging.DEBUG, "nanogpt_client")
    drive(send_with_retries(chat("hi", model="m"), context()), reply(ANSWER))
    (record,) = caplog.records
    assert record.levelname == "DEBUG"


def test_nothing_is_reported_by_default():
    Hooks().request(CallEvent("GET", "/", "account", None, 1))
