"""Progress of jobs and batches: a callback, and a bar in the terminal or notebook.

Each step reports a `Progress` to ``on_progress``, which may be a coroutine function with the async
client. ``progress=True`` draws a bar with tqdm (extra ``progress``).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Mapping
from typing import Any, Self

from nanogpt_client._protocol.steps import CallUser, UserResult
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.extras import install_command
from nanogpt_client.hooks import logger
from nanogpt_client.types.progress import OnProgress, Progress


class ProgressReporter:
    """A context manager around a job or batch: reports its progress and closes the bar."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._function: OnProgress | None = options.get("on_progress")
        self._bar = _Bar() if options.get("progress") else None
        self._lock = threading.Lock()
        self._done = 0
        self._unreported: deque[Progress] = deque()
        self._is_reporting = False

    def report(self, progress: Progress) -> Generator[CallUser, Any, None]:
        """Report; an exception of ``on_progress`` is logged, as the work may be billed already."""
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
        """Count finished parts and report how many of ``total`` there are.

        Threads and tasks may finish at the same time. Parts are counted and queued in one step, and
        one thread reports for all. So counts never decrease, and none waits for ``on_progress``.
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

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.close()


class _Bar:
    """A tqdm bar, drawn at the first report."""

    def __init__(self) -> None:
        try:
            from tqdm.auto import tqdm  # noqa: PLC0415 - an optional dependency
        except ImportError as error:
            msg = f"progress=True needs tqdm: {install_command('progress')}"
            raise ConfigurationError(msg, param="progress") from error
        self._make = tqdm
        self._drawn: Any = None

    def show(self, progress: Progress) -> None:
        if self._drawn is None:
            # What was done before the first report was done in an unknown time: not in the rate.
            self._drawn = self._make(
                total=progress.total, initial=progress.done, desc=progress.kind
            )
        self._drawn.n = max(self._drawn.n, progress.done)
        job = f", job {progress.run_id}" if progress.run_id else ""
        self._drawn.set_postfix_str(f"{progress.status}{job}")

    def close(self) -> None:
        if self._drawn is not None:
            self._drawn.close()
