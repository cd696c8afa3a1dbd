"""A client's cache of NanoGPT's model lists, for checking requests before they are billed.

Models and their limits change, so a list is cached for an hour only.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from nanogpt_client.types.catalog import ModelKind, ModelList

MAX_AGE = 3600.0  # seconds


class ModelCache:
    """Model lists by kind; ``None`` for a list that could not be fetched."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lists: dict[ModelKind, tuple[float, ModelList | None]] = {}

    def put(self, kind: ModelKind, models: ModelList | None) -> None:
        """Cache a list, or ``None`` if it could not be fetched."""
        self._lists[kind] = self._now(), models

    def is_fresh(self, kind: ModelKind) -> bool:
        """Whether the list, or ``None``, was cached within the last hour."""
        return kind in self._lists and self._now() - self._lists[kind][0] < MAX_AGE

    def get(self, kind: ModelKind) -> ModelList | None:
        """Return the list if it is cached and fresh."""
        return self._lists[kind][1] if self.is_fresh(kind) else None
