"""Spoken words are real sound files, and are read back word for word."""

from __future__ import annotations

import io
import wave

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nanogpt_client.sandbox.brain import tones
from nanogpt_client.sandbox.brain.sound_files import encode
from nanogpt_client.sandbox.brain.speech import (
    MIME_TYPES,
    NO_WORDS,
    audio_format,
    hear,
    speak,
)
from nanogpt_client.sandbox.brain.tones import RATE, demodulate, modulate

_TEXT = "The quick brown fox jumps over the lazy dog. Grüße aus Köln, 東京 und 🎉!"
_SILENCE = np.zeros(RATE // 2, np.float32)


def _samples(data):
    return np.frombuffer(data, "<i2").astype(np.float32) / 32_768


def _recoded(text, codec, container, rate, **settings_):
    """Return the text spoken and then re-encoded as somebody else would."""
    samples = np.round(_samples(speak(text, format="pcm")[0]) * 32_767).astype("<i2")
    target = io.BytesIO()
    with av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="stereo", **settings_)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


@pytest.mark.parametrize("sound_format", MIME_TYPES)
@pytest.mark.parametrize("speed", [0.25, 1, 1.37, 4])
def test_every_format_is_read_back_at_every_speed(sound_format, speed):
    data, mime = speak(_TEXT, format=sound_format, speed=speed)
    assert mime == MIME_TYPES[sound_format]
    assert hear(data).text == _TEXT


@pytest.mark.parametrize("voice", ["alloy", "onyx", "shimmer", "af_bella", "Какой-то", ""])
@pytest.mark.parametrize("sound_format", ["wav", "mp3", "opus"])
def test_every_voice_is_understood(voice, sound_format):
    assert hear(speak(_TEXT, voice=voice, format=sound_format, speed=2)[0]).text == _TEXT


def test_voices_sound_different():
    assert speak("hello", voice="onyx")[0] != speak("hello", voice="shimmer")[0]


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=150))
def test_any_text_is_read_back_exactly(text):
    assert hear(speak(text, speed=4)[0]).text == text


def test_half_a_character_is_replaced():
    assert hear(speak("a \ud800 b")[0]).text == "a ? b"


def test_a_wav_file_is_what_its_header_says():
    data, _ = speak("x" * 150)
    with wave.open(io.BytesIO(data)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 24_000)
        seconds = sound.getnframes() / sound.getframerate()
        peak = np.abs(_samples(sound.readframes(sound.getnframes()))).max()
    assert 10 < seconds < 11.5  # 15 characters per second
    assert 0.4 < peak < 0.9  # audible, and no clipping
    assert hear(data).seconds == pytest.approx(seconds, abs=0.001)


def test_speed_sets_the_length():
    lengths = [hear(speak("x" * 100, speed=speed)[0]).seconds for speed in (0.5, 1, 2)]
    assert lengths[0] / lengths[1] == pytest.approx(2, abs=0.15)
    assert lengths[1] / lengths[2] == pytest.approx(2, abs=0.25)


def test_words_are_timed():
    text = "one  two\nthrée " + "four " * 40
    heard = hear(speak(text)[0])
    assert [word for word, _, _ in heard.words] == text.split()
    times = [time for _, start, end in heard.words for time in (start, end)]
    assert times == sorted(times)
    assert 0 < times[0] < 0.5
    assert times[-1] == pytest.approx(heard.seconds - 0.1 - 3 / 15, abs=0.01)  # a blank, a CRC
    assert heard.words[0][2] - heard.words[0][1] == pytest.approx(3 / 15, abs=0.001)
    assert heard.words[2][2] - heard.words[2][1] == pytest.approx(6 / 15, abs=0.001)


def test_same_words_same_bytes():
    for sound_format in MIME_TYPES:
        first, again = (speak(_TEXT, format=sound_format) for _ in range(2))
        assert first == again


@pytest.mark.parametrize(
    ("codec", "container", "rate"),
    [
        ("libmp3lame", "mp3", 44_100),
        ("libopus", "webm", 48_000),
        ("aac", "mp4", 44_100),
        ("pcm_s16be", "aiff", 16_000),
        ("pcm_mulaw", "wav", 8_000),
    ],
)
def test_what_others_re_encoded_is_read_back(codec, container, rate):
    data = _recoded(_TEXT, codec, container, rate)
    assert audio_format(data) == {"matroska": "webm"}.get(container, container)
    assert hear(data).text == _TEXT


def test_words_are_found_quiet_and_in_noise():
    spoken = _samples(speak(_TEXT, format="pcm")[0])
    noise = np.random.default_rng(1).normal(scale=0.1, size=spoken.size).astype(np.float32)
    assert hear(encode((spoken + noise) * 0.2, "wav")).text == _TEXT


def test_utterances_joined_by_samples_are_joined_by_a_blank():
    first, second = (_samples(speak(text, format="pcm")[0]) for text in ("one fish.", "two fish"))
    heard = hear(encode(np.concatenate([_SILENCE, first, _SILENCE, second]), "wav"))
    assert heard.text == "one fish. two fish"
    assert [word for word, _, _ in heard.words] == ["one", "fish.", "two", "fish"]
    assert heard.words[2][1] > heard.words[1][2] + 0.5


@pytest.mark.parametrize("sound_format", ["mp3", "opus", "aac", "pcm"])
def test_files_joined_byte_by_byte_are_read(sound_format):
    first = speak("one größe.", format=sound_format)[0]
    second = speak("two", format=sound_format, voice="nova", speed=2)[0]
    assert hear(first + second).text == "one größe. two"


@pytest.mark.parametrize("sound_format", ["wav", "mp3", "opus", "aac", "pcm"])
def test_a_cut_file_gives_its_first_words(sound_format):
    text = "".join(f"word{number} " for number in range(60))
    data = speak(text, format=sound_format)[0]
    heard = hear(data[: len(data) // 2]).text
    assert heard.split() == text.split()[: len(heard.split())]
    assert 20 <= len(heard.split()) <= 32


def test_words_after_a_spoilt_place_are_not_guessed():
    spoken = _samples(speak("word " * 40, format="pcm")[0]).copy()
    middle = len(spoken) // 2
    spoken[middle : middle + 3_000] = 0
    text = hear(encode(spoken, "wav")).text
    assert set(text.split()) == {"word"}
    assert 10 < len(text.split()) < 20


def test_words_after_a_cut_are_heard():
    first, second = (_samples(speak(text, format="pcm")[0]) for text in ("word " * 40, "the end"))
    joined = np.concatenate([first[: len(first) // 2], second])
    assert hear(encode(joined, "wav")).text == "word " * 11 + "word the end"


def test_files_of_different_kinds_joined_byte_by_byte_are_read():
    joined = speak("one", format="mp3")[0] + _recoded("two", "libmp3lame", "mp3", 44_100)
    assert hear(joined).text == "one two"


def test_a_header_that_makes_no_sense_is_not_believed():
    header = tones._sealed(bytes([10]) + (0).to_bytes(2) + (5).to_bytes(3))
    parts = (tones._chirp(), np.zeros(tones._PAUSE), tones._chords(header, 100, 480), _SILENCE)
    assert demodulate(np.concatenate(parts, dtype=np.float32)) == []


def test_a_file_cut_before_its_first_block_gives_no_words():
    data = speak("word " * 40, format="wav")[0]
    assert hear(data[:40_000]).text == NO_WORDS


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(RATE, np.float32),
        np.sin(np.arange(RATE) * 0.12).astype(np.float32) * 0.5,
        np.sin(np.arange(RATE) ** 2 * 1e-5).astype(np.float32) * 0.5,
        np.random.default_rng(0).normal(scale=0.2, size=RATE).astype(np.float32).clip(-1, 1),
        modulate(b"word", pitch=100, symbol=400)[:2_000],  # a chirp with nothing after it
    ],
    ids=["silence", "sine", "sweep", "noise", "chirp"],
)
@pytest.mark.parametrize("sound_format", ["wav", "mp3"])
def test_foreign_sound_has_no_words(sound, sound_format):
    heard = hear(encode(sound, sound_format))
    assert heard.text == NO_WORDS == "[sound without recognisable words]"
    assert heard.words == ()
    assert heard.seconds == pytest.approx(len(sound) / RATE, abs=0.15)


def _picture():
    target = io.BytesIO()
    Image.new("RGB", (8, 8)).save(target, "PNG")
    return target.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello, this is no sound at all " * 50,
        np.random.default_rng(3).bytes(50_000),
        b"RIFF\x10\0\0\0WAVE",
        b"ID3 nonsense" * 20,
        b"OggS nonsense" * 20,
        _picture(),
    ],
)
def test_what_is_no_sound_is_refused(data):
    with pytest.raises(ValueError, match=r"no (audio|sound)"):
        hear(data)


@pytest.mark.parametrize("sound_format", MIME_TYPES)
def test_the_format_is_told_by_the_first_bytes(sound_format):
    told = audio_format(speak("hi", format=sound_format)[0])
    assert told == ("unknown" if sound_format == "pcm" else sound_format)


def test_other_ogg_is_told_apart_from_opus():
    assert audio_format(b"OggS" + b"\0" * 24 + b"\x01vorbis") == "ogg"


@pytest.mark.parametrize("wrong", [{"format": "midi"}, {"speed": 0.2}, {"speed": 4.1}])
def test_what_cannot_be_spoken_is_refused(wrong):
    with pytest.raises(ValueError, match=r"format|speed"):
        speak("x", **wrong)


def test_the_modem_keeps_its_limits():
    for pitch, symbol in ((50, 1_600), (100, 100), (100, 10_000)):
        with pytest.raises(ValueError, match="cannot sing"):
            modulate(b"x", pitch=pitch, symbol=symbol)
    assert demodulate(np.zeros(0, np.float32)) == []
