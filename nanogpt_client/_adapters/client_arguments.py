"""The settings of a client as keyword arguments, of classes that are no pydantic models."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr
from typing_extensions import TypedDict

from nanogpt_client.account import Account
from nanogpt_client.ledger import Budget, Ledger
from nanogpt_client.types.payments import Pay, Payer

__all__ = ["ClientArguments"]


class ClientArguments(TypedDict, total=False):
    """The fields of `ClientSettings`, but for ``client``."""

    api_key: SecretStr | str | None
    base_url: str | None
    timeout: float | None
    max_retries: int
    max_connections: int | None
    requests_per_second: float | None
    rate_limit_wait: float | None
    stream_idle_timeout: float | None
    first_event_timeout: float | None
    http_client: Any
    http_async_client: Any
    default_headers: dict[str, str] | None
    compress_above: int | None
    pickle_api_key: bool
    budget: Budget | None
    ledger: Ledger
    pay: Pay | Payer | None
    account: Account | None
