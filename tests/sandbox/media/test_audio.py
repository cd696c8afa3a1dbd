"""Spoken texts are real audio files, and their notes are read back, joined by a client too."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanogpt_client._media import audio_concat
from nanogpt_client.sandbox.media.audio import NO_SPEECH, synthesize, transcribe

FORMATS = audio_concat.FORMATS | {"opus": "audio/ogg", "flac": "audio/flac"}
TEXT = 'Info: the "quick" brown fox\n jumps over \\ the lazy dog. Grüße aus Köln, 東京 und 🎉! ' * 4


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read_back_even_if_it_was_cut_or_joined_by_bytes(kind):
    data, mime_type = synthesize(TEXT, format=kind)
    assert mime_type == FORMATS[kind]
    assert synthesize(TEXT, format=kind) == (data, mime_type)
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


def test_it_is_audible_and_not_clipped():
    with wave.open(io.BytesIO(synthesize("three short words " * 8)[0])) as audio:
        assert (audio.getnchannels(), audio.getsampwidth(), audio.getframerate()) == (1, 2, 24_000)
        assert 6_000 < np.abs(np.frombuffer(audio.readframes(10**9), "<i2")).max() < 30_000


def test_speed_voices_and_times():
    slow, plain, fast = (
        transcribe(synthesize("x" * 99, speed=each)[0]).seconds for each in (0.5, 1, 2)
    )
    assert [slow / plain, plain / fast] == pytest.approx([2, 2], abs=0.1)
    assert synthesize("hello", voice="onyx")[0] != synthesize("hello", voice="nova")[0]
    found = transcribe(synthesize("one  two\ud800\nthree")[0])
    assert [word for word, _, _ in found.words] == ["one", "two?", "three"]
    times = [time for _, start, end in found.words for time in (start, end)]
    assert times == sorted(times)
    assert times[-1] == found.seconds


def test_other_audio_has_no_speech():
    target = io.BytesIO()
    with wave.open(target, "wb") as silence:
        silence.setparams((1, 2, 8_000, 0, "NONE", ""))
        silence.writeframes(bytes(16_000))
    found = transcribe(target.getvalue())
    assert (found.text, found.seconds, found.words) == (NO_SPEECH, 1.0, ())


@pytest.mark.parametrize("data", [
    b"", b"hello, this is a text " * 50, np.random.default_rng(3).bytes(50_000),
    b"RIFF\x10\0\0\0WAVE", b"ID3 x" * 20,
])  # fmt: skip
def test_other_data_is_refused(data):
    with pytest.raises(ValueError, match=r"not an audio file|has no audio"):
        transcribe(data)
