"""Speech and its transcription, offline: a tone a word, and the text as a note in the file.

There is no speech model here. `synthesize` plays a tone for each word, and lasts as long as the
words would. The text stands in the file's metadata; of an MP3, which clients join without it, in
silent frames. `transcribe` reads the notes; it does not listen. AAC and raw PCM have none.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from zlib import crc32

import numpy as np

from nanogpt_client.extras import needs

with needs("sandbox", "the sandbox's audio"):
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
# A silent MP3 frame for `RATE` and `_BIT_RATE`: header, nine zeros of side information, and room
# for bytes of a note.
_CARRIER: Final = b"\xff\xf3\x84\xc4" + bytes(9)
_ROOM: Final = 179
_DESCRIPTION: Final = 60  # bytes in which a joining client may look for "Info", and drop the frame


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

    The voice sets the pitch; at speed 1 it says 15 characters a second.
    """
    container, codec, mime_type = _FORMATS[format]
    text = text.encode("utf-8", "replace").decode()
    note = _NOTE_KEY + json.dumps(text, ensure_ascii=False).encode() + b"}"
    samples = _tones(text, voice, speed)
    target = io.BytesIO()
    options = _OPTIONS | ({"write_xing": "0"} if format == "mp3" else {})
    with av.open(target, "w", format=container, options=options) as output:
        if format != "mp3":
            output.metadata["comment"] = note.decode()
        stream = cast(
            "AudioStream", output.add_stream(codec, rate=RATE, layout="mono", options=_FAST)
        )
        stream.bit_rate = _BIT_RATE
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        output.mux([*stream.encode(frame), *stream.encode(None)])
    data = target.getvalue()
    if format == "mp3":
        tag, first, frames = data.partition(b"\xff")  # which is in no tag of UTF-8
        note = bytes(_DESCRIPTION) + note
        notes = (note[at : at + _ROOM] for at in range(0, len(note), _ROOM))
        data = tag + b"".join(_CARRIER + each.ljust(_ROOM, b"\0") for each in notes)
        data += first + frames
    return data, mime_type


def transcribe(data: bytes) -> Transcript:
    """Return the texts of `synthesize`, joined; else `NO_SPEECH`. Raises `ValueError`: no audio."""
    notes = _NOTE.findall(data.replace(_CARRIER, b""))
    seconds = round(_seconds(data), 3)
    if not notes:
        return Transcript(NO_SPEECH, seconds)
    text = " ".join(json.loads(note) for note in notes)
    pace = seconds / max(1, len(text))
    words = (
        (word[0], round(word.start() * pace, 3), round(word.end() * pace, 3))
        for word in re.finditer(r"\S+", text)
    )
    return Transcript(text, seconds, tuple(words))


def _tones(text: str, voice: str, speed: float) -> NDArray[np.int16]:
    lowest = 110 * 2 ** (crc32(voice.encode("utf-8", "replace")) % 12 / 12)  # Hz
    parts = [np.zeros(RATE // 10, "<i2")]
    for word in re.findall(r"\S+\s*|\s+", text):
        length = round(len(word) * RATE / CHARACTERS_PER_SECOND / speed)
        time = np.arange(length, dtype=np.float32) / RATE
        pitch = lowest * (1 + crc32(word.strip().lower().encode("utf-8", "replace")) % 7 / 6)
        envelope = np.minimum(1, time * 50) * np.linspace(1, 0, length, dtype=np.float32) ** 2
        parts.append(
            (np.sin(np.float32(2 * np.pi * pitch) * time) * envelope * 18_000).astype("<i2")
        )
    return np.concatenate(parts)


def _seconds(data: bytes) -> float:
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="replace") as source:
            packets = source.demux(source.streams.audio[0]) if source.streams.audio else ()
            lengths = [each.duration * each.time_base for each in packets if each.duration]
    except av.FFmpegError as error:
        raise ValueError("these bytes are not an audio file") from error
    if not lengths:
        raise ValueError("this file has no audio")
    return float(sum(lengths))
