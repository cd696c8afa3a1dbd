"""Constructor arguments as other integrations name them, so that changing the class is enough.

People move from ``ChatOpenAI``, ``OpenAIEmbeddings``, ``OpenAILike``, ``OpenAIEmbedding``,
``ChatOpenRouter`` and ``ChatLiteLLM``. An argument that means the same here is accepted under their
name; all others are refused in one message that says of each what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from nanogpt_client.config import hidden
from nanogpt_client.errors import ConfigurationError, InvalidArgumentError
from nanogpt_client.types.options import ChatOptions

__all__ = ["hide_key", "own_arguments", "own_options"]

_RENAMED = {
    "api_base": "base_url",
    "async_http_client": "http_async_client",
    "extra_headers": "default_headers",
    "headers": "default_headers",
    "max_completion_tokens": "max_tokens",
    "model": "model_name",
    "model_id": "model",
    "model_name": "model",
    "num_output": "max_tokens",
    "openai_api_base": "base_url",
    "openai_api_key": "api_key",
    "openrouter_provider": "provider",
    "request_timeout": "timeout",
    "show_progress": "show_progress_bar",
    "stop_sequences": "stop",
}
_KEYS = ("api_key", "openai_api_key")

# Settings of a request that have no argument of their own here: sent as they are.
_IN_BODY = frozenset(
    "audio modalities prediction prompt_cache_key safety_identifier store verbosity".split()
)
# Arguments that contain further arguments, and keys of the request.
_CONTAINERS = ("model_kwargs", "additional_kwargs")


class _Dropped(NamedTuple):
    """An argument that is not needed here."""

    reason: str
    harmless: tuple[Any, ...] = ()
    """Values that ask for what is done anyway; so does ``None``."""


_APP = _Dropped("it names your program to OpenRouter")
_AZURE = _Dropped("it is Azure's")
_FALLBACKS = _Dropped("use model.with_fallbacks([…]), or NanoGPTFallbackMiddleware in an agent")
_KIND = _Dropped("the class says what kind of model it is", (True,))
_NO_ORGANIZATION = _Dropped("NanoGPT's keys belong to no organization", ("",))
_PROXY = _Dropped(
    "pass http_client=httpx.Client(proxy=…), and http_async_client for async calls", ("",)
)
_RESPONSES = _Dropped(
    "it belongs to OpenAI's Responses API; here reasoning, search and memory are settings", (False,)
)
_RETRY_WAITS = _Dropped("retries wait as long as NanoGPT asks, else with growing pauses")
_TOKENS = _Dropped("texts are sent whole and unchanged, never as token ids", (False,))

_DROPPED = {
    "allowed_special": _TOKENS,
    "api_type": _AZURE,
    "api_version": _AZURE,
    "app_categories": _APP,
    "app_title": _APP,
    "app_url": _APP,
    "async_client": _Dropped("pass http_async_client=httpx.AsyncClient(…)"),
    "async_openai_client": _Dropped("pass http_async_client=httpx.AsyncClient(…)"),
    "audio_config": _Dropped("pass audio={…}"),
    "azure_deployment": _AZURE,
    "azure_endpoint": _AZURE,
    "best_of": _Dropped("n=… asks for several answers", (1,)),
    "callback_manager": _Dropped("pass callbacks=[…]"),
    "check_embedding_ctx_length": _TOKENS,
    "context_management": _RESPONSES,
    "custom_llm_provider": _Dropped("the model's id names its provider", ("openai",)),
    "default_query": _Dropped("NanoGPT's API has no parameters in its addresses"),
    "deployment": _AZURE,
    "deployment_name": _AZURE,
    "disabled_params": _Dropped("only what you set is sent", ({"parallel_tool_calls": None},)),
    "disallowed_special": _TOKENS,
    "drop_params": _Dropped("what you set is sent; leave out what the model refuses", (False,)),
    "embedding_ctx_length": _TOKENS,
    "encoding_format": _Dropped("vectors are always sent as base64", ("base64", "float")),
    "engine": _AZURE,
    "http_socket_options": _Dropped("pass an http_client with a transport of your own"),
    "include": _RESPONSES,
    "include_response_headers": _Dropped(
        "request id, cost and limits are in response_metadata and the ledger", (False,)
    ),
    "is_chat_model": _KIND,
    "is_embedding": _KIND,
    "mode": _Dropped("queries and texts are told apart by query_instruction, text_instruction"),
    "models": _FALLBACKS,
    "openai_api_type": _AZURE,
    "openai_api_version": _AZURE,
    "openai_client": _Dropped("pass http_client=httpx.Client(…)"),
    "openai_organization": _NO_ORGANIZATION,
    "openai_proxy": _PROXY,
    "organization": _NO_ORGANIZATION,
    "plugins": _Dropped("web_search=True searches the web"),
    "proxies": _PROXY,
    "proxy": _PROXY,
    "retry_max_seconds": _RETRY_WAITS,
    "retry_min_seconds": _RETRY_WAITS,
    "reuse_client": _Dropped("connections are always reused", (True,)),
    "route": _FALLBACKS,
    "should_use_structured_outputs": _Dropped(
        "pass a schema to as_structured_llm or structured_predict", (False,)
    ),
    "skip_empty": _Dropped("empty texts are refused before anything is sent", (False,)),
    "stream": _Dropped("pass streaming=True, or call the method that streams", (False,)),
    "stream_options": _Dropped("usage and cost are always reported", ({"include_usage": True},)),
    "stream_usage": _Dropped("usage and cost are always reported", (True,)),
    "strict": _Dropped("pass it with the call that has the tools or the schema", (False,)),
    "tiktoken_enabled": _TOKENS,
    "tiktoken_model_name": _Dropped("tokens are counted without tiktoken"),
    "tokenizer": _Dropped("tokens are counted by NanoGPT"),
    "truncation": _RESPONSES,
    "use_previous_response_id": _RESPONSES,
    "use_responses_api": _RESPONSES,
}


def hide_key(arguments: dict[str, Any]) -> None:
    """Wrap the key among constructor arguments, so that no traceback with locals shows it."""
    for name in _KEYS:
        if name in arguments:
            arguments[name] = hidden(arguments[name])
    for name in _CONTAINERS:
        if isinstance(arguments.get(name), Mapping):
            arguments[name] = dict(arguments[name])
            hide_key(arguments[name])


def own_arguments(
    name: str, given: Mapping[str, Any], fields: Mapping[str, bool], of_calls: Collection[str]
) -> dict[str, Any]:
    """Return constructor arguments under the names of this package.

    Args:
        name: the class whose constructor was called.
        given: its arguments.
        fields: the names that it takes, and whether they are required.
        of_calls: options that can be passed with a call only.

    Raises:
        ConfigurationError: some are missing, unknown here, ask for something else than what is
            done, or were given twice; the message names all of them.
    """
    own = {key: value for key, value in given.items() if key in fields}
    others, body = _unpacked({key: given[key] for key in given if key not in fields}, fields)
    problems: list[str] = []
    for key, value in others:
        target = key if key in fields else _RENAMED.get(key, key)
        if key in _DROPPED:
            if value is not None and value not in _DROPPED[key].harmless:
                problems.append(f"{key} (drop it: {_DROPPED[key].reason})")
        elif target not in fields:
            problems.append(f"{key} ({_advice(key, fields, of_calls)})")
        elif own.setdefault(target, value) != value:
            problems.append(f"{key} (the same as {target}, which has another value)")
    if callable(own.get("api_key")):
        problems.append("a function as api_key (call it, and pass the key that it returns)")
    if "timeout" in own:
        own["timeout"] = _reading(own["timeout"])
    if body and "extra_body" not in fields:
        problems.append(f"{', '.join(body)} (unknown)")
    missing = [f"{field}=…" for field, required in fields.items() if required and field not in own]
    messages = [f"needs {', '.join(missing)}"] if missing else []
    messages += [f"does not take {'; '.join(problems)}"] if problems else []
    if messages:
        raise ConfigurationError(f"{name} {', and '.join(messages)}")
    return _with_body(own, body)


def own_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a call under the names of this package; unknown ones stay as they are.

    OpenAI's options that are no arguments here become keys of the body.

    Raises:
        InvalidArgumentError: an option was given under two names, with two values.
    """
    if given.keys() <= _OPTIONS:  # nearly always
        return dict(given)
    own = {key: value for key, value in given.items() if key in _OPTIONS}
    body: dict[str, Any] = {}
    for key in given.keys() - _OPTIONS:
        target = _RENAMED.get(key, key)
        if key in _IN_BODY:
            body[key] = given[key]
        elif own.setdefault(target if target in _OPTIONS else key, given[key]) != given[key]:
            msg = f"{key} is the same as {target}, which has another value"
            raise InvalidArgumentError(msg, param=key)
    return _with_body(own, body)


_OPTIONS = frozenset(ChatOptions.__annotations__) | {"model"}


def _with_body(own: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with keys of the body; those that ``extra_body`` has already win."""
    return own | ({"extra_body": body | dict(own.get("extra_body") or {})} if body else {})


def _reading(timeout: Any) -> Any:
    """Return the seconds for reading of an `httpx.Timeout`, or of ``(connect, read, …)``."""
    if isinstance(timeout, tuple) and len(timeout) > 1:
        return timeout[1]
    return getattr(timeout, "read", timeout)


def _unpacked(
    given: Mapping[str, Any], fields: Collection[str]
) -> tuple[list[tuple[str, Any]], dict[str, Any]]:
    """Return arguments, those in containers too, and apart from them keys of the request."""
    arguments = {key: value for key, value in given.items() if key not in _CONTAINERS}
    body = {key: arguments.pop(key) for key in _IN_BODY & arguments.keys()}
    pairs = list(arguments.items())
    for container in _CONTAINERS:
        for key, value in dict(given.get(container) or {}).items():
            if key in fields or key in _RENAMED or key in _DROPPED:
                pairs.append((key, value))
            else:
                body[key] = value
    return pairs, body


def _advice(key: str, fields: Collection[str], of_calls: Collection[str]) -> str:
    if key in of_calls:
        return "an option of a call: pass it there, or in extra_body={…} for all"
    if key.endswith("api_key"):
        return "did you mean api_key?"
    theirs = [name for name, ours in _RENAMED.items() if ours in fields and name not in fields]
    for names in (fields, theirs):
        if near := difflib.get_close_matches(key, names, n=1, cutoff=0.75):
            return f"did you mean {near[0]}?"
    if "extra_body" in fields:
        return f"unknown; what the model itself takes goes into extra_body={{{key!r}: …}}"
    return "unknown"
