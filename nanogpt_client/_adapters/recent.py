"""Recently seen items, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

__all__ = ["Recent"]


class Recent:
    """Remembers the last ``size`` items; may be used from several threads."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._seen: set[Hashable] = set()
        self._order: deque[Hashable] = deque()

    def is_new(self, item: Hashable) -> bool:
        """Return whether an item is new, and remember it."""
        if item in self._seen:
            return False
        self._seen.add(item)
        self._order.append(item)
        if len(self._order) > self._size:
            self._seen.discard(self._order.popleft())
        return True
