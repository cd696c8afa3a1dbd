"""Jobs: submitted once, then polled until they end.

The response to speech, transcriptions and videos may be a job instead of a result. The submission
is charged, so it is never repeated. Polling is free and safe to repeat, so no job is lost: every
error raised here has its ``run_id``, the last status (``raw``) and its cost in USD.
A job that failed or was cancelled is refunded, so it costs 0 (page tts-status).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol, TypeVar

from nanogpt_client._protocol.call import Call, Reply
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, Sleep, ask
from nanogpt_client.endpoints._requests import read_object
from nanogpt_client.errors import (
    InvalidArgumentError,
    JobError,
    JobFailedError,
    JobTimeoutError,
    NanoGPTError,
)
from nanogpt_client.types._coerce import as_dict, as_text, first, unwrapped
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.progress import Progress

POLL_SECONDS = 3.0
JOB_TIMEOUT = 900.0
CONTENT_POLICY = "content_policy_violation"

# ``generating`` and ``delivering`` are on the page video-generation, ``refunded`` on x402.
_STATES = {
    "completed": "completed", "succeeded": "completed", "success": "completed",
    "failed": "failed", "failure": "failed", "error": "failed", "refunded": "failed",
    CONTENT_POLICY: "failed",
    "cancelled": "cancelled", "canceled": "cancelled",
    "in_progress": "running", "processing": "running", "running": "running",
    "generating": "running", "delivering": "running",
    "in_queue": "queued", "pending": "queued", "queued": "queued", "starting": "queued",
}  # fmt: skip
_FAILED = frozenset({"failed", "cancelled"})


def job_state(status: str) -> str:
    """Return queued, running, completed, failed or cancelled; any other status in lower case."""
    return _STATES.get(status.lower(), status.lower())


def is_over(status: str) -> bool:
    """Whether a job with this status has ended."""
    return job_state(status) in {"completed", "failed", "cancelled"}


class Status(Protocol):
    """The status of a job: `JobState` or `VideoJob`."""

    @property
    def status(self) -> str: ...
    @property
    def error(self) -> str | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def billing(self) -> Billing: ...
    @property
    def raw(self) -> dict[str, Any]: ...
    @property
    def is_finished(self) -> bool: ...
    @property
    def is_refunded(self) -> bool: ...


S = TypeVar("S", bound=Status)


@dataclass(frozen=True, slots=True)
class JobState:
    """A status in any of its formats: flat, under ``data``, upper or lower case.

    ``fields`` is the body, with the fields under ``data`` at its top level.
    """

    status: str
    fields: dict[str, Any]
    billing: Billing
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: dict[str, Any], headers: Mapping[str, str]) -> JobState:
        """Read a status, or the response to a submission, which has the same fields."""
        fields = unwrapped(body)
        return cls(_status(fields), fields, Billing.read(fields, headers), body)

    @property
    def error(self) -> str | None:
        """Why the job failed, in a message for users where there is one."""
        error = first(self.fields, "userFriendlyError", "error", "message")
        return as_text(error) or as_text(as_dict(error).get("message")) or None

    @property
    def code(self) -> str | None:
        """The machine-readable reason: ``code``, or the error's ``code`` or ``type``, unchanged.

        A video says ``isNSFWError`` instead.
        """
        error = as_dict(self.fields.get("error"))
        named = (self.fields.get("code"), error.get("code"), error.get("type"))
        code = next((name for name in named if isinstance(name, str) and name), None)
        status = as_text(first(self.fields, "status", "state")).lower()
        if code is None and (status == CONTENT_POLICY or self.fields.get("isNSFWError") is True):
            return CONTENT_POLICY
        return code

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended."""
        return is_over(self.status)

    @property
    def is_refunded(self) -> bool:
        """Whether its cost is refunded."""
        return self.status in _FAILED or is_refunded(self.fields)


def is_refunded(fields: Mapping[str, Any]) -> bool:
    """Whether a body has ``refundMessage`` (page video-generation) or ``refunded`` (no witness)."""
    return bool(as_text(fields.get("refundMessage"))) or fields.get("refunded") is True


def _status(fields: Mapping[str, Any]) -> str:
    """Return the state; ``isCompleted`` and ``isSuccess`` are of openapi's VideoStatusResponse."""
    state = job_state(as_text(first(fields, "status", "state")))
    if fields.get("isCompleted") is True and not is_over(state):
        state = "completed"
    if state == "completed" and fields.get("isSuccess") is False:
        return "failed"
    return state


def refund_fields(submission: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields to send with each poll.

    With them NanoGPT can refund the job if its provider rejects it later.
    """
    return sent_back(submission, "cost", "paymentSource", "isApiRequest")


def sent_back(submission: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return some fields of the response to a submission, flat or under ``data``."""
    fields = unwrapped(submission)
    return {name: fields[name] for name in names if fields.get(name) is not None}


def read_state(reply: Reply) -> JobState:
    """Return a job's state; the error of a finished job is part of it.

    Raises:
        InvalidResponseError: the response is not a state.
        APIStatusError: NanoGPT refused the poll.
    """
    try:
        body = as_dict(reply.json())
    except ValueError:
        body = {}
    state = JobState.read(body, reply.headers)
    return state if state.is_finished else JobState.read(read_object(reply), reply.headers)


def find_url(value: Any, *keys: str) -> str:
    """Return the first URL under these keys, in objects, lists or strings; ``""`` if there is none.

    A string counts if it looks like a URL; under a key that ends in ``url`` it always does.
    """
    return next(_urls(value, keys), "")


def _urls(value: Any, keys: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, str) and value.startswith(("http://", "https://", "/", "data:")):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _urls(item, keys)
    elif isinstance(value, dict):
        for key in keys:
            found = value.get(key)
            if isinstance(found, str) and found and key.lower().endswith("url"):
                yield found
            else:
                yield from _urls(found, keys)


def check_waiting(poll_interval: float, poll_timeout: float) -> None:
    """Raise for a ``poll_interval`` or ``poll_timeout`` (seconds) that is out of range."""
    if not (poll_interval > 0 and 0 <= poll_timeout < math.inf):
        raise InvalidArgumentError(
            "poll_interval must be > 0 and poll_timeout finite and >= 0 (seconds), not "
            f"{poll_interval!r} and {poll_timeout!r}"
        )


class Job(NamedTuple):
    """A job to wait for: kind, run id, and the bill of its submission."""

    kind: str
    run_id: str
    charged: Billing

    def failed(self, why: str, state: Status) -> JobFailedError:
        """Return the error for a job that ended without a result; a failed one is refunded."""
        paid = self.charged.settled(state.billing, refunded=state.is_refunded)
        return JobFailedError(
            f"{self.kind} job {self.run_id} failed: {why or 'NanoGPT gave no reason'}",
            run_id=self.run_id,
            code=state.code,
            cost=paid.cost,
            maybe_billed=not state.is_refunded,
            raw=state.raw,
        )


class Finished(NamedTuple):
    """A completed job's last state and final bill."""

    state: Any
    billing: Billing


def wait(
    check: Call[S],
    job: Job,
    reporter: ProgressReporter,
    *,
    poll_interval: float = POLL_SECONDS,
    poll_timeout: float = JOB_TIMEOUT,
) -> Flow[Finished]:
    """Poll until the job is completed.

    Raises:
        InvalidArgumentError: ``poll_interval`` or ``poll_timeout`` is out of range.
        JobFailedError: the job failed or was cancelled; it is refunded.
        JobTimeoutError: the job still ran after ``poll_timeout`` seconds; it goes on, is charged.
        JobError: the job could not be polled; it can be resumed with its run id.
    """
    state = yield from last_state(
        check, job, reporter, poll_interval=poll_interval, poll_timeout=poll_timeout
    )
    if state.status != "completed":
        raise job.failed(state.error or state.status, state)
    return Finished(state, job.charged.settled(state.billing, refunded=state.is_refunded))


def last_state(
    check: Call[S],
    job: Job,
    reporter: ProgressReporter,
    *,
    poll_interval: float,
    poll_timeout: float,
) -> Flow[S]:
    """Poll until the job has ended, in whatever way, and return its last status.

    Raises:
        JobTimeoutError, JobError: as `wait` does.
    """
    check_waiting(poll_interval, poll_timeout)
    waited = 0.0
    yield from reporter.report(Progress(job.kind, "submitted", run_id=job.run_id))
    while True:
        try:
            state = yield from ask(check)
        except NanoGPTError as error:
            raise _unknown_state(job, error) from error
        over = state.is_finished
        done, total = getattr(state, "progress", (int(over), 1))
        yield from reporter.report(
            Progress(job.kind, state.status, done, total, seconds=waited, run_id=job.run_id)
        )
        if over:
            return state
        if waited >= poll_timeout:
            raise JobTimeoutError(
                f"job {job.run_id} was still running after {poll_timeout:g} seconds; resume it "
                "with its run id",
                run_id=job.run_id,
                cost=job.charged.cost,
                maybe_billed=True,
                raw=state.raw,
            )
        yield Sleep(poll_interval)
        waited += poll_interval


def _unknown_state(job: Job, error: NanoGPTError) -> JobError:
    """Return the error for a job that could not be polled, with the details of the cause."""
    about = f"{job.kind} job {job.run_id}"
    is_unknown = error.status_code == HTTPStatus.NOT_FOUND
    what = f"NanoGPT knows no {about}" if is_unknown else f"the state of {about} could not be read"
    return JobError(
        f"{what}: {error}",
        run_id=job.run_id,
        cost=job.charged.cost,
        maybe_billed=True,
        code=error.code,
        status_code=error.status_code,
        request_id=error.request_id,
        response=error.response,
    )


def estimate_of(call: Call[Any]) -> Decimal | None:
    """Return a call's estimated cost in USD; ``None`` if it is unknown."""
    return None if call.estimate is None else call.estimate()
