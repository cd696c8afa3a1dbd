"""What a model takes, by NanoGPT's list: refused here it costs nothing; a "no" refuses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client._protocol.model_cache import ModelCache
from nanogpt_client.endpoints import images, speech, transcription, video
from nanogpt_client.endpoints._model_limits import ModelConstraints, most_characters
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.hooks import note_denial
from nanogpt_client.types.catalog import Model, ModelList
from tests.support.driving import first_call

WAV = b"RIFF\0\0\0\0WAVEfmt "
FLAC = b"fLaC\0\0\0\x22"
M4A = b"\0\0\0\x20ftypM4A "
PNG = b"\x89PNG\r\n\x1a\n"


def known(kind: Any, **entry: Any) -> ModelCache:
    found = ModelCache()
    found.put(kind, ModelList((Model.read({"id": "m", **entry}),), {}))
    return found


def image(known, **options) -> Any:
    return first_call(images.generate_image("a cat", model="m", **options), known)


def speak(known, text="hi", **options) -> Any:
    return first_call(speech.speak(text, model="m", **options), known)


def film(known, **options) -> Any:
    return first_call(video.submit_video("a cat", model="m", **options), known)


def hear(known, data, **options) -> Any:
    return first_call(transcription.transcribe(data, model="m", **options), known)


IMAGE = known(
    "image",
    supported_parameters={"resolutions": ["1024x1024", "auto"], "max_images": 2, "quality": ["hd"]},
)
NEWER = known(
    "image",
    supported_parameters={
        "resolution": {"type": "enum", "values": ["512x512"]},
        "n": {"type": "range", "min": 1, "max": 3},
        "input_references": {"type": "range", "min": 0, "max": 1},
    },
)
SHAPES = known("image", supported_parameters={"resolutions": ["1:1", "16:9", "1k", "2k"]})


@pytest.mark.parametrize(
    ("models", "options", "match"),
    [
        (IMAGE, {"size": "9x9"}, "m does not support size='9x9'; it supports 1024x1024, auto"),
        (IMAGE, {"resolution": "9x9"}, "m does not support resolution='9x9'"),
        (IMAGE, {"n": 3}, "m supports n up to 2, not 3"),
        (IMAGE, {"quality": "low"}, "does not support quality='low'; it supports hd"),
        (NEWER, {"size": "9x9"}, "it supports 512x512"),
        (NEWER, {"n": 4}, "up to 3"),
        (NEWER, {"image": [PNG, PNG]}, "supports image up to 1, not 2"),
        (SHAPES, {"size": "4:3"}, "it supports 1:1, 16:9, 1k, 2k"),
        (SHAPES, {"size": "4k"}, "it supports 1:1, 16:9, 1k, 2k"),
    ],
)
def test_pictures_that_a_model_does_not_draw(models, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        image(models, **options)


@pytest.mark.parametrize(
    ("models", "size"),
    [
        *[(IMAGE, size) for size in ("1024x1024", "1024*1024", "1024X1024", "auto", "AUTO", None)],
        *[(IMAGE, size) for size in ("16:9", "2k", "square", "square_hd")],
        *[(SHAPES, size) for size in ("16:9", "2K", "auto", "1024x1024", "landscape_16_9")],
        (known("image", supported_parameters={"resolutions": ["auto"]}), "1024x1024"),
        (known("image", supported_parameters={"resolutions": []}), "1024x1024"),
    ],
)
def test_sizes_that_a_list_names_or_says_nothing_of_are_sent(models, size):
    assert image(models, size=size, n=1).billable


def test_the_larger_of_two_limits_holds():
    models = known("image", supported_parameters={"max_images": 1, "max_output_images": 4})
    assert image(models, n=4).billable
    with pytest.raises(InvalidArgumentError, match="up to 4"):
        image(models, n=5)


def test_edits_are_checked_too():
    flow = images.edit_image("blue", model="m", image=PNG, size="9x9")
    with pytest.raises(InvalidArgumentError, match="does not support size"):
        first_call(flow, IMAGE)


VOICES = ["af_bella", "am_adam"]
TTS = known("tts", supported_parameters={"voices": VOICES, "max_chars": 9})


@pytest.mark.parametrize(
    ("text", "options", "match"),
    [
        ("hi", {"voice": "bob"}, "m does not support voice='bob'; it supports af_bella, am_adam"),
        ("0123456789", {}, r"up to 9 characters per request, the text has 10; speak_long\(\)"),
    ],
)
def test_speech_that_a_model_does_not_do(text, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        speak(TTS, text, **options)


@pytest.mark.parametrize(
    "voices",
    [
        VOICES,
        [{"id": "af_bella", "name": "Bella"}, {"name": "am_adam"}],
        {"English": ["af_bella"], "French": ["ff_siwis", {"id": "am_adam"}]},
        {"type": "select", "options": [{"value": "af_bella"}, {"value": "am_adam"}]},
    ],
)
def test_voices_are_read_as_they_come(voices):
    models = known("tts", supported_parameters={"voices": voices})
    for voice in (None, "af_bella", "AM_Adam"):
        assert speak(models, voice=voice).billable
    with pytest.raises(InvalidArgumentError, match="does not support voice='onyx'"):
        speak(models, voice="onyx")


def test_the_id_of_a_cloned_voice_is_in_no_list():
    assert speak(TTS, voice="MyVoice001").billable


def test_formats_are_nanogpts_to_judge_for_no_list_of_voices_names_them():
    models = known("tts", supported_parameters={"formats": ["mp3"], "voices": VOICES})
    assert speak(models, response_format="wav").billable


@pytest.mark.parametrize("most", [512, 4096, 10_000, 20_000, "5000"])
def test_how_long_a_text_may_be_is_the_models_own(most):
    models = known("tts", supported_parameters={"max_chars": most})
    assert speak(models, "x" * int(most)).billable
    with pytest.raises(InvalidArgumentError, match=f"up to {most} characters"):
        speak(models, "x" * (int(most) + 1))
    with pytest.raises(InvalidArgumentError, match=f"up to {most} characters"):
        speech.stream_speech("x" * (int(most) + 1), model="m", listed=models.get("tts"))


@pytest.mark.parametrize("said", [None, 0, "many", -5, {}, []])
def test_without_a_limit_the_usual_one_holds(said):
    assert most_characters(None) == 4096
    model = Model.read({"id": "m", "supported_parameters": {"max_chars": said}})
    assert most_characters(model) == 4096


def select(default, *values):
    return {"type": "select", "default": default, "options": [{"value": v} for v in values]}


NESTED = known(
    "video",
    supported_parameters={
        "parameters": {
            "duration": select("5", "4", "5", "30"),
            "aspect_ratio": select("16:9", "16:9", "9:16"),
            "resolution": select("720p", "480p", "720p"),
        },
        "defaults": {"duration": "5"},
    },
)
FLAT = known("video", supported_parameters={"durations": [5, "10s"], "aspect_ratio": ["16:9"]})
RANGE = known(
    "video",
    supported_parameters={"parameters": {"duration": {"type": "number", "min": 4, "max": 8}}},
)


@pytest.mark.parametrize(
    ("models", "options", "match"),
    [
        (NESTED, {"duration": 99}, "m does not support duration=99; it supports 4, 5, 30"),
        (NESTED, {"duration": "6"}, "does not support duration='6'"),
        (NESTED, {"aspect_ratio": "2:1"}, "it supports 16:9, 9:16"),
        (NESTED, {"resolution": "1080p"}, "it supports 480p, 720p"),
        (FLAT, {"duration": 7}, "does not support duration=7; it supports 5, 10s"),
        (FLAT, {"aspect_ratio": "2:1"}, "it supports 16:9"),
        (RANGE, {"duration": 9}, "does not support duration=9; it supports 4 to 8"),
        (RANGE, {"duration": 3}, "does not support duration=3; it supports 4 to 8"),
    ],
)
def test_films_that_a_model_does_not_make(models, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        film(models, **options)


@pytest.mark.parametrize(
    ("models", "options"),
    [
        *[(NESTED, {"duration": duration}) for duration in (5, 5.0, "5", "5s", "auto", 30, None)],
        *[(FLAT, {"duration": duration}) for duration in (5, 10, "10", "auto")],
        *[(RANGE, {"duration": duration}) for duration in (4, 8, "6s", 4.5)],
        (NESTED, {"resolution": "720P", "aspect_ratio": "auto"}),
        (NESTED, {"resolution": "1280x720", "aspect_ratio": "landscape"}),
        (known("video", supported_parameters={}), {"duration": 99, "resolution": "8k"}),
    ],
)
def test_films_that_a_list_names_or_says_nothing_of_are_ordered(models, options):
    assert film(models, **options).billable


STT = known(
    "stt",
    supported_parameters={
        "response_formats": ["json", "text", "verbose_json", "srt", "vtt"],
        "max_request_body_mb": 4,
        "supports_remote_url": True,
        "max_file_size_mb": 500,
        "supported_formats": ["MP3", "OGG", "WAV", "M4A", "AAC"],
    },
)
SMALL = known(
    "stt", supported_parameters={"max_request_body_mb": "0.001", "max_file_size_mb": "0.002"}
)
MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("models", "data", "options", "match"),
    [
        (
            STT,
            WAV + bytes(4 * MEGABYTE),
            {},
            "uploads of up to 4 MB, the file has .*URL.*up to 500 MB",
        ),
        (STT, FLAC, {}, "does not support audio='flac'; it supports MP3, OGG, WAV, M4A, AAC"),
        (
            STT,
            WAV,
            {"response_format": "docx"},
            "does not support response_format='docx'; it supports json",
        ),
        (
            STT,
            "https://cdn/x.mp3",
            {"response_format": "docx"},
            "not support response_format='docx'",
        ),
        (
            SMALL,
            WAV + bytes(1800),
            {},
            r"up to 0\.001 MB, the file has 1816 bytes; pass the recording's URL",
        ),
        (SMALL, WAV + bytes(3000), {}, r"up to 0\.001 MB, the file has 3016 bytes$"),
    ],
)
def test_recordings_that_a_model_does_not_take(models, data, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        hear(models, data, **options)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (WAV + bytes(4 * MEGABYTE - len(WAV)), {}),
        (M4A, {}),
        (b"ID3", {"response_format": "SRT"}),
        (b"what is this", {}),
        ("https://cdn/large.flac", {}),
    ],
)
def test_recordings_that_a_list_names_or_says_nothing_of_are_sent(data, options):
    assert hear(STT, data, **options).billable


def test_one_format_has_several_names():
    for listed, data in ((["MP4"], M4A), (["MPGA"], b"ID3"), (["OPUS"], b"OggS")):
        assert hear(known("stt", supported_parameters={"supported_formats": listed}), data).billable


DENIED = {
    "capabilities": dict.fromkeys(
        ["image_to_image", "inpainting", "text_to_video", "image_to_video", "diarization"],
        False,
    ),
    "supported_parameters": {"resolutions": ["1024x1024"], "supports_remote_url": False},
}


@pytest.mark.parametrize(
    ("kind", "flow", "denial"),
    [
        (
            "image",
            images.generate_image("x", model="m", image=PNG),
            "does not accept an input image",
        ),
        (
            "image",
            images.generate_image("x", model="m", image=PNG, mask=PNG),
            "does not accept a mask",
        ),
        ("image", images.edit_image("x", model="m", image=PNG), "does not accept an input image"),
        ("video", video.submit_video("x", model="m"), "requires an input image"),
        ("video", video.submit_video("x", model="m", image=PNG), "does not accept an input image"),
        ("stt", transcription.transcribe(WAV, model="m", diarize=True), "diarization"),
        ("stt", transcription.transcribe("https://a/b.mp3", model="m"), "recordings by URL"),
    ],
)
def test_what_a_list_denies_is_logged_and_sent(kind, flow, denial, caplog):
    note_denial.cache_clear()
    call = first_call(flow, known(kind, **DENIED))
    assert call.billable
    assert "NanoGPT's list says that m " in caplog.text
    assert denial in caplog.text


def test_a_denial_is_logged_once(caplog):
    note_denial.cache_clear()
    for _ in range(3):
        image(known("image", **DENIED), image=PNG)
    assert len(caplog.records) == 1


def test_what_is_not_listed_is_for_nanogpt_to_judge():
    empty = known("image")
    assert image(empty, size="9x9", n=99, quality="x").billable
    assert image(ModelCache(), size="9x9").billable
    other = images.generate_image("a cat", model="other", size="9x9")
    assert first_call(other, IMAGE).billable


@pytest.mark.parametrize("listed", [None, 7, "x", [], [None], {"values": None}, [{"x": 1}]])
def test_odd_entries_forbid_nothing(listed):
    model = Model.read({"id": "m", "supported_parameters": {"voices": listed}})
    ModelConstraints(model).check("voice", "any", "voices")
