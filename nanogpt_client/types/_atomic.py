"""Shared state that changes atomically, without a lock.

An exception may come out of a signal handler at any moment (Ctrl-C, a time limit of a job queue),
and Python may collect a lost stream while the same thread is recording another call. A lock could
stay locked then, and two sums that belong together could disagree. So every state is an immutable
object, and the next one is linked to it by a single operation of the interpreter, which happens or
does not happen.
"""

from __future__ import annotations

from typing import Self

__all__ = ["Step"]


class Step:
    """One state, and the one that followed it."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next: list[Self] = []

    @property
    def following(self) -> Self | None:
        """The state that came next, if any."""
        return self._next[0] if self._next else None

    def follow_with(self, step: Self) -> None:
        """Make that the next state, unless another one is already: see `following`."""
        self._next.append(step)
