"""Jobs that are submitted once and then asked about until they end.

Images, speech, transcriptions and videos may be answered by a ticket instead of a result. The
submission is what costs, so it is never repeated; asking is free and may be, so a job that cannot
be asked about is not lost: every error from here carries its ``run_id``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from nanogpt_client._core.call import Call, Reply
from nanogpt_client._core.flow import Flow, Sleep, ask
from nanogpt_client._core.watch import Watch
from nanogpt_client.endpoints._request import read_object
from nanogpt_client.errors import (
    ConfigurationError,
    JobError,
    JobFailedError,
    JobTimeoutError,
    NanoGPTError,
)
from nanogpt_client.wire._read import as_dict, as_text, first
from nanogpt_client.wire.progress import Progress

State = TypeVar("State")

POLL_SECONDS = 3.0
JOB_TIMEOUT = 900.0

_STATES = {
    "completed": "completed", "succeeded": "completed", "success": "completed",
    "failed": "failed", "failure": "failed", "error": "failed",
    "content_policy_violation": "failed",
    "cancelled": "cancelled", "canceled": "cancelled",
    "in_progress": "running", "processing": "running", "running": "running",
    "in_queue": "queued", "pending": "queued", "queued": "queued", "starting": "queued",
}  # fmt: skip


def job_state(word: str) -> str:
    """Return one of queued, running, completed, failed, cancelled; other words in lower case."""
    return _STATES.get(word.lower(), word.lower())


def is_over(word: str) -> bool:
    """Whether a job in this state will not change any more."""
    return job_state(word) in {"completed", "failed", "cancelled"}


def refund_words(ticket: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to send back with each question.

    With it NanoGPT can refund the job if its provider rejects it later.
    """
    words = ("cost", "paymentSource", "isApiRequest")
    return {name: ticket[name] for name in words if ticket.get(name) is not None}


def read_state(reply: Reply) -> dict[str, Any]:
    """Return a job's state, flat or under ``data``; an error in it is the job's own."""
    try:
        body = as_dict(reply.json())
    except ValueError:
        body = {}
    state = as_dict(body.get("data")) or body
    return body if is_over(as_text(state.get("status"))) else read_object(reply)


def check_waiting(interval: float, timeout: float) -> None:
    """Refuse to ask without pause, or for ever."""
    if not (interval > 0 and 0 <= timeout < math.inf):
        raise ConfigurationError(
            f"jobs are asked about every interval > 0 seconds up to a timeout, not every "
            f"{interval!r} up to {timeout!r}"
        )


def result_of(check: Call[dict[str, Any]], run_id: str, watch: Watch) -> Flow[dict[str, Any]]:
    """Wait for a job whose state is a plain object; return it once completed.

    Raises:
        JobFailedError: NanoGPT says that it failed or was cancelled.
    """
    state = yield from wait(check, lambda state: as_text(state.get("status")), run_id, watch)
    if job_state(as_text(state.get("status"))) != "completed":
        error = first(state, "error", "message", "status")
        why = as_text(error) or as_text(as_dict(error).get("message"))
        raise job_failed(check.kind, run_id, why)
    return state


def job_failed(kind: str, run_id: str, why: str) -> JobFailedError:
    """Return the error for a job that ended without a result."""
    msg = f"{kind} job {run_id} failed: {why or 'no reason given'}"
    return JobFailedError(msg, run_id=run_id, maybe_billed=True)


def wait(
    check: Call[State],
    word_of: Callable[[State], str],
    run_id: str,
    watch: Watch,
    *,
    interval: float = POLL_SECONDS,
    timeout: float = JOB_TIMEOUT,
) -> Flow[State]:
    """Ask until the job has ended, and return its last state; ``word_of`` reads its status.

    Raises:
        ConfigurationError: it would ask without pause, or for ever.
        JobTimeoutError: it was still running after ``timeout`` seconds; it goes on, and is charged.
        JobError: NanoGPT could not be asked; the job is found again by its run id.
    """
    check_waiting(interval, timeout)
    waited = 0.0
    yield from watch.tell(Progress(check.kind, "submitted", run_id=run_id))
    while True:
        try:
            state = yield from ask(check)
        except NanoGPTError as error:
            msg = f"job {run_id} is submitted, but its state could not be read: {error}"
            raise JobError(msg, run_id=run_id, maybe_billed=True) from error
        word = word_of(state)
        over = is_over(word)
        yield from watch.tell(
            Progress(check.kind, job_state(word), int(over), seconds=waited, run_id=run_id)
        )
        if over:
            return state
        if waited >= timeout:
            msg = f"job {run_id} was still running after {timeout:g} seconds; ask again by run id"
            raise JobTimeoutError(msg, run_id=run_id, maybe_billed=True)
        yield Sleep(interval)
        waited += interval
