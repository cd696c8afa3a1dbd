"""Jobs that are submitted once and then asked about until they end.

Speech, transcriptions and videos may be answered by a ticket instead of a result. The submission
is what costs, so it is never repeated; asking is free and may be, so a job that cannot be asked
about is not lost: every error from here carries its ``run_id``, what came (``raw``) and its cost.
A job that failed or was cancelled is refunded, so it costs 0 (page tts-status).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
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


def job_state(word: str) -> str:
    """Return one of queued, running, completed, failed, cancelled; other words in lower case."""
    return _STATES.get(word.lower(), word.lower())


def is_over(word: str) -> bool:
    """Whether a job in this state will not change any more."""
    return job_state(word) in {"completed", "failed", "cancelled"}


class Status(Protocol):
    """What every status of a job says; `JobState` and `VideoJob` do."""

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
    """A status in any of its shapes: flat, under ``data``, upper or lower case.

    ``fields`` is the body with what stands under ``data`` lifted to its top.
    """

    status: str
    fields: dict[str, Any]
    billing: Billing
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, body: dict[str, Any], headers: Mapping[str, str]) -> JobState:
        """Read a status, or a ticket, which is one as well."""
        fields = unwrapped(body)
        return cls(_status(fields), fields, Billing.read(fields, headers), body)

    @property
    def error(self) -> str | None:
        """Why it failed, in words for users where there are any."""
        error = first(self.fields, "userFriendlyError", "error", "message")
        return as_text(error) or as_text(as_dict(error).get("message")) or None

    @property
    def code(self) -> str | None:
        """The machine-readable reason: ``code``, an error's ``code`` or ``type``, as they came.

        A video says ``isNSFWError`` instead.
        """
        error = as_dict(self.fields.get("error"))
        named = (self.fields.get("code"), error.get("code"), error.get("type"))
        code = next((word for word in named if isinstance(word, str) and word), None)
        word = as_text(first(self.fields, "status", "state")).lower()
        if code is None and (word == CONTENT_POLICY or self.fields.get("isNSFWError") is True):
            return CONTENT_POLICY
        return code

    @property
    def is_finished(self) -> bool:
        """Whether it will not change any more."""
        return is_over(self.status)

    @property
    def is_refunded(self) -> bool:
        """Whether what it had cost is given back."""
        return self.status in _FAILED or is_refunded(self.fields)


def is_refunded(fields: Mapping[str, Any]) -> bool:
    """Whether a body says so: ``refundMessage`` (page video-generation), ``refunded`` (unseen)."""
    return bool(as_text(fields.get("refundMessage"))) or fields.get("refunded") is True


def _status(fields: Mapping[str, Any]) -> str:
    """Return the state; ``isCompleted`` and ``isSuccess`` are of openapi's VideoStatusResponse."""
    state = job_state(as_text(first(fields, "status", "state")))
    if fields.get("isCompleted") is True and not is_over(state):
        state = "completed"
    if state == "completed" and fields.get("isSuccess") is False:
        return "failed"
    return state


def refund_words(ticket: Mapping[str, Any]) -> dict[str, Any]:
    """Return what to send back with each question.

    With it NanoGPT can refund the job if its provider rejects it later.
    """
    return sent_back(ticket, "cost", "paymentSource", "isApiRequest")


def sent_back(ticket: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return what a ticket says under some names, flat or under ``data``."""
    fields = unwrapped(ticket)
    return {name: fields[name] for name in names if fields.get(name) is not None}


def read_state(reply: Reply) -> JobState:
    """Return a job's state; an error in it is the job's own.

    Raises:
        InvalidResponseError: it is no state.
        APIStatusError: it is an error of the question.
    """
    try:
        body = as_dict(reply.json())
    except ValueError:
        body = {}
    state = JobState.read(body, reply.headers)
    return state if state.is_finished else JobState.read(read_object(reply), reply.headers)


def find_url(value: Any, *keys: str) -> str:
    """Return the first URL under these keys, be they objects, lists or texts; ``""`` if none is.

    A plain text counts where it looks like a URL, one under a key that ends in ``url`` always.
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
    """Refuse to ask without pause, or for ever."""
    if not (poll_interval > 0 and 0 <= poll_timeout < math.inf):
        raise InvalidArgumentError(
            f"jobs are asked about every poll_interval > 0 seconds up to a poll_timeout, not every "
            f"{poll_interval!r} up to {poll_timeout!r}"
        )


class Job(NamedTuple):
    """A job to wait for: how to find it, and what its ticket said that it costs."""

    kind: str
    run_id: str
    ticket: Billing

    def failed(self, why: str, state: Status) -> JobFailedError:
        """Return the error for a job that ended without a result; a failed one is refunded."""
        paid = self.ticket.settled(state.billing, refunded=state.is_refunded)
        return JobFailedError(
            f"{self.kind} job {self.run_id} failed: {why or 'no reason given'}",
            run_id=self.run_id,
            code=state.code,
            cost=paid.cost,
            maybe_billed=not state.is_refunded,
            raw=state.raw,
        )


class Finished(NamedTuple):
    """A completed job's last state, and its bill: the final cost in place of the ticket's."""

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
    """Ask until the job is completed.

    Raises:
        InvalidArgumentError: it would ask without pause, or for ever.
        JobFailedError: NanoGPT says that it failed or was cancelled; it is refunded.
        JobTimeoutError: it still ran after ``poll_timeout`` seconds; it goes on, and is charged.
        JobError: NanoGPT could not be asked; the job is found again by its run id.
    """
    state = yield from _last_state(check, job, reporter, poll_interval, poll_timeout)
    if state.status != "completed":
        raise job.failed(state.error or state.status, state)
    return Finished(state, job.ticket.settled(state.billing, refunded=state.is_refunded))


def _last_state(
    check: Call[S], job: Job, reporter: ProgressReporter, poll_interval: float, poll_timeout: float
) -> Flow[S]:
    check_waiting(poll_interval, poll_timeout)
    waited = 0.0
    yield from reporter.report(Progress(job.kind, "submitted", run_id=job.run_id))
    while True:
        try:
            state = yield from ask(check)
        except NanoGPTError as error:
            raise _unasked(job, error) from error
        over = state.is_finished
        yield from reporter.report(
            Progress(job.kind, state.status, int(over), seconds=waited, run_id=job.run_id)
        )
        if over:
            return state
        if waited >= poll_timeout:
            raise JobTimeoutError(
                f"job {job.run_id} was still running after {poll_timeout:g} seconds; ask again by "
                "run id",
                run_id=job.run_id,
                cost=job.ticket.cost,
                maybe_billed=True,
                raw=state.raw,
            )
        yield Sleep(poll_interval)
        waited += poll_interval


def _unasked(job: Job, error: NanoGPTError) -> JobError:
    """Return the error for a job whose state could not be had, with what is known of why."""
    return JobError(
        f"job {job.run_id} is submitted, but its state could not be read: {error}",
        run_id=job.run_id,
        cost=job.ticket.cost,
        maybe_billed=True,
        code=error.code,
        status_code=error.status_code,
        request_id=error.request_id,
        response=error.response,
    )


def estimate_of(call: Call[Any]) -> Decimal | None:
    """Return what a call was estimated to cost, in USD; ``None`` if nobody knew."""
    return None if call.estimate is None else call.estimate()
