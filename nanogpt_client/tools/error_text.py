"""What a model is told of an error: what happened, whether it cost anything, what to do now."""

from __future__ import annotations

from nanogpt_client import errors
from nanogpt_client.errors import NanoGPTError

__all__ = ["explain"]

_GOES_ON = (
    "It goes on at NanoGPT: where the tool takes a run_id, call it later with that alone, which "
    "costs nothing more; else tell the user. Do not order it again."
)

# The first class that fits decides, so the special ones come first.
_ADVICE: tuple[tuple[type[NanoGPTError], str], ...] = (
    (errors.SpendNotApprovedError, "Do not try again unless the user asks for it."),
    (errors.BudgetExceededError, "Make no more paid calls; tell the user."),
    (
        errors.InvalidArgumentError,
        "Nothing was sent or spent. Correct the arguments and try again.",
    ),
    (
        errors.ConfigurationError,
        "Nothing was sent or spent. Tell the user that this tool's settings do not work.",
    ),
    (errors.ContentPolicyError, "Describe it differently, or tell the user."),
    (errors.InsufficientBalanceError, "Tell the user that the NanoGPT balance needs a deposit."),
    (errors.AuthenticationError, "Tell the user that the NanoGPT key does not work."),
    (errors.PermissionDeniedError, "Tell the user that this key may not do it."),
    (errors.NotFoundError, "Use another model or file."),
    (errors.BadRequestError, "Correct the arguments and try again."),
    (errors.PayloadTooLargeError, "Use a smaller file, or its URL."),
    (errors.DailyLimitError, "The limit of this day is reached; tell the user."),
    (errors.RateLimitError, "Wait before trying again."),
    (errors.JobFailedError, "Do not fetch it again; tell the user, or try another description."),
    (errors.JobError, _GOES_ON),
    (errors.DownloadError, "Nothing was spent. Use another address or file."),
    (errors.APIConnectionError, "Nothing was sent or spent. Try again later."),
    (errors.OutcomeUnknownError, "Do not repeat it without asking the user."),
    (errors.ServerError, "Try again later."),
)


def explain(error: NanoGPTError) -> str:
    """Return one paragraph for a model that called a tool."""
    advice = next((text for cls, text in _ADVICE if isinstance(error, cls)), "Tell the user.")
    facts = []
    run_id = getattr(error, "run_id", None)
    if run_id:
        facts.append(f"Its run id is {run_id}.")
    if error.retry_after:
        facts.append(f"NanoGPT asks to wait {error.retry_after:g} seconds.")
    if error.maybe_billed:
        facts.append("It may have been charged.")
    return " ".join([_sentence(error.message), *facts, advice])


def _sentence(message: str) -> str:
    message = message.strip()
    return message if message.endswith((".", "!", "?", "…")) else f"{message}."
