"""Check the messages of a chat request, alone and in their order.

OpenAI's reference says most (https://platform.openai.com/docs/api-reference/chat/create); the rest
is what other providers behind NanoGPT refuse: a history is sent to any of them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from nanogpt_client.sandbox.failures import invalid, missing

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_SAYS = ("tool_calls", "function_call", "reasoning", "reasoning_content", "reasoning_details",
         "refusal", "images", "audio")  # fmt: skip


def check_messages(messages: object) -> None:
    """Refuse messages that a provider would refuse. Raises `Refusal` (400)."""
    if messages is None:
        raise missing("messages")
    if not isinstance(messages, list) or not messages:
        message = "messages must be a non-empty array."
        raise invalid(message, "messages")
    for index, entry in enumerate(messages):
        _check_message(entry, f"messages[{index}]")
    _check_results(messages)


def check_name(name: object, where: str, code: str = "invalid_parameter_value") -> None:
    """Refuse a name of a message, a tool or a schema that is not of plain letters.

    Witness: OpenAI, "'test test' does not match '^[a-zA-Z0-9_-]{1,64}$' - 'messages.1.name'"
    (danny-avila/LibreChat#1075); the same of tools from Anthropic
    (modelcontextprotocol/typescript-sdk#413).

    Raises:
        Refusal: 400.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise invalid(
            f"Invalid '{where}': {name!r} does not match '^[a-zA-Z0-9_-]{{1,64}}$'.", where, code
        )


def _check_message(entry: object, where: str) -> None:
    if not isinstance(entry, dict):
        raise invalid(f"{where} must be an object.", where)
    role = entry.get("role")
    if role not in ROLES:
        raise invalid(
            f"{where}.role must be one of {', '.join(ROLES)}, got {role!r}.", f"{where}.role"
        )
    _check_content(entry, where)
    if role == "tool" and not isinstance(entry.get("tool_call_id"), str):
        raise missing(f"{where}.tool_call_id")
    if entry.get("name") is not None:
        check_name(entry["name"], f"{where}.name")
    _check_calls(entry.get("tool_calls"), f"{where}.tool_calls")


def _check_content(entry: dict[str, Any], where: str) -> None:
    """Refuse content of another kind, and a user's or an assistant's message that says nothing.

    Witnesses: Anthropic, `UserMessage(content="")` (microsoft/autogen#6083) and "text content
    blocks must be non-empty" (anthropics/claude-code#62150, an image beside an empty text);
    Mistral, "Assistant message must have either content or tool_calls, but not none"
    (OpenHands/OpenHands#8685); Anthropic, "all messages must have non-empty content"
    (anthropics/claude-code#6774). OpenAI takes an empty text, but no null (vercel/ai#14950).
    """
    content, role = entry.get("content"), entry["role"]
    if content is None and role != "assistant":
        raise missing(f"{where}.content")
    if content is not None and not isinstance(content, (str, list)):
        raise invalid(f"{where}.content must be a string or an array of parts.", f"{where}.content")
    if role == "user" and _has_empty_text(content):
        raise invalid(
            f"{where}.content must be non-empty, and so must each of its texts.", f"{where}.content"
        )
    if role == "assistant" and not content and not any(entry.get(key) for key in _SAYS):
        raise invalid(
            f"{where}.content is empty, and there are no tool_calls: it says nothing.",
            f"{where}.content",
        )


def _has_empty_text(content: object) -> bool:
    if not isinstance(content, list):
        return not content
    return not content or any(isinstance(part, dict) and part.get("text") == "" for part in content)


def _check_calls(calls: object, where: str) -> None:
    if calls is None:
        return
    well_formed = isinstance(calls, list) and all(
        isinstance(call, dict)
        and isinstance(call.get("id"), str)
        and isinstance(call.get("function"), dict)
        and isinstance(call["function"].get("name"), str)
        and isinstance(call["function"].get("arguments"), str)
        for call in calls
    )
    if not well_formed:
        raise invalid(
            f"{where} must hold objects with id and function {{name, arguments: string}}.", where
        )
    for index, call in enumerate(calls if isinstance(calls, list) else ()):
        check_name(call["function"]["name"], f"{where}[{index}].function.name")
        _check_arguments(call["function"]["arguments"], f"{where}[{index}].function.arguments")


def _check_arguments(arguments: str, where: str) -> None:
    """Refuse arguments that are no JSON object: half of one, the empty string, a list.

    Witness: Anthropic and what translates to it, "tool_use.input: Input should be a valid
    dictionary" (prism-php/prism#659, CopilotKit/CopilotKit#3300).
    """
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise invalid(f"{where} must be the JSON of an object, got {arguments[:80]!r}.", where)


def _check_results(messages: list[dict[str, Any]]) -> None:
    """Refuse calls without results right behind them, and results without a call.

    Witness: OpenAI, "An assistant message with 'tool_calls' must be followed by tool messages
    responding to each 'tool_call_id'", "messages with role 'tool' must be a response to a preceding
    message with 'tool_calls'" (langchain-ai/langchain#34282, #38352); Anthropic likewise, and each
    call has one result. NanoGPT's page on chat says that it drops a result with an unknown id: the
    tool's answer is lost without a word, so that here it is told like the other faults.
    """
    open_calls: Counter[str] = Counter()
    asked = ""
    for index, entry in enumerate(messages):
        where = f"messages[{index}]"
        if entry["role"] == "tool":
            if not open_calls[entry["tool_call_id"]]:
                message = (
                    f"{where}.tool_call_id {entry['tool_call_id']!r} is no call of the preceding "
                    "message with 'tool_calls' that still waits for its result."
                )
                raise invalid(message, f"{where}.tool_call_id")
            open_calls[entry["tool_call_id"]] -= 1
            continue
        _check_answered(open_calls, asked)
        open_calls = Counter(call["id"] for call in entry.get("tool_calls") or ())
        asked = f"{where}.tool_calls"
    _check_answered(open_calls, asked)


def _check_answered(calls: Counter[str], where: str) -> None:
    if waiting := sorted(calls.elements()):
        message = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            f"to each 'tool_call_id': {where} has none for {', '.join(waiting)}."
        )
        raise invalid(message, where)
