"""Ask the user of an MCP client whether a call may spend: the question, and what counts as yes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from nanogpt_client.errors import SpendNotApprovedError
from nanogpt_client.tools import SpendRequest

__all__ = ["InputNeededError", "cannot_ask", "is_approved", "question"]


class InputNeededError(Exception):
    """The client must ask its user, and call the tool again with the answer.

    Since its version of July 2026, the protocol has no requests from servers to clients: a call
    that needs the user ends with questions, and the client repeats it with the answers. ``key``
    stands for exactly this spending, so that no answer can approve another one.
    """

    def __init__(self, request: SpendRequest) -> None:
        super().__init__(str(request))
        self.request = request
        self.key = key_of(request)


def key_of(request: SpendRequest) -> str:
    """Return the name under which a client answers the question about this spending."""
    asked = [request.tool, request.model, str(request.usd), request.arguments]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode())
    return f"approve-{digest.hexdigest()[:32]}"


def question(request: SpendRequest) -> dict[str, Any]:
    """Return the parameters of an elicitation: a message and the schema of its form."""
    prompt = request.arguments.get("prompt") or request.arguments.get("text") or ""
    quoted = f" ({str(prompt)[:200]!r})" if prompt else ""
    return {
        "message": f"{request}{quoted}. Allow it?",
        "requestedSchema": {
            "type": "object",
            "properties": {
                "allow": {
                    "type": "boolean",
                    "title": "Allow",
                    "description": "Whether this call may be made and paid.",
                    "default": True,
                }
            },
        },
    }


def is_approved(action: str, content: Mapping[str, Any] | None) -> bool:
    """Whether an answer to the question is a yes: the form was accepted, and not with a no."""
    return action == "accept" and (content or {}).get("allow", True) is True


def cannot_ask(request: SpendRequest) -> SpendNotApprovedError:
    """Return the refusal for a client that cannot ask its user."""
    return SpendNotApprovedError(
        f"{request}, which needs the user's confirmation, and this MCP client cannot ask for it "
        "(it does not support elicitation); only the person who runs the server can raise "
        "--confirm-above; nothing was sent"
    )
