"""Spoken texts are real sound files, and their notes are read back, joined by a client too."""

from __future__ import annotations

import io
import wave

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanogpt_client._media import audio_concat
from nanogpt_client.sandbox.media.audio import NO_SPEECH, synthesize, transcribe

FORMATS = audio_concat.FORMATS | {"opus": "audio/ogg", "flac": "audio/flac"}
TEXT = 'Info: the "quick" brown fox\n jumps over \\ the lazy dog. Grüße aus Köln, 東京 und 🎉! ' * 4


def samples_of(data: bytes, kind: str) -> np.ndarray:
    if kind == "pcm":
        return np.frombuffer(data, "<i2")
    with av.open(io.BytesIO(data), "r") as source:
        parts = [frame.to_ndarray().reshape(-1) for frame in source.decode(audio=0)]
    return np.concatenate(parts)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read_back_even_if_it_was_cut_or_joined_by_bytes(kind):
    data, mime_type = synthesize(TEXT, format=kind)
    assert mime_type == FORMATS[kind]
    found = transcribe(data)
    assert found.text == transcribe(data[: len(data) // 2]).text == TEXT
    assert found.seconds == pytest.approx(len(TEXT) / 15, abs=0.5)
    assert transcribe(data + synthesize("two", format=kind)[0]).text == f"{TEXT} two"


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), st.sampled_from([*FORMATS]))
def test_any_text_is_read_back_exactly(text, kind):
    assert transcribe(synthesize(text, format=kind, speed=4)[0]).text == text


@pytest.mark.parametrize("kind", audio_concat.FORMATS)
def test_what_a_client_joins_is_read_back(kind):
    texts = [TEXT, "one größe.", "Xing " * 90, "the end"]
    joined = audio_concat.join([synthesize(text, format=kind)[0] for text in texts], FORMATS[kind])
    found = transcribe(joined)
    assert found.text == " ".join(texts)
    assert found.seconds == pytest.approx(len(found.text) / 15, abs=2)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_note_is_not_heard(kind):
    """Decoders play the frames of a note as silence, or not at all; as samples they are quiet."""
    texts = ("x", "東" * 500 + "x")
    short, long = (samples_of(synthesize(text, format=kind)[0], kind) for text in texts)
    loudest = np.abs(long[:2_000].astype(float)).max() / (1 if long.dtype.kind == "f" else 32_768)
    assert loudest < 0.01
    assert len(long) > len(short)


@pytest.mark.parametrize("kind", ["mp3", "wav"])
def test_other_programs_show_the_text_as_the_comment(kind):
    with av.open(io.BytesIO(synthesize("good day", format=kind)[0]), "r") as source:
        assert source.metadata["comment"] == "good day"


def test_a_sound_is_audible_and_not_clipped():
    with wave.open(io.BytesIO(synthesize("three short words " * 8)[0])) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 24_000)
        assert 6_000 < np.abs(np.frombuffer(sound.readframes(10**9), "<i2")).max() < 30_000


def test_speed_sets_the_length_and_voices_sound_different():
    slow, plain, fast = (
        transcribe(synthesize("x" * 99, speed=each)[0]).seconds for each in (0.5, 1, 2)
    )
    assert slow / plain == pytest.approx(2, abs=0.1)
    assert plain / fast == pytest.approx(2, abs=0.1)
    assert synthesize("hello", voice="onyx")[0] != synthesize("hello", voice="nova")[0]
    assert synthesize("hello", format="opus") == synthesize("hello", format="opus")


def test_words_are_timed():
    found = transcribe(synthesize("one  two\ud800\nthree")[0])
    assert [word for word, _, _ in found.words] == ["one", "two?", "three"]
    times = [time for _, start, end in found.words for time in (start, end)]
    assert times == sorted(times)
    assert times[-1] == found.seconds


def test_other_sound_has_no_speech():
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setparams((1, 2, 8_000, 0, "NONE", ""))
        sound.writeframes(bytes(16_000))
    found = transcribe(target.getvalue())
    assert (found.text, found.seconds, found.words) == (NO_SPEECH, 1.0, ())


def test_what_is_no_sound_is_refused():
    noise = np.random.default_rng(3).bytes(50_000)
    for data in (
        b"",
        b"hello, this is no sound " * 50,
        noise,
        b"RIFF\x10\0\0\0WAVE",
        b"ID3 x" * 20,
    ):
        with pytest.raises(ValueError, match=r"not an audio file|has no audio"):
            transcribe(data)
