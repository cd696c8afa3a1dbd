"""What a client remembers of NanoGPT's model lists, so that requests are checked before they cost.

Models and what they take change, so nothing is believed for longer than an hour.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from nanogpt_client.types.catalog import ModelKind, ModelList

MAX_AGE = 3600.0


class ModelCache:
    """Model lists by kind; a list that could not be had is remembered as ``None``, too."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lists: dict[ModelKind, tuple[float, ModelList | None]] = {}

    def put(self, kind: ModelKind, models: ModelList | None) -> None:
        """Remember a list, or that it could not be had."""
        self._lists[kind] = self._now(), models

    def is_fresh(self, kind: ModelKind) -> bool:
        """Whether the list was asked for within the last hour."""
        return kind in self._lists and self._now() - self._lists[kind][0] < MAX_AGE

    def get(self, kind: ModelKind) -> ModelList | None:
        """Return the list if it is known and fresh."""
        return self._lists[kind][1] if self.is_fresh(kind) else None
