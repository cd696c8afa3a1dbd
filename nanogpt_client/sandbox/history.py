"""Check the messages of a chat request, alone and in their order.

OpenAI's reference says most (https://platform.openai.com/docs/api-reference/chat/create); the rest
is what other providers behind NanoGPT refuse: a history is sent to any of them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from nanogpt_client.sandbox.errors import invalid, missing, require

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_SAYS = ("tool_calls", "function_call", "reasoning", "reasoning_content", "reasoning_details",
         "refusal", "images", "audio")  # fmt: skip


def check_messages(messages: Any) -> None:
    """Refuse messages that a provider would refuse. Raises `Refusal` (400)."""
    if messages is None:
        raise missing("messages")
    is_list = isinstance(messages, list) and messages
    require(is_list, "messages must be a non-empty array.", "messages")
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


def _check_message(entry: Any, where: str) -> None:
    require(isinstance(entry, dict), f"{where} must be an object.", where)
    role = entry.get("role")
    message = f"{where}.role must be one of {', '.join(ROLES)}, got {role!r}."
    require(role in ROLES, message, f"{where}.role")
    _check_content(entry, where)
    if role == "tool" and not isinstance(entry.get("tool_call_id"), str):
        raise missing(f"{where}.tool_call_id")
    if entry.get("name") is not None:
        check_name(entry["name"], f"{where}.name")
    if entry.get("tool_calls") is not None:
        _check_calls(entry["tool_calls"], f"{where}.tool_calls")


def _check_content(entry: dict[str, Any], where: str) -> None:
    """Refuse content of another kind, and a user's or an assistant's message that says nothing.

    Witnesses: Anthropic, `UserMessage(content="")` (microsoft/autogen#6083) and "text content
    blocks must be non-empty" (anthropics/claude-code#62150, an image beside an empty text);
    Mistral, "Assistant message must have either content or tool_calls, but not none"
    (OpenHands/OpenHands#8685); Anthropic, "all messages must have non-empty content"
    (anthropics/claude-code#6774). OpenAI takes an empty text, but no null (vercel/ai#14950).
    """
    content, role = entry.get("content"), entry["role"]
    place = f"{where}.content"
    if content is None and role != "assistant":
        raise missing(place)
    is_content = isinstance(content, str | list | None)
    require(is_content, f"{place} must be a string or an array of parts.", place)
    parts = content if isinstance(content, list) else []
    empty = not content or any(isinstance(part, dict) and part.get("text") == "" for part in parts)
    message = f"{place} must be non-empty, and so must each of its texts."
    require(role != "user" or not empty, message, place)
    says_something = content or any(entry.get(key) for key in _SAYS)
    message = f"{place} is empty, and there are no tool_calls: it says nothing."
    require(role != "assistant" or says_something, message, place)


def _check_calls(calls: Any, where: str) -> None:
    for index, call in enumerate(calls if isinstance(calls, list) else [None]):
        call = call if isinstance(call, dict) else {}  # noqa: PLW2901
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        values = call.get("id"), function.get("name"), function.get("arguments")
        if not all(isinstance(value, str) for value in values):
            wanted = "objects with id and function {name, arguments: string}"
            raise invalid(f"{where} must be an array of {wanted}.", where)
        check_name(function["name"], f"{where}[{index}].function.name")
        _check_arguments(function["arguments"], f"{where}[{index}].function.arguments")


def _check_arguments(arguments: str, where: str) -> None:
    """Refuse arguments that are no JSON object: half of one, the empty string, a list.

    Witness: Anthropic and what translates to it, "tool_use.input: Input should be a valid
    dictionary" (prism-php/prism#659, CopilotKit/CopilotKit#3300).
    """
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        value = None
    message = f"{where} must be the JSON of an object, got {arguments[:80]!r}."
    require(isinstance(value, dict), message, where)


def _check_results(messages: list[dict[str, Any]]) -> None:
    """Refuse calls without results right behind them, and results without a call.

    Witness: OpenAI, "An assistant message with 'tool_calls' must be followed by tool messages
    responding to each 'tool_call_id'", "messages with role 'tool' must be a response to a preceding
    message with 'tool_calls'" (langchain-ai/langchain#34282, #38352); Anthropic likewise, and each
    call has one result. NanoGPT's page on chat says that it drops a result with an unknown id: the
    tool's answer is lost silently, so that here it is refused like the others.
    """
    waiting: Counter[str] = Counter()
    place = ""
    for index, entry in enumerate([*messages, {"role": "end"}]):
        where = f"messages[{index}]"
        if entry["role"] == "tool":
            name = entry["tool_call_id"]
            message = (
                f"{where}.tool_call_id {name!r} is no call of the preceding "
                "message with 'tool_calls' that still waits for its result."
            )
            require(waiting[name], message, f"{where}.tool_call_id")
            waiting[name] -= 1
            continue
        names = ", ".join(sorted(waiting.elements()))
        message = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            f"to each 'tool_call_id': {place} has none for {names}."
        )
        require(not names, message, place)
        waiting = Counter(call["id"] for call in entry.get("tool_calls") or ())
        place = f"{where}.tool_calls"
