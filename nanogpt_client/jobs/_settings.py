"""The settings of a job: those of its client, and options of its requests."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from itertools import chain
from typing import Any

from nanogpt_client._methods.client_arguments import SharedArguments
from nanogpt_client.account import Account
from nanogpt_client.client import NanoGPTClient
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.hooks import Hook

__all__ = ["JobArguments", "client_of", "split_settings"]


class JobArguments(SharedArguments, total=False):
    """What a job's client takes, but for ``account`` and ``timeout``, which jobs take anyway."""

    retry_after_cap: float
    allow_private_downloads: bool
    on_request: Hook | None
    on_response: Hook | None
    on_retry: Hook | None


def split_settings(settings: Mapping[str, Any], *options: type) -> tuple[dict[str, Any], ...]:
    """Return the options of each TypedDict, and last the settings of the client.

    A name that several have, such as ``timeout``, is a setting of the client, else an option of the
    first.

    Raises:
        ConfigurationError: a name is none of them.
    """
    of_client = inspect.signature(NanoGPTClient).parameters.keys()
    kinds = [of_client, *(each.__annotations__.keys() for each in options)]
    if unknown := settings.keys() - set().union(*kinds):
        name = min(unknown)
        near = difflib.get_close_matches(name, chain(*kinds), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"unknown setting {name!r}{hint}", param=name)
    left = dict(settings)
    client, *others = [{name: left.pop(name) for name in kind & left.keys()} for kind in kinds]
    return *others, client


def client_of(account: Account | None, settings: Mapping[str, Any]) -> NanoGPTClient:
    """Return the client of a job."""
    return NanoGPTClient(**settings, account=account)
