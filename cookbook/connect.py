"""One client for all examples: of NanoGPT if there is a key, else of the sandbox."""

from __future__ import annotations

import os
from typing import Any

from nanogpt_client import NanoGPTClient
from nanogpt_client.sandbox import Sandbox


def connect(**settings: Any) -> NanoGPTClient:
    """Return a client of NanoGPT if ``NANOGPT_API_KEY`` is set, else of a new sandbox.

    ``settings`` are those of the client. The sandbox is a server on this machine; it runs until
    Python ends.
    """
    if os.environ.get("NANOGPT_API_KEY"):
        print("NANOGPT_API_KEY is set: this uses NanoGPT, and its balance.")
        return NanoGPTClient(**settings)
    print("NANOGPT_API_KEY is not set: the sandbox, an emulator, stands in.")
    box = Sandbox(rate=None)  # no limit of requests a second: examples need not wait
    box.start()
    return NanoGPTClient(box.api_key, base_url=box.base_url, **settings)
