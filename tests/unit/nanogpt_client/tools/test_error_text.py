"""What a model is told of an error."""

from __future__ import annotations

import pytest

from nanogpt_client import errors
from nanogpt_client.tools import explain


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errors.InvalidArgumentError("no voice 'x'"), "sent or spent. Correct the arguments"),
        (
            errors.ConfigurationError("no folder"),
            "Nothing was sent or spent. Tell the user that th",
        ),
        (errors.BudgetExceededError("the budget is used up"), "Make no more paid calls"),
        (errors.SpendNotApprovedError("too dear"), "Do not try again unless the user asks"),
        (errors.InsufficientBalanceError("402"), "needs a deposit"),
        (errors.RateLimitError("slow", retry_after=3.0), "asks to wait 3 seconds. Wait before"),
        (errors.DailyLimitError("limit"), "limit of this day"),
        (errors.ContentPolicyError("no"), "Describe it differently"),
        (errors.OutcomeUnknownError("?", maybe_billed=True), "may have been charged. Do not rep"),
        (errors.APITimeoutError("?", maybe_billed=True), "may have been charged. Do not repeat"),
        (errors.JobTimeoutError("slow", run_id="r-1"), "Its run id is r-1. It goes on"),
        (errors.JobError("gone", run_id="r-1"), "Do not order it again."),
        (errors.JobFailedError("failed", run_id="r-1"), "Do not fetch it again"),
        (errors.APIConnectionError("down"), "Nothing was sent or spent. Try again later."),
        (errors.ServerError("500"), "Try again later."),
        (errors.InvalidResponseError("html"), "Tell the user."),
    ],
)
def test_what_happened_what_it_cost_and_what_to_do(error, words):
    assert words in explain(error)


def test_every_error_has_advice():
    for name in errors.__all__:
        cls = getattr(errors, name)
        if isinstance(cls, type):
            assert explain(cls("It broke")).startswith("It broke. ")
            assert len(explain(cls("It broke"))) > len("It broke. ")
