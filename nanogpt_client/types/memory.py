"""A conversation compressed into one message.

Follows https://docs.nano-gpt.com/api-reference/endpoint/memory
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nanogpt_client.types._coerce import as_list, as_text
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import Usage
from nanogpt_client.types.display import Readable

__all__ = ["CompressedMemory"]


@dataclass(frozen=True, slots=True, repr=False)
class CompressedMemory(Readable):
    """The messages that replace a conversation: one, by the documentation.

    Send them as the history of a chat, followed by what is to be answered.
    """

    messages: tuple[dict[str, Any], ...]
    usage: Usage | None
    billing: Billing
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The text of the messages."""
        return "\n\n".join(filter(None, (_text(each.get("content")) for each in self.messages)))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = (part.get("text") for part in as_list(content) if isinstance(part, dict))
    return "\n\n".join(filter(None, map(as_text, parts)))
