"""Prices to the last digit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.errors import Refusal
from nanogpt_client.sandbox.money import (
    Account,
    Charge,
    Tokens,
    VideoOrder,
    chat_price,
    chat_rates,
    exact,
    image_price,
    minutes_price,
    plain,
    search_price,
    speech_price,
    video_price,
)


def model(kind: str, name: str) -> catalog.Model:
    return catalog.find(kind, name)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (Tokens(1000, 100), "0.0044914"),  # 1000 * 2.992 + 100 * 14.994
        (Tokens(1000, 0, cache_read=1000), "0.0002992"),
        (Tokens(1000, 0, cache_written=1000), "0.00374"),
        (Tokens(1000, 0, cache_written=1000, cache_ttl="1h"), "0.005984"),
    ],
)
def test_chat(tokens, expected):
    rates = chat_rates(model("text", "anthropic/claude-sonnet-4.6"))
    assert chat_price(rates, tokens) == Decimal(expected)


def test_media():
    assert image_price(model("image", "hidream"), "512x512", 2) == Decimal("0.016")
    assert speech_price(model("tts", "tts-1"), 1000) == Decimal("0.015")
    assert minutes_price(model("stt", "Wizper"), 90) == Decimal("0.015")
    assert speech_price(model("tts", "bytedance/seed-audio-1.0"), 1000) == Decimal("0.36")
    assert video_price(model("video", "sora-2"), VideoOrder(8)) == Decimal("0.8")
    assert search_price("linkup", "deep") == Decimal("0.06")
    assert search_price("exa", "neural") == Decimal("0.005")


@pytest.mark.parametrize(
    ("name", "film", "expected"),
    [
        ("lightricks-ltx-2-fast", VideoOrder(10), "0.4"),
        ("bytedance/seedance-2.5", VideoOrder(5, "720p"), "0.5"),
        ("google/gemini-omni-flash/v1.1", VideoOrder(8, "4k"), "3.12"),
        ("google/gemini-omni-flash/v1.1", VideoOrder(8, "720p", source="image_to_video"), "1.12"),
        ("kling-v26-pro", VideoOrder(10), "0.7"),
        ("kling-v26-pro", VideoOrder(5, audio=True), "0.7"),
        ("veo3-video", VideoOrder(8), "3.2"),
        ("veo3-video", VideoOrder(8, audio=True), "4.8"),
    ],
)
def test_films_are_priced_in_the_shapes_of_their_list(name, film, expected):
    assert video_price(model("video", name), film) == Decimal(expected)


def test_plain_numbers():
    assert plain(Decimal("1E+2")) == "100"
    assert plain(Decimal("0.10000000000000001")) == "0.1"
    assert exact(Decimal("-0")) == 0


def test_the_balance_never_falls_below_zero():
    account = Account(Decimal("0.01"), lambda: 7.0)
    assert account.charge(Charge("a", Decimal("0.01"))) == 0
    with pytest.raises(Refusal):
        account.charge(Charge("b", Decimal("0.000001")))
    account.charge(Charge("free", Decimal(0)))
    account.charge(Charge("covered", Decimal(1), covered=True))
    account.credit(Decimal(1))
    assert account.balance == 1
    assert [(charge.model, charge.cost, charge.at) for charge in account.charges] == [
        ("a", Decimal("0.01"), 7.0),
        ("free", 0, 7.0),
        ("covered", 0, 7.0),
    ]
