"""How users hear of trouble with their accounts, which must never cost them an answer."""

from __future__ import annotations

import warnings

from nanogpt_client.hooks import logger

__all__ = ["AccountingWarning", "warn"]


class AccountingWarning(UserWarning):
    """A ledger cannot write its file or lacks old entries, or a budget must assume prices."""


def warn(message: str) -> None:
    """Warn; where warnings are errors, log it: the call that it is about is paid already."""
    try:
        warnings.warn(message, AccountingWarning, stacklevel=3)
    except AccountingWarning:
        logger.warning("%s", message)
