"""Jobs: their states in every casing, and what is sent back with each question."""

from __future__ import annotations

import pytest

from nanogpt_client.endpoints._jobs import is_over, job_state, refund_fields


@pytest.mark.parametrize(
    ("words", "state", "over"),
    [
        ("completed COMPLETED Succeeded success", "completed", True),
        ("failed FAILED failure error content_policy_violation", "failed", True),
        ("cancelled CANCELED Canceled", "cancelled", True),
        ("IN_PROGRESS processing running", "running", False),
        ("IN_QUEUE pending queued STARTING", "queued", False),
        ("Dreaming", "dreaming", False),
    ],
)
def test_states(words, state, over):
    for word in words.split():
        assert (job_state(word), is_over(word)) == (state, over)


def test_what_a_refund_needs_is_sent_back():
    ticket = {"cost": 0, "paymentSource": "USD", "isApiRequest": False, "runId": "r", "model": "m"}
    assert refund_fields(ticket) == {"cost": 0, "paymentSource": "USD", "isApiRequest": False}
    assert refund_fields({"cost": None}) == {}
