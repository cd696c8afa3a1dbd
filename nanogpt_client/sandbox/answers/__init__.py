"""Models for the sandbox: what is said, called and cited in answer to a chat request."""

from __future__ import annotations

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

__all__ = [
    "ChatRequest",
    "Citation",
    "Extractive",
    "Failure",
    "Model",
    "Recorded",
    "Script",
    "ScriptError",
    "SearchResult",
    "TestModel",
    "ToolCall",
    "ToolCalls",
    "Turn",
    "Upstream",
]
