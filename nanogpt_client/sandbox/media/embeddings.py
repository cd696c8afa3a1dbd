"""Embed texts by hashed n-grams, so that near texts are near, without any model weights.

Each word spreads over a few signed buckets: its stem, the everyday meanings it shares with
other words, and its character n-grams (typing errors, inflections, any language); neighbouring
words add their pair. Common words count little, repetition counts ever less, and the start of a
text counts more than its end. The same text gives the same vector in every process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nanogpt_client.sandbox.media.words import concepts, importance, units

Vectors = npt.NDArray[np.float32]
_Numbers = npt.NDArray[np.float64]
_Places = npt.NDArray[np.intp]
_Codes = npt.NDArray[np.uint64]

MAX_DIMENSIONS = 4096
_BATCH = 256  # bounds the scratch memory of one step: 256 rows of 4096 doubles are 8 MiB
_MEANING, _GRAMS, _PAIR = 1.6, 0.3, 0.3  # against 1 for the word itself
_GRAM_SIZES = (3, 4)
_LEAD = 12.0  # words until a word counts half as much as the first one
_COMMON = 0.2  # words at or below this importance form no pairs
_NOTHING = 1e-9  # length of a row whose features cancelled out, but for rounding
_MIX = np.uint64(0x9E3779B97F4A7C15)  # spreads the bits of a product over the upper half


class _Words(NamedTuple):
    """The words of a batch: for each its row, its number among `names`, and its weight."""

    rows: _Places
    numbers: _Places
    weights: _Numbers
    names: list[str]


class _Features(NamedTuple):
    """What is added to the vectors: to which row, which feature, how much."""

    rows: _Places
    codes: _Codes
    weights: _Numbers


def embed(texts: Sequence[str], *, dimensions: int = 1536) -> Vectors:
    """Embed each text as one row of unit length.

    Returns float32 (len(texts), dimensions). A text without a word gives the first unit vector.

    Raises:
        ValueError: `dimensions` is not within 1 to 4096.
    """
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise ValueError(f"dimensions must be within 1 and {MAX_DIMENSIONS}, got {dimensions}")
    vectors = np.empty((len(texts), dimensions), np.float32)
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        vectors[start : start + len(batch)] = _unit_length(_sums(batch, dimensions))
    return vectors


def _unit_length(sums: _Numbers) -> _Numbers:
    """Scale each row to length 1; a row of zeros becomes the first unit vector."""
    lengths = np.linalg.norm(sums, axis=1)
    empty = lengths < _NOTHING
    sums[empty] = 0.0
    sums[empty, 0] = 1.0
    lengths[empty] = 1.0
    scaled: _Numbers = sums / lengths[:, None]
    return scaled


def _sums(texts: Sequence[str], dimensions: int) -> _Numbers:
    """Add up the features of each text in its row."""
    total = np.zeros(len(texts) * dimensions)
    words = _read(texts)
    if words.names:
        for rows, codes, weights in (_of_words(words), _of_pairs(words)):
            bucket = rows * dimensions + (codes % np.uint64(dimensions)).astype(np.intp)
            signed = np.where(codes >> np.uint64(63), weights, -weights)
            total += np.bincount(bucket, signed, total.size)
    return total.reshape(len(texts), dimensions)


def _read(texts: Sequence[str]) -> _Words:
    """Split the texts into words; the further from the start of its text, the less one weighs."""
    lists = [units(text) for text in texts]
    numbers: dict[str, int] = {}
    flat = [numbers.setdefault(unit, len(numbers)) for words in lists for unit in words]
    counts = np.fromiter(map(len, lists), np.intp, len(lists))
    rows = np.repeat(np.arange(len(lists)), counts)
    place = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)
    return _Words(rows, np.array(flat, np.intp), 1.0 / (1.0 + place / _LEAD), list(numbers))


def _of_words(words: _Words) -> _Features:
    """Return the features of single words: stems, meanings and character n-grams."""
    row, unit, weight = _saturate(words.rows, words.numbers, words.weights, len(words.names))
    features = [_spread(name) for name in words.names]
    sizes = np.fromiter((len(codes) for codes, _ in features), np.intp, len(features))
    codes = np.concatenate([codes for codes, _ in features])
    shares = np.concatenate([shares for _, shares in features])
    start, many = np.cumsum(sizes) - sizes, sizes[unit]
    at = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many - start[unit], many)
    return _Features(np.repeat(row, many), codes[at], shares[at] * np.repeat(weight, many))


def _of_pairs(words: _Words) -> _Features:
    """Return the features of neighbouring words, common words left out."""
    value = np.fromiter(map(importance, words.names), np.float64, len(words.names))
    rare = value[words.numbers] > _COMMON
    rows, numbers, weights = words.rows[rare], words.numbers[rare], words.weights[rare]
    same = rows[1:] == rows[:-1]
    width = len(words.names)
    pairs = numbers[:-1][same] * width + numbers[1:][same]
    row, pair, weight = _saturate(rows[1:][same], pairs, weights[1:][same], width**2)
    first, second = np.divmod(pair, width)
    single = np.fromiter(map(_code, words.names), np.uint64, width)
    codes = (single[first] * _MIX) ^ (single[second] >> np.uint64(7)) * _MIX
    codes = (codes ^ (codes >> np.uint64(29))) * _MIX
    return _Features(row, codes, _PAIR * weight * np.sqrt(value[first] * value[second]))


def _saturate(
    rows: _Places, terms: _Places, weights: _Numbers, width: int
) -> tuple[_Places, _Places, _Numbers]:
    """Sum the weights of equal (row, term) pairs, by ever smaller steps, up to 2."""
    keys, inverse = np.unique(rows * width + terms, return_inverse=True)
    mass = np.bincount(inverse, weights, len(keys))
    row, term = np.divmod(keys, width)
    return row, term, 2.0 * mass / (mass + 1.0)


@lru_cache(maxsize=1 << 16)
def _spread(unit: str) -> tuple[_Codes, _Numbers]:
    """Return the features of one word and their shares; their length is the word's importance."""
    padded = f"<{unit}>"
    grams = [padded[i : i + n] for n in _GRAM_SIZES for i in range(len(padded) - n + 1)]
    meanings = concepts(unit)
    features = [f"word {unit}", *(f"meaning {m}" for m in meanings), *(f"gram {g}" for g in grams)]
    shares = np.array(
        [1.0]
        + [_MEANING / (len(meanings) or 1) ** 0.25] * len(meanings)
        + [_GRAMS / math.sqrt(len(grams) or 1)] * len(grams)
    )
    shares *= importance(unit) / np.linalg.norm(shares)
    return np.fromiter(map(_code, features), np.uint64, len(features)), shares


@lru_cache(maxsize=1 << 16)
def _code(feature: str) -> int:
    """Return 64 bits that depend on `feature` alone, unlike `hash()`."""
    digest = blake2b(feature.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
