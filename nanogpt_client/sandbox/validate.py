"""Check chat and embedding requests as strictly as NanoGPT and its providers do, and no stricter.

Schemas are checked in `strict_schema`. Unknown keys are allowed everywhere and null counts as
absent. Each check raises `Refusal` (400) with the documented code. Of messages OpenAI's reference
says most (https://platform.openai.com/docs/api-reference/chat/create); the rest is what other
providers behind NanoGPT refuse: a history is sent to any of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from nanogpt_client.sandbox.bodies import INFINITE, integer, number, option, parsed
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.http import Refusal, dump, missing, require
from nanogpt_client.sandbox.strict_schema import check_parameters, check_strict

MAX_TOOL_BYTES = 200 * 1024
MAX_INPUTS = 2048
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_NUMBERS = {  # inclusive bounds
    "temperature": (0, 2),
    **dict.fromkeys(("top_p", "min_p", "tfs", "typical_p"), (0, 1)),
    **dict.fromkeys(("frequency_penalty", "presence_penalty", "repetition_penalty"), (-2, 2)),
    **dict.fromkeys(("top_a", "eta_cutoff", "epsilon_cutoff"), (-INFINITE, INFINITE)),
    **dict.fromkeys(("mirostat_tau", "mirostat_eta"), (-INFINITE, INFINITE)),
}
_INTEGERS = {
    **dict.fromkeys(("top_k", "max_tokens", "max_completion_tokens"), (1, INFINITE)),
    **dict.fromkeys(("min_tokens", "no_repeat_ngram_size"), (0, INFINITE)),
    "mirostat_mode": (0, 2),
    "n": (1, 128),
    "seed": (-INFINITE, INFINITE),
    "top_logprobs": (0, 20),
}
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_SAYS = ("tool_calls", "function_call", "reasoning", "reasoning_content", "reasoning_details",
         "refusal", "images", "audio")  # fmt: skip
_FORMATS = ("text", "json_object", "json_schema")
_OUT_OF_ORDER = {  # role after role
    "qwen": {(role, "system") for role in ROLES},
    r"[sx]tral|sonar|gemma|deepseek-?(r1|reasoner)":
        {("user", "user"), ("assistant", "assistant"), ("tool", "user")},
}  # fmt: skip


def check_chat(body: Mapping[str, Any], model: Model) -> None:
    """Check everything in a chat request but the content parts. Raises `Refusal` (400)."""
    check_messages(body.get("messages"))
    _check_order(body["messages"], model)
    for name, (low, high) in _NUMBERS.items():
        number(body, name, low, high)
    for name, (low, high) in _INTEGERS.items():
        integer(body, name, low, high)
    stop = body.get("stop") or []
    are_strings = isinstance(stop, list) and all(isinstance(each, str) for each in stop)
    require(isinstance(stop, str) or are_strings, "stop must be a string or strings.", "stop")
    if body.get("tools") is not None:
        _check_tools(body["tools"], model)
    if body.get("tool_choice") not in (None, "auto", "none"):
        _check_tool_choice(body["tool_choice"], body.get("tools") or ())
    if body.get("response_format") is not None:
        _check_response_format(body["response_format"])
    for name in ("reasoning", "stream_options", "webSearch"):
        require(isinstance(body.get(name), dict | None), f"{name} must be an object.", name)
    nested = {"reasoning.effort": (body.get("reasoning") or {}).get("effort")}
    for name in ("reasoning_effort", "reasoning.effort"):
        option({**body, **nested}, name, *EFFORTS)


def check_window(prompt_tokens: int, model: Model) -> None:
    """Refuse a prompt that is longer than the model's window."""
    window = model.metadata.get("context_length") or model.metadata.get("max_tokens")
    if window is not None and prompt_tokens > window:
        limit = f"This model's maximum context length is {window} tokens"
        message = f"{limit}, but the request has {prompt_tokens}."
        raise Refusal(400, message, code="context_length_exceeded", param="messages")


def _check_tools(tools: Any, model: Model) -> None:
    code = "invalid_tool_spec"
    require(isinstance(tools, list), "tools must be an array.", "tools", code)
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        function: Any = tool.get("function") if isinstance(tool, dict) else None
        fits = isinstance(function, dict) and tool.get("type") == "function"
        expected = "{'type': 'function', 'function': {...}}"
        require(fits, f"{where} must be {expected}.", where, code)
        check_name(function.get("name"), f"{where}.function.name", code)
        schema, where = function.get("parameters"), f"{where}.function.parameters"
        if schema is None:
            continue
        require(isinstance(schema, dict), f"{where} must be a JSON schema object.", where, code)
        check_parameters(schema, f"function '{function['name']}'", where, code)
        if function.get("strict") is True:
            check_strict(schema, f"function '{function['name']}'", where, code)
    fits = len(dump(tools).encode()) <= MAX_TOOL_BYTES
    message = f"The tools payload exceeds {MAX_TOOL_BYTES} bytes."
    require(fits, message, "tools", "tool_spec_too_large")
    message = f"The model '{model.id}' does not support tool calling."
    require(not tools or model.can("tool_calling"), message, "tools", "tool_choice_unsupported")


def _check_tool_choice(choice: Any, tools: Any) -> None:
    names = [tool["function"]["name"] for tool in tools]
    require(names, "tool_choice needs tools.", "tool_choice")
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    message = "tool_choice must be auto, none, required or one of the functions in tools"
    require(choice == "required" or name in names, f"{message}, got {choice!r}.", "tool_choice")


def _check_response_format(wanted: Any) -> None:
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    message = "response_format.type must be text, json_object or json_schema."
    require(kind in _FORMATS, message, "response_format")
    if kind != "json_schema":
        return
    spec = wanted.get("json_schema")
    if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
        raise missing("response_format.json_schema.name")
    check_name(spec["name"], "response_format.json_schema.name")
    schema: Any = spec.get("schema")
    where, code = "response_format.json_schema.schema", "invalid_json_schema"
    require(isinstance(schema, dict), f"{where} must be a JSON schema object.", where, code)
    if spec.get("strict") is True:
        check_strict(schema, f"response_format '{spec['name']}'", where, code)


def check_messages(messages: Any) -> None:
    """Refuse messages that a provider would refuse. Raises `Refusal` (400)."""
    if messages is None:
        raise missing("messages")
    is_list = isinstance(messages, list) and messages
    require(is_list, "messages must be a non-empty array.", "messages")
    for index, entry in enumerate(messages):
        _check_message(entry, f"messages[{index}]")
    _check_results(messages)


def _check_order(messages: list[dict[str, Any]], model: Model) -> None:
    """Refuse roles in an order that the model's provider refuses.

    Witnesses: vllm-project/vllm#6862 and zed-industries/zed#37021 (Mistral), google/adk-python#1373
    (Gemma), deepseek-ai/DeepSeek-R1#21, anomalyco/opencode#9416 (Perplexity); for a system message
    that is not the first duolahypercho/codex-router#259 (Qwen).
    """
    families = [family for family in _OUT_OF_ORDER if re.search(family, model.id, re.IGNORECASE)]
    refused = {roles for family in families for roles in _OUT_OF_ORDER[family]}
    for index, (before, entry) in enumerate(pairwise(messages), 1):
        roles, place = (before["role"], entry["role"]), f"messages[{index}].role"
        message = f"Unexpected role {roles[1]!r} after role {roles[0]!r} in {place}."
        require(roles not in refused, message, place)


def check_name(name: object, where: str, code: str = "invalid_parameter_value") -> None:
    """Refuse a name of a message, a tool or a schema that is not of plain letters.

    Witness: OpenAI, "'test test' does not match '^[a-zA-Z0-9_-]{1,64}$' - 'messages.1.name'"
    (danny-avila/LibreChat#1075); the same of tools from Anthropic
    (modelcontextprotocol/typescript-sdk#413).
    """
    fits = isinstance(name, str) and _NAME.fullmatch(name)
    message = f"Invalid '{where}': {name!r} does not match '^[a-zA-Z0-9_-]{{1,64}}$'."
    require(fits, message, where, code)


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
        wanted = "an array of objects with id and function {name, arguments: string}"
        fits = all(isinstance(value, str) for value in values)
        require(fits, f"{where} must be {wanted}.", where)
        check_name(function["name"], f"{where}[{index}].function.name")
        # Not half an object, the empty string or a list: Anthropic and what translates to it,
        # "tool_use.input: Input should be a valid dictionary" (prism-php/prism#659,
        # CopilotKit/CopilotKit#3300).
        arguments, place = function["arguments"], f"{where}[{index}].function.arguments"
        message = f"{place} must be the JSON of an object, got {arguments[:80]!r}."
        require(isinstance(parsed(arguments), dict), message, place)


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


def check_inputs(body: Mapping[str, Any], model: Model) -> list[str]:
    """Return the texts of an embedding request. Raises `Refusal` (400)."""
    given = body.get("input")
    if given is None:
        raise missing("input")
    texts = [given] if isinstance(given, str) else given
    are_texts = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    message = "input must be a string or an array of strings; token arrays are not supported."
    require(are_texts, message, "input")
    require(texts and all(texts), "input must not be empty.", "input")
    message = f"input may hold at most {MAX_INPUTS} texts, got {len(texts)}."
    require(len(texts) <= MAX_INPUTS, message, "input")
    option(body, "encoding_format", "float", "base64")
    wanted = integer(body, "dimensions", 1, model.metadata["max_dimensions"])
    own = wanted in (None, model.metadata["dimensions"])
    message = f"The model '{model.id}' does not support custom dimensions."
    require(own or model.metadata["supports_dimensions"], message, "dimensions")
    return texts
