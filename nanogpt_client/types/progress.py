"""How far a piece of work is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["OnProgress", "Progress"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work is.

    Attributes:
        kind: ``"video"``, ``"speech"``, ``"transcription"``, ``"image"`` or ``"embedding"``.
        status: of a job: submitted, queued, running, completed, failed, cancelled; else working.
        done: how many parts of the work are done, of ``total``; a job is one part, and so is a
            text to embed.
        seconds: how long a job was waited for so far, pauses alone.
        run_id: the job that is waited for; it finds the work again after a crash.
        result: what has just been finished, e.g. one transcript, or the `Embeddings` of one batch.
    """

    kind: str
    status: str = "working"
    done: int = 0
    total: int = 1
    seconds: float = 0.0
    run_id: str | None = None
    result: Any = field(default=None, repr=False)


OnProgress: TypeAlias = Callable[[Progress], object]
