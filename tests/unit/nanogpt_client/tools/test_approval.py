"""When a call is asked for: the limit itself may be spent, a tenth of a cent more may not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.errors import SpendNotApprovedError
from nanogpt_client.tools import SpendRequest, approval, schemas
from nanogpt_client.tools import settings as tool_settings
from tests.support.driving import answer, reply

USD = Decimal("0.25")
LISTS = {
    "image": {"per_image": {"1024x1024": "0.25"}},
    "tts": {"per_generation": "0.25"},
    "stt": {"per_minute": "0.5"},
    "video": {"per_video": "0.25"},
}
WORK: dict[str, dict[str, Any]] = {
    "image": {"size": "1024x1024"}, "tts": {"text": "x"}, "stt": {"seconds": 30}, "video": {},
}  # fmt: skip
UNREADABLE = {"per_moon": 1}


def allowed(kind: Any, pricing: Any, **limits: Any) -> None:
    """Perform the question; an answer from NanoGPT is its list of models."""
    settings = tool_settings.ImageToolSettings(model="m", **limits)
    listed = reply({"data": [{"id": "m", "pricing": pricing}]})
    flow = approval.require_approval(
        settings, "tool", schemas.Arguments(), kind, **WORK.get(kind, {})
    )
    answer(flow, *[listed] * (kind is not None))


def asked(says: bool) -> tuple[list[SpendRequest], Callable[[SpendRequest], bool]]:
    requests: list[SpendRequest] = []

    def confirm(request: SpendRequest) -> bool:
        requests.append(request)
        return says

    return requests, confirm


@pytest.mark.parametrize("kind", LISTS)
def test_the_limit_itself_may_be_spent_unasked(kind):
    requests, confirm = asked(says=False)
    allowed(kind, LISTS[kind], confirm_above_usd=USD, confirm=confirm)
    allowed(kind, LISTS[kind], confirm_above_usd=USD)
    assert requests == []


@pytest.mark.parametrize("kind", LISTS)
def test_a_trifle_more_is_asked_for_and_refused_where_nobody_can_be_asked(kind):
    below = USD - Decimal("0.001")
    requests, confirm = asked(says=True)
    allowed(kind, LISTS[kind], confirm_above_usd=below, confirm=confirm)
    assert [request.usd for request in requests] == [USD]
    with pytest.raises(SpendNotApprovedError, match=r"costs about 0\.25 USD, above the 0\.249 USD"):
        allowed(kind, LISTS[kind], confirm_above_usd=below)


@pytest.mark.parametrize("kind", ["tts", "stt", "video", None])
def test_an_unknown_price_is_asked_for_whatever_the_limit(kind):
    requests, confirm = asked(says=True)
    allowed(kind, UNREADABLE, confirm_above_usd=1000, confirm=confirm)
    assert [request.usd for request in requests] == [None]
    with pytest.raises(SpendNotApprovedError, match="has an unknown price, which may be above"):
        allowed(kind, UNREADABLE, confirm_above_usd=1000)


def test_without_a_limit_all_that_costs_is_asked_for_and_what_is_free_is_not():
    requests, confirm = asked(says=True)
    allowed("video", {"per_video": "0.001"}, confirm=confirm)
    allowed("video", {"per_video": 0}, confirm=confirm)
    assert [request.usd for request in requests] == [Decimal("0.001")]


def test_a_limit_of_nothing_is_a_limit():
    allowed("video", {"per_video": 0}, confirm_above_usd=0)
    with pytest.raises(SpendNotApprovedError, match=r"above the 0\.0 USD"):
        allowed("video", {"per_video": "0.001"}, confirm_above_usd=0)


def test_without_both_no_estimate_is_requested():
    """The list of models is fetched, which is free; NanoGPT would have to estimate this price."""
    allowed("image", UNREADABLE)


@pytest.mark.parametrize("says", [False, None, 1, "yes"])
def test_only_true_is_a_confirmation(says):
    _, confirm = asked(says)
    with pytest.raises(SpendNotApprovedError, match="the user did not confirm it"):
        allowed("video", {"per_video": 1}, confirm_above_usd="0.5", confirm=confirm)
