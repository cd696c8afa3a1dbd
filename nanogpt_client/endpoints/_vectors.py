"""Vectors as NanoGPT sends them, into one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pybase64
from numpy.typing import NDArray

from nanogpt_client.errors import ResponseFormatError

__all__ = ["matrix"]


def matrix(
    values: Sequence[Any], places: Sequence[int], dimensions: int | None = None
) -> NDArray[np.float32]:
    """Return float32 of shape (n, dim), each vector in the row that its place says.

    Raises:
        ResponseFormatError: they are unreadable, differ in length, or hold what is no number.
    """
    vectors = [_vector(value) for value in values]
    widths = {len(vector) for vector in vectors}
    if len(widths) != 1 or widths == {0} or (dimensions is not None and widths != {dimensions}):
        msg = f"NanoGPT's vectors have the lengths {sorted(widths)}, expected {dimensions or 'one'}"
        raise ResponseFormatError(msg)
    ordered = np.empty((len(vectors), widths.pop()), np.float32)
    for place, vector in zip(places, vectors, strict=True):
        ordered[place] = vector
    if not np.isfinite(ordered).all():
        raise ResponseFormatError("NanoGPT's vectors hold values that are no numbers")
    return ordered


def _vector(value: Any) -> NDArray[np.float32]:
    """Read a vector sent as little-endian float32 in base64, or as a list of numbers."""
    try:
        if isinstance(value, str):
            return np.frombuffer(pybase64.b64decode(value, validate=True), "<f4")
        if isinstance(value, list) and value:
            with np.errstate(over="ignore"):  # what becomes infinite is refused later
                return np.asarray(value, np.float32).reshape(len(value))
    except (ValueError, TypeError, OverflowError):
        pass
    raise ResponseFormatError("one of NanoGPT's vectors is neither base64 nor a list of numbers")
