"""How calls use the account that workers share: in steps, as its store may block."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any, TypeVar

from nanogpt_client._protocol.steps import Block
from nanogpt_client.account import Account, PauseReason
from nanogpt_client.errors import (
    DailyLimitError,
    InsufficientBalanceError,
    NanoGPTError,
    RateLimitError,
)

T = TypeVar("T")
S = TypeVar("S")

_DAILY_PAUSE = 300.0  # seconds, if NanoGPT does not say how long
_BALANCE_PAUSE = 5.0  # seconds; a subscription may cover other calls, so they only wait
# Other codes of a missing balance are about a single feature.
_BALANCE_CODES = {None, "insufficient_balance", "insufficient_quota"}


def pause_all(
    account: Account, failure: NanoGPTError, back_off: float
) -> Generator[Block, Any, None]:
    """Let all workers of an account wait, if NanoGPT refused a call for a limit of the account.

    ``back_off``: seconds to wait after a 429 that does not say how long. If the store cannot be
    reached, the next call is refused, so nothing is done about that here.
    """
    seconds = failure.retry_after
    reason: PauseReason
    if isinstance(failure, DailyLimitError):
        seconds, reason = _DAILY_PAUSE if seconds is None else seconds, "daily"
    elif isinstance(failure, RateLimitError):
        seconds, reason = back_off if seconds is None else seconds, "rate"
    elif isinstance(failure, InsufficientBalanceError) and failure.code in _BALANCE_CODES:
        seconds, reason = _BALANCE_PAUSE, "balance"
    else:
        return
    yield Block(partial(account.pause, seconds, reason))


def reporting(account: Account, steps: Generator[S, Any, T]) -> Generator[S | Block, Any, T]:
    """Perform the steps of a call, then send its outcome to the account's store.

    The outcome of an abandoned call, after which no step is performed, is sent by a thread.
    """
    try:
        try:
            result = yield from steps
        except NanoGPTError:
            yield Block(account.flush)
            raise
        yield Block(account.flush)
        return result
    except GeneratorExit:
        account.flush_in_thread()
        raise
