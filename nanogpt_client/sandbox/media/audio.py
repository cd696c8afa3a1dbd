"""Speech and its transcription, offline: soft chords, and the text as a note in the file.

There is no speech model here. `synthesize` plays a chord for each word, and lasts as long as the
words would. The text stands in the file's metadata, and for formats that clients join (which
drops the metadata) in a note beside the samples. `transcribe` reads the notes; it does not listen.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from zlib import crc32

import numpy as np

from nanogpt_client.sandbox.lazy import needs

with needs("PyAV"):
    import av

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from numpy.typing import NDArray

RATE: Final = 24_000  # samples per second
CHARACTERS_PER_SECOND: Final = 15
NO_SPEECH: Final = "[audio without speech of the sandbox]"
# format -> container, codec, MIME type
_FORMATS: Final = {
    "mp3": ("mp3", "libmp3lame", "audio/mpeg"),
    "opus": ("ogg", "libopus", "audio/ogg"),
    "aac": ("adts", "aac", "audio/aac"),
    "flac": ("flac", "flac", "audio/flac"),
    "wav": ("wav", "pcm_s16le", "audio/wav"),
    "pcm": ("s16le", "pcm_s16le", "audio/pcm"),
}
_OPTIONS: Final = {"fflags": "+bitexact"}  # no random stream number: same text, same bytes
_FAST: Final = {"aac_coder": "fast", "compression_level": "9"}  # each codec takes its own
_BIT_RATE: Final = 64_000
_NOTE_KEY: Final = b'{"spoken by the NanoGPT sandbox": '
_NOTE: Final = re.compile(re.escape(_NOTE_KEY) + rb'("(?:[^"\\\xff]|\\[^\xff])*")}')
# Frames that play nothing and carry bytes of a note (179 or 254), for `RATE` and `_BIT_RATE`: a
# silent MP3 frame (header, nine zeros of side information, ancillary data), and an ADTS frame with
# a data stream element alone.
_CARRIERS: Final = {
    "mp3": (b"\xff\xf3\x84\xc4" + bytes(9), 179, b""),
    "aac": (b"\xff\xf1\x58\x40\x21\x1f\xfc\x81\xfe", 254, b"\xe0"),
}
_DESCRIPTION: Final = 60  # bytes in which a joining client may look for "Info", and drop the frame
_SCALE: Final = (0, 2, 4, 7, 9)  # semitones of a pentatonic scale: any three sound well together


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text, the length of the audio, and (word, start, end) of each word; all in seconds.

    The times are shares of the length, by the number of characters.
    """

    text: str
    seconds: float
    words: tuple[tuple[str, float, float], ...] = ()


def synthesize(
    text: str, *, voice: str = "alloy", format: str = "wav", speed: float = 1.0
) -> tuple[bytes, str]:
    """Return the text as an audio file (24 kHz, mono) and its MIME type.

    Args:
        text: Any text; each word plays a chord of its own.
        voice: Any name; it sets the pitch.
        format: `wav`, `mp3`, `opus` (in Ogg), `aac` (ADTS), `flac` or `pcm` (raw 16-bit
            little-endian).
        speed: Above 0; 1 is 15 characters per second.
    """
    container, codec, mime_type = _FORMATS[format]
    text = text.encode("utf-8", "replace").decode()
    note = _NOTE_KEY + json.dumps(text, ensure_ascii=False).encode() + b"}"
    joinable = format in _CARRIERS or codec == "pcm_s16le"
    samples = _chords(text, voice, speed)
    if codec == "pcm_s16le":  # a byte as a sample is too quiet and too short to be heard
        samples = np.concatenate([np.frombuffer(note, np.uint8).astype("<i2"), samples])
    target = io.BytesIO()
    options = _OPTIONS | ({"write_xing": "0"} if format == "mp3" else {})
    with av.open(target, "w", format=container, options=options) as output:
        output.metadata["comment"] = text if joinable else note.decode()
        stream = cast(
            "AudioStream", output.add_stream(codec, rate=RATE, layout="mono", options=_FAST)
        )
        stream.bit_rate = _BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        output.mux([*stream.encode(frame), *stream.encode(None)])
    data = target.getvalue()
    if format in _CARRIERS:
        tag, first, frames = data.partition(b"\xff")  # which is in no tag of UTF-8
        data = tag + _carried(note, *_CARRIERS[format]) + first + frames
    return data, mime_type


def transcribe(data: bytes) -> Transcript:
    """Return the texts of `synthesize` in an audio file, joined by a space; else `NO_SPEECH`.

    Raises:
        ValueError: The bytes are not audio.
    """
    views = [data, data[::2], data[1::2]]
    views += [data.replace(end + start, b"") for start, _, end in _CARRIERS.values()]
    notes = max((_NOTE.findall(view) for view in views), key=len)
    raw = data.startswith(bytes(byte for each in _NOTE_KEY for byte in (each, 0)))
    seconds = round(len(data) / 2 / RATE if raw else _seconds(data), 3)
    if not notes:
        return Transcript(NO_SPEECH, seconds)
    text = " ".join(json.loads(note) for note in notes)
    pace = seconds / max(1, len(text))
    words = (
        (word[0], round(word.start() * pace, 3), round(word.end() * pace, 3))
        for word in re.finditer(r"\S+", text)
    )
    return Transcript(text, seconds, tuple(words))


def _carried(note: bytes, start: bytes, room: int, end: bytes) -> bytes:
    """Return the note in frames that play nothing."""
    note = bytes(_DESCRIPTION) + note
    parts = (note[at : at + room] for at in range(0, len(note), room))
    return b"".join(start + part.ljust(room, b"\0") + end for part in parts)


def _chords(text: str, voice: str, speed: float) -> NDArray[np.int16]:
    """Return a chord for each word, as long as the word takes to say."""
    lowest = 110 * 2 ** (crc32(voice.encode("utf-8", "replace")) % 12 / 12)  # Hz
    parts = [np.zeros(RATE // 10, "<i2")]
    for word in re.findall(r"\S+\s*|\s+", text):
        length = round(len(word) * RATE / CHARACTERS_PER_SECOND / speed)
        time = np.arange(length, dtype=np.float32) / RATE
        envelope = np.minimum(1, time * 50) * np.linspace(1, 0, length, dtype=np.float32) ** 2
        root = crc32(word.strip().lower().encode("utf-8", "replace")) % 7
        wave = np.zeros(length, np.float32)
        for step in (root, root + 2, root + 4):
            octave, degree = divmod(step, len(_SCALE))
            pitch = lowest * 2 ** (octave + _SCALE[degree] / 12)
            wave += np.sin(np.float32(2 * np.pi * pitch) * time)
        parts.append((wave * envelope * 6_000).astype("<i2"))
    return np.concatenate(parts)


def _seconds(data: bytes) -> float:
    """Return the length of the first audio track of a file."""
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="replace") as source:
            packets = source.demux(source.streams.audio[0]) if source.streams.audio else ()
            lengths = [each.duration * each.time_base for each in packets if each.duration]
    except av.FFmpegError as error:
        raise ValueError("these bytes are not an audio file") from error
    if not lengths:
        raise ValueError("this file has no audio")
    return float(sum(lengths))
