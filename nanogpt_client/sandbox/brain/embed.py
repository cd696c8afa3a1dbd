"""Embed texts by hashed n-grams, so that near texts are near, without any model weights.

Each word spreads over a few signed buckets: its stem, the everyday meanings it shares with
other words, its character n-grams (typing errors, inflections, any language) and the pair it
forms with the word before it. Common words count little, repetition counts ever less, and the
start of a text counts more than its end. The same text gives the same vector in every process.
"""

from __future__ import annotations

import math
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from nanogpt_client.sandbox.brain.words import concepts, importance, units

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
_Cells = tuple[Ints, npt.NDArray[np.uint64], Doubles]  # row, feature, weight

MAX_DIMENSIONS = 4096
_BATCH = 256  # bounds the scratch memory of one step: 256 rows of 4096 doubles are 8 MiB
_WORD, _MEANING, _GRAMS, _PAIR = 1.0, 1.6, 0.3, 0.3
_GRAM_SIZES = (3, 4)
_LEAD = 15.0  # words until a word counts half as much as the first one
_SATURATION = 1.0
_COMMON = 0.2  # words at or below this importance form no pairs
_MIX = np.uint64(0x9E3779B97F4A7C15)


def embed(texts: Sequence[str], *, dimensions: int = 1536) -> Floats:
    """Embed each text as one row of unit length.

    Returns float32 (len(texts), dimensions). A text without a word gives the first unit vector.

    Raises:
        ValueError: `dimensions` is not within 1 to 4096.
    """
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        message = f"dimensions must be within 1 and {MAX_DIMENSIONS}, got {dimensions}"
        raise ValueError(message)
    rows = np.empty((len(texts), dimensions), np.float32)
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        rows[start : start + len(batch)] = _unit_length(_embed_batch(batch, dimensions))
    return rows


def _unit_length(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scale each row to length 1; a row of zeros becomes the first unit vector."""
    lengths = np.linalg.norm(rows, axis=1)
    empty = lengths < 1e-9  # noqa: PLR2004 - rounding residue of features that cancelled out
    rows[empty] = 0.0
    rows[empty, 0] = 1.0
    lengths[empty] = 1.0
    return rows / lengths[:, None]


def _embed_batch(texts: Sequence[str], dimensions: int) -> npt.NDArray[np.float64]:
    """Sum the features of each text into its row, not yet of unit length."""
    lists = [units(text) for text in texts]
    names = list(dict.fromkeys(unit for words in lists for unit in words))
    if not names:
        return np.zeros((len(texts), dimensions))
    index = {name: i for i, name in enumerate(names)}
    flat = np.fromiter((index[unit] for words in lists for unit in words), np.intp)
    counts = np.fromiter(map(len, lists), np.intp, len(lists))
    rows = np.repeat(np.arange(len(lists)), counts)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)
    lead = 1.0 / (1.0 + place / _LEAD)
    cells = (
        _words(rows, flat, lead, names),
        _pairs(rows, flat, lead, names),
    )
    total = np.zeros(len(lists) * dimensions)
    for row, hashes, weights in cells:
        bucket = (hashes % np.uint64(dimensions)).astype(np.intp)
        signed = np.where(hashes >> np.uint64(63), weights, -weights)
        total += np.bincount(row * dimensions + bucket, signed, total.size)
    return total.reshape(len(lists), dimensions)


def _words(rows: Ints, flat: Ints, lead: Doubles, names: Sequence[str]) -> _Cells:
    """Return the cells of single words: stems, meanings and character n-grams."""
    row, unit, weight = _saturate(rows, flat, lead, len(names))
    spread = [_features(name) for name in names]
    sizes = np.fromiter((len(hashes) for hashes, _ in spread), np.intp, len(spread))
    hashes = np.concatenate([hashes for hashes, _ in spread])
    weights = np.concatenate([weights for _, weights in spread])
    start = np.cumsum(sizes) - sizes
    many = sizes[unit]
    position = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many - start[unit], many)
    return np.repeat(row, many), hashes[position], weights[position] * np.repeat(weight, many)


def _pairs(rows: Ints, flat: Ints, lead: Doubles, names: Sequence[str]) -> _Cells:
    """Return the cells of neighbouring words, common words left out."""
    value = np.fromiter(map(importance, names), np.float64, len(names))
    kept = value[flat] > _COMMON
    rows, flat, lead = rows[kept], flat[kept], lead[kept]
    same = rows[1:] == rows[:-1]
    first, second = flat[:-1][same], flat[1:][same]
    row, pair, weight = _saturate(
        rows[1:][same], first * len(names) + second, lead[1:][same], len(names) ** 2
    )
    first, second = np.divmod(pair, len(names))
    code = np.fromiter(map(_hash, names), np.uint64, len(names))
    mixed = (code[first] * _MIX) ^ (code[second] >> np.uint64(7)) * _MIX
    mixed ^= mixed >> np.uint64(29)
    return row, mixed * _MIX, _PAIR * weight * np.sqrt(value[first] * value[second])


def _saturate(rows: Ints, terms: Ints, lead: Doubles, width: int) -> tuple[Ints, Ints, Doubles]:
    """Sum the weights of equal (row, term) pairs, with ever smaller steps."""
    keys, inverse = np.unique(rows * width + terms, return_inverse=True)
    mass = np.bincount(inverse, lead, len(keys))
    row, term = np.divmod(keys, width)
    return row, term, mass * (1.0 + _SATURATION) / (mass + _SATURATION)


@lru_cache(maxsize=1 << 16)
def _features(unit: str) -> tuple[npt.NDArray[np.uint64], Doubles]:
    """Return the hashes and weights of what one word adds to a text."""
    padded = f"<{unit}>"
    grams = [padded[i : i + n] for n in _GRAM_SIZES for i in range(len(padded) - n + 1)]
    meanings = concepts(unit)
    named = [f"word {unit}", *(f"meaning {m}" for m in meanings), *(f"gram {g}" for g in grams)]
    weights = np.array(
        [_WORD]
        + [_MEANING / (len(meanings) or 1) ** 0.25] * len(meanings)
        + [_GRAMS / math.sqrt(len(grams) or 1)] * len(grams)
    )
    return np.fromiter(map(_hash, named), np.uint64, len(named)), weights * (importance(unit) / np.linalg.norm(weights))


@lru_cache(maxsize=1 << 16)
def _hash(feature: str) -> int:
    """Return 64 bits that depend on `feature` alone, unlike `hash()`."""
    return int.from_bytes(
        blake2b(feature.encode("utf-8", "replace"), digest_size=8).digest(), "little"
    )
