"""What can be watched of a client's calls: the logger ``nanogpt_client`` and three hooks.

Requests, answers and retries are told with method, path, status, request id, seconds and sends;
never with headers or bodies, so no key and no prompt gets into a log.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

__all__ = ["AccountingWarning", "CallEvent", "Hook", "Hooks", "warn"]

logger = logging.getLogger("nanogpt_client")
logger.addHandler(logging.NullHandler())  # silent unless the application asks for it


@lru_cache(maxsize=1000)
def note_denial(model: str, denial: str) -> None:
    """Log, once for a model, what NanoGPT's lists deny of it; they deny much that works."""
    logger.warning("NanoGPT's list says that %s %s; it is asked all the same", model, denial)


class AccountingWarning(UserWarning):
    """A ledger cannot write its file or lacks old entries, or a budget must assume prices."""


def warn(message: str) -> None:
    """Warn; where warnings are errors, log it: the call that it is about is paid already."""
    try:
        warnings.warn(message, AccountingWarning, stacklevel=3)
    except AccountingWarning:
        logger.warning("%s", message)


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One step of a call.

    Attributes:
        kind: what the ledger books it under.
        sends: how often the request has been sent, this time included.
        status_code: of the answer; ``None`` before it, and if none came.
        seconds: from this sending to the answer's headers (of a stream) or to its end; before a
            retry, how long it is waited for.
        error: why it is tried again, or why no answer came.
    """

    method: str
    path: str
    kind: str
    model: str | None
    sends: int
    status_code: int | None = None
    request_id: str | None = None
    seconds: float = 0.0
    error: str | None = None


Hook: TypeAlias = Callable[[CallEvent], object]


@dataclass(frozen=True, slots=True)
class Hooks:
    """Functions to call; what one of them raises is logged, for the call may be paid already."""

    on_request: Hook | None = None
    on_response: Hook | None = None
    on_retry: Hook | None = None

    def request(self, event: CallEvent) -> None:
        """Tell that a request is about to be sent."""
        logger.debug("%s %s model=%s", event.method, event.path, event.model)
        _call(self.on_request, event)

    def response(self, event: CallEvent) -> None:
        """Tell what became of it."""
        logger.info(
            "%s %s model=%s: %s in %.3f s, request id %s, sent %d times",
            event.method,
            event.path,
            event.model,
            event.status_code or event.error,
            event.seconds,
            event.request_id,
            event.sends,
        )
        _call(self.on_response, event)

    def retry(self, event: CallEvent) -> None:
        """Tell that it is going to be sent again."""
        logger.warning(
            "%s %s model=%s: sent again in %.2f s, because %s",
            event.method,
            event.path,
            event.model,
            event.seconds,
            event.error,
        )
        _call(self.on_retry, event)


def _call(hook: Hook | None, event: CallEvent) -> None:
    if hook is None:
        return
    try:
        hook(event)
    except Exception:  # foreign code must not cost the caller an answer that is paid for
        logger.exception("a hook failed")
