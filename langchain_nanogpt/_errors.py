"""NanoGPT's errors as members of LangChain's error classes.

Each class here is both: the core's exception (``except nanogpt_client.InsufficientBalanceError``)
and the member of `langchain_core.exceptions.ModelError` that middleware and retries look at.
``is_retryable`` is true only where the call was provably not billed. The others are also a
`RuntimeError`, the only sign that LangGraph's ``RetryPolicy`` understands: it retries any error
that is not one of Python's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core import exceptions as langchain

from nanogpt_client import errors as core

__all__ = ["map_errors", "tool_errors"]


class NanoGPTModelError(core.NanoGPTError, langchain.ModelError, RuntimeError):
    """Any error without a class of its own."""


class ConfigurationError(core.ConfigurationError, langchain.ModelInvalidRequestError):
    """No key, a wrong address or setting, or a missing extra; nothing was sent."""


class InvalidArgumentError(core.InvalidArgumentError, langchain.ModelInvalidRequestError):
    """An argument of a call is wrong; nothing was sent."""


class BudgetExceededError(core.BudgetExceededError, langchain.ModelError, RuntimeError):
    """The next call could exceed the budget; nothing was sent."""


class SpendNotApprovedError(core.SpendNotApprovedError, langchain.ModelError, RuntimeError):
    """Costs more than may be spent without approval, and was not approved; nothing was sent."""


class AccountUnavailableError(core.AccountUnavailableError, langchain.ModelConnectionError):
    """The account's store is out of reach; nothing was sent."""


class StoreUnavailableError(core.StoreUnavailableError, langchain.ModelConnectionError):
    """The store of paid work is out of reach; nothing was sent."""


class APIConnectionError(core.APIConnectionError, langchain.ModelConnectionError):
    """The request never reached NanoGPT."""


class OutcomeUnknownError(core.OutcomeUnknownError, langchain.ModelConnectionError, RuntimeError):
    """Sent, but no response came; it may have been billed."""

    is_retryable = False


class APITimeoutError(core.APITimeoutError, langchain.ModelTimeoutError, RuntimeError):
    """No response within the timeout; it may have been billed."""

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
    """The balance does not cover the request; a retry does not help."""


class PermissionDeniedError(
    core.PermissionDeniedError, langchain.ModelPermissionDeniedError, RuntimeError
):
    """The key may not do this."""


class NotFoundError(core.NotFoundError, langchain.ModelNotFoundError, RuntimeError):
    """The model or route does not exist."""


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


class PaymentError(core.PaymentError, langchain.ModelError, RuntimeError):
    """A payment for one call was begun, and there is no answer; it is not made again."""


class PaymentExpiredError(core.PaymentExpiredError, langchain.ModelError, RuntimeError):
    """The quote for the call has expired."""


class PaymentUnderpaidError(core.PaymentUnderpaidError, langchain.ModelError, RuntimeError):
    """Less money arrived than was quoted for the call."""


class DownloadError(core.DownloadError, langchain.ModelError):
    """Another host than NanoGPT did not deliver a file."""


class OriginUnreachableError(core.OriginUnreachableError, langchain.ModelConnectionError):
    """A gateway could not reach NanoGPT."""


class GatewayError(core.GatewayError, langchain.ModelAPIError, RuntimeError):
    """A gateway answered in NanoGPT's place, which may have billed the work."""

    is_retryable = False


class BilledServerError(ServerError, RuntimeError):
    """NanoGPT failed after it had accepted the request, which may have been billed."""

    is_retryable = False


class BilledRateLimitError(RateLimitError, RuntimeError):
    """Too many requests, reported after the request was accepted; it may have been billed."""

    is_retryable = False


class InvalidResponseError(core.InvalidResponseError, langchain.ModelAPIError, RuntimeError):
    """The response is unreadable."""

    is_retryable = False


class StreamError(core.StreamError, langchain.ModelAPIError, RuntimeError):
    """A stream began and failed; ``partial`` is what had arrived."""

    is_retryable = False


class StreamInterruptedError(core.StreamInterruptedError, langchain.ModelAPIError, RuntimeError):
    """The stream ended before the model had finished; ``partial`` is what had arrived."""

    is_retryable = False


class StreamStalledError(core.StreamStalledError, langchain.ModelTimeoutError, RuntimeError):
    """The stream went silent; ``partial`` is what had arrived."""

    is_retryable = False


class JobError(core.JobError, langchain.ModelError, RuntimeError):
    """A batch could not be queried; it goes on, and can be queried again by its id."""


class JobFailedError(core.JobFailedError, langchain.ModelError, RuntimeError):
    """A batch, or an input of one, ended without an answer."""


class JobTimeoutError(core.JobTimeoutError, langchain.ModelTimeoutError, RuntimeError):
    """A batch still runs; wait again."""

    is_retryable = False


# Each class above by its first base, the core's class.
_BY_CORE_CLASS: dict[type, type[core.NanoGPTError]] = {
    cls.__bases__[0]: cls
    for cls in list(vars().values())
    if isinstance(cls, type) and cls.__bases__[0] in vars(core).values()
}


# Free as the response to a request, but they may also come in the middle of a stream.
_IF_BILLED: dict[type, type[core.NanoGPTError]] = {
    ServerError: BilledServerError,
    RateLimitError: BilledRateLimitError,
}


@contextmanager
def map_errors() -> Iterator[None]:
    """Raise the core's errors as LangChain's `ModelError`s, with the core's error as the cause."""
    try:
        yield
    except core.NanoGPTError as error:
        if isinstance(error, langchain.ModelError):
            raise
        raise _mapped(error) from error


@contextmanager
def tool_errors() -> Iterator[None]:
    """Raise the core's errors as `ToolException`s, with a message for the model that made the call.

    The cause is the mapped `ModelError`, for the program.
    """
    # Loaded only where tools are used.
    from langchain_core.tools import ToolException  # noqa: PLC0415

    from nanogpt_client.tools import describe_for_model  # noqa: PLC0415

    try:
        yield
    except core.NanoGPTError as error:
        raise ToolException(describe_for_model(error)) from _mapped(error)


def _mapped(error: core.NanoGPTError) -> core.NanoGPTError:
    cls = next(_BY_CORE_CLASS[base] for base in type(error).__mro__ if base in _BY_CORE_CLASS)
    if error.maybe_billed:
        cls = _IF_BILLED.get(cls, cls)
    mapped = cls(error.message)
    mapped.__dict__.update(error.__dict__)
    return mapped
