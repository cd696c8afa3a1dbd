"""A modem that sounds like overtone singing: bytes to sound and back.

Every byte is one short chord of two harmonics of the voice's fundamental: its low nibble picks
the melody note (harmonic 4-19), its high nibble a softer overtone (21-36), so a letter always
sounds the same. A packet is

    chirp, header at a fixed pace (pitch, symbol length, byte count, CRC), blocks of chords

and every block ends in a CRC of its own: a recording that was cut still gives its beginning, and
foreign sound gives nothing. The receiver finds chirps by normalised correlation, which does not
depend on loudness. Sound is mono float32 in -1..1 at `RATE`; lossy codecs keep it readable.
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE = 24_000  # samples per second
PITCHES = range(84, 129)  # Hz, fundamentals that the receiver accepts
SYMBOLS = range(400, 6_401)  # samples per chord: 60 to 3.75 bytes per second

_MELODY = np.arange(4, 20)  # harmonics, one per low nibble
_COLOUR = np.arange(21, 37)  # harmonics, one per high nibble
_MELODY_LEVEL, _COLOUR_LEVEL = 0.42, 0.24
_SPACE_LEVEL = 0.45  # the blank is sung softer: words can be told apart by ear

_BLOCK = 64  # payload bytes under one CRC
_CRC = 2
_HEADER = 8  # bytes: pitch, symbol (2), count (3), CRC (2)
_HEADER_PITCH, _HEADER_SYMBOL = 100, 480

_CHIRP = 1_440  # samples
_CHIRP_HZ = (700.0, 2_500.0)
_PAUSE = 480  # samples between chirp and header
_CHIRP_SCORE = 0.5  # of a perfect match; noise stays below 0.2
_FFT = 1 << 16


@dataclass(frozen=True, slots=True)
class Packet:
    """What one chirp announced: the readable payload and where its chords lie."""

    payload: bytes
    start: int  # sample at which the first chord begins
    symbol: int  # samples per chord
    complete: bool  # False: the sound was cut or spoilt after the payload

    def span(self, first: int, last: int) -> tuple[float, float]:
        """Return start and end, in seconds, of the payload bytes first up to (not with) last."""
        begin = self.start + self.symbol * _chord_of(first)
        end = self.start + self.symbol * (_chord_of(last - 1) + 1)
        return begin / RATE, end / RATE


def modulate(payload: bytes, *, pitch: int, symbol: int) -> Samples:
    """Sing the payload as one packet.

    Args:
        payload: up to 2**24 - 1 bytes.
        pitch: fundamental of the voice in Hz, one of `PITCHES`.
        symbol: samples per byte, one of `SYMBOLS`.

    Raises:
        ValueError: a value is out of range.

    """
    if pitch not in PITCHES or symbol not in SYMBOLS or len(payload) >= 1 << 24:
        raise ValueError(f"cannot sing {len(payload)} bytes at {pitch} Hz, {symbol} samples each")
    header = bytes([pitch]) + symbol.to_bytes(2) + len(payload).to_bytes(3)
    blocks = (_sealed(payload[at : at + _BLOCK]) for at in range(0, len(payload), _BLOCK))
    parts = (
        0.6 * _chirp(),
        np.zeros(_PAUSE, np.float32),
        _chords(_sealed(header), _HEADER_PITCH, _HEADER_SYMBOL),
        _chords(b"".join(blocks), pitch, symbol),
    )
    return np.concatenate(parts).astype(np.float32)


def demodulate(samples: Samples) -> list[Packet]:
    """Return every packet in the sound, in order; none for foreign sound."""
    found = (_packet_at(samples, chirp + _CHIRP + _PAUSE) for chirp in _chirps(samples))
    return [packet for packet in found if packet is not None]


def _chord_of(index: int) -> int:
    return index + index // _BLOCK * _CRC


def _sealed(block: bytes) -> bytes:
    return block + crc_hqx(block, 0xFFFF).to_bytes(_CRC)


def _opened(block: bytes) -> bytes | None:
    content = block[:-_CRC]
    return content if len(block) > _CRC and _sealed(content) == block else None


def _chirp() -> Samples:
    time = np.arange(_CHIRP) / RATE
    low, high = _CHIRP_HZ
    rising = 2 * np.pi * (low + (high - low) / 2 * time * RATE / _CHIRP) * time
    return (np.sin(rising) * _envelope(_CHIRP)).astype(np.float32)


def _envelope(length: int) -> Samples:
    """Return a window that rises and falls as a raised cosine, without clicks."""
    edge = min(length // 4, 240)
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)).astype(np.float32)
    return np.concatenate([ramp, np.ones(length - 2 * edge, np.float32), ramp[::-1]])


def _chords(data: bytes, pitch: int, symbol: int) -> Samples:
    codes = np.frombuffer(data, np.uint8)
    phase = 2 * np.pi * pitch * np.arange(symbol) / RATE
    shape = _envelope(symbol)
    melody = (_MELODY_LEVEL * np.sin(np.outer(_MELODY, phase)) * shape).astype(np.float32)
    colour = (_COLOUR_LEVEL * np.sin(np.outer(_COLOUR, phase)) * shape).astype(np.float32)
    sung = melody[codes & 15] + colour[codes >> 4]
    sung[codes == ord(" ")] *= _SPACE_LEVEL
    flat: Samples = sung.reshape(-1)
    return flat


def _heard(samples: Samples, pitch: int, symbol: int) -> bytes:
    """Return the loudest melody and colour of every whole chord as a byte."""
    count = len(samples) // symbol
    rows = samples[: count * symbol].reshape(count, symbol)
    phase = -2j * np.pi * pitch * np.arange(symbol) / RATE
    window = _envelope(symbol)[:, None]
    low, high = (
        np.abs(rows @ (np.exp(np.outer(phase, harmonics)) * window).astype(np.complex64))
        for harmonics in (_MELODY, _COLOUR)
    )
    return bytes((low.argmax(axis=1) | high.argmax(axis=1) << 4).astype(np.uint8))


def _packet_at(samples: Samples, at: int) -> Packet | None:
    """Read the packet whose header begins at the sample `at`, if one does."""
    start = at + _HEADER * _HEADER_SYMBOL
    header = _opened(_heard(samples[at:start], _HEADER_PITCH, _HEADER_SYMBOL))
    if header is None or len(header) != _HEADER - _CRC:
        return None
    pitch, symbol, size = header[0], int.from_bytes(header[1:3]), int.from_bytes(header[3:])
    if pitch not in PITCHES or symbol not in SYMBOLS:
        return None
    chords = size + -(-size // _BLOCK) * _CRC
    data = _heard(samples[start : start + chords * symbol], pitch, symbol)
    payload = _readable(data, chords)
    if size and not payload:
        return None
    return Packet(payload, start, symbol, len(payload) == size)


def _readable(data: bytes, chords: int) -> bytes:
    """Return the payload up to the first block that is broken or missing."""
    payload = b""
    sealed = _BLOCK + _CRC
    for at in range(0, chords, sealed):
        block = _opened(data[at : min(at + sealed, chords)])
        if block is None:
            break
        payload += block
    return payload


def _chirps(samples: Samples) -> Iterator[int]:
    """Yield the samples at which chirps begin."""
    score = _scores(samples)
    found = np.flatnonzero(score > _CHIRP_SCORE)
    for group in np.split(found, np.flatnonzero(np.diff(found) > _CHIRP) + 1):
        if group.size:
            yield int(group[score[group].argmax()])


def _scores(samples: Samples) -> Samples:
    """Return how well the chirp fits at every sample, 0..1, independent of loudness."""
    chirp = _chirp()
    spectrum = np.conj(np.fft.rfft(chirp / np.linalg.norm(chirp), _FFT))
    step = _FFT - _CHIRP
    scores = []
    for at in range(0, len(samples), step):
        piece = samples[at : at + _FFT]
        match = np.fft.irfft(np.fft.rfft(piece, _FFT) * spectrum, _FFT)[:step]
        power = np.cumsum(np.pad(np.square(piece, dtype=np.float64), (1, _FFT - len(piece))))
        energy = power[_CHIRP:] - power[:-_CHIRP]
        scores.append(np.abs(match) / np.sqrt(energy[:step] + 1e-4))
    return np.concatenate(scores, dtype=np.float32) if scores else np.zeros(0, np.float32)
