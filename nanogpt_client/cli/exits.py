"""What the command's exit status says: the one table from exceptions to numbers."""

from __future__ import annotations

from typing import NamedTuple

import click

from nanogpt_client.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BudgetExceededError,
    ConfigurationError,
    DownloadError,
    GatewayError,
    InsufficientBalanceError,
    InvalidArgumentError,
    InvalidResponseError,
    JobError,
    JobTimeoutError,
    NanoGPTError,
    OriginUnreachableError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    StreamError,
)

__all__ = ["EXITS", "Exit", "exit_code"]


class Exit(NamedTuple):
    """One exit status, and the exceptions that end in it."""

    code: int
    meaning: str
    errors: tuple[type[BaseException], ...] = ()


NO_KEY = Exit(3, "no key, or one that NanoGPT does not take", (AuthenticationError,))

EXITS = (
    Exit(0, "done"),
    Exit(1, "failed otherwise, e.g. at writing a file", (Exception,)),
    Exit(
        2,
        "wrong usage; nothing was sent",
        (click.UsageError, ConfigurationError, InvalidArgumentError),
    ),
    NO_KEY,
    Exit(
        4,
        "the balance, or --budget, does not cover it",
        (InsufficientBalanceError, BudgetExceededError),
    ),
    Exit(5, "NanoGPT refused the request", (APIStatusError,)),
    Exit(6, "too many requests, or the daily cap is reached", (RateLimitError,)),
    Exit(7, "NanoGPT, or the provider behind it, failed", (ServerError,)),
    Exit(8, "an answer came that nobody can read", (InvalidResponseError, DownloadError)),
    Exit(
        9,
        "NanoGPT was not reached; nothing was billed",
        (APIConnectionError, OriginUnreachableError),
    ),
    Exit(10, "sent, but no answer came; it may be billed", (OutcomeUnknownError, GatewayError)),
    Exit(11, "the answer broke off; its beginning was shown", (StreamError,)),
    Exit(12, "the job failed", (JobError,)),
    Exit(13, "the job still runs; ask again by its run id", (JobTimeoutError,)),
    Exit(130, "interrupted (Ctrl-C)", (KeyboardInterrupt,)),
    Exit(141, "nobody reads the output any more", (BrokenPipeError,)),
)

_CODES = {error: exit_.code for exit_ in EXITS for error in exit_.errors}


def exit_code(error: BaseException) -> int:
    """Return the status for an exception: that of its nearest class in the table."""
    if isinstance(error, NanoGPTError) and error.param == "api_key":
        return NO_KEY.code
    return next(_CODES[cls] for cls in type(error).__mro__ if cls in _CODES)


def as_text() -> str:
    """Return the table as lines for ``--help``."""
    return "\n".join(f"{exit_.code:>5}  {exit_.meaning}" for exit_ in EXITS)
