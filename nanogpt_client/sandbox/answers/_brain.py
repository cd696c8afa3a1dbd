"""The rule-based chat model of the package `brain`, as a sandbox model."""

from __future__ import annotations

from typing import Any

from nanogpt_client.sandbox.answers.turn import ChatRequest, Citation, ToolCall, Turn
from nanogpt_client.sandbox.brain import Hit, Seen, respond


def brain_model(request: ChatRequest) -> Turn:
    """Answer as the rules of `brain` do."""
    said = respond(
        _body(request),
        reasons=request.reasoning,
        hits=tuple(Hit(r.title, r.url, r.content, r.date) for r in request.search_results),
        seen=tuple(Seen(at, text) for at, text in enumerate(request.image_descriptions)),
        attachments=request.attachments,
    )
    return Turn(
        said.text,
        said.reasoning,
        tuple(ToolCall(call.name, call.arguments) for call in said.tool_calls),
        tuple(
            Citation(c.url, c.title, c.start_index, c.end_index, c.content) for c in said.citations
        ),
    )


def _body(request: ChatRequest) -> dict[str, Any]:
    """Return the body with the choice's own seed, and no tools that may not be called."""
    body = dict(request.body)
    if request.index:
        body["seed"] = (body.get("seed") or 0) + request.index
    if body.get("tool_choice") == "none":
        body.pop("tools", None)
    return body
