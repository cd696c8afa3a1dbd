"""Check chat and embedding requests as strictly as NanoGPT and its providers do, and no stricter.

Messages are checked in `history`, schemas in `strict_schema`. Unknown keys are allowed everywhere
and null counts as absent. Each check raises `Refusal` with the documented code; a request that
passes can be answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.failures import Refusal, invalid, missing
from nanogpt_client.sandbox.history import check_messages, check_name
from nanogpt_client.sandbox.messages import dump
from nanogpt_client.sandbox.numbers import integer, number
from nanogpt_client.sandbox.schema_bounds import too_much
from nanogpt_client.sandbox.strict_schema import check_parameters, check_strict

MAX_TOOL_BYTES = 200 * 1024
MAX_INPUTS = 2048
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
_INFINITE = float("inf")
_NUMBERS = {  # inclusive bounds
    "temperature": (0, 2),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "tfs": (0, 1),
    "typical_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "repetition_penalty": (-2, 2),
    "top_a": (-_INFINITE, _INFINITE),
    "eta_cutoff": (-_INFINITE, _INFINITE),
    "epsilon_cutoff": (-_INFINITE, _INFINITE),
    "mirostat_tau": (-_INFINITE, _INFINITE),
    "mirostat_eta": (-_INFINITE, _INFINITE),
}
_INTEGERS = {
    "top_k": (1, _INFINITE),
    "max_tokens": (1, _INFINITE),
    "max_completion_tokens": (1, _INFINITE),
    "min_tokens": (0, _INFINITE),
    "mirostat_mode": (0, 2),
    "no_repeat_ngram_size": (0, _INFINITE),
    "n": (1, 128),
    "seed": (-_INFINITE, _INFINITE),
    "top_logprobs": (0, 20),
}
_FORMATS = ("text", "json_object", "json_schema")


def check_chat(body: Mapping[str, Any], model: Model) -> None:
    """Check everything in a chat request but the content parts. Raises `Refusal` (400)."""
    check_messages(body.get("messages"))
    _check_sampling(body)
    _check_stop(body.get("stop"))
    _check_tools(body.get("tools"), model)
    _check_tool_choice(body)
    _check_response_format(body.get("response_format"))
    _check_reasoning(body)
    _check_objects(body)


def check_inputs(body: Mapping[str, Any], model: Model) -> list[str]:
    """Return the texts of an embedding request. Raises `Refusal` (400)."""
    given = body.get("input")
    if given is None:
        raise missing("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise invalid(
            "input must be a string or an array of strings; token arrays are not supported.",
            "input",
        )
    if not texts or not all(texts):
        raise invalid("input must not be empty.", "input")
    if len(texts) > MAX_INPUTS:
        raise invalid(f"input may hold at most {MAX_INPUTS} texts, got {len(texts)}.", "input")
    if body.get("encoding_format") not in (None, "float", "base64"):
        raise invalid("encoding_format must be 'float' or 'base64'.", "encoding_format")
    _check_dimensions(body.get("dimensions"), model)
    return texts


def _check_dimensions(wanted: object, model: Model) -> None:
    if wanted is None:
        return
    most = model.facts["max_dimensions"]
    if not isinstance(wanted, int) or isinstance(wanted, bool) or not 1 <= wanted <= most:
        raise invalid(f"dimensions must be an integer from 1 to {most}.", "dimensions")
    if wanted != model.facts["dimensions"] and not model.facts["supports_dimensions"]:
        raise invalid(f"The model '{model.id}' does not support custom dimensions.", "dimensions")


def _check_sampling(body: Mapping[str, Any]) -> None:
    for name, (low, high) in _NUMBERS.items():
        number(body, name, low, high)
    for name, (low, high) in _INTEGERS.items():
        integer(body, name, low, high)


def _check_stop(stop: object) -> None:
    listed = [stop] if isinstance(stop, str) else stop
    if listed is None:
        return
    if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
        raise invalid("stop must be a string or an array of strings.", "stop")


def _check_tools(tools: object, model: Model) -> None:
    if tools is None:
        return
    if not isinstance(tools, list):
        raise invalid("tools must be an array.", "tools", "invalid_tool_spec")
    for index, tool in enumerate(tools):
        _check_tool(tool, f"tools[{index}]")
    if len(dump(tools).encode()) > MAX_TOOL_BYTES:
        raise invalid(
            f"The tools payload exceeds {MAX_TOOL_BYTES} bytes.", "tools", "tool_spec_too_large"
        )
    if tools and not model.can("tool_calling"):
        raise invalid(
            f"The model '{model.id}' does not support tool calling.",
            "tools",
            "tool_choice_unsupported",
        )


def _check_tool(tool: object, where: str) -> None:
    function = tool.get("function") if isinstance(tool, dict) else None
    if (
        not isinstance(tool, dict)
        or tool.get("type") != "function"
        or not isinstance(function, dict)
    ):
        raise invalid(
            f"{where} must be {{'type': 'function', 'function': {{...}}}}.",
            where,
            "invalid_tool_spec",
        )
    if not isinstance(function.get("name"), str) or not function["name"]:
        raise invalid(
            f"{where}.function.name is required.", f"{where}.function.name", "invalid_tool_spec"
        )
    check_name(function["name"], f"{where}.function.name", "invalid_tool_spec")
    _check_parameters(function, f"{where}.function.parameters")


def _check_parameters(function: dict[str, Any], where: str) -> None:
    schema = function.get("parameters")
    if not isinstance(schema, dict | None):
        raise invalid(f"{where} must be a JSON schema object.", where, "invalid_tool_spec")
    if schema is None:
        return
    _check_bounds(schema, where, "invalid_tool_spec")
    what = f"function '{function['name']}'"
    check_parameters(schema, what, where, "invalid_tool_spec")
    if function.get("strict") is True:
        check_strict(schema, what, where, "invalid_tool_spec")


def _check_bounds(schema: dict[str, Any], where: str, code: str) -> None:
    if (bound := too_much(schema)) is not None:
        raise invalid(f"{where}: {bound}.", where, code)


def _check_tool_choice(body: Mapping[str, Any]) -> None:
    choice = body.get("tool_choice")
    if choice in (None, "auto", "none"):
        return
    names = [tool["function"]["name"] for tool in body.get("tools") or ()]
    if not names:
        raise invalid("tool_choice needs tools.", "tool_choice")
    if choice == "required":
        return
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if name is None:
        raise invalid("tool_choice must be auto, none, required or a function.", "tool_choice")
    if name not in names:
        raise invalid(f"tool_choice names '{name}', which is not among the tools.", "tool_choice")


def _check_response_format(wanted: object) -> None:
    if wanted is None:
        return
    if not isinstance(wanted, dict) or wanted.get("type") not in _FORMATS:
        raise invalid(
            "response_format.type must be text, json_object or json_schema.", "response_format"
        )
    if wanted["type"] != "json_schema":
        return
    spec = wanted.get("json_schema")
    if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
        raise missing("response_format.json_schema.name")
    check_name(spec["name"], "response_format.json_schema.name")
    schema, where = spec.get("schema"), "response_format.json_schema.schema"
    if not isinstance(schema, dict):
        raise invalid(f"{where} must be a JSON schema object.", where, "invalid_json_schema")
    _check_bounds(schema, where, "invalid_json_schema")
    if spec.get("strict") is True:
        check_strict(schema, f"response_format '{spec['name']}'", where, "invalid_json_schema")


def _check_reasoning(body: Mapping[str, Any]) -> None:
    reasoning = body.get("reasoning")
    if reasoning is not None and not isinstance(reasoning, dict):
        raise invalid("reasoning must be an object.", "reasoning")
    for name, effort in (
        ("reasoning_effort", body.get("reasoning_effort")),
        ("reasoning.effort", (reasoning or {}).get("effort")),
    ):
        if effort is not None and effort not in EFFORTS:
            raise invalid(f"{name} must be one of {', '.join(EFFORTS)}.", name)


def check_window(prompt_tokens: int, model: Model) -> None:
    """Refuse a prompt that is longer than the model's window."""
    window = model.facts.get("context_length") or model.facts.get("max_tokens")
    if window is not None and prompt_tokens > window:
        message = (
            f"This model's maximum context length is {window} tokens, "
            f"but the request has {prompt_tokens}."
        )
        raise Refusal(400, message, code="context_length_exceeded", param="messages")


def _check_objects(body: Mapping[str, Any]) -> None:
    for name in ("stream_options", "webSearch", "linkup"):
        if not isinstance(body.get(name), dict | None):
            raise invalid(f"{name} must be an object.", name)
