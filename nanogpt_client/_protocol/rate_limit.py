"""How one call waits for its slots, and what a 429 response means for it."""

from __future__ import annotations

from typing import Any

from nanogpt_client._protocol.accounting import CallAccounting, CallContext
from nanogpt_client._protocol.call import Call, StreamCall
from nanogpt_client._protocol.pacing import MAX_SLEEP, Pace
from nanogpt_client._protocol.shared_account import pause_all
from nanogpt_client._protocol.steps import Sleep, Steps, off_loop
from nanogpt_client.errors import APIStatusError, DailyLimitError, NanoGPTError, RateLimitError

SHORTEST_SLEEP = 0.001  # seconds; a slot that is nearer is due


class CallPacer:
    """Waits for the slots of one call: its account's, if it has one, and its client's (`pacing`).

    A 429 is not a failed attempt: it uses up time, not retries. A call waits for at most
    ``rate_limit_wait`` seconds; without that setting, for its timeout after NanoGPT last accepted
    any call of the client, so that none of very many calls is lost.
    """

    def __init__(
        self,
        context: CallContext,
        call: Call[Any] | StreamCall[Any],
        accounting: CallAccounting,
    ) -> None:
        request = call.request
        # Files come from other servers, to which NanoGPT's rate limit does not apply.
        is_limited = request.download_limit is None
        self._pace = context.pace if is_limited else Pace()
        # Workers that wait for jobs do not take the slots of those that submit some.
        is_poll = isinstance(call, Call) and call.run_id is not None
        self._shared = accounting.shared if is_limited and not is_poll else None
        self._setting = context.rate_limit_wait
        self._allowed = context.timeout if self._setting is None else self._setting
        if self._setting is None and request.timeout is not None:
            self._allowed = request.timeout
        self._slot = self._pace.next_slot()
        self._since: float | None = None
        self._refused: NanoGPTError | None = None

    def wait(self) -> Steps[None]:
        """Wait until the call's slots are due.

        Raises:
            RateLimitError: that would take too long; the last 429, if there was one.
            NanoGPTError: the account does not admit the call; see `Account.admit`.
        """
        yield from self._wait_for_account()
        while (seconds := self._pace.wait(self._slot)) > 0:
            if self._pace.is_asked_to_wait and not self._may_wait(seconds):
                raise self._refusal()
            yield Sleep(min(seconds, MAX_SLEEP))

    def _wait_for_account(self) -> Steps[None]:
        if self._shared is None:
            return
        admission = yield from off_loop(self._shared.admit)
        while admission.seconds >= SHORTEST_SLEEP:
            if admission.paused == "rate" and not self._may_wait(admission.seconds):
                raise self._refusal()
            yield Sleep(admission.seconds)
            admission = yield from off_loop(self._shared.confirm)

    def _refusal(self) -> NanoGPTError:
        """Return the last 429, or what else says that the wait would be too long."""
        return self._refused or RateLimitError(
            "NanoGPT asks to wait longer than rate_limit_wait; this request was not sent"
        )

    def _may_wait(self, seconds: float) -> bool:
        now = self._pace.now()
        if self._since is None:
            self._since = now
        since = (
            self._since if self._setting is not None else max(self._since, self._pace.accepted_at)
        )
        return self._allowed is None or now + seconds <= since + self._allowed

    def report(self, failure: NanoGPTError) -> Steps[None]:
        """Let the account's other workers wait, too, if NanoGPT asks for it."""
        if self._shared is not None:
            yield from pause_all(self._shared.account, failure, self._pace.back_off())

    def accepted(self) -> None:
        """Note that NanoGPT did not refuse the request for its rate."""
        self._pace.accepted(self._slot)

    def is_rate_limited(self, failure: NanoGPTError) -> bool:
        """Whether NanoGPT asks to wait and the call may; it then has a new slot.

        Raises:
            RateLimitError: NanoGPT asks to wait longer than the call may.
        """
        if not isinstance(failure, RateLimitError) or isinstance(failure, DailyLimitError):
            if isinstance(failure, APIStatusError):
                self.accepted()
            return False
        asked = failure.retry_after
        seconds = self._pace.back_off() if asked is None else asked
        if not self._may_wait(seconds):
            raise failure
        self._pace.refused(self._slot, seconds)
        self._refused, self._slot = failure, self._pace.next_slot()
        return True
