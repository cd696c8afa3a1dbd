"""The settings of a job: those of its client, and options of its requests."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

from nanogpt_client.account import Account
from nanogpt_client.client import NanoGPTClient
from nanogpt_client.errors import ConfigurationError

__all__ = ["client_of", "split_settings"]


def split_settings(
    settings: Mapping[str, Any], options: type
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the requests, by their TypedDict, and the settings of the client.

    An option that both have, such as ``timeout``, is a setting of the client.

    Raises:
        ConfigurationError: a name is neither.
    """
    of_client = inspect.signature(NanoGPTClient).parameters.keys()
    of_requests = options.__annotations__.keys() - of_client
    unknown = settings.keys() - of_client - of_requests
    if unknown:
        name = min(unknown)
        near = difflib.get_close_matches(name, [*of_client, *of_requests], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"unknown setting {name!r}{hint}", param=name)
    asked = {name: value for name, value in settings.items() if name in of_requests}
    return asked, {name: value for name, value in settings.items() if name not in asked}


def client_of(account: Account | None, settings: Mapping[str, Any]) -> NanoGPTClient:
    """Return the client of a job."""
    return NanoGPTClient(**settings, account=account)
