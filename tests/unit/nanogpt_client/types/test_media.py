"""Pictures, sounds, transcripts and videos as values."""

from __future__ import annotations

import pytest

from nanogpt_client.errors import InvalidResponseError
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.media import GeneratedImage, GeneratedImages, Speech, Transcript, VideoJob

PNG = b"\x89PNG\r\n\x1a\nrest"


def test_a_picture(tmp_path):
    picture = GeneratedImage(PNG)
    assert (picture.bytes, picture.mime_type) == (PNG, "image/png")
    assert picture._repr_png_() == PNG
    assert picture.save(tmp_path / "cat").name == "cat.png"
    assert "rest" not in repr(picture)


def test_a_picture_by_url_says_how_to_fetch_it():
    picture = GeneratedImage(url="https://cdn/cat.png")
    assert picture._repr_png_() is None
    with pytest.raises(ValueError, match=r"client\.download"):
        _ = picture.bytes


def test_a_jpeg_is_no_png():
    assert GeneratedImage(b"\xff\xd8\xff\xe0")._repr_png_() is None


def test_pictures_are_a_sequence():
    one, two = GeneratedImage(PNG), GeneratedImage(url="u")
    images = GeneratedImages((one, two), Billing(), {})
    assert (list(images), images[1], len(images)) == ([one, two], two, 2)


def test_a_sound(tmp_path):
    sound = Speech(b"ID3", "audio/mpeg", Billing())
    assert sound.bytes == b"ID3"
    assert sound.save(tmp_path / "hi.wav").name == "hi.mp3"
    assert "ID3" not in repr(sound)


@pytest.mark.parametrize(
    ("body", "text", "language", "duration"),
    [
        ({"text": "hi", "language": "en", "duration": 1.5}, "hi", "en", 1.5),
        ({"transcription": "hi", "metadata": {"duration": "2"}}, "hi", None, 2.0),
        (
            {"transcription": "hi", "metadata": {"audioDuration": 2, "language": "de"}},
            "hi",
            "de",
            2.0,
        ),
        ({"data": {"text": "hi"}}, "hi", None, None),
        # minutes: openapi's TranscribeResponse
        (
            {"transcription": "hi", "metadata": {"actualDuration": 2.47, "chargedDuration": 2.5}},
            "hi",
            None,
            148.2,
        ),
        ({"transcription": "hi", "metadata": {"chargedDuration": "2.5"}}, "hi", None, 150.0),
        ({"text": "hi", "duration": 45.2, "metadata": {"actualDuration": 9}}, "hi", None, 45.2),
        ({"data": {"text": "hi", "metadata": {"actualDuration": 0}}}, "hi", None, 0.0),
        ({"text": ""}, "", None, None),
    ],
)
def test_transcripts(body, text, language, duration):
    transcript = Transcript.read(body, Billing())
    assert (transcript.text, transcript.language, transcript.duration) == (text, language, duration)
    assert transcript.raw == body


@pytest.mark.parametrize(
    ("body", "url", "voice_id", "embedding"),
    [
        ({"speakerEmbeddingUrl": "https://a/e"}, "https://a/e", None, "https://a/e"),
        ({"data": {"speakerEmbeddingUrl": "https://a/e"}}, "https://a/e", None, "https://a/e"),
        ({"audioUrls": ["https://a/p.mp3"], "customVoiceId": "V1"}, "https://a/p.mp3", "V1", None),
        ({"audioUrl": "https://a/p.mp3"}, "https://a/p.mp3", None, None),
        ({"text": "hi", "audioUrl": "https://a/own.mp3"}, None, None, None),
    ],
)
def test_a_cloned_voice_is_no_text(body, url, voice_id, embedding):
    heard = Transcript.read(body, Billing())
    assert (heard.voice_url, heard.voice_id, heard.speaker_embedding_url) == (
        url, voice_id, embedding,
    )  # fmt: skip
    assert (heard.text, heard.raw) == (body.get("text", ""), body)


def test_words_are_kept_as_they_come():
    assert Transcript.read({"text": "hi", "words": [{"w": "hi"}, 7]}, Billing()).words == (
        {"w": "hi"},
    )


@pytest.mark.parametrize(
    "body", [{}, {"metadata": {}}, {"text": None}, {"text": ["hi"]}, {"text": {}}]
)
def test_no_transcript_is_an_error_and_not_silence(body):
    with pytest.raises(InvalidResponseError, match="without a transcription"):
        Transcript.read(body, Billing())


@pytest.mark.parametrize(
    ("status", "finished"),
    [
        ("queued", False),
        ("running", False),
        ("completed", True),
        ("failed", True),
        ("cancelled", True),
        ("odd", False),
    ],
)
def test_when_a_video_is_finished(status, finished):
    assert VideoJob("r", status, None, Billing()).is_finished is finished
