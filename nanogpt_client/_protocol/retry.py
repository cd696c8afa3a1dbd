"""The retry rules, as values and pure functions; `policy.send_with_retries` applies them.

Follows https://docs.nano-gpt.com/api-reference/miscellaneous/error-handling, but stricter: NanoGPT
has no idempotency keys, so a request that may have been billed is never sent again.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

from nanogpt_client._protocol.call import RetrySafety
from nanogpt_client.config import Config
from nanogpt_client.errors import (
    APIConnectionError,
    APIStatusError,
    DownloadError,
    NanoGPTError,
    OutcomeUnknownError,
)

RETRYABLE_STATUSES = frozenset({408, 500, 502, 503, 504})
FIRST_BACKOFF = 0.5  # seconds
MAX_BACKOFF = 8.0


class RetryQuota:
    """A token bucket shared by all calls of a client, so that an outage causes no retry storm.

    A retry takes tokens; a call that succeeds returns those that it took and one more. Once it is
    empty, failures are raised at once. With the defaults, a service that is down gets at most 50
    retries, however many calls there are. Responses 429 take no tokens: see `pacing`.
    """

    CAPACITY = 500
    COST = 10

    def __init__(self) -> None:
        self._tokens = self.CAPACITY
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one retry's tokens; ``False`` if too few are left."""
        with self._lock:
            if self._tokens < self.COST:
                return False
            self._tokens -= self.COST
            return True

    def refill(self, retries: int) -> None:
        """Return the tokens that the retries of a successful call took, and one more."""
        with self._lock:
            self._tokens = min(self._tokens + 1 + retries * self.COST, self.CAPACITY)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a call is sent again."""

    max_retries: int = Config.max_retries
    quota: RetryQuota = field(default_factory=RetryQuota)
    jitter: Callable[[], float] = random.random
    now: Callable[[], float] = time.time
    retry_after_cap: float = Config.retry_after_cap

    def delay(self, failure: NanoGPTError, resend: RetrySafety, retry: int) -> float | None:
        """Return the seconds to wait before the n-th retry; ``None`` if there must be none."""
        if retry > self.max_retries or not may_resend(failure, resend):
            return None
        wait = failure.retry_after
        if wait is not None and wait > self.retry_after_cap:
            return None
        if not self.quota.take():
            return None
        if wait is not None:
            return wait
        return self.jitter() * min(FIRST_BACKOFF * 2.0 ** (retry - 1), MAX_BACKOFF)


def may_resend(failure: NanoGPTError, resend: RetrySafety) -> bool:
    """Whether a failed call may be sent again; the only rule that guards "one call, one bill"."""
    if isinstance(failure, APIConnectionError):
        return True
    if isinstance(failure, OutcomeUnknownError):
        return resend is RetrySafety.ALWAYS
    if failure.maybe_billed and resend is not RetrySafety.ALWAYS:
        return False
    if isinstance(failure, APIStatusError | DownloadError):
        return failure.status_code in RETRYABLE_STATUSES and resend is not RetrySafety.IF_NOT_SENT
    return False


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that the headers ask to wait; ``None`` if they do not, or are invalid.

    They give milliseconds, seconds or a date, which is compared with the response's own ``Date`` if
    there is one, as clocks differ.
    """
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        seconds = _number(headers.get(name))
        if seconds is not None:
            return seconds / scale
    until = _date(headers.get("retry-after"))
    if until is None:
        return None
    return max(until - (_date(headers.get("date")) or now), 0.0)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(text: str | None) -> float | None:
    if not text:
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # HTTP dates are in UTC, also where the zone is missing or "-0000".
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
