"""A conversation as the provider of its model accepts it: one rule for both adapters.

Most providers take messages in any order. Some refuse instructions behind the first message, two
messages of the user in succession, or one behind the result of a tool; and then the whole
conversation from there on.
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
# Models that take one system message, at the beginning: those ("After the optional system message")
# and Qwen's, "System message must be at the beginning" (vllm-project/vllm#41114).
_ONE_SYSTEM = re.compile(rf"qwen|{_ALTERNATING.pattern}", re.IGNORECASE)
_BETWEEN = assistant_message("OK.")


def conversation_for(
    recipient: Recipient, conversation: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return a conversation as the provider of ``recipient`` accepts it.

    Tool calls are repaired (see `sendable`), and media of results follow as the user's. Where the
    model takes one system message, those at the beginning become one, and a later one the user's.
    Where user and assistant must alternate, successive messages of one of them become one, and the
    assistant says something between a result and the user.
    """
    sent = media_behind_tools(sendable(conversation, recipient.model), recipient.takes)
    if _ONE_SYSTEM.search(recipient.model):
        sent = _with_one_system_message(sent)
    if _ALTERNATING.search(recipient.model):
        sent = _alternating(sent)
    return sent


def _with_one_system_message(conversation: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    for entry in conversation:
        is_late = entry["role"] == "system" and bool(result)
        if is_late and len(result) == 1 and _continues(result[0], entry):
            result[0] = _joined(result[0], entry)
        else:
            result.append(entry | {"role": "user"} if is_late else entry)
    return result


def _alternating(conversation: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = []
    for entry in conversation:
        before = result[-1] if result else {}
        if entry["role"] in {"user", "assistant"} and _continues(before, entry):
            result[-1] = _joined(before, entry)
            continue
        if (before.get("role"), entry["role"]) == ("tool", "user"):
            result.append({**_BETWEEN})
        result.append(entry)
    return result


def _continues(before: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Whether two messages are of one speaker, and consist of their content alone."""
    speakers = [(each.get("role"), each.get("name")) for each in (before, entry)]
    is_plain = before.keys() | entry.keys() <= {"role", "content", "name"}
    return is_plain and speakers[0] == speakers[1]


def _joined(first: dict[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    contents = first["content"], second["content"]
    if all(isinstance(each, str) for each in contents):
        return first | {"content": "\n\n".join(contents)}
    parts = ([text_part(each)] if isinstance(each, str) else each for each in contents)
    return first | {"content": [part for each in parts for part in each]}
