"""Exit codes: the one table from exceptions to numbers."""

from __future__ import annotations

from typing import NamedTuple

import click

from nanogpt_client import errors

__all__ = ["EXITS", "Exit", "exit_code"]


class Exit(NamedTuple):
    """An exit code, and the exceptions that lead to it."""

    code: int
    meaning: str
    causes: tuple[type[BaseException], ...] = ()


NO_KEY = Exit(3, "no API key, or NanoGPT rejected it", (errors.AuthenticationError,))

EXITS = (
    Exit(0, "success"),
    Exit(1, "other errors, e.g. a file could not be written", (Exception,)),
    Exit(
        2,
        "wrong usage; nothing was sent",
        (click.UsageError, errors.ConfigurationError, errors.InvalidArgumentError),
    ),
    NO_KEY,
    Exit(
        4,
        "the balance, or --budget, is too low",
        (errors.InsufficientBalanceError, errors.BudgetExceededError),
    ),
    Exit(5, "NanoGPT rejected the request", (errors.APIStatusError,)),
    Exit(6, "the rate limit or the daily limit is reached", (errors.RateLimitError,)),
    Exit(7, "NanoGPT, or the provider of the model, failed", (errors.ServerError,)),
    Exit(8, "the response could not be read", (errors.InvalidResponseError, errors.DownloadError)),
    Exit(
        9,
        "NanoGPT, or a shared store, was not reached; nothing was billed",
        (
            errors.APIConnectionError,
            errors.OriginUnreachableError,
            errors.AccountUnavailableError,
            errors.StoreUnavailableError,
        ),
    ),
    Exit(
        10,
        "sent, but no response came; it may be billed",
        (errors.OutcomeUnknownError, errors.GatewayError, errors.PaymentError),
    ),
    Exit(11, "the answer broke off; its beginning was shown", (errors.StreamError,)),
    Exit(12, "the job failed", (errors.JobError,)),
    Exit(13, "the job is still running; fetch it by its run id", (errors.JobTimeoutError,)),
    Exit(130, "interrupted (Ctrl-C)", (KeyboardInterrupt,)),
    Exit(141, "the reader of the output closed the pipe", (BrokenPipeError,)),
)

_CODES = {error: exit_.code for exit_ in EXITS for error in exit_.causes}


def exit_code(error: BaseException) -> int:
    """Return the exit code of an exception: that of its nearest class in the table."""
    if isinstance(error, errors.NanoGPTError) and error.param == "api_key":
        return NO_KEY.code
    return next(_CODES[cls] for cls in type(error).__mro__ if cls in _CODES)
