"""Jobs that are submitted once and then asked about until they end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeVar

from nanogpt_client._core.call import Call
from nanogpt_client._core.flow import Flow, Sleep, ask
from nanogpt_client.errors import JobError, JobFailedError, JobTimeoutError, NanoGPTError
from nanogpt_client.wire._read import as_text, first

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


def result_of(check: Call[dict[str, Any]], run_id: str) -> Flow[dict[str, Any]]:
    """Wait for a job whose state is a plain object; return it once completed.

    Raises:
        JobFailedError: NanoGPT says that it failed or was cancelled.
    """
    state = yield from wait(check, lambda state: is_over(as_text(state.get("status"))), run_id)
    if job_state(as_text(state.get("status"))) != "completed":
        raise job_failed(check.kind, run_id, as_text(first(state, "error", "message", "status")))
    return state


def job_failed(kind: str, run_id: str, why: str) -> JobFailedError:
    """Return the error for a job that ended without a result."""
    msg = f"{kind} job {run_id} failed: {why or 'no reason given'}"
    return JobFailedError(msg, run_id=run_id, maybe_billed=True)


def wait(
    check: Call[State],
    is_finished: Callable[[State], bool],
    run_id: str,
    *,
    interval: float = POLL_SECONDS,
    timeout: float = JOB_TIMEOUT,
) -> Generator[Call[Any] | Sleep, Any, State]:
    """Ask until the job has ended, and return its last state.

    Raises:
        JobTimeoutError: it was still running after ``timeout`` seconds; it goes on, and is charged.
        JobError: NanoGPT could not be asked; the job is found again by its run id.
    """
    waited = 0.0
    while True:
        try:
            state = yield from ask(check)
        except NanoGPTError as error:
            msg = f"job {run_id} is submitted, but its state could not be read: {error}"
            raise JobError(msg, run_id=run_id, maybe_billed=True) from error
        if is_finished(state):
            return state
        if waited >= timeout:
            msg = f"job {run_id} was still running after {timeout:g} seconds; ask again by run id"
            raise JobTimeoutError(msg, run_id=run_id, maybe_billed=True)
        yield Sleep(interval)
        waited += interval
