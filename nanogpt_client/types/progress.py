"""Progress of jobs and batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from nanogpt_client.types.display import Readable

__all__ = ["OnProgress", "Progress"]


@dataclass(frozen=True, slots=True, repr=False)
class Progress(Readable):
    """The progress of a job or a batch, as ``on_progress`` receives it.

    Attributes:
        kind: ``"video"``, ``"speech"``, ``"transcription"``, ``"image"``, ``"embedding"``,
            ``"voice"``, ``"scrape"``, ``"youtube"`` or ``"chat"``.
        status: of a job: submitted, queued, running, completed, failed, cancelled; else working.
        done: how many parts are done, of ``total``; a job is one part, and so is a text to embed.
        seconds: time spent waiting for a job so far, without the requests themselves.
        run_id: id of the job, with which it can be resumed after a crash.
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
