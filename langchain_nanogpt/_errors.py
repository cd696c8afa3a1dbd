"""NanoGPT's errors as LangChain knows them.

Each class here is both: the core's exception (``except nanogpt_client.InsufficientBalanceError``)
and the member of `langchain_core.exceptions.ModelError` that middleware and retries look at.
``is_retryable`` is honest: only what provably was not billed may be sent again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core import exceptions as langchain

from nanogpt_client import errors as core
from nanogpt_client.toolbox import explain

__all__ = ["map_errors", "tool_errors"]


class NanoGPTModelError(core.NanoGPTError, langchain.ModelError):
    """Whatever has no closer relative."""


class ConfigurationError(core.ConfigurationError, langchain.ModelInvalidRequestError):
    """What was passed cannot work; nothing was sent."""


class BudgetExceededError(core.BudgetExceededError, langchain.ModelError):
    """The next call could exceed the budget; nothing was sent."""


class SpendingRefusedError(core.SpendingRefusedError, langchain.ModelError):
    """Dearer than may be spent without asking, and not confirmed; nothing was sent."""


class APIConnectionError(core.APIConnectionError, langchain.ModelConnectionError):
    """The request never reached NanoGPT."""


class OutcomeUnknownError(core.OutcomeUnknownError, langchain.ModelConnectionError):
    """Sent, but no answer came; it may have been billed."""

    is_retryable = False


class APITimeoutError(core.APITimeoutError, langchain.ModelTimeoutError):
    """No answer within the timeout; it may have been billed."""

    is_retryable = False


class APIStatusError(core.APIStatusError, langchain.ModelError):
    """An error status that has no class of its own."""


class BadRequestError(core.BadRequestError, langchain.ModelInvalidRequestError):
    """The request was refused as invalid."""


class ContextLengthExceededError(
    core.ContextLengthExceededError,
    langchain.ContextOverflowError,
    langchain.ModelInvalidRequestError,
):
    """The conversation does not fit the model's context window."""


class ContentPolicyError(core.ContentPolicyError, langchain.ModelInvalidRequestError):
    """The provider's content policy refused the request."""


class AuthenticationError(core.AuthenticationError, langchain.ModelAuthenticationError):
    """The key is missing, wrong or revoked."""


class InsufficientBalanceError(core.InsufficientBalanceError, langchain.ModelError):
    """The balance does not cover the request; asking again does not help."""


class PermissionDeniedError(core.PermissionDeniedError, langchain.ModelPermissionDeniedError):
    """The key may not do this."""


class NotFoundError(core.NotFoundError, langchain.ModelNotFoundError):
    """No such model or route."""


class ConflictError(core.ConflictError, langchain.ModelInvalidRequestError):
    """The request conflicts with the state at NanoGPT."""


class PayloadTooLargeError(core.PayloadTooLargeError, langchain.ModelInvalidRequestError):
    """The request is larger than NanoGPT accepts."""


class RateLimitError(core.RateLimitError, langchain.ModelRateLimitError):
    """Too many requests."""


class DailyLimitError(core.DailyLimitError, langchain.ModelRateLimitError):
    """The daily cap of this key is used up until 00:00 UTC."""

    is_retryable = False


class ServerError(core.ServerError, langchain.ModelAPIError):
    """NanoGPT or the provider behind it failed."""


class DownloadError(core.DownloadError, langchain.ModelError):
    """Another host than NanoGPT did not hand a file over."""


class ResponseFormatError(core.ResponseFormatError, langchain.ModelAPIError):
    """An answer came that nobody can read."""

    is_retryable = False


class StreamError(core.StreamError, langchain.ModelAPIError):
    """A stream began and did not finish; ``partial`` holds what had arrived."""

    is_retryable = False


class StreamInterruptedError(core.StreamInterruptedError, langchain.ModelAPIError):
    """The stream ended before the model had finished; ``partial`` holds what had arrived."""

    is_retryable = False


class StreamStalledError(core.StreamStalledError, langchain.ModelTimeoutError):
    """The stream went silent; ``partial`` holds what had arrived."""

    is_retryable = False


_BY_CORE_CLASS: dict[type, type[core.NanoGPTError]] = {
    cls.__bases__[0]: cls
    for cls in (
        NanoGPTModelError,
        ConfigurationError,
        BudgetExceededError,
        SpendingRefusedError,
        APIConnectionError,
        OutcomeUnknownError,
        APITimeoutError,
        APIStatusError,
        BadRequestError,
        ContextLengthExceededError,
        ContentPolicyError,
        AuthenticationError,
        InsufficientBalanceError,
        PermissionDeniedError,
        NotFoundError,
        ConflictError,
        PayloadTooLargeError,
        RateLimitError,
        DailyLimitError,
        ServerError,
        DownloadError,
        ResponseFormatError,
        StreamError,
        StreamInterruptedError,
        StreamStalledError,
    )
}


@contextmanager
def map_errors() -> Iterator[None]:
    """Let only LangChain's `ModelError`s leave; each has the core's error as its cause."""
    try:
        yield
    except core.NanoGPTError as error:
        if isinstance(error, langchain.ModelError):
            raise
        raise _mapped(error) from error


@contextmanager
def tool_errors() -> Iterator[None]:
    """Let only `ToolException`s leave, worded for the model that called the tool.

    The cause is the error as LangChain knows it, for whoever looks closer.
    """
    # Who uses no tools need not wait for LangChain's.
    from langchain_core.tools import ToolException  # noqa: PLC0415

    try:
        yield
    except core.NanoGPTError as error:
        raise ToolException(explain(error)) from _mapped(error)


def _mapped(error: core.NanoGPTError) -> core.NanoGPTError:
    cls = next(_BY_CORE_CLASS[base] for base in type(error).__mro__ if base in _BY_CORE_CLASS)
    mapped = cls(error.message)
    mapped.__dict__.update(error.__dict__)
    if error.maybe_billed:  # e.g. a server's error in the middle of a stream
        mapped.__dict__["is_retryable"] = False
    return mapped
