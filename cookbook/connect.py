"""The client that all examples share: NanoGPT's if there is a key, else one of the sandbox."""

from __future__ import annotations

import os
from typing import Any

from nanogpt_client import NanoGPTClient
from nanogpt_client.sandbox import Model, Sandbox


def connect(model: Model | None = None, **settings: Any) -> NanoGPTClient:
    """Return a client of NanoGPT if ``NANOGPT_API_KEY`` is set, else of a new sandbox.

    The sandbox is a server on this machine. It runs until Python ends.

    Args:
        model: What the sandbox answers, such as a `Script` or an `Extractive`. NanoGPT's own models
            answer if there is a key.
        settings: The settings of the client.
    """
    if os.environ.get("NANOGPT_API_KEY"):
        print("NANOGPT_API_KEY is set: NanoGPT's models answer, and charge your balance.")
        return NanoGPTClient(**settings)
    print("NANOGPT_API_KEY is not set: the sandbox answers, offline and free.")
    sandbox = Sandbox(model=model, rate=None)  # no rate limit: examples need not wait
    sandbox.start()
    return NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url, **settings)
