"""What a model takes, by NanoGPT's list: refused here it costs nothing."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client._core.known import KnownModels
from nanogpt_client.endpoints import images, speech, transcription, video
from nanogpt_client.endpoints._offer import Offer, most_characters
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.wire.catalog import Model, ModelList
from tests.driving import first_call

WAV = b"RIFF\0\0\0\0WAVEfmt "


def known(kind: Any, **entry: Any) -> KnownModels:
    found = KnownModels()
    found.put(kind, ModelList((Model.read({"id": "m", **entry}),), {}))
    return found


def image(known, **options):
    return first_call(images.generate_image("a cat", model="m", **options), known)


IMAGE = known(
    "image",
    supported_parameters={"resolutions": ["1024x1024", "auto"], "max_images": 2, "quality": ["hd"]},
    capabilities={"image_to_image": False, "inpainting": False},
)
NEWER = known(
    "image",
    supported_parameters={
        "resolution": {"type": "enum", "values": ["512x512"]},
        "n": {"type": "range", "min": 1, "max": 3},
    },
)


@pytest.mark.parametrize(
    ("models", "options", "match"),
    [
        (IMAGE, {"size": "9x9"}, "m has no size '9x9'; it takes 1024x1024, auto"),
        (IMAGE, {"n": 3}, "m takes n up to 2, not 3"),
        (IMAGE, {"quality": "low"}, "has no quality 'low'; it takes hd"),
        (IMAGE, {"image": b"\x89PNG\r\n\x1a\n"}, "does not start from a picture"),
        (NEWER, {"size": "9x9"}, "it takes 512x512"),
        (NEWER, {"n": 4}, "up to 3"),
    ],
)
def test_pictures_that_a_model_does_not_draw(models, options, match):
    with pytest.raises(ConfigurationError, match=match):
        image(models, **options)


@pytest.mark.parametrize("size", ["1024x1024", "1024*1024", "1024X1024", "auto", None])
def test_sizes_may_be_written_either_way(size):
    assert image(IMAGE, size=size, n=2).billable


def test_edits_are_checked_too():
    flow = images.edit_image("blue", model="m", image=b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ConfigurationError, match="does not start from a picture"):
        first_call(flow, IMAGE)


TTS = known(
    "tts",
    supported_parameters={
        "voices": [{"id": "nova"}, {"name": "onyx"}], "formats": ["mp3"], "max_input_characters": 9,
    },
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "options", "match"),
    [
        ("hi", {"voice": "bob"}, "m has no voice 'bob'; it takes nova, onyx"),
        ("hi", {"response_format": "wav"}, "has no response_format 'wav'; it takes mp3"),
        ("0123456789", {}, r"up to 9 characters at once, not 10; speak_long\(\)"),
    ],
)
def test_speech_that_a_model_does_not_do(text, options, match):
    with pytest.raises(ConfigurationError, match=match):
        first_call(speech.speak(text, model="m", **options), TTS)


def test_a_model_that_ignores_the_format_is_not_checked_for_it():
    models = known("tts", supported_parameters={"formats": ["mp3"], "ignores_format": True})
    assert first_call(speech.speak("hi", model="m", response_format="wav"), models).billable


VIDEO = known(
    "video",
    supported_parameters={"duration": ["5", "10s"], "aspect_ratio": ["16:9"]},
    capabilities={"text_to_video": False, "image_to_video": True},
)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"duration": 7}, "has no duration 7; it takes 5, 10s"),
        ({"aspect_ratio": "2:1"}, "it takes 16:9"),
        ({"duration": 5}, "needs a picture to start from"),
    ],
)
def test_films_that_a_model_does_not_make(options, match):
    with pytest.raises(ConfigurationError, match=match):
        first_call(video.submit_video("a cat", model="m", **options), VIDEO)


@pytest.mark.parametrize("duration", [5, 5.0, "5", "5s", "10"])
def test_durations_may_be_written_either_way(duration):
    flow = video.submit_video("x", model="m", image="https://cdn/x.png", duration=duration)
    assert first_call(flow, VIDEO).billable


STT = known(
    "stt",
    supported_parameters={"max_upload_bytes": 20, "formats": ["wav"], "diarization": False},
)


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        (WAV * 2, {}, "files of up to 20 bytes, not 32; pass the recording's URL"),
        (b"ID3", {}, "has no audio 'mp3'; it takes wav"),
        (WAV, {"diarize": True}, "does not tell speakers apart"),
    ],
)
def test_recordings_that_a_model_does_not_take(data, options, match):
    with pytest.raises(ConfigurationError, match=match):
        first_call(transcription.transcribe(data, model="m", **options), STT)


def test_what_is_not_listed_is_for_nanogpt_to_judge():
    empty = known("image")
    assert image(empty, size="9x9", n=99, quality="x").billable
    assert image(KnownModels(), size="9x9").billable
    other = images.generate_image("a cat", model="other", size="9x9")
    assert first_call(other, IMAGE).billable


@pytest.mark.parametrize("listed", [None, 7, "x", [], [None], {"values": None}, [{"x": 1}]])
def test_odd_entries_forbid_nothing(listed):
    model = Model.read({"id": "m", "supported_parameters": {"voices": listed}})
    Offer(model).check("voice", "any", "voices")


def test_how_long_a_text_may_be():
    assert most_characters(None) == 4096
    assert most_characters(Model.read({"id": "m"})) == 4096
    limit = {"max_input_characters": "7"}
    assert most_characters(Model.read({"id": "m", "supported_parameters": limit})) == 7
