"""Error texts for models: what happened, whether it cost anything, what to do next."""

from __future__ import annotations

from nanogpt_client import errors
from nanogpt_client.errors import NanoGPTError

__all__ = ["describe_for_model"]

_JOB_CONTINUES = (
    "The job continues at NanoGPT. If the tool takes a run_id, call it again later with only that, "
    "which costs nothing more; otherwise tell the user. Do not order it again."
)

# The first class that fits decides, so subclasses stand before their bases.
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
    (errors.ContentPolicyError, "Change the description, or tell the user."),
    (errors.InsufficientBalanceError, "Tell the user that the NanoGPT balance needs a deposit."),
    (errors.AuthenticationError, "Tell the user that the NanoGPT key does not work."),
    (errors.PermissionDeniedError, "Tell the user that this key does not allow it."),
    (errors.NotFoundError, "Use another model or file."),
    (errors.BadRequestError, "Correct the arguments and try again."),
    (errors.PayloadTooLargeError, "Use a smaller file, or its URL."),
    (errors.DailyLimitError, "The daily limit is reached; tell the user."),
    (errors.RateLimitError, "Wait before trying again."),
    (errors.JobFailedError, "Do not fetch it again; tell the user, or change the description."),
    (errors.JobError, _JOB_CONTINUES),
    (errors.DownloadError, "Nothing was spent. Use another URL or file."),
    (errors.APIConnectionError, "Nothing was sent or spent. Try again later."),
    (errors.OutcomeUnknownError, "Do not repeat it without asking the user."),
    (errors.ServerError, "Try again later."),
)


def describe_for_model(error: NanoGPTError) -> str:
    """Return one paragraph for the model that called a tool."""
    message = error.message.strip()
    sentences = [message if message.endswith((".", "!", "?", "…")) else f"{message}."]
    if run_id := getattr(error, "run_id", None):
        sentences.append(f"The run_id is {run_id}.")
    if error.retry_after:
        sentences.append(f"NanoGPT asks to wait {error.retry_after:g} seconds.")
    if error.maybe_billed:
        sentences.append("It may have been charged.")
    advice = next((text for cls, text in _ADVICE if isinstance(error, cls)), "Tell the user.")
    return " ".join([*sentences, advice])
