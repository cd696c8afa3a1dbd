"""A conversation as the provider of its model accepts it: one rule for both adapters.

Most providers take messages in any order. A few refuse two of the user in succession, or one behind
the result of a tool, and then the whole conversation from there on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nanogpt_client._adapters.history import MISTRALS, Recipient
from nanogpt_client._adapters.tool_history import sendable
from nanogpt_client.messages import assistant_message, media_behind_tools, text_part

__all__ = ["conversation_for"]

# Models whose user and assistant must alternate. Witnesses: Perplexity, "user or tool message(s)
# should alternate with assistant message(s)" (anomalyco/opencode#9416); DeepSeek R1, "does not
# support successive user or assistant messages" (deepseek-ai/DeepSeek-R1#21); Gemma, "Conversation
# roles must alternate" (google/adk-python#1373); Mistral, the same (vllm-project/vllm#6862) and
# "Unexpected role 'user' after role 'tool'" (zed-industries/zed#37021).
_ALTERNATING = re.compile(rf"sonar|deepseek-?(r1|reasoner)|gemma|{MISTRALS}", re.IGNORECASE)
_BETWEEN = assistant_message("OK.")


def conversation_for(
    recipient: Recipient, conversation: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return a conversation as the provider of ``recipient`` accepts it.

    Tool calls are repaired (see `sendable`), and media of results follow as the user's. Where user
    and assistant must alternate, successive messages of one of them become one, and the assistant
    says something between a result and the user.
    """
    sent = media_behind_tools(sendable(conversation, recipient.model), recipient.takes)
    return _alternating(sent) if _ALTERNATING.search(recipient.model) else sent


def _alternating(conversation: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    for entry in conversation:
        before = result[-1] if result else {}
        if _continues(before, entry):
            result[-1] = before | {"content": _joined(before["content"], entry["content"])}
            continue
        if (before.get("role"), entry["role"]) == ("tool", "user"):
            result.append({**_BETWEEN})
        result.append(entry)
    return result


def _continues(before: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether two messages are of one speaker, and consist of their content alone."""
    return (
        entry["role"] in {"user", "assistant"}
        and before.keys() | entry.keys() <= {"role", "content", "name"}
        and (before.get("role"), before.get("name")) == (entry["role"], entry.get("name"))
    )


def _joined(first: str | list[Any], second: str | list[Any]) -> str | list[Any]:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    parts = [[text_part(each)] if isinstance(each, str) else each for each in (first, second)]
    return [*parts[0], *parts[1]]
