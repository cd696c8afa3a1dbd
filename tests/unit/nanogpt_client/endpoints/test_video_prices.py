"""What videos cost, in every shape that lists price them in; what nobody explains is unknown."""

from __future__ import annotations

import pytest

from nanogpt_client.endpoints._prices import price
from nanogpt_client.types.catalog import Model
from tests.unit.nanogpt_client.endpoints.priced import (
    MODES,
    NO,
    RESOLUTIONS,
    SOUND,
    decimal,
    model,
    nested,
    select,
    switch,
)

SECONDS_5, SECONDS_10 = {"seconds": 5}, {"seconds": 10}


@pytest.mark.parametrize(
    ("pricing", "parameters", "work", "usd"),
    [
        ({"per_second": 0.07}, NO, SECONDS_5, "0.35"),
        ({"per_second": 0.07}, NO, {}, None),
        ({"per_second": 0.04}, nested(duration=select("8", "6", "8")), {}, "0.32"),
        ({"per_second": 0.04}, nested(duration=select(None, "6")), {}, "0.24"),
        ({"per_second": 0.04}, nested(duration=select(None, "6", "8")), {}, None),
        ({"per_second": 0.04, "default_duration": 6}, NO, {}, "0.24"),
        ({"output_per_second": 0.1}, NO, SECONDS_5, "0.5"),
        ({"per_second": 0.07, "minimum": 1}, NO, SECONDS_5, "1"),
        (
            {"per_second": {"480p": 0.05, "720p": 0.1}},
            NO,
            {"seconds": 5, "resolution": "720p"},
            "0.5",
        ),
        (
            {"per_second_by_resolution": RESOLUTIONS},
            NO,
            {"seconds": 5, "resolution": "720P"},
            "0.5",
        ),
        ({"per_second_by_resolution": RESOLUTIONS}, NO, SECONDS_5, None),
        ({"per_second_by_resolution": RESOLUTIONS}, NO, {"seconds": 5, "resolution": "8k"}, None),
        ({"per_second_by_resolution": {"720p": 0.1}}, NO, SECONDS_5, "0.5"),
        ({"per_second_by_resolution": {"720p": 0.1}}, NO, {"seconds": 5, "resolution": "4k"}, None),
        ({"per_second_by_resolution": {"480p": 0.1, "720p": 0.1}}, NO, SECONDS_5, "0.5"),
        (
            {"per_second_by_resolution": RESOLUTIONS, "default_resolution": "720p"},
            NO,
            SECONDS_5,
            "0.5",
        ),
        (
            {"per_second_by_resolution": RESOLUTIONS},
            nested(duration=select("5", "4", "5"), resolution=select("480p", "480p", "720p")),
            {},
            "0.25",
        ),
        (
            {"per_second_by_resolution": RESOLUTIONS},
            nested(resolution=select("auto", "auto", "720p")),
            SECONDS_5,
            None,
        ),
        ({"per_second_by_mode": MODES}, NO, SECONDS_5, "0.65"),
        ({"per_second_by_mode": MODES}, NO, {"seconds": 5, "mode": "image_to_video"}, "0.7"),
        ({"per_second_by_mode": MODES}, NO, {"seconds": 5, "mode": "image-to-video"}, "0.7"),
        ({"per_second_by_mode": MODES}, NO, {"seconds": 5, "mode": "video_to_video"}, None),
        ({"per_second_by_mode": MODES}, nested(mode=select("auto", "auto")), SECONDS_5, "0.65"),
        ({"per_second_by_mode": {"standard": 0.1, "pro": 0.2}}, NO, SECONDS_5, None),
        (
            {"per_second_by_mode": {"standard": 0.1, "pro": 0.2}},
            nested(mode=select("pro", "standard", "pro")),
            SECONDS_5,
            "1",
        ),
        (
            {"per_second_by_mode": {"standard": 0.1, "pro": 0.2}},
            nested(mode=select("pro", "standard", "pro")),
            {"seconds": 5, "mode": "standard"},
            "0.5",
        ),
        (
            {
                "per_second_by_mode_and_resolution": {
                    "text_to_video": {"720p": 0.13, "4k": 0.39},
                    "image_to_video": {"720p": 0.14, "4k": 0.42},
                }
            },
            nested(resolution=select("720p", "720p", "4k")),
            {"seconds": 10, "mode": "image_to_video"},
            "1.4",
        ),
        ({"text_to_video_per_second": 0.1, "image_to_video_per_second": 0.2}, NO, SECONDS_5, "0.5"),
        ({"per_duration": {"5": 0.35, "10": 0.6}}, NO, SECONDS_10, "0.6"),
        ({"per_duration": {"5s": 0.35, "10s": 0.6}}, nested(duration=select("5", "5")), {}, "0.35"),
        ({"per_duration": {"5": 0.35}}, NO, {"seconds": 7}, None),
        ({"per_duration": {"5": 0.35, "10": 0.6}}, NO, {}, None),
        (
            {"per_duration": {"5": {"480p": 0.2, "720p": 0.3}}},
            NO,
            {"seconds": 5, "resolution": "720p"},
            "0.3",
        ),
        ({"per_resolution": {"480p": 0.2, "720p": 0.4}}, NO, {"resolution": "720p"}, "0.4"),
        (
            {"per_resolution": {"480p": 0.2, "720p": {"5": 0.4, "10": 0.8}}},
            NO,
            {"resolution": "720p", "seconds": 10},
            "0.8",
        ),
        (
            {"per_resolution": {"720p": 0.4}, "frame_multiplier": 1.25, "frame_threshold": 81},
            nested(num_frames={"type": "number", "default": 81}),
            {},
            "0.4",
        ),
        (
            {"per_resolution": {"720p": 0.4}, "frame_multiplier": 1.25, "frame_threshold": 81},
            nested(num_frames={"type": "number", "default": 100}),
            {},
            "0.5",
        ),
        ({"per_video": 0.25}, NO, {}, "0.25"),
        ({"per_video_by_mode": {"text_to_video": 0.2, "image_to_video": 0.3}}, NO, {}, "0.2"),
        ({"base_price": 0.5}, NO, SECONDS_5, "0.5"),
        (
            {"base_price": 0.5, "base_duration": 5, "per_extra_second": 0.1},
            NO,
            {"seconds": 8},
            "0.8",
        ),
        (
            {"base_price": 0.5, "base_duration": 5, "per_extra_second": 0.1},
            NO,
            {"seconds": 4},
            "0.5",
        ),
        ({"base_price": 0.5, "per_second": 0.1}, NO, SECONDS_5, "0.5"),  # both say the same
        ({"base_price": 0.2, "per_second": 0.1}, NO, SECONDS_5, None),
        (SOUND, NO, {"audio": True}, "4.8"),
        (SOUND, NO, {"audio": False}, "3.2"),
        (SOUND, NO, {}, None),
        (SOUND | {"fixed_duration_seconds": 8}, nested(generateAudio=switch(True)), {}, "4.8"),
        (SOUND, nested(generate_audio=switch(False)), {}, "3.2"),
        (SOUND, nested(sound=switch(True)), {"audio": False}, "3.2"),
        (
            {"with_audio": {"per_second": 0.4}, "without_audio": {"per_second": 0.2}},
            nested(generateAudio=switch(True), duration=select("8", "8")),
            {},
            "3.2",
        ),
        (
            {"per_second": {"with_audio": 0.4, "without_audio": {"720p": 0.1, "4k": 0.3}}},
            NO,
            {"seconds": 5, "audio": False, "resolution": "4k"},
            "1.5",
        ),
        (
            {"per_second_by_resolution": {"720p": {"with_audio": 0.2, "without_audio": 0.1}}},
            nested(sound=switch(False)),
            {"seconds": 5, "resolution": "720p"},
            "0.5",
        ),
        (
            {
                "text_image_with_audio_per_second": 0.15,
                "text_image_without_audio_per_second": 0.1,
                "default_duration": 8,
            },
            nested(generateAudio=switch(True)),
            {},
            "1.2",
        ),
        (
            {"per_duration": {"5": 0.35}, "audio_multiplier": 2},
            nested(sound=switch(True)),
            SECONDS_5,
            "0.7",
        ),
        (
            {"per_duration": {"5": 0.35}, "audio_multiplier": 2},
            nested(sound=switch(False)),
            SECONDS_5,
            "0.35",
        ),
        ({"per_duration": {"5": 0.35}, "audio_multiplier": 2}, NO, SECONDS_5, None),
        (
            {"720p": {"per_second": 0.1}, "480p": {"per_second": 0.05}},
            NO,
            {"seconds": 5, "resolution": "480p"},
            "0.25",
        ),
        (
            {
                "per_second": 0.1,
                "video_reference_per_second_by_resolution": RESOLUTIONS,
                "lora": {"x": 1},
            },
            NO,
            SECONDS_5,
            "0.5",
        ),
        # What nobody has explained is unknown, never 0 and never a guess.
        (
            {"raw": {"withAudioPricesPerSecond": {"720p": 0.1}, "defaultDuration": 5}},
            NO,
            SECONDS_5,
            None,
        ),
        (
            {"base_price_per_second": 0.1, "resolution_multipliers": {"720p": 1, "4k": 2}},
            NO,
            SECONDS_5,
            None,
        ),
        ({"speed": 0.1, "quality": 0.2}, NO, SECONDS_5, None),
        ({"per_second_by_resolution": {}}, NO, SECONDS_5, None),
        ({"per_second_by_resolution": {"720p": None}}, NO, SECONDS_5, None),
        ({"per_duration": 0.3}, NO, SECONDS_5, None),
        ({"per_resolution": 0.3}, NO, {"resolution": "720p"}, None),
        ({"per_second_by_mode": 0.3}, NO, SECONDS_5, None),
        ({"per_second": "cheap"}, NO, SECONDS_5, None),
        ({"per_second": True}, NO, SECONDS_5, None),
        ({"per_second": [0.1]}, NO, SECONDS_5, None),
    ],
)
def test_videos(pricing, parameters, work, usd):
    assert price(model(parameters, currency="USD", **pricing), work) == decimal(usd)


def test_a_model_that_only_starts_from_pictures_is_priced_so():
    listed = {
        "id": "m",
        "pricing": {"per_video_by_mode": {"text_to_video": 1, "image_to_video": 2}},
    }
    can = {"text_to_video": False, "image_to_video": True}
    assert price(Model.read({**listed, "capabilities": can}), {}) == 2
    assert price(Model.read({**listed, "capabilities": {**can, "text_to_video": True}}), {}) == 1
