"""What the moderation of both frameworks shares: which input is checked, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nanogpt_client._adapters.documented import DocumentedModel
from nanogpt_client.errors import ContentPolicyError
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.moderation import Moderation

__all__ = ["ModerationSettings", "moderation_metadata", "refusal"]


class ModerationSettings(DocumentedModel):
    """What of a conversation is checked, and by which model."""

    model: str | None = None
    """The moderation model's id; by default NanoGPT's choice."""
    check_tool_results: bool = False
    """Check also what tools returned; each result is a paid check."""
    check_images: bool = True
    """Check images as well, which the moderation model must support."""

    def _input_of(self, conversation: Sequence[Mapping[str, Any]]) -> str | list[dict[str, Any]]:
        """Return what is to be checked: the input that no model has answered yet.

        What an earlier call sent was checked then. Empty if there is nothing to check.
        """
        roles = {"user", "tool"} if self.check_tool_results else {"user"}
        parts = [
            part
            for message in _unanswered(conversation)
            if message.get("role") in roles
            for part in _parts(message.get("content"), images=self.check_images)
        ]
        if len(parts) == 1 and parts[0]["type"] == "text":
            text: str = parts[0]["text"]
            return text
        return parts


def _unanswered(conversation: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the messages after the model's last one."""
    answered = [at for at, each in enumerate(conversation) if each.get("role") == "assistant"]
    return conversation[answered[-1] + 1 :] if answered else conversation


def _parts(content: Any, *, images: bool) -> Iterator[dict[str, Any]]:
    """Yield texts and images of a message; the route knows no other parts."""
    for part in content if isinstance(content, list) else [{"type": "text", "text": content}]:
        if part["type"] == "text" and (part["text"] or "").strip():
            yield {"type": "text", "text": part["text"]}
        elif part["type"] == "image_url" and images:
            yield {"type": "image_url", "image_url": {"url": part["image_url"]["url"]}}


def refusal(found: Moderation) -> ContentPolicyError:
    """Return the error for an input that is flagged."""
    categories = ", ".join(found.categories) or "unsafe"
    message = f"{found.model or 'The moderation model'} flagged the input: {categories}; not sent"
    return ContentPolicyError(
        message,
        code="content_policy_violation",
        request_id=found.billing.request_id,
        moderation=found.raw,
    )


def moderation_metadata(billing: Billing) -> dict[str, Any] | None:
    """Return what a response says of the check that ``moderation=`` asked for; USD as a float."""
    check = billing.moderation
    if check is None:
        return None
    cost = None if check.cost is None else float(check.cost)
    return {"model": check.model, "flagged": check.flagged, "cost": cost}
