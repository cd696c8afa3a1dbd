"""Sound files: mono samples to the formats of the speech route, and any file to samples.

WAV and raw PCM are written with the standard library; everything else goes through PyAV.
Samples are float32 in -1..1, mono, at `tones.RATE`.
"""

from __future__ import annotations

import io
import wave
from binascii import crc32
from typing import TYPE_CHECKING, Final, cast

import av
import numpy as np
from av.audio.resampler import AudioResampler

from nanogpt_client.sandbox.brain.tones import RATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from nanogpt_client.sandbox.brain.tones import Samples

# format -> container, codec, bits per second (0: lossless), options of the codec
_ENCODERS: Final[dict[str, tuple[str, str, int, dict[str, str]]]] = {
    "mp3": ("mp3", "libmp3lame", 96_000, {}),
    "opus": ("ogg", "libopus", 64_000, {}),
    "aac": ("adts", "aac", 96_000, {"aac_coder": "fast"}),
    "flac": ("flac", "flac", 0, {}),
}


def encode(samples: Samples, sound_format: str) -> bytes:
    """Return the samples as a file of the format: wav, pcm, mp3, opus, aac or flac."""
    pcm = np.round(samples * 32_767).astype("<i2")
    if sound_format == "pcm":
        return pcm.tobytes()
    if sound_format == "wav":
        return _wav(pcm.tobytes())
    container, codec, bit_rate, tuning = _ENCODERS[sound_format]
    target = io.BytesIO()
    options = {"fflags": "+bitexact"}  # no random stream number: same words, same bytes
    if container == "ogg":  # a number of its own lets files be joined byte by byte
        options["serial_offset"] = str(crc32(pcm.tobytes()) >> 1)
    with av.open(target, "w", format=container, options=options) as output:
        stream = cast(
            "AudioStream", output.add_stream(codec, rate=RATE, layout="mono", options=tuning)
        )
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts = 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


def decode(data: bytes) -> Samples:
    """Return the first sound track of a file, of any container and codec PyAV reads.

    Raises:
        ValueError: the bytes hold no sound.

    """
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="replace") as source:
            pieces = list(_samples(source)) if source.streams.audio else []
    except av.FFmpegError as error:
        raise ValueError("these bytes are no audio file") from error
    if not pieces:
        raise ValueError("this file holds no sound")
    return np.concatenate(pieces)


def pcm_samples(data: bytes) -> Samples:
    """Return raw little-endian 16-bit PCM as samples; an odd last byte is dropped."""
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / np.float32(32_768)


def _wav(pcm: bytes) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(RATE)
        output.writeframes(pcm)
    return target.getvalue()


def _samples(source: InputContainer) -> Iterator[Samples]:
    resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
    shape: tuple[object, ...] = ()
    for frame in _frames(source):
        if shape not in ((), _shape(frame)):  # files joined byte by byte may differ
            yield from _drained(resampler, None)
            resampler = AudioResampler(format="flt", layout="mono", rate=RATE)
        shape = _shape(frame)
        frame.pts = None
        yield from _drained(resampler, frame)
    if shape:
        yield from _drained(resampler, None)


def _frames(source: InputContainer) -> Iterator[AudioFrame]:
    for packet in source.demux(source.streams.audio[0]):
        try:
            yield from packet.decode()
        except av.InvalidDataError:  # a cut or foreign packet between good ones
            continue


def _shape(frame: AudioFrame) -> tuple[object, ...]:
    return frame.sample_rate, frame.format.name, frame.layout.name


def _drained(resampler: AudioResampler, frame: AudioFrame | None) -> Iterator[Samples]:
    for piece in resampler.resample(frame):
        yield piece.to_ndarray().reshape(-1).astype(np.float32, copy=False)
