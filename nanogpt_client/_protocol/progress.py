"""How long work shows itself: a callback, and a bar in the terminal or notebook.

Waiting for a job and working through a batch report a `Progress` at every step. ``on_progress``
receives it (with the async client it may be a coroutine function); ``progress=True`` draws a bar
with tqdm, which the extra ``progress`` brings.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Generator, Mapping
from types import TracebackType
from typing import Any, Self

from nanogpt_client._protocol.steps import CallUser, UserResult
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.types.progress import OnProgress, Progress

logger = logging.getLogger("nanogpt_client")


class ProgressReporter:
    """A context manager around one piece of work: tells its progress, and closes the bar."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._function: OnProgress | None = options.get("on_progress")
        self._bar = _Bar() if options.get("progress") else None
        self._lock = threading.Lock()
        self._done = 0
        self._unreported: deque[Progress] = deque()
        self._is_reporting = False

    def report(self, progress: Progress) -> Generator[CallUser, Any, None]:
        """Report; what the caller's function raises is logged, for the work may be paid already."""
        if self._bar is not None:
            with self._lock:
                self._bar.show(progress)
        if self._function is not None:
            returned: UserResult = yield CallUser(self._function, progress)
            if returned.error is not None:
                logger.error("on_progress failed", exc_info=returned.error)

    def finished(
        self, kind: str, total: int, result: Any, *, parts: int = 1
    ) -> Generator[CallUser, Any, None]:
        """Count parts that are finished, and report how many of ``total`` are.

        Threads and tasks may finish at the same time. Counted in one step with being queued, and
        reported by one of them for all, they never run backwards, and nobody waits for another's
        ``on_progress``.
        """
        with self._lock:
            self._done += parts
            self._unreported.append(Progress(kind, "working", self._done, total, result=result))
            if self._is_reporting:
                return
            self._is_reporting = True
        while (progress := self._next()) is not None:
            yield from self.report(progress)

    def _next(self) -> Progress | None:
        with self._lock:
            self._is_reporting = bool(self._unreported)
            return self._unreported.popleft() if self._is_reporting else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


class _Bar:
    """A tqdm bar, drawn from the first report on."""

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm  # noqa: PLC0415 - only who asks for a bar needs it
        except ImportError as error:
            msg = "progress=True draws with tqdm: pip install 'nanogpt-integrations[progress]'"
            raise ConfigurationError(msg, param="progress") from error
        self._make = tqdm
        self._tqdm: Any = None

    def show(self, progress: Progress) -> None:
        if self._tqdm is None:
            self._tqdm = self._make(total=progress.total, desc=progress.kind)
        self._tqdm.n = max(self._tqdm.n, progress.done)
        job = f", job {progress.run_id}" if progress.run_id else ""
        self._tqdm.set_postfix_str(f"{progress.status}{job}")

    def close(self) -> None:
        if self._tqdm is not None:
            self._tqdm.close()
