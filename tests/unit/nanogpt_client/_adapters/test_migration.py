"""Constructors as people write them for OpenAI's classes, with only the class changed."""

import json
import traceback
from typing import Any

import httpx
import pytest

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings, NanoGPTToolkit, NanoGPTWebLoader
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import (
    Budget,
    ConfigurationError,
    InvalidArgumentError,
    Ledger,
    NanoGPTClient,
)
from nanogpt_client.async_client import AsyncNanoGPTClient
from tests.support.in_process import OneReply

KEY = "key-that-nobody-may-see"
URL = "https://nano-gpt.com/api/v1"
CHAT, EMBED = "openai/gpt-5.2", "text-embedding-3-small"

# (class, its arguments in another integration, what they must have become here)
BUILT = [
    (ChatNanoGPT, {"model": CHAT, "temperature": 0, "streaming": True}, {"streaming": True}),
    (ChatNanoGPT, {"model_name": CHAT, "temperature": 0.7}, {"model": CHAT}),
    (ChatNanoGPT, {"model": CHAT, "openai_api_key": KEY, "openai_api_base": URL}, {}),
    (ChatNanoGPT, {"model": CHAT, "stream_usage": True, "verbose": True}, {"verbose": True}),
    (ChatNanoGPT, {"model": CHAT, "request_timeout": 30, "max_retries": 1}, {"timeout": 30}),
    (ChatNanoGPT, {"model": CHAT, "timeout": httpx.Timeout(60, connect=5)}, {"timeout": 60}),
    (ChatNanoGPT, {"model": CHAT, "timeout": (5, 60)}, {"timeout": 60}),
    (
        ChatNanoGPT,
        {"model": CHAT, "openrouter_provider": {"order": ["a"]}, "custom_llm_provider": "openai"},
        {"provider": {"order": ["a"]}},
    ),
    (ChatNanoGPT, {"model": CHAT, "openai_proxy": "", "best_of": 1, "route": None}, {}),
    (ChatNanoGPT, {"model": CHAT, "max_completion_tokens": 500}, {"max_tokens": 500}),
    (ChatNanoGPT, {"model": CHAT, "stop_sequences": ["\n\n"]}, {"stop": ["\n\n"]}),
    (ChatNanoGPT, {"model": CHAT, "use_responses_api": False, "timeout": 60}, {"timeout": 60}),
    (ChatNanoGPT, {"model": CHAT, "organization": None, "openai_proxy": None}, {}),
    (ChatNanoGPT, {"model": CHAT, "disabled_params": {"parallel_tool_calls": None}}, {}),
    (
        ChatNanoGPT,
        {"model": CHAT, "model_kwargs": {"response_format": {"type": "json_object"}}},
        {"extra_body": {"response_format": {"type": "json_object"}}},
    ),
    (
        ChatNanoGPT,
        {"model": CHAT, "model_kwargs": {"top_p": 0.9, "stop": ["\n"], "seed": 7}},
        {"top_p": 0.9, "stop": ["\n"], "seed": 7, "extra_body": None},
    ),
    (ChatNanoGPT, {"model_kwargs": {"openai_api_key": KEY}, "model": CHAT}, {}),
    (
        ChatNanoGPT,
        {"model": CHAT, "model_kwargs": {"extra_headers": {"X-Team": "a"}}},
        {"default_headers": {"X-Team": "a"}},
    ),
    (ChatNanoGPT, {"model": CHAT, "verbosity": "low"}, {"extra_body": {"verbosity": "low"}}),
    (
        ChatNanoGPT,
        {"model": CHAT, "store": False, "extra_body": {"top_a": 0.1}},
        {"extra_body": {"store": False, "top_a": 0.1}},
    ),
    (NanoGPTEmbeddings, {"model": EMBED, "openai_api_key": KEY}, {}),
    (NanoGPTEmbeddings, {"model": EMBED, "check_embedding_ctx_length": False}, {}),
    (
        NanoGPTEmbeddings,
        {"model": EMBED, "tiktoken_enabled": False, "chunk_size": 1000, "request_timeout": 9},
        {"chunk_size": 1000, "timeout": 9},
    ),
    (NanoGPTEmbeddings, {"model": EMBED, "headers": {"X-Team": "a"}}, {}),
    (
        NanoGPTEmbeddings,
        {"model": EMBED, "model_kwargs": {"input_type": "query"}, "dimensions": 256},
        {"extra_body": {"input_type": "query"}, "dimensions": 256},
    ),
    (
        NanoGPT,
        {"model": CHAT, "api_base": URL, "is_chat_model": True, "context_window": 128_000},
        {"base_url": URL, "context_window": 128_000},
    ),
    (
        NanoGPT,
        {"model": CHAT, "is_function_calling_model": True, "timeout": 30.0, "max_tokens": 512},
        {"timeout": 30.0, "is_function_calling_model": True},
    ),
    (NanoGPT, {"model": CHAT, "reuse_client": True, "strict": False, "api_version": None}, {}),
    (
        NanoGPT,
        {"model": CHAT, "additional_kwargs": {"extra_body": {"a": 1}}, "temperature": 0.1},
        {"additional_kwargs": {"extra_body": {"a": 1}}},
    ),
    (NanoGPT, {"model": CHAT, "num_output": 256, "audio_config": None}, {"max_tokens": 256}),
    (NanoGPT, {"model_name": CHAT, "should_use_structured_outputs": False}, {"model": CHAT}),
    (NanoGPTEmbedding, {"model": EMBED, "embed_batch_size": 100}, {"model_name": EMBED}),
    (NanoGPTEmbedding, {"model_name": EMBED, "api_base": URL, "timeout": 30.0}, {"base_url": URL}),
    (
        NanoGPTEmbedding,
        {"model": EMBED, "additional_kwargs": {"input_type": "passage"}, "max_retries": 10},
        {"extra_body": {"input_type": "passage"}},
    ),
    (NanoGPTEmbedding, {"model_name": EMBED, "reuse_client": True, "num_workers": 2}, {}),
]


@pytest.mark.parametrize(("kind", "given", "expected"), BUILT)
def test_what_means_the_same_here_is_taken(kind, given, expected):
    has_key = KEY in repr(given)
    model = kind(**given, **({} if has_key else {"api_key": KEY}))
    assert {name: getattr(model, name) for name in expected} == expected
    assert model.api_key.get_secret_value() == KEY
    assert KEY not in repr(model)


@pytest.mark.parametrize("kind", [ChatNanoGPT, NanoGPT])
def test_another_name_reaches_the_client(kind):
    root, http = "http://127.0.0.1:9/api/v1", httpx.AsyncClient()
    given = {"model": CHAT, "api_base": root, "async_http_client": http, "api_key": KEY}
    model = kind(**given)
    assert model._async_client().config.chat_root == root
    assert model._async_client().http_client is http


REFUSED = [
    (
        ChatNanoGPT,
        {"model": CHAT, "temprature": 1, "use_responses_api": True, "organization": "org"},
        ["temprature (did you mean temperature?)", "use_responses_api (drop", "organization (drop"],
    ),
    (ChatNanoGPT, {"temperature": 0.7}, ["ChatNanoGPT needs model=…"]),
    (ChatNanoGPT, {"modle": CHAT}, ["needs model=…, and does not take", "did you mean model?"]),
    (ChatNanoGPT, {"model": CHAT, "stream_usage": False}, ["stream_usage (drop it: usage"]),
    (ChatNanoGPT, {"model": CHAT, "openai_proxy": "http://p:1"}, ["http_client=httpx.Client("]),
    (ChatNanoGPT, {"model": CHAT, "think_hard": 1}, ["extra_body={'think_hard': …}"]),
    (ChatNanoGPT, {"model": CHAT, "mirostat_tau": 1.0}, ["mirostat_tau (an option of a call"]),
    (ChatNanoGPT, {"model": CHAT, "model_name": "other"}, ["the same as model, which has another"]),
    (
        ChatNanoGPT,
        {"model": CHAT, "openrouter_api_key": "k", "app_url": "u", "models": ["a"], "plugins": []},
        [
            "did you mean api_key?",
            "app_url (drop",
            "models (drop it: use",
            "plugins (drop it: web_",
        ],
    ),
    (ChatNanoGPT, {"model": CHAT, "model_kwargs": {"stream": True}}, ["stream (drop it: pass str"]),
    (NanoGPTEmbeddings, {"model": EMBED, "deployment": "d"}, ["deployment (drop it: it is Azure"]),
    (
        NanoGPTEmbeddings,
        {"model": EMBED, "check_embedding_ctx_length": True, "retry_min_seconds": 4},
        ["check_embedding_ctx_length (drop it", "retry_min_seconds (drop it"],
    ),
    (NanoGPT, {"model": CHAT, "is_chat_model": False}, ["is_chat_model (drop it"]),
    (NanoGPT, {"model": CHAT, "audio_config": {"voice": "a"}}, ["audio_config (drop it: pass aud"]),
    (NanoGPTEmbedding, {"model": EMBED, "mode": "similarity"}, ["mode (drop it: queries"]),
    (NanoGPTEmbedding, {"model": EMBED, "frobnicate": 1}, ["frobnicate (unknown"]),
    (NanoGPTEmbedding, {"model": EMBED, "request_timout": 1}, ["did you mean request_timeout?"]),
    (NanoGPTToolkit, {"model_kwargs": {"a": 1}}, ["a (unknown)"]),
]


@pytest.mark.parametrize(("kind", "given", "parts"), REFUSED)
def test_all_others_are_refused_in_one_message(kind, given, parts):
    with pytest.raises(ConfigurationError) as raised:
        kind(**given, api_key=KEY)
    assert not [part for part in parts if part not in str(raised.value)], str(raised.value)
    assert KEY not in "".join(traceback.TracebackException.from_exception(
        raised.value, capture_locals=True
    ).format()).replace(repr(KEY), "", 1)  # fmt: skip


def test_a_function_that_returns_the_key_is_not_called():
    function: Any = lambda: KEY
    with pytest.raises(ConfigurationError, match=r"a function as api_key \(call it"):
        ChatNanoGPT(model=CHAT, api_key=function)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ChatNanoGPT, "model"),
        (NanoGPT, "model"),
        (NanoGPTEmbedding, "model_name"),
        (NanoGPTWebLoader, "urls"),
    ],
)
def test_arguments_are_passed_by_name(kind, name):
    with pytest.raises(ConfigurationError, match=rf"takes its arguments by name: \w+\({name}=…\)"):
        kind(CHAT, api_key=KEY)


def chat_model(api_key: str, **settings: Any) -> ChatNanoGPT:
    return ChatNanoGPT(model=CHAT, api_key=api_key, **settings)


def embeddings(api_key: str, **settings: Any) -> NanoGPTEmbedding:
    return NanoGPTEmbedding(model_name=EMBED, api_key=api_key, **settings)


@pytest.mark.parametrize("client", [NanoGPTClient, AsyncNanoGPTClient, chat_model, embeddings])
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"ledger": "spent.jsonl"}, "ledger must be a Ledger"),
        ({"budget": 0.5}, "budget must be a Budget"),
        ({"account": "sqlite:///spent.db"}, "account must be an Account"),
        ({"http_client": "http://proxy"}, r"http_client must be an httpx\.\w*Client, not str"),
    ],
)
def test_a_wrong_type_is_refused_when_a_client_is_made(client, setting, message):
    with pytest.raises(ConfigurationError, match=message):
        client(KEY, **setting)
    assert client(KEY, ledger=Ledger(), budget=Budget(usd="1"))


@pytest.mark.parametrize("kind", [ChatNanoGPT, NanoGPT])
def test_the_other_kind_of_http_client_is_refused_when_a_model_is_made(kind):
    with pytest.raises(ConfigurationError, match=r"http_client must be an httpx.Client, not Async"):
        kind(model=CHAT, api_key=KEY, http_client=httpx.AsyncClient())
    with pytest.raises(ConfigurationError, match=r"http_async_client must be an httpx.AsyncClient"):
        kind(model=CHAT, api_key=KEY, http_async_client=httpx.Client())


# (options of a call in another integration, what they must be in the body)
ASKED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"max_completion_tokens": 50}, {"max_tokens": 50}),
    ({"max_completion_tokens": 50, "max_tokens": 50}, {"max_tokens": 50}),
    ({"stop_sequences": ["END"], "model_name": "m"}, {"stop": ["END"], "model": "m"}),
    ({"prompt_cache_key": "k", "verbosity": "low"}, {"prompt_cache_key": "k", "verbosity": "low"}),
    ({"store": False, "extra_body": {"x": 1}}, {"store": False, "x": 1}),
]


@pytest.mark.parametrize(("given", "sent"), ASKED)
def test_options_of_a_call_have_the_names_of_other_integrations_too(given, sent):
    box = OneReply({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]})
    ChatNanoGPT(model=CHAT, api_key=KEY, **box.settings).bind(**given).invoke("hi")
    NanoGPT(model=CHAT, api_key=KEY, **box.settings).complete("hi", **given)
    for body in map(json.loads, box.sent):
        assert body | sent == body
        assert not body.keys() & (given.keys() - sent.keys())


def test_an_option_under_two_names_has_one_value():
    for ask in (
        ChatNanoGPT(model=CHAT, api_key=KEY).invoke,
        NanoGPT(model=CHAT, api_key=KEY).complete,
    ):
        with pytest.raises(InvalidArgumentError, match="is the same as max_tokens"):
            ask("hi", max_tokens=1, max_completion_tokens=2)
