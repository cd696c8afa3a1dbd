"""Moderation: what is asked, how a verdict is read, and the check within a chat."""

from __future__ import annotations

import pickle
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client import (
    BadRequestError,
    Budget,
    ContentPolicyError,
    InlineModeration,
    InvalidArgumentError,
    InvalidResponseError,
    Moderation,
    NanoGPTError,
)
from nanogpt_client._protocol.policy import send_with_retries, stream_events
from nanogpt_client._protocol.steps import Chunk
from nanogpt_client.endpoints.chat import chat, stream_chat
from nanogpt_client.endpoints.images import edit_image, generate_image
from nanogpt_client.endpoints.moderation import moderate
from nanogpt_client.endpoints.video import submit_video
from nanogpt_client.types.billing import Billing
from tests.support.driving import (
    DONE,
    END,
    ODD_VALUES,
    connected,
    context,
    drive,
    first_call,
    frame,
    only_entry,
    reply,
    sse,
)

SAFE = {"flagged": False, "categories": {"sexual": False}, "category_scores": {"sexual": 0.01}}
UNSAFE = {"flagged": True, "categories": {"sexual": True, "hate": False}, "category_scores": {}}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/image.png"}}


def read(*results: Any, content: Any = "a", **top: Any) -> Moderation:
    body = {"id": "modr_1", "model": "m-1", "results": list(results), **top}
    driven = drive(send_with_retries(moderate(content), context()), reply(body))
    if driven.error is not None:
        raise driven.error
    found: Moderation = driven.result
    return found


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ("a", "a"),
        (["a", "b"], ["a", "b"]),
        (("a", "b"), ["a", "b"]),
        ([{"type": "text", "text": "a"}, PICTURE], [{"type": "text", "text": "a"}, PICTURE]),
    ],
)
def test_the_request(content, sent):
    call = moderate(content)
    assert (call.request.path, call.kind, call.billable) == ("/moderations", "moderation", True)
    assert call.request.json == {"input": sent}
    assert moderate(content, model="m-1").request.json == {"input": sent, "model": "m-1"}


@pytest.mark.parametrize("content", ["", " ", [], ["a", ""], ["a", PICTURE], [7], None, {"a": 1}])
def test_what_is_no_content_is_not_sent(content):
    with pytest.raises(InvalidArgumentError) as caught:
        moderate(content)
    assert str(caught.value.param).startswith("content")


def test_verdicts_are_read():
    found = read(SAFE, UNSAFE, content=["a", "b"], usage={"prompt_tokens": 12}, cost=0.5)
    assert [each.flagged for each in found] == [False, True]
    assert (found.flagged, found.categories) == (True, ("sexual",))
    assert found.results[0].scores == {"sexual": 0.01}
    assert (found.model, found.billing.cost, found.raw["id"]) == ("m-1", Decimal("0.5"), "modr_1")
    assert (len(read(SAFE)), read(SAFE).flagged) == (1, False)


@pytest.mark.parametrize(
    ("results", "content"),
    [([], "a"), ([SAFE], ["a", "b"]), ([{"categories": {}}], "a"), ([{"flagged": "no"}], "a")],
)
def test_what_is_no_verdict_is_an_error_and_not_safe(results, content):
    with pytest.raises(InvalidResponseError):
        read(*results, content=content)


@given(st.sampled_from(ODD_VALUES), st.sampled_from(ODD_VALUES))
def test_no_response_raises_anything_else(flagged, value):
    result = {"flagged": flagged, "categories": value, "category_scores": value}
    with suppress(NanoGPTError):
        read(result, usage=value, model=value)
    with suppress(NanoGPTError):
        driven = drive(send_with_retries(moderate("a"), context()), reply({"results": value}))
        assert driven.result or driven.error


# --- the check within another call

HEADERS: dict[str, Any] = {
    "x_nanogpt_inline_moderation_model": "omni-moderation-latest",
    "x_nanogpt_inline_moderation_flagged": "false",
    "x_nanogpt_inline_moderation_cost_usd": "0.00000123",
}
FLAGGED = HEADERS | {"x_nanogpt_inline_moderation_flagged": "true"}
ANSWER = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "cost": 0.5}


@pytest.mark.parametrize(
    ("moderation", "header"),
    [(True, "true"), (False, "false"), ("omni-1", "omni-1"), (None, None)],
)
def test_it_is_a_header_of_chats_images_and_videos(moderation, header):
    requests = [
        chat("Hi", model="m", moderation=moderation).request,
        stream_chat("Hi", model="m", moderation=moderation).request,
        first_call(generate_image("a cat", model="m", moderation=moderation)).request,
        first_call(edit_image("a cat", model="m", image=b"\x89PNG", moderation=moderation)).request,
        first_call(submit_video("a cat", model="m", moderation=moderation)).request,
    ]
    for request in requests:
        assert request.headers.get("moderation") == header
        assert b"moderation" not in (request.content or b"")
        assert "moderation" not in (request.form or {})


def test_a_header_of_the_users_own_wins():
    own = {"moderation": "omni-1", "moderation-model": "omni-1"}
    assert chat("Hi", model="m", moderation=True, extra_headers=own).request.headers == own


@pytest.mark.parametrize("moderation", ["", 7, "öß", "a\nb"])
def test_what_is_no_header_is_refused(moderation):
    with pytest.raises(InvalidArgumentError):
        chat("Hi", model="m", moderation=moderation)


def test_its_cost_is_part_of_the_calls_cost():
    rules = context()
    driven = drive(send_with_retries(chat("Hi", model="m"), rules), reply(ANSWER, **HEADERS))
    billing = driven.result.billing
    check = InlineModeration("omni-moderation-latest", flagged=False, cost=Decimal("0.00000123"))
    assert billing.moderation == check
    assert billing.cost == only_entry(rules).cost == Decimal("0.50000123")


def test_its_cost_is_part_of_a_streams_cost():
    rules = context()
    steps = stream_events(stream_chat("Hi", model="m"), rules)
    data = sse(frame("Hi", finish="stop", cost=0.5), DONE)
    driven = drive(steps, connected(**HEADERS), Chunk(data), END, spare=True)
    assert driven.items[-1].billing.moderation.cost == Decimal("0.00000123")
    assert only_entry(rules).cost == Decimal("0.50000123")


def test_an_unknown_cost_stays_unknown_and_a_missing_one_of_the_check_adds_nothing():
    headers = {name.replace("_", "-"): value for name, value in HEADERS.items()}
    assert Billing.read({}, headers).cost is None
    del headers["x-nanogpt-inline-moderation-cost-usd"]
    billing = Billing.read({"cost": 1}, headers)
    assert billing.cost == 1
    assert billing.moderation == InlineModeration("omni-moderation-latest", flagged=False)
    assert Billing.read({"cost": 1}).moderation is None


def test_a_jobs_final_cost_replaces_that_of_the_job_alone():
    headers = {name.replace("_", "-"): value for name, value in HEADERS.items()}
    ticket = Billing.read({"cost": 1}, headers)
    assert ticket.settled(Billing.read({"cost": 2}), refunded=False).cost == Decimal("2.00000123")
    assert ticket.settled(Billing.read({}), refunded=False).cost == Decimal("1.00000123")
    assert ticket.settled(Billing.read({}), refunded=True).cost == Decimal("0.00000123")


BLOCKED = {
    "error": {
        "message": "Your request was blocked by content moderation.",
        "type": "invalid_request_error",
        "code": "content_policy_violation",
    },
    "moderation": {"id": "modr_1", "model": "omni-moderation-latest", "results": [UNSAFE]},
}


def test_flagged_input_is_an_error_with_the_verdict_and_costs_what_the_check_did():
    budget = Budget(usd=1)
    rules = context(budget=budget)
    steps = send_with_retries(chat("Hi", model="m", max_tokens=9), rules)
    error = drive(steps, reply(BLOCKED, 400, **FLAGGED)).failure(ContentPolicyError)
    assert Moderation.read(error.moderation, Billing()).categories == ("sexual",)
    assert error.charged == only_entry(rules).cost == budget.spent == Decimal("0.00000123")
    assert pickle.loads(pickle.dumps(error)).moderation == BLOCKED["moderation"]


def test_a_refusal_without_a_check_costs_nothing():
    rules = context()
    steps = send_with_retries(chat("Hi", model="m"), rules)
    error = drive(steps, reply({"error": {"message": "no"}}, 400)).failure(BadRequestError)
    assert error.charged == only_entry(rules).cost == 0
    assert NanoGPTError("it broke", maybe_billed=True).charged is None
