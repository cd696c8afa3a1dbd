"""Observing a client's calls: the logger ``nanogpt_client``, three hooks, and a ledger's sink.

Requests, responses and retries are reported with method, path, status, request id, seconds and
number of sends; never with headers or bodies, so neither a key nor a prompt gets into a log.
"""

from __future__ import annotations

import gc
import logging
import warnings
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from functools import lru_cache
from threading import get_ident
from typing import Any, TypeAlias

from nanogpt_client.types.ledger_entry import LedgerEntry

__all__ = ["AccountingWarning", "CallEvent", "EntrySink", "Hook", "Hooks", "OnEntry", "warn"]

logger = logging.getLogger("nanogpt_client")
logger.addHandler(logging.NullHandler())  # silent unless the application asks for it


@lru_cache(maxsize=1000)
def note_denial(model: str, denial: str) -> None:
    """Log, once per model, that its metadata denies a capability; the call is made all the same."""
    logger.warning("NanoGPT's list says that %s %s; it is asked all the same", model, denial)


class AccountingWarning(UserWarning):
    """A ledger cannot write its file or lacks old entries, or a budget assumes a cost."""


def warn(message: str) -> None:
    """Warn; where warnings are errors, log instead, as the call is billed already."""
    try:
        warnings.warn(message, AccountingWarning, stacklevel=3)
    except AccountingWarning:
        logger.warning("%s", message)


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One step of a call.

    Attributes:
        kind: the category in the ledger.
        sends: how often the request has been sent, this time included.
        status_code: of the response; ``None`` before it, and if none came.
        seconds: from sending to the end of the response (for a stream, of its headers); before a
            retry, the time until it.
        error: why the request is sent again, or why no response came.
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
    """Functions to call; an exception of one is logged, as the call may be billed already."""

    on_request: Hook | None = None
    on_response: Hook | None = None
    on_retry: Hook | None = None
    _warned: set[tuple[str, str]] = field(
        default_factory=set, init=False, repr=False, compare=False
    )

    def request(self, event: CallEvent) -> None:
        """Report that a request is about to be sent."""
        _call(self.on_request, event)

    def response(self, event: CallEvent) -> None:
        """Report the outcome."""
        logger.debug(
            "%s %s model=%s: %s in %.3f s, request id %s, attempts %d",
            event.method,
            event.path,
            event.model,
            event.status_code or event.error,
            event.seconds,
            event.request_id,
            event.sends,
        )
        _call(self.on_response, event)

    def retry(self, event: CallEvent, reason: str) -> None:
        """Report that the request will be sent again: each reason once, further ones for debugging.

        A thousand calls that wait for one rate limit are one warning.
        """
        first = (event.kind, reason) not in self._warned  # a path may have a job's id
        self._warned.add((event.kind, reason))
        logger.log(
            logging.WARNING if first else logging.DEBUG,
            "%s %s model=%s: sent again in %.2f s, because %s%s",
            event.method,
            event.path,
            event.model,
            event.seconds,
            event.error,
            "; further ones like this are logged at DEBUG" if first else "",
        )
        _call(self.on_retry, event)


def _call(hook: Hook | None, event: CallEvent) -> None:
    if hook is None:
        return
    try:
        hook(event)
    except Exception:  # the user's code must not lose a response that is billed
        logger.exception("a hook failed")


OnEntry: TypeAlias = Callable[[LedgerEntry], object]

_collecting: set[int] = set()  # threads in which the garbage collector runs


class EntrySink:
    """Calls a ledger's ``on_entry`` once for each entry, outside of any garbage collection.

    Python may collect an abandoned stream in the middle of anything, such as a tracer that holds
    the lock which ``on_entry`` is about to take. The entry of such a stream waits for the next one.
    """

    def __init__(self, on_entry: OnEntry) -> None:
        self.on_entry = on_entry
        self._waiting: deque[LedgerEntry] = deque()
        if _watch_collector not in gc.callbacks:
            gc.callbacks.append(_watch_collector)

    def report(self, entry: LedgerEntry) -> None:
        """Report an entry, and those that wait; an exception becomes a warning."""
        if get_ident() in _collecting:
            self._waiting.append(entry)
            return
        while self._waiting:
            try:
                late = self._waiting.popleft()
            except IndexError:  # another thread took it
                break
            Context().run(self._call, late)  # it belongs to no span of this call
        self._call(entry)

    def _call(self, entry: LedgerEntry) -> None:
        try:
            self.on_entry(entry)
        except Exception as error:  # noqa: BLE001 - the user's code must not lose a billed response
            warn(f"on_entry of a Ledger failed: {type(error).__name__}: {error}")


def _watch_collector(phase: str, _: dict[str, Any]) -> None:
    (_collecting.add if phase == "start" else _collecting.discard)(get_ident())
