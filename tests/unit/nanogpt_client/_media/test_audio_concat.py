"""Sound files joined without loss: what comes out plays as long as what went in."""

from __future__ import annotations

import io
import wave

import av
import pytest

from nanogpt_client._media import audio_concat
from nanogpt_client._media.audio_concat import join
from nanogpt_client.sandbox.media.audio import synthesize

TEXTS = ["The first sentence.", "And here is another one.", "Done."]
TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg", "aac": "audio/aac"}


def wav(samples: bytes, *, rate: int = 24000, channels: int = 1, width: int = 2) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples)
    return out.getvalue()


def samples_of(data: bytes) -> int:
    with av.open(io.BytesIO(data), "r") as container:
        return sum(frame.samples for frame in container.decode(audio=0))


def spoken(text: str, kind: str) -> bytes:
    data, mime_type = synthesize(text, voice="nova", format=kind, speed=1.0)
    assert mime_type == TYPES[kind]
    return data


@pytest.mark.parametrize("kind", TYPES)
def test_nothing_is_lost_and_nothing_is_added(kind):
    pieces = [spoken(text, kind) for text in TEXTS]
    joined = join(pieces, TYPES[kind])
    parts = sum(map(samples_of, pieces))
    # MP3 and AAC decoders trim the silence that encoders put before and after each file.
    allowed = 0 if kind == "wav" else 3000 * len(pieces)
    assert parts <= samples_of(joined) <= parts + allowed


def test_wav_is_joined_sample_by_sample():
    joined = join([wav(b"\1\0" * 3), wav(b"\2\0" * 2)], "audio/wav")
    with wave.open(io.BytesIO(joined)) as file:
        assert (file.getnframes(), file.readframes(9)) == (5, b"\1\0" * 3 + b"\2\0" * 2)


def test_a_streamed_wav_does_not_know_its_length():
    whole = wav(b"\1\0" * 3)
    streamed = whole[:4] + b"\xff\xff\xff\xff" + whole[8:40] + b"\xff\xff\xff\xff" + whole[44:]
    with wave.open(io.BytesIO(join([streamed, wav(b"\2\0")], "audio/wav"))) as file:
        assert file.readframes(9) == b"\1\0" * 3 + b"\2\0"


@pytest.mark.parametrize("words", [{"rate": 16000}, {"channels": 2}, {"width": 1}])
def test_wav_files_that_differ_are_not_joined(words):
    with pytest.raises(ValueError, match="differ"):
        join([wav(b"\1\0\2\0"), wav(b"\1\0\2\0", **words)], "audio/wav")


def test_pcm_is_joined_as_it_is():
    assert join([b"ab", b"cd"], "audio/pcm") == b"abcd"


def test_one_piece_stays_as_it_is():
    assert join([b"anything"], "audio/flac") == b"anything"


@pytest.mark.parametrize("kind", ["audio/flac", "audio/ogg", "audio/mp4"])
def test_what_cannot_be_joined_without_loss_is_refused(kind):
    with pytest.raises(ValueError, match="cannot be joined"):
        join([b"a", b"b"], kind)


@pytest.mark.parametrize("kind", ["wav", "mp3", "aac"])
@pytest.mark.parametrize("broken", [b"", b"no sound at all", b"\xff\xfb\x00\x00" * 4])
def test_a_piece_of_another_kind_is_refused(kind, broken):
    with pytest.raises(ValueError, match=r"not a PCM WAV|not an MP3|not an AAC|differ"):
        join([spoken("One.", kind), broken], TYPES[kind])


def test_tags_and_descriptions_are_left_out_of_mp3():
    plain = spoken("One.", "mp3")
    tag = b"ID3\x04\0\0\0\0\0\x05hello"
    joined = join([plain, tag + plain + b"TAG" + b" " * 125], "audio/mpeg")
    assert tag not in joined[1:]
    assert b"TAG" not in joined
    assert not any(word in joined for word in (b"Xing", b"Info"))
    assert samples_of(joined) == samples_of(join([plain, plain], "audio/mpeg"))


def test_a_cut_last_frame_is_left_out():
    plain = spoken("One.", "mp3")
    assert join([plain, plain[:-3]], "audio/mpeg") in join([plain, plain], "audio/mpeg")


def test_every_joinable_format_has_a_name():
    assert set(audio_concat.FORMATS.values()) == audio_concat.JOINABLE
