"""Decoding NanoGPT's vectors into one array."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pybase64
from numpy.typing import NDArray

from nanogpt_client.errors import InvalidResponseError, NanoGPTError
from nanogpt_client.types.media import Embeddings, PartialEmbeddings
from nanogpt_client.types.plain import usd

__all__ = ["VectorRows", "matrix"]


class VectorRows:
    """The vectors of all texts in one array, filled batch by batch; thread-safe."""

    def __init__(self, texts: int) -> None:
        self._missing = np.ones(texts, bool)
        self._vectors: NDArray[np.float32] | None = None
        self._costs: list[Decimal | None] = []
        self._lock = threading.Lock()

    def fill(self, rows: slice, batch: Embeddings) -> NDArray[np.float32]:
        """Store a batch's vectors in its rows, and return these rows.

        Raises:
            InvalidResponseError: their length differs from that of other batches.
        """
        with self._lock:
            if self._vectors is None:
                self._vectors = self._room_for(batch.vectors)
            lengths = {self._vectors.shape[1], batch.vectors.shape[1]}
            if len(lengths) > 1:
                msg = f"NanoGPT's vectors differ in length: {sorted(lengths)}"
                raise InvalidResponseError(msg, maybe_billed=True)
            if self._vectors is not batch.vectors:
                self._vectors[rows] = batch.vectors
            self._missing[rows] = False
            self._costs.append(batch.billing.cost)
            return self._vectors[rows]

    def _room_for(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        texts = len(self._missing)
        whole = len(vectors) == texts
        return vectors if whole else np.empty((texts, vectors.shape[1]), np.float32)

    def all(self, dimensions: int | None) -> NDArray[np.float32]:
        """Return all vectors, float32 of shape (n, dim)."""
        if self._vectors is None:
            return np.empty((0, dimensions or 0), np.float32)
        return self._vectors

    def keep_in(self, error: NanoGPTError) -> None:
        """Set an error's ``partial`` to the vectors that have arrived, and note it."""
        error.partial = None
        if self._vectors is None:
            return
        self._vectors[self._missing] = np.nan
        missing = np.flatnonzero(self._missing).tolist()
        costs = [cost for cost in self._costs if cost is not None]
        cost = sum(costs, Decimal(0)) if len(costs) == len(self._costs) else None
        error.partial = PartialEmbeddings(self._vectors, missing, cost)
        texts = len(self._missing)
        paid = usd(cost, "an unknown cost")
        error.add_note(
            f"{texts - len(missing)} of {texts} texts are embedded, for {paid}; "
            "their vectors are in error.partial"
        )


def matrix(
    values: Sequence[Any], places: Sequence[int], dimensions: int | None = None
) -> NDArray[np.float32]:
    """Return float32 of shape (n, dim), each vector in the row given by its place.

    Raises:
        InvalidResponseError: vectors are unreadable, differ in length, or are not finite.
    """
    vectors = [_vector(value) for value in values]
    widths = {len(vector) for vector in vectors}
    if len(widths) != 1 or widths == {0} or (dimensions is not None and widths != {dimensions}):
        msg = f"NanoGPT's vectors have the lengths {sorted(widths)}, expected {dimensions or 'one'}"
        raise InvalidResponseError(msg)
    ordered = np.empty((len(vectors), widths.pop()), np.float32)
    for place, vector in zip(places, vectors, strict=True):
        ordered[place] = vector
    if not np.isfinite(ordered).all():
        raise InvalidResponseError("NanoGPT's vectors have values that are not finite numbers")
    return ordered


def _vector(value: Any) -> NDArray[np.float32]:
    """Read a vector sent as little-endian float32 in base64, or as a list of numbers."""
    try:
        if isinstance(value, str):
            return np.frombuffer(pybase64.b64decode(value, validate=True), "<f4")
        if isinstance(value, list) and value:
            with np.errstate(over="ignore"):  # infinite values raise later
                return np.asarray(value, np.float32).reshape(len(value))
    except (ValueError, TypeError, OverflowError):
        pass
    raise InvalidResponseError("one of NanoGPT's vectors is neither base64 nor a list of numbers")
