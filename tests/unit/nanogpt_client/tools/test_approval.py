"""When a call is asked for: the limit itself may be spent, a tenth of a cent more may not."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.errors import SpendNotApprovedError
from nanogpt_client.tools import SpendRequest, approval
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


def allowed(kind: Any, pricing: Any, **settings: Any) -> None:
    """Perform the question; an answer from NanoGPT is its list of models."""
    own = tool_settings.ImageToolSettings(model="m", **settings)
    listed = reply({"data": [{"id": "m", "pricing": pricing}]})
    flow = approval.require_approval(own, "tool", {}, kind, **WORK.get(kind, {}))
    answer(flow, *[listed] * (kind is not None))


def asked(says: bool) -> tuple[list[SpendRequest], Callable[[SpendRequest], bool]]:
    purchases: list[SpendRequest] = []

    def confirm(purchase: SpendRequest) -> bool:
        purchases.append(purchase)
        return says

    return purchases, confirm


@pytest.mark.parametrize("kind", LISTS)
def test_the_limit_itself_may_be_spent_unasked(kind):
    purchases, confirm = asked(says=False)
    allowed(kind, LISTS[kind], confirm_above_usd=USD, confirm=confirm)
    allowed(kind, LISTS[kind], confirm_above_usd=USD)
    assert purchases == []


@pytest.mark.parametrize("kind", LISTS)
def test_a_trifle_more_is_asked_for_and_refused_where_nobody_can_be_asked(kind):
    below = USD - Decimal("0.001")
    purchases, confirm = asked(says=True)
    allowed(kind, LISTS[kind], confirm_above_usd=below, confirm=confirm)
    assert [purchase.usd for purchase in purchases] == [USD]
    with pytest.raises(
        SpendNotApprovedError, match=r"for about 0\.25 USD, more than the 0\.249 USD"
    ):
        allowed(kind, LISTS[kind], confirm_above_usd=below)


@pytest.mark.parametrize("kind", ["tts", "stt", "video", None])
def test_an_unknown_price_is_asked_for_whatever_the_limit(kind):
    purchases, confirm = asked(says=True)
    allowed(kind, UNREADABLE, confirm_above_usd=1000, confirm=confirm)
    assert [purchase.usd for purchase in purchases] == [None]
    with pytest.raises(SpendNotApprovedError, match="at an unknown price, which may be more than"):
        allowed(kind, UNREADABLE, confirm_above_usd=1000)


def test_without_a_limit_all_that_costs_is_asked_for_and_what_is_free_is_not():
    purchases, confirm = asked(says=True)
    allowed("video", {"per_video": "0.001"}, confirm=confirm)
    allowed("video", {"per_video": 0}, confirm=confirm)
    assert [purchase.usd for purchase in purchases] == [Decimal("0.001")]


def test_a_limit_of_nothing_is_a_limit():
    allowed("video", {"per_video": 0}, confirm_above_usd=0)
    with pytest.raises(SpendNotApprovedError, match=r"more than the 0\.0 USD"):
        allowed("video", {"per_video": "0.001"}, confirm_above_usd=0)


def test_without_both_nothing_is_looked_up():
    answer(
        approval.require_approval(tool_settings.VideoToolSettings(model="m"), "tool", {}, "video")
    )


@pytest.mark.parametrize("says", [False, None, 1, "yes"])
def test_only_true_is_a_confirmation(says):
    _, confirm = asked(says)
    with pytest.raises(SpendNotApprovedError, match="the user did not confirm it"):
        allowed("video", {"per_video": 1}, confirm_above_usd="0.5", confirm=confirm)
