"""An offline emulator of the NanoGPT API, for trying, testing and demonstrating agents.

    with Sandbox() as box:                                  # a server on a loopback port
        client = NanoGPTClient(base_url=box.base_url, api_key=box.api_key)

    app = SandboxApp()                                      # or in-process, without a socket
    http_client = httpx.Client(transport=SandboxTransport(app))

    with Sandbox(model=Script(ToolCalls(escalate={"ticket": "A-77"}), "A human will call.")) as box:
        ...                                                 # run the agent
    box.requests[-1].messages                               # what it sent

`model=` says what it answers: a `Script`, an `Extractive`, an `Upstream`, a `Recorded`, or any
callable `(ChatRequest) -> Turn | str`. The default is `TestModel`, deterministic and without
weights. The sandbox has a pretend balance and charges it, checks requests as NanoGPT documents,
and fails on demand (see `faults`). It is an emulator: its replies were written from NanoGPT's
documentation and are no recordings of NanoGPT.

It shares nothing with the client but httpx: it is a second, independent reading of the API.
"""

from nanogpt_client.sandbox.answers.extractive import Extractive
from nanogpt_client.sandbox.answers.recorded import Recorded
from nanogpt_client.sandbox.answers.script import Failure, Script, ScriptError, ToolCalls
from nanogpt_client.sandbox.answers.test_model import TestModel
from nanogpt_client.sandbox.answers.turn import (
    ChatRequest,
    Citation,
    Model,
    SearchResult,
    ToolCall,
    Turn,
)
from nanogpt_client.sandbox.answers.upstream import Upstream
from nanogpt_client.sandbox.app import DEFAULT_KEY, SandboxApp
from nanogpt_client.sandbox.faults import SCENARIOS, Scenario
from nanogpt_client.sandbox.http import Cut, Reply, Request, Stall
from nanogpt_client.sandbox.recorded_requests import RecordedRequest, RecordedRequests
from nanogpt_client.sandbox.routes.payments import Wallet
from nanogpt_client.sandbox.server import Sandbox
from nanogpt_client.sandbox.transport import AsyncSandboxTransport, SandboxTransport

__all__ = [
    "AsyncSandboxTransport", "ChatRequest", "Citation", "Cut", "DEFAULT_KEY", "Extractive",
    "Failure", "Model", "Recorded", "RecordedRequest", "RecordedRequests", "Reply", "Request",
    "SCENARIOS", "Sandbox", "SandboxApp", "SandboxTransport", "Scenario", "Script", "ScriptError",
    "SearchResult", "Stall", "TestModel", "ToolCall", "ToolCalls", "Turn", "Upstream", "Wallet",
]  # fmt: skip
