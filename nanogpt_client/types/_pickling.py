"""What must not get lost on the way to another process."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import Any

from nanogpt_client.errors import ConfigurationError

__all__ = ["check_travels", "is_factory"]

_ADVICE = {
    "http_client": "a worker would connect directly, past its proxy: pass a function that makes it",
    "http_async_client": "a worker would connect directly: pass a function that makes it",
    "rate_limiter": "a worker would have none: pass account=…, or a NanoGPTRateLimiter",
    "embeddings_cache": "a worker would pay again: pass a function that makes it",
}
# What these raise for an object that they cannot pickle.
_REFUSALS = (pickle.PicklingError, TypeError, AttributeError, NotImplementedError, RecursionError)


def is_factory(http_client: Any) -> bool:
    """Whether this is a function that makes an HTTP client, not a client."""
    return callable(http_client) and not hasattr(http_client, "send")


def check_travels(name: str, value: Any) -> None:
    """Check that a setting can be pickled, by `pickle` or else by cloudpickle if it is in use.

    Raises:
        ConfigurationError: it cannot; a copy in another process would silently be without it.
    """
    others = (sys.modules.get(module) for module in ("cloudpickle", "ray.cloudpickle"))
    ways: list[Callable[[Any], bytes]] = [pickle.dumps, *(each.dumps for each in others if each)]
    for dumps in ways:
        try:
            dumps(value)
        except _REFUSALS as raised:
            error = raised
        else:
            return
    advice = _ADVICE.get(name, "it would be missing in the other process")
    raise ConfigurationError(f"{name} cannot be pickled ({error}), and {advice}", param=name)
