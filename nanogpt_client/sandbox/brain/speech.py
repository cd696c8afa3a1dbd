"""Speech and its transcription, offline: words become singing that is read back word for word.

There is no speech model here. `speak` writes a real, playable sound file in which the text is
sung by the modem of `tones`; `hear` reads such files back after any of the formats, cut, joined
or re-encoded, and says so honestly when a sound holds no words of ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import numpy as np

from nanogpt_client.sandbox.brain import tones
from nanogpt_client.sandbox.lazy import needs

if TYPE_CHECKING:
    from nanogpt_client.sandbox.brain.tones import Packet, Samples

NO_WORDS: Final = "[sound without recognisable words]"
MIME_TYPES: Final = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}

_SYMBOL: Final = 1_600  # samples per byte at speed 1: 15 characters per second
_SLOWEST, _FASTEST = 0.25, 4.0
_SILENCE: Final = 2_400  # samples before and after the words
# Fundamentals in Hz; voices that are not listed get one by their name.
_PITCH: Final = {"onyx": 88, "echo": 92, "fable": 98, "alloy": 102, "nova": 106, "shimmer": 110}


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard: the text, the length of the sound, and every word with its times.

    `words` holds (word, start, end) in seconds from the beginning of the sound.
    """

    text: str
    seconds: float
    words: tuple[tuple[str, float, float], ...]


def speak(
    text: str, *, voice: str = "alloy", format: str = "wav", speed: float = 1.0
) -> tuple[bytes, str]:
    """Say the text and return the sound file and its MIME type (24 kHz, mono).

    Args:
        text: any Unicode; a blank is sung softer, so that words can be told apart.
        voice: any name; it sets the pitch.
        format: wav, mp3, opus (in Ogg), aac (ADTS), flac or pcm (raw 16-bit little-endian).
        speed: 0.25 to 4; 1 is about 15 characters per second.

    Raises:
        ValueError: an unknown format or a speed out of range.

    """
    if format not in MIME_TYPES:
        raise ValueError(f"unknown audio format {format!r}; known are {', '.join(MIME_TYPES)}")
    if not _SLOWEST <= speed <= _FASTEST:
        raise ValueError(f"speed must be between {_SLOWEST} and {_FASTEST:g}, not {speed:g}")
    with needs("PyAV"):
        from nanogpt_client.sandbox.brain import sound_files  # noqa: PLC0415 - extra

    payload = text.encode("utf-8", "replace")
    sung = tones.modulate(payload, pitch=_pitch(voice), symbol=round(_SYMBOL / speed))
    return sound_files.encode(np.pad(sung, _SILENCE), format), MIME_TYPES[format]


def hear(data: bytes) -> Heard:
    """Read the words in a sound file; several utterances are joined by a blank.

    A sound without words of `speak` gives `NO_WORDS`; the first words survive where a file was
    cut. Raw 24 kHz PCM is read too when it holds such words.

    Raises:
        ValueError: the bytes are no sound.

    """
    with needs("PyAV"):
        from nanogpt_client.sandbox.brain import sound_files  # noqa: PLC0415 - extra

    if audio_format(data) == "unknown":  # raw PCM has no mark: only its words tell it from noise
        samples = sound_files.pcm_samples(data)
        packets = tones.demodulate(samples)
        if packets:
            return _heard(samples, packets)
    samples = sound_files.decode(data)
    return _heard(samples, tones.demodulate(samples))


def audio_format(data: bytes) -> str:
    """Name a sound file by its first bytes.

    Returns:
        wav, mp3, opus, ogg, flac, aac, mp4, webm, aiff, or "unknown".

    """
    if data[:4] == b"OggS":
        return "opus" if b"OpusHead" in data[:64] else "ogg"
    for name, offset, mark in _MARKS:
        if data[offset : offset + len(mark)] == mark:
            return name
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:  # MPEG sync word
        return "mp3" if data[1] & 0x06 else "aac"
    return "unknown"


_MARKS: Final = (
    ("wav", 8, b"WAVE"),
    ("mp3", 0, b"ID3"),
    ("flac", 0, b"fLaC"),
    ("mp4", 4, b"ftyp"),
    ("webm", 0, b"\x1aE\xdf\xa3"),
    ("aiff", 8, b"AIFF"),
)


def _pitch(voice: str) -> int:
    known = _PITCH.get(voice.lower())
    pitches = sorted(_PITCH.values())
    return known or pitches[sha256(voice.encode("utf-8", "replace")).digest()[0] % len(pitches)]


def _heard(samples: Samples, packets: list[Packet]) -> Heard:
    seconds = round(len(samples) / tones.RATE, 3)
    texts = [_text(packet) for packet in packets]
    if not packets:
        return Heard(NO_WORDS, seconds, ())
    words = tuple(word for pair in zip(packets, texts, strict=True) for word in _words(*pair))
    return Heard(" ".join(texts), seconds, words)


def _text(packet: Packet) -> str:
    """Return the text of a packet, without the fragment of a word at which a sound was cut."""
    text = packet.payload.decode("utf-8", "ignore")
    return text if packet.complete else re.sub(r"(?<=\S)\s+\S*$", "", text)


def _words(packet: Packet, text: str) -> list[tuple[str, float, float]]:
    words = []
    last = 0
    for piece in re.findall(r"\s+|\S+", text):
        first, last = last, last + len(piece.encode())
        if not piece.isspace():
            start, end = packet.span(first, last)
            words.append((piece, round(start, 3), round(end, 3)))
    return words
