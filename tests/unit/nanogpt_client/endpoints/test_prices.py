"""What media cost, by NanoGPT's prices, and whether the balance covers it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.model_cache import ModelCache
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client.endpoints import images, speech, transcription, video
from nanogpt_client.endpoints._prices import price, reservation
from nanogpt_client.endpoints.account import can_afford, estimate_media_cost
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.types.catalog import Model, ModelList
from tests.support.driving import ODD_VALUES, answer, context, drive, first_call, reply, requests_of
from tests.support.paths import REFERENCE
from tests.unit.nanogpt_client._media.test_audio_concat import wav
from tests.unit.nanogpt_client.endpoints.priced import (
    MODES,
    NO,
    RESOLUTIONS,
    SOUND,
    decimal,
    model,
    nested,
    select,
)

TEXT = {"text": "x" * 1000}


@pytest.mark.parametrize(
    ("pricing", "work", "usd"),
    [
        ({"per_thousand_chars": 0.0017}, TEXT, "0.0017"),
        ({"per_thousand_chars": "0.015"}, {"text": "x" * 2000}, "0.03"),
        ({"per_thousand_chars": 0.06, "minimum": 0.1}, TEXT, "0.1"),
        ({"per_thousand_chars": 0, "per_generation": 0.15}, TEXT, "0.15"),
        ({"per_generation": 0.002}, TEXT, "0.002"),
        ({"per_thousand_chars": 0}, TEXT, "0"),
        (
            {"per_prompt_char_block": 0.09, "prompt_char_block_size": 300, "minimum": 0.09},
            TEXT,
            "0.36",
        ),
        (
            {"per_prompt_char_block": 0.09, "prompt_char_block_size": 300},
            {"text": "x" * 300},
            "0.09",
        ),
        (
            {"per_prompt_char_block": 0.09, "prompt_char_block_size": 300},
            {"text": "x" * 301},
            "0.18",
        ),
        (
            {"per_prompt_char_block": 0.01, "prompt_char_block_size": 300, "minimum": 0.09},
            TEXT,
            "0.09",
        ),
        ({"per_prompt_char_block": 0.09}, TEXT, None),
        ({"per_prompt_char_block": 0.09, "prompt_char_block_size": 0}, TEXT, None),
        # Music: by its length, which a text does not tell.
        ({"per_second": 0, "minimum": 0.15}, TEXT, "0.15"),
        ({"per_second": 0.01, "minimum": 0.05}, TEXT, None),
        ({"per_second": 0.01, "minimum": 0.05}, {"seconds": 3}, "0.05"),
        ({"per_second": 0.01, "minimum": 0.05}, {"seconds": 30}, "0.3"),
        ({"per_billing_interval": 0.75, "billing_interval_seconds": 60}, {"seconds": 61}, "1.5"),
        # Transcription.
        ({"per_minute": 0.06}, {"seconds": 30}, "0.03"),
        ({"per_minute": 0.0005, "minimum": 0.01}, {"seconds": 60}, "0.01"),
        ({"per_minute": 0.06}, {}, None),
        # Two units at once, or a heading that nobody knows: no guess.
        ({"per_thousand_chars": 0.06, "per_generation": 0.1}, TEXT, None),
        ({"per_thousand_chars": 0.06, "per_moon": 0.1}, TEXT, None),
        ({"price": 0.5}, TEXT, None),
        ({"per_thousand_chars": -1}, TEXT, None),
        ({"per_thousand_chars": 0.06, "currency": "XNO"}, TEXT, None),
        ({"per_thousand_chars": 0.06, "multiplier_parameter": "songs"}, TEXT, None),
        ({"per_thousand_characters": 0.06}, TEXT, None),
        ({"currency": "USD"}, TEXT, None),
        ({}, TEXT, None),
    ],
)
def test_sound(pricing, work, usd):
    assert price(model(**pricing), work) == decimal(usd)


@pytest.mark.parametrize(
    ("pricing", "most", "usd"),
    [
        ({"per_thousand_chars": 0.1}, 10, "0.0018"),
        ({"per_generation": 0.15}, 10, "0.30"),
        ({"per_prompt_char_block": 0.09, "prompt_char_block_size": 300}, 10, "0.18"),
        ({"per_generation": 0.15}, 20, "0.15"),
    ],
)
def test_a_long_text_costs_what_its_pieces_cost(pricing, most, usd):
    text = {"text": "One more. And more."}
    assert price(model({"max_chars": most}, **pricing), text) == Decimal(usd)


@pytest.mark.parametrize(
    ("listed", "parameters", "work", "usd"),
    [
        ({"1024*1024": 0.014, "512x512": "0.008"}, NO, {"size": "512x512"}, "0.008"),
        ({"1024*1024": 0.014}, NO, {"size": "1024x1024", "n": 3}, "0.042"),
        ({"1024x1024": 0.014}, NO, {"size": "1024*1024"}, "0.014"),
        ({"1024x1024": 0.06, "auto": 0.04}, NO, {"size": "auto"}, "0.04"),
        ({"1024x1024": 0.06, "auto": 0.04}, NO, {"n": 2}, "0.08"),
        ({"a": 0.01, "b": 0.02}, NO, {"size": "c"}, "0.02"),
        ({"a": 0.01, "b": 0.02}, NO, {}, "0.02"),
        ({"1k": 0.01, "2k": 0.02}, {"resolution": {"type": "enum", "default": "1k"}}, {}, "0.01"),
        ({"1:1": 0.01, "16:9": 0.02}, NO, {"size": "1:1"}, "0.01"),
        ({"1024x1024": 0.01}, {"fixed_image_count": 4}, {"n": 1}, "0.04"),
        (0.03, NO, {"n": 2}, "0.06"),
        ("0.03", NO, {}, "0.03"),
        ({}, NO, {}, None),
        ({"1024x1024": None}, NO, {}, None),
        (True, NO, {}, None),
    ],
)
def test_pictures(listed, parameters, work, usd):
    assert price(model(parameters, per_image=listed), work) == decimal(usd)


@given(
    st.dictionaries(
        st.sampled_from(
            ["per_second", "per_video", "per_image", "per_duration", "with_audio", "minimum", "x",
             "audio_multiplier", "per_extra_second", "base_price", "720p", "currency"]
        ),
        st.sampled_from(ODD_VALUES) | st.dictionaries(
            st.sampled_from(["720p", "5", "with_audio", "text_to_video", "per_second", "y"]),
            st.sampled_from(ODD_VALUES),
        ),
    )
)  # fmt: skip
def test_any_pricing_has_a_price_or_none(pricing):
    found = price(model(**pricing), {"seconds": 5, "text": "x"})
    assert found is None or found >= 0
    most = reservation(model(**pricing), {"seconds": 5, "text": "x"})
    assert found is None or (most is not None and most() == found)


EXAMPLES = REFERENCE / "examples.json"


@pytest.mark.skipif(not EXAMPLES.exists(), reason=f"NanoGPT's documented examples: no {EXAMPLES}")
def test_every_documented_list_entry_is_read():
    examples = json.loads(EXAMPLES.read_text("utf-8"))
    entries = {
        entry["id"]: Model.read(entry)
        for example in examples
        if "-models" in example["page"] and isinstance(example.get("json"), dict)
        for entry in example["json"].get("data") or []
        if "id" in entry
    }
    assert {"pruna-ai/p-image/text-to-image", "text-embedding-3-small"} <= entries.keys()
    p_image = entries["pruna-ai/p-image/text-to-image"]
    assert price(p_image, {"size": "1376x768", "n": 2}) == Decimal("0.01")
    assert entries["text-embedding-3-large"].prompt_usd == Decimal("0.13")
    priced = {entry.id for entry in entries.values() if price(entry, {"seconds": 5, "text": "x"})}
    assert priced == {p_image.id}


def known(kind: Any, parameters: Any = None, **pricing: Any) -> ModelCache:
    found = ModelCache()
    found.put(kind, ModelList((model(parameters, **pricing),), {}))
    return found


WAV = wav(bytes(96_000))  # two seconds
PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.mark.parametrize(
    ("models", "flow", "usd"),
    [
        (known("tts", per_generation=0.15), speech.speak("x", model="m"), "0.15"),
        (known("tts", per_thousand_chars=1), speech.speak("x" * 500, model="m"), "0.5"),
        (known("stt", per_minute=6), transcription.transcribe(WAV, model="m"), "0.2"),
        (
            known("image", per_image={"auto": 1, "9x9": 2}),
            images.generate_image("x", model="m", n=2),
            "2",
        ),
        (
            known("image", per_image={"1k": 1, "2k": 2}),
            images.generate_image("x", model="m", resolution="2k"),
            "2",
        ),
        (
            known("image", per_image={"1k": 1, "2k": 2}),
            images.generate_image("x", model="m", n=1, extra_body={"n": "3", "size": "2k"}),
            "6",
        ),
        (
            known("image", per_image=1),
            images.edit_image("x", model="m", image=PNG, extra_body={"n": ["odd"]}),
            "1",
        ),
        (known("video", per_video=2), video.submit_video("x", model="m"), "2"),
        (
            known("video", per_video=2),
            video.submit_video("x", model="m", extra_body={"n": "odd"}),
            "2",
        ),
        (known("video", per_second=1), video.submit_video("x", model="m", duration="8s"), "8"),
        (known("video", **SOUND), video.submit_video("x", model="m"), "4.8"),  # the most it may be
        (
            known("video", **SOUND),
            video.submit_video("x", model="m", extra_body={"generate_audio": False}),
            "3.2",
        ),
        (
            known("video", per_second_by_mode=MODES),
            video.submit_video("x", model="m", duration=10, image="https://a/b.png"),
            "1.4",
        ),
        (
            known("video", nested(duration=select("5", "5")), per_second_by_resolution=RESOLUTIONS),
            video.submit_video("x", model="m"),
            "0.5",
        ),
    ],
)
def test_a_budget_sets_aside_the_most_that_a_call_may_cost(models, flow, usd):
    estimate = first_call(flow, models).estimate
    assert estimate is not None
    assert estimate() == Decimal(usd)


@pytest.mark.parametrize(
    ("models", "flow"),
    [
        (known("tts", per_second=1), speech.speak("x", model="m")),
        (known("stt", per_minute=6), transcription.transcribe("https://a/b.mp3", model="m")),
        (known("stt", per_minute=6), transcription.transcribe(b"ID3", model="m")),
        (known("video", per_moon=6), video.submit_video("x", model="m")),
        (ModelCache(), video.submit_video("x", model="m")),
    ],
)
def test_nothing_is_set_aside_for_what_nobody_knows(models, flow):
    assert first_call(flow, models).estimate is None


def test_streamed_speech_is_set_aside_for_too():
    listed = ModelList((model(per_thousand_chars=1),), {})
    call = speech.stream_speech("x" * 500, model="m", listed=listed)
    assert call.estimate is not None
    assert call.estimate() == Decimal("0.5")
    assert speech.stream_speech("x", model="other", listed=listed).estimate is None


def listed(**pricing: Any) -> Any:
    return reply({"data": [{"id": "m", "pricing": pricing}]})


BALANCE = reply({"usd_balance": "1"})


@pytest.mark.parametrize(
    ("work", "replies", "paths", "affordable"),
    [
        (
            {"text": "x" * 1000},
            [listed(per_thousand_chars=1), BALANCE],
            ["/audio-models", "/check-balance"],
            True,
        ),
        (
            {"text": "x" * 1001},
            [listed(per_thousand_chars=1), BALANCE],
            ["/audio-models", "/check-balance"],
            False,
        ),
        (
            {"seconds": 30},
            [listed(per_second=0.07), BALANCE],
            ["/video-models", "/check-balance"],
            False,
        ),
        (
            {"resolution": "720p"},
            [listed(per_resolution=RESOLUTIONS), BALANCE],
            ["/video-models", "/check-balance"],
            True,
        ),
        ({"audio": True}, [listed(**SOUND), BALANCE], ["/video-models", "/check-balance"], False),
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
    driven = drive(run_flow(can_afford(model="m", **work), context()), *replies)
    assert [request.path for request in requests_of(driven)] == paths
    assert driven.result.affordable is affordable


def test_pictures_without_a_listed_price_are_asked_about():
    flow = estimate_media_cost("image", model="m", size="9x9", n=2)
    found = answer(flow, listed(), reply({"cost": 0.5}))
    assert found.usd == Decimal(1)


@pytest.mark.parametrize("kind", ["tts", "stt", "video"])
def test_what_cannot_be_read_is_unknown_and_its_prices_are_told(kind):
    found = answer(estimate_media_cost(kind, model="m", seconds=5), listed(per_moon=1))
    assert (found.usd, found.raw) == (None, {"per_moon": 1})


def test_work_is_checked():
    with pytest.raises(InvalidArgumentError, match="unknown option 'second'; did you mean"):
        answer(can_afford(model="m", second=3))  # type: ignore[call-arg]
