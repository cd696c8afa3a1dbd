"""Models for the sandbox: what is said, called and cited in answer to a chat request."""

from __future__ import annotations

from nanogpt_client.sandbox.answers.extractive import Extractive
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

__all__ = [
    "ChatRequest",
    "Citation",
    "Extractive",
    "Failure",
    "Model",
    "Script",
    "ScriptError",
    "SearchResult",
    "TestModel",
    "ToolCall",
    "ToolCalls",
    "Turn",
]
