"""The settings of a client as keyword arguments of classes that make one, for type checkers."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr
from typing_extensions import TypedDict

from nanogpt_client.ledger import Budget, Ledger
from nanogpt_client.types.payments import Pay, Payer

__all__ = ["SharedArguments"]


class SharedArguments(TypedDict, total=False):
    """What clients, jobs and the frameworks' classes take; see `NanoGPTClient`."""

    api_key: SecretStr | str | None
    base_url: str | None
    max_retries: int
    max_connections: int | None
    requests_per_second: float | None
    rate_limit_wait: float | None
    stream_idle_timeout: float | None
    first_event_timeout: float | None
    http_client: Any
    default_headers: dict[str, str] | None
    compress_above: int | None
    pickle_api_key: bool
    budget: Budget | None
    ledger: Ledger
    pay: Pay | Payer | None
