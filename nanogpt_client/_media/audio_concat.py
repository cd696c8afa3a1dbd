"""Concatenating audio files of one format into one valid file, without re-encoding.

WAV and raw PCM are joined sample by sample. MP3 and AAC (ADTS) are sequences of frames that decode
one by one: anything else (ID3 tags, and MP3's first frame if it only describes the file) is
dropped. FLAC and Ogg have checksums and sample counts of the whole file and are not supported.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator, Sequence

JOINABLE = frozenset({"audio/wav", "audio/pcm", "audio/mpeg", "audio/aac"})
FORMATS = {"wav": "audio/wav", "pcm": "audio/pcm", "mp3": "audio/mpeg", "aac": "audio/aac"}

_BITRATES = {
    "1": (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    "2": (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}  # kbit/s of layer III, for MPEG-1 and for MPEG-2 and 2.5
_RATES = (44100, 48000, 32000)
_DESCRIPTIONS = (b"Xing", b"Info", b"VBRI")


def join(parts: Sequence[bytes], mime_type: str) -> bytes:
    """Return one file with the audio of all parts.

    Raises:
        ValueError: the format cannot be joined, a part has another format, or they differ in
            sample rate, channels or depth.
    """
    if len(parts) == 1:
        return parts[0]
    if mime_type == "audio/wav":
        return _join_wav(parts)
    if mime_type == "audio/pcm":
        return b"".join(parts)
    if mime_type in {"audio/mpeg", "audio/aac"}:
        frames_of = _mp3_frames if mime_type == "audio/mpeg" else _aac_frames
        return _join_frames([list(frames_of(part)) for part in parts])
    raise ValueError(f"{mime_type} files cannot be joined without loss")


def _join_wav(parts: Sequence[bytes]) -> bytes:
    samples, kinds = [], set()
    for part in parts:
        try:
            with wave.open(io.BytesIO(part)) as file:
                kinds.add((file.getnchannels(), file.getsampwidth(), file.getframerate()))
                # A streamed file has no valid length: all of it is read.
                samples.append(file.readframes(file.getnframes()))
        except (wave.Error, EOFError) as error:
            raise ValueError(f"a part is not a PCM WAV file: {error}") from error
    if len(kinds) > 1:
        raise ValueError(f"the parts differ in (channels, bytes, Hz): {sorted(kinds)}")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        channels, width, rate = kinds.pop()
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"".join(samples))
    return out.getvalue()


def _join_frames(parts: Sequence[Sequence[tuple[object, bytes]]]) -> bytes:
    kinds = {kind for part in parts for kind, _ in part}
    if len(kinds) != 1 or not all(parts):
        raise ValueError(f"the parts differ in version, sample rate or channels: {kinds or 'none'}")
    return b"".join(frame for part in parts for _, frame in part)


def _mp3_frames(data: bytes) -> Iterator[tuple[object, bytes]]:
    """Yield each frame with the properties that all must share: version, sample rate, mono."""
    at, first = _after_tag(data), True
    while at + 4 <= len(data) and data[at : at + 3] != b"TAG":
        kind, size = _mp3_header(data, at)
        frame = data[at : at + size]
        at += size
        if len(frame) < size:
            return  # truncated; a decoder would not play it either
        if not (first and any(tag in frame[:60] for tag in _DESCRIPTIONS)):
            yield kind, frame
        first = False


def _mp3_header(data: bytes, at: int) -> tuple[object, int]:
    """Return properties and length of the frame at this position."""
    header = int.from_bytes(data[at : at + 4], "big")
    version, layer = header >> 19 & 3, header >> 17 & 3
    bitrate, rate, padding, mode = (
        header >> 12 & 15,
        header >> 10 & 3,
        header >> 9 & 1,
        header >> 6 & 3,
    )
    if header >> 21 != 0x7FF or version == 1 or layer != 1 or bitrate in {0, 15} or rate == 3:
        raise ValueError(f"a part is not an MP3 file: no frame at byte {at}")
    hertz = _RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    kilobits = _BITRATES["1" if version == 3 else "2"][bitrate]
    size = (144_000 if version == 3 else 72_000) * kilobits // hertz + padding
    return (version, hertz, mode == 3), size


def _aac_frames(data: bytes) -> Iterator[tuple[object, bytes]]:
    """Yield each ADTS frame with profile, sample rate and channels."""
    at = _after_tag(data)
    while at + 7 <= len(data):
        size = int.from_bytes(data[at + 3 : at + 6], "big") >> 5 & 0x1FFF
        if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0 or size < 7:
            raise ValueError(f"a part is not an AAC file: no frame at byte {at}")
        if at + size > len(data):
            return
        kind = (data[at + 2] & 0xFD, data[at + 3] & 0xC0)
        yield kind, data[at : at + size]
        at += size


def _after_tag(data: bytes) -> int:
    """Return where the audio begins: behind the ID3v2 tags, if there are any."""
    at = 0
    while data[at : at + 3] == b"ID3" and at + 10 <= len(data):
        size = 0
        for byte in data[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if data[at + 5] & 0x10 else 0)
    return at
