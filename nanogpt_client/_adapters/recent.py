"""What was seen lately, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

__all__ = ["Recent"]


class Recent:
    """Tells what is new from what has been seen among the last ``size`` things; for threads."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._seen: set[Hashable] = set()
        self._order: deque[Hashable] = deque()

    def is_new(self, thing: Hashable) -> bool:
        """Return whether it was not seen lately; from now on, it was."""
        if thing in self._seen:
            return False
        self._seen.add(thing)
        self._order.append(thing)
        if len(self._order) > self._size:
            self._seen.discard(self._order.popleft())
        return True
