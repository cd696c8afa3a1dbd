"""Embed texts by hashed n-grams, so that near texts are near, without any model weights.

Each word spreads over a few signed buckets: its stem, the everyday meanings it shares with
other words, and its character n-grams (typing errors, inflections, any language); neighbouring
words add their pair. Common words count little, repetition counts ever less, and the start of a
text counts more than its end. The same text gives the same vector in every process.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from nanogpt_client.sandbox.media.words import concepts, importance, units

Vectors = npt.NDArray[np.float32]
_Numbers = npt.NDArray[np.float64]
_Codes = npt.NDArray[np.uint64]

MAX_DIMENSIONS = 4096
_MEANING, _GRAMS, _PAIR = 1.6, 0.3, 0.3  # against 1 for the word itself
_GRAM_SIZES = (3, 4)
_LEAD = 12.0  # words until a word counts half as much as the first one
_COMMON = 0.2  # words at or below this importance form no pairs
_NOTHING = 1e-9  # length of a row whose features cancelled out, but for rounding
_MIX = 0x9E3779B97F4A7C15  # spreads the bits of a product over the upper half
_NO_CODES: _Codes = np.zeros(0, np.uint64)
_Term = TypeVar("_Term", bound=Hashable)


def embed(texts: Sequence[str], *, dimensions: int = 1536) -> Vectors:
    """Embed each text as one row of unit length: float32 (len(texts), dimensions).

    A text without a word gives the first unit vector. Raises `ValueError` above 4096 dimensions.
    """
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise ValueError(f"dimensions must be within 1 and {MAX_DIMENSIONS}, got {dimensions}")
    vectors = np.zeros((len(texts), dimensions), np.float32)
    for row, text in zip(vectors, texts, strict=True):
        codes, weights = _features(text)
        bucket = (codes % np.uint64(dimensions)).astype(np.intp)
        sums = np.bincount(bucket, np.where(codes >> np.uint64(63), weights, -weights), dimensions)
        length = np.linalg.norm(sums)
        row[:] = sums / length if length > _NOTHING else np.eye(1, dimensions)[0]
    return vectors


def _features(text: str) -> tuple[_Codes, _Numbers]:
    """Return what is added to the vector of a text: which features, and how much of each."""
    words = [(unit, 1.0 / (1.0 + place / _LEAD)) for place, unit in enumerate(units(text))]
    rare = [each for each in words if importance(each[0]) > _COMMON]
    pairs = [((first, second), weight) for (first, _), (second, weight) in pairwise(rare)]
    parts = [(_spread(unit), weight) for unit, weight in _saturated(words).items()]
    parts += [(_pair(*pair), _PAIR * weight) for pair, weight in _saturated(pairs).items()]
    codes = [each for (each, _), _ in parts]
    weights = [shares * weight for (_, shares), weight in parts]
    return np.concatenate([_NO_CODES, *codes]), np.concatenate([np.zeros(0), *weights])


def _saturated(terms: Iterable[tuple[_Term, float]]) -> dict[_Term, float]:
    """Sum the weights of equal terms, by ever smaller steps, up to 2."""
    sums: dict[_Term, float] = {}
    for term, weight in terms:
        sums[term] = sums.get(term, 0.0) + weight
    return {term: 2.0 * mass / (mass + 1.0) for term, mass in sums.items()}


@lru_cache(maxsize=1 << 16)
def _pair(first: str, second: str) -> tuple[_Codes, _Numbers]:
    mixed = (_code(first) * _MIX ^ (_code(second) >> 7) * _MIX) % 2**64
    code = np.array([(mixed ^ mixed >> 29) * _MIX % 2**64], np.uint64)
    return code, np.array([math.sqrt(importance(first) * importance(second))])


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
