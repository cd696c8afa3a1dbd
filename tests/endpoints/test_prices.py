"""What media cost, by NanoGPT's prices, and whether the balance covers it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client._core.flow import perform
from nanogpt_client.endpoints._prices import price
from nanogpt_client.endpoints.account import can_afford, estimate_media_cost
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.wire.catalog import Model
from tests.driving import answer, context, drive, reply, requests_of


def model(**pricing: Any) -> Model:
    return Model.read({"id": "m", "pricing": pricing})


@pytest.mark.parametrize(
    ("pricing", "work", "usd"),
    [
        ({"per_image": {"1024*1024": 0.014, "512x512": "0.008"}}, {"size": "512x512"}, "0.008"),
        ({"per_image": {"1024*1024": 0.014}}, {"size": "1024x1024", "n": 3}, "0.042"),
        ({"per_image": {"a": 0.01, "b": 0.02}}, {"size": "c"}, "0.02"),
        ({"per_image": 0.03}, {"n": 2}, "0.06"),
        ({"per_thousand_characters": 0.015}, {"text": "x" * 2000}, "0.03"),
        ({"per_second": 0.07}, {"seconds": 5}, "0.35"),
        ({"per_minute": 0.06}, {"seconds": 30}, "0.03"),
        ({"per_image": {}}, {}, None),
        ({"per_second": 0.07}, {}, None),
        ({"per_second": 0.07, "currency": "XNO"}, {"seconds": 5}, None),
        ({}, {"seconds": 5}, None),
    ],
)
def test_prices(pricing, work, usd):
    assert price(model(**pricing), work) == (None if usd is None else Decimal(usd))


def listed(**pricing: Any) -> Any:
    return reply({"data": [{"id": "m", "pricing": pricing}]})


BALANCE = reply({"usd_balance": "1"})


@pytest.mark.parametrize(
    ("work", "replies", "paths", "affordable"),
    [
        (
            {"text": "x" * 1000},
            [listed(per_thousand_characters=0.5), BALANCE],
            ["/audio-models", "/check-balance"],
            True,
        ),
        (
            {"seconds": 30},
            [listed(per_second=0.07), BALANCE],
            ["/video-models", "/check-balance"],
            False,
        ),
        (
            {"seconds": 60},
            [reply({"data": []}), listed(per_minute=0.07), BALANCE],
            ["/video-models", "/audio-models", "/check-balance"],
            True,
        ),
        (
            {"size": "512x512", "n": 2},
            [reply({"cost": 0.6}), BALANCE],
            ["/estimate-image-cost", "/check-balance"],
            False,
        ),
        ({"text": "x"}, [reply({"data": []}), BALANCE], ["/audio-models", "/check-balance"], None),
    ],
)
def test_whether_the_balance_covers_it(work, replies, paths, affordable):
    driven = drive(perform(can_afford(model="m", **work), context()), *replies)
    assert [request.path for request in requests_of(driven)] == paths
    assert driven.result.affordable is affordable


def test_pictures_without_a_listed_price_are_asked_about():
    flow = estimate_media_cost("image", model="m", size="9x9", n=2)
    found = answer(flow, listed(), reply({"cost": 0.5}))
    assert found.usd == Decimal(1)


def test_work_is_checked():
    with pytest.raises(ConfigurationError, match="unknown option 'second'; did you mean"):
        answer(can_afford(model="m", second=3))  # type: ignore[call-arg]
