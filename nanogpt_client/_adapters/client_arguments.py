"""The settings of the frameworks' classes as keyword arguments of those that are no models."""

from __future__ import annotations

from typing import Any

from nanogpt_client._methods.client_arguments import SharedArguments
from nanogpt_client.account import Account

__all__ = ["ClientArguments"]


class ClientArguments(SharedArguments, total=False):
    """The fields of `ClientSettings`, but for ``client``."""

    timeout: float | None
    http_async_client: Any
    account: Account | None
