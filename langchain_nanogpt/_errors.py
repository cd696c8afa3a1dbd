"""NanoGPT's errors as LangChain knows them.

Each class here is both: the core's exception (``except nanogpt_client.InsufficientBalanceError``)
and the member of `langchain_core.exceptions.ModelError` that middleware and retries look at.
``is_retryable`` is honest: only what provably was not billed may be sent again. What may not is a
`RuntimeError` as well, because LangGraph's ``RetryPolicy`` knows no better sign: it sends anything
again that is none of Python's own errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core import exceptions as langchain

from nanogpt_client import errors as core

__all__ = ["map_errors", "tool_errors"]


class NanoGPTModelError(core.NanoGPTError, langchain.ModelError, RuntimeError):
    """Whatever has no closer relative."""


class ConfigurationError(core.ConfigurationError, langchain.ModelInvalidRequestError):
    """No key, a wrong address or setting, or a missing extra; nothing was sent."""


class InvalidArgumentError(core.InvalidArgumentError, langchain.ModelInvalidRequestError):
    """An argument of a call is wrong; nothing was sent."""


class BudgetExceededError(core.BudgetExceededError, langchain.ModelError, RuntimeError):
    """The next call could exceed the budget; nothing was sent."""


class SpendNotApprovedError(core.SpendNotApprovedError, langchain.ModelError, RuntimeError):
    """Dearer than may be spent without asking, and not confirmed; nothing was sent."""


class APIConnectionError(core.APIConnectionError, langchain.ModelConnectionError):
    """The request never reached NanoGPT."""


class OutcomeUnknownError(core.OutcomeUnknownError, langchain.ModelConnectionError, RuntimeError):
    """Sent, but no answer came; it may have been billed."""

    is_retryable = False


class APITimeoutError(core.APITimeoutError, langchain.ModelTimeoutError, RuntimeError):
    """No answer within the timeout; it may have been billed."""

    is_retryable = False


class APIStatusError(core.APIStatusError, langchain.ModelError, RuntimeError):
    """An error status that has no class of its own."""


class BadRequestError(core.BadRequestError, langchain.ModelInvalidRequestError, RuntimeError):
    """The request was refused as invalid."""


class ContextLengthExceededError(
    core.ContextLengthExceededError,
    langchain.ContextOverflowError,
    langchain.ModelInvalidRequestError,
    RuntimeError,
):
    """The conversation does not fit the model's context window."""


class ContentPolicyError(core.ContentPolicyError, langchain.ModelInvalidRequestError, RuntimeError):
    """The provider's content policy refused the request."""


class AuthenticationError(
    core.AuthenticationError, langchain.ModelAuthenticationError, RuntimeError
):
    """The key is missing, wrong or revoked."""


class InsufficientBalanceError(core.InsufficientBalanceError, langchain.ModelError, RuntimeError):
    """The balance does not cover the request; asking again does not help."""


class PermissionDeniedError(
    core.PermissionDeniedError, langchain.ModelPermissionDeniedError, RuntimeError
):
    """The key may not do this."""


class NotFoundError(core.NotFoundError, langchain.ModelNotFoundError, RuntimeError):
    """No such model or route."""


class ConflictError(core.ConflictError, langchain.ModelInvalidRequestError, RuntimeError):
    """The request conflicts with the state at NanoGPT."""


class PayloadTooLargeError(
    core.PayloadTooLargeError, langchain.ModelInvalidRequestError, RuntimeError
):
    """The request is larger than NanoGPT accepts."""


class RateLimitError(core.RateLimitError, langchain.ModelRateLimitError):
    """Too many requests."""


class DailyLimitError(core.DailyLimitError, langchain.ModelRateLimitError, RuntimeError):
    """The daily cap of this key is used up until 00:00 UTC."""

    is_retryable = False


class ServerError(core.ServerError, langchain.ModelAPIError):
    """NanoGPT or the provider behind it failed."""


class DownloadError(core.DownloadError, langchain.ModelError):
    """Another host than NanoGPT did not hand a file over."""


class OriginUnreachableError(core.OriginUnreachableError, langchain.ModelConnectionError):
    """A gateway could not reach NanoGPT."""


class GatewayError(core.GatewayError, langchain.ModelAPIError, RuntimeError):
    """A gateway answered in NanoGPT's place, which may have billed the work."""

    is_retryable = False


class BilledServerError(ServerError, RuntimeError):
    """NanoGPT failed after it had accepted the request, which may have been billed."""

    is_retryable = False


class BilledRateLimitError(RateLimitError, RuntimeError):
    """Too many requests, told after the request had been accepted; it may have been billed."""

    is_retryable = False


class InvalidResponseError(core.InvalidResponseError, langchain.ModelAPIError, RuntimeError):
    """An answer came that nobody can read."""

    is_retryable = False


class StreamError(core.StreamError, langchain.ModelAPIError, RuntimeError):
    """A stream began and did not finish; ``partial`` holds what had arrived."""

    is_retryable = False


class StreamInterruptedError(core.StreamInterruptedError, langchain.ModelAPIError, RuntimeError):
    """The stream ended before the model had finished; ``partial`` holds what had arrived."""

    is_retryable = False


class StreamStalledError(core.StreamStalledError, langchain.ModelTimeoutError, RuntimeError):
    """The stream went silent; ``partial`` holds what had arrived."""

    is_retryable = False


_BY_CORE_CLASS: dict[type, type[core.NanoGPTError]] = {
    cls.__bases__[0]: cls
    for cls in (
        NanoGPTModelError,
        ConfigurationError,
        InvalidArgumentError,
        BudgetExceededError,
        SpendNotApprovedError,
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
        OriginUnreachableError,
        GatewayError,
        InvalidResponseError,
        StreamError,
        StreamInterruptedError,
        StreamStalledError,
    )
}


# What NanoGPT calls free as a whole answer may come in the midst of a stream, too.
_IF_BILLED: dict[type, type[core.NanoGPTError]] = {
    ServerError: BilledServerError,
    RateLimitError: BilledRateLimitError,
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
    # Who uses no tools need not wait for them.
    from langchain_core.tools import ToolException  # noqa: PLC0415

    from nanogpt_client.tools import explain  # noqa: PLC0415

    try:
        yield
    except core.NanoGPTError as error:
        raise ToolException(explain(error)) from _mapped(error)


def _mapped(error: core.NanoGPTError) -> core.NanoGPTError:
    cls = next(_BY_CORE_CLASS[base] for base in type(error).__mro__ if base in _BY_CORE_CLASS)
    if error.maybe_billed:
        cls = _IF_BILLED.get(cls, cls)
    mapped = cls(error.message)
    mapped.__dict__.update(error.__dict__)
    return mapped
