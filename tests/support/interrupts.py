"""Exceptions as signal handlers raise them, injected at a chosen line of the package's code."""

from __future__ import annotations

import contextlib
import linecache
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


class Interrupt(BaseException):
    """Comes out of a signal handler."""


class _Injector:
    """Raises at the ``at``-th line that is run in files whose names end so."""

    def __init__(self, files: tuple[str, ...], at: int) -> None:
        self.files = files
        self.left = at
        self.seen = 0

    def __call__(self, frame: FrameType, event: str, _arg: Any) -> Any:
        if not frame.f_code.co_filename.endswith(self.files):
            return None
        if event == "line" and not _leaves_a_block(frame):
            self.seen += 1
            self.left -= 1
            if self.left == 0:
                raise Interrupt
        return self


def _leaves_a_block(frame: FrameType) -> bool:
    """Whether the line may be the end of a ``with``: between that and `__exit__` no signal comes.

    Python looks for signals after calls and at jumps back; the tracer would strike in between.
    """
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return line.lstrip().startswith(("with ", "async with "))


def lines_of(act: Callable[[], object], *files: str) -> int:
    """Count the lines of these files that a function runs through."""
    injector = _Injector(files, -1)
    before = sys.gettrace()
    sys.settrace(injector)
    try:
        act()
    finally:
        sys.settrace(before)
    return injector.seen


def interrupted_at(act: Callable[[], object], at: int, *files: str) -> None:
    """Call a function and interrupt it there."""
    before = sys.gettrace()
    sys.settrace(_Injector(files, at))
    try:
        with contextlib.suppress(Interrupt):
            act()
    finally:
        sys.settrace(before)
