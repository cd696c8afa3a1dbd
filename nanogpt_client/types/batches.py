"""Batches: many chats in one job, at half the token price.

Follows https://docs.nano-gpt.com/api-reference/endpoint/batches and batches-list
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from pydantic import ConfigDict
from typing_extensions import TypedDict

from nanogpt_client.errors import NanoGPTError
from nanogpt_client.types._coerce import as_count, as_dict, as_text, dicts
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import ChatCompletion, Usage
from nanogpt_client.types.display import Readable
from nanogpt_client.types.progress import OnProgress

__all__ = [
    "Batch",
    "BatchEndpoint",
    "BatchListOptions",
    "BatchPage",
    "BatchResult",
    "BatchStatus",
    "BatchSubmitOptions",
    "BatchWaitOptions",
]

BatchEndpoint = Literal["/v1/chat/completions", "/v1/responses"]
BatchStatus = Literal[
    "validating", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling",
    "cancelled",
]  # fmt: skip
CHAT: BatchEndpoint = "/v1/chat/completions"
RESPONSES: BatchEndpoint = "/v1/responses"
_OVER = frozenset({"completed", "failed", "expired", "cancelled"})


@dataclass(frozen=True, slots=True, repr=False)
class Batch(Readable):
    """A submitted batch; its ``id`` is all that another process needs to collect the results.

    Attributes:
        status: a `BatchStatus`, or one that is not documented.
        total: number of rows; ``completed`` and ``failed`` are done.
        usage: tokens of all rows, once reported.
        billing: what the batch cost, if NanoGPT reports it for the whole batch (no witness); the
            cost of each row is in its result.
        created_at: seconds since the epoch.
        error: why the batch as a whole failed, if it did.
        is_inline: submitted in one request, without a file.
    """

    id: str
    status: str
    endpoint: str = CHAT
    model: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    usage: Usage | None = None
    billing: Billing = field(default_factory=Billing)
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: int | None = None
    error: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_inline: bool = False
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Batch:
        """Read a batch in its file-backed or its inline form."""
        counts = as_dict(body.get("request_counts"))
        total, completed, failed = (
            as_count(counts.get(name)) or 0 for name in ("total", "completed", "failed")
        )
        return cls(
            id=as_text(body.get("id")),
            status=as_text(body.get("status")).lower() or "validating",
            endpoint=as_text(body.get("endpoint")) or CHAT,
            model=as_text(body.get("model")) or None,
            total=total,
            completed=completed,
            failed=failed,
            usage=Usage.read(body.get("usage")),
            billing=Billing.read(body, headers),
            input_file_id=as_text(body.get("input_file_id")) or None,
            output_file_id=as_text(body.get("output_file_id")) or None,
            error_file_id=as_text(body.get("error_file_id")) or None,
            created_at=as_count(body.get("created_at")),
            error=_error(body),
            metadata=as_dict(body.get("metadata")),
            is_inline="input_file_id" not in body,
            raw=body,
        )

    @property
    def is_finished(self) -> bool:
        """Whether it has ended: completed, failed, expired or cancelled."""
        return self.status in _OVER

    @property
    def is_refunded(self) -> bool:
        """Whether it ended without a billable row, for which NanoGPT charges nothing."""
        return self.is_finished and not self.completed and not _any_tokens(self.usage)

    @property
    def code(self) -> str | None:
        """NanoGPT's machine-readable reason of a failure, if any."""
        return next(
            (as_text(error.get("code")) for error in _errors(self.raw) if error.get("code")), None
        )

    @property
    def progress(self) -> tuple[int, int]:
        """How many rows are done, and how many there are."""
        return self.completed + self.failed, self.total


def _any_tokens(usage: Usage | None) -> bool:
    return usage is not None and bool(usage.prompt_tokens or usage.completion_tokens)


def _errors(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the errors of a batch: ``error`` of an inline one, ``errors`` of one with a file.

    The items of ``errors`` have no witness; they are read as OpenAI's ``{"data": […]}``.
    """
    one, several = as_dict(body.get("error")), as_dict(body.get("errors"))
    return [each for each in (one, *dicts(several.get("data")), several) if each]


def _error(body: Mapping[str, Any]) -> str | None:
    texts = [as_text(each.get("message")) for each in _errors(body)]
    return "; ".join(filter(None, texts)) or as_text(body.get("error")) or None


@dataclass(frozen=True, slots=True, repr=False)
class BatchPage(Readable):
    """A page of the account's batches, newest first; ``after=last_id`` returns older ones."""

    batches: list[Batch]
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool = False
    raw: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class BatchResult(Readable):
    """The outcome of one row.

    Attributes:
        completion: the response of a chat row; ``None`` if it failed.
        error: why there is no response, as the exception that a single call would have raised.
        body: the response's JSON, of rows to ``/v1/responses`` as well; ``None`` without one.
        raw: the whole line of the output; empty for a row that has none.
    """

    custom_id: str
    completion: ChatCompletion | None = None
    error: NanoGPTError | None = None
    body: dict[str, Any] | None = field(default=None, repr=False)
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def billing(self) -> Billing:
        """What the row cost, if reported."""
        return Billing() if self.body is None else Billing.read(self.body)

    @property
    def cost(self) -> Decimal | None:
        """USD; ``None`` if not reported."""
        return self.billing.cost

    def unwrap(self) -> ChatCompletion:
        """Return the response of a chat row; raise its error if it failed."""
        if self.error is not None:
            raise self.error
        if self.completion is None:
            raise ValueError(f"{self.custom_id!r} is no chat row: its response is in body")
        return self.completion


class BatchSubmitOptions(TypedDict, total=False):
    """How to submit a batch."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    model: str | None
    """The model of all rows; rows may then omit it."""
    endpoint: BatchEndpoint | None
    """What all rows are for; by default ``"/v1/chat/completions"``."""
    inline: bool | None
    """Send the rows in one request, or upload a file; by default by their number and size."""
    metadata: Mapping[str, str] | None
    """Up to 16 short texts that `list` returns with the batch; needs the file.

    OpenAI's form, of which NanoGPT documents the reading only.
    """
    timeout: float | None
    """Seconds for the upload."""


class BatchWaitOptions(TypedDict, total=False):
    """How to wait for a batch."""

    poll_interval: float
    """Seconds between polls; by default 30."""
    poll_timeout: float
    """Seconds until waiting ends, by default 25 hours; the batch goes on."""
    on_progress: OnProgress | None
    """Called with a `Progress` at every step."""
    progress: bool
    """Draw a progress bar."""


class BatchListOptions(TypedDict, total=False):
    """Which batches to list; follows the page batches-list."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    limit: int | None
    """1 to 100, by default 20."""
    after: str | None
    """The id of a batch; only older ones."""
    before: str | None
    """The id of a batch; only newer ones."""
    status: str | list[str] | None
    """Only batches with this status, or one of these."""
    created_after: int | str | None
    """Seconds since the epoch, or an ISO 8601 text with a time zone."""
    created_before: int | str | None
    """Likewise."""
    inline: bool
    """Only inline batches."""
