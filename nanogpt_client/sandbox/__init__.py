"""An offline emulator of the NanoGPT API, for trying, testing and demonstrating agents.

    with Sandbox() as box:                                  # a server on a loopback port
        client = NanoGPTClient(base_url=box.base_url, api_key=box.api_key)

    app = SandboxApp()                                      # or in-process, without a socket
    http_client = httpx.Client(transport=SandboxTransport(app))

It answers deterministically and without model weights, keeps a pretend balance and charges it,
checks requests as NanoGPT documents, and fails on demand (see `faults`). It is an emulator: its
replies were written from NanoGPT's documentation and are no recordings of NanoGPT.

It shares nothing with the client but httpx: it is a second, independent reading of the API.
"""

from __future__ import annotations

from nanogpt_client.sandbox.app import DEFAULT_KEY, Logged, SandboxApp
from nanogpt_client.sandbox.faults import SCENARIOS, Scenario
from nanogpt_client.sandbox.messages import Cut, Reply, Request, Stall
from nanogpt_client.sandbox.server import Sandbox
from nanogpt_client.sandbox.transport import AsyncSandboxTransport, SandboxTransport

__all__ = [
    "AsyncSandboxTransport",
    "Cut",
    "DEFAULT_KEY",
    "Logged",
    "Reply",
    "Request",
    "SCENARIOS",
    "Sandbox",
    "SandboxApp",
    "SandboxTransport",
    "Scenario",
    "Stall",
]
