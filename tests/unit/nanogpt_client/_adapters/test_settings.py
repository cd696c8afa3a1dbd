"""Options and settings are declared once; what repeats them for type checkers says the same."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
from typing import get_type_hints

import httpx
import pytest

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import (
    NanoGPT,
    NanoGPTAudioReader,
    NanoGPTEmbedding,
    NanoGPTRerank,
    NanoGPTWebSearchRetriever,
)
from nanogpt_client import (
    AsyncNanoGPTClient,
    ConfigurationError,
    InvalidArgumentError,
    NanoGPTClient,
)
from nanogpt_client._adapters.client_arguments import ClientArguments
from nanogpt_client._adapters.documented import attribute_docs
from nanogpt_client._adapters.settings import CHAT_OPTIONS, ChatSettings, ClientSettings
from nanogpt_client.config import KEY_VARIABLES, NO_KEY, NONE_IS_NO_LIMIT, Config
from nanogpt_client.jobs._settings import JobArguments
from nanogpt_client.types.options import ChatOptions, RequestOptions

SETTINGS = inspect.signature(NanoGPTClient).parameters
CHAT_MODELS = [ChatNanoGPT, NanoGPT]


def hints_of(owner: object) -> dict[str, str]:
    return {name: repr(kind) for name, kind in get_type_hints(owner, include_extras=True).items()}


def test_a_constructor_repeats_options_of_a_chat_with_types_and_docs():
    options, fields = hints_of(ChatOptions), hints_of(ChatSettings)
    docs = attribute_docs(ChatOptions) | attribute_docs(RequestOptions)
    own = attribute_docs(ChatSettings)
    assert len(ChatSettings.model_fields) > 25
    for name, field in ChatSettings.model_fields.items():
        assert (fields[name], own[name], field.default) == (options[name], docs[name], None)


def test_constructors_take_every_option_but_those_of_one_call_and_rare_ones():
    of_one_call = {
        "tools", "tool_choice", "parallel_tool_calls", "response_format", "timeout",
        "extra_headers", "stream_options", "n",
    }  # fmt: skip
    rare = {
        "top_a", "tfs", "typical_p", "eta_cutoff", "epsilon_cutoff", "mirostat_mode",
        "mirostat_tau", "mirostat_eta", "prompt_logprobs", "ignore_eos",
        "include_stop_str_in_output", "custom_token_bans",
    }  # fmt: skip
    taken = set(ChatSettings.model_fields)
    assert ChatOptions.__annotations__.keys() - of_one_call - rare == taken == set(CHAT_OPTIONS)


def test_every_option_of_a_chat_is_documented():
    docs = attribute_docs(ChatOptions) | attribute_docs(RequestOptions)
    assert docs.keys() == ChatOptions.__annotations__.keys()


def test_defaults_of_settings_are_those_of_the_configuration():
    declared = {field.name: field for field in dataclasses.fields(Config)}
    for name in SETTINGS.keys() & declared.keys() - {"api_key"}:
        default = declared[name].default
        made = default is dataclasses.MISSING  # by a factory, which is asked where None is given
        assert SETTINGS[name].default == (None if made else default), name
        assert not made or name not in NONE_IS_NO_LIMIT
        if name in ClientSettings.model_fields:
            assert ClientSettings.model_fields[name].default == SETTINGS[name].default, name


def test_settings_of_models_have_the_types_of_the_clients():
    client, fields = hints_of(NanoGPTClient.__init__), hints_of(ClientSettings)
    assert client == hints_of(AsyncNanoGPTClient.__init__)
    narrower = {"api_key", "default_headers", "ledger"}  # hidden, dumped, never None
    both = client.keys() & ClientSettings.model_fields.keys() - narrower
    assert {name: client[name] for name in both} == {name: fields[name] for name in both}


def test_every_setting_is_documented_wherever_it_is_given():
    section = inspect.getdoc(NanoGPTClient) or ""  # Python 3.13 drops the indentation itself
    assert not [name for name in SETTINGS if f"    {name}: " not in section]
    assert attribute_docs(ClientSettings).keys() >= ClientSettings.model_fields.keys()


@pytest.mark.parametrize("kind", CHAT_MODELS)
def test_the_schema_of_a_model_holds_what_json_can_and_describes_it(kind):
    properties = kind.model_json_schema()["properties"]
    assert {"temperature", "web_search", "timeout", "model"} <= properties.keys()
    assert not {"client", "budget", "ledger"} & properties.keys()
    assert properties["temperature"]["description"].startswith("0 to 2")
    ours = ChatSettings.model_fields.keys() | ClientSettings.model_fields.keys()
    assert not [name for name in ours & properties.keys() if not properties[name]["description"]]


@pytest.mark.parametrize("kind", CHAT_MODELS)
def test_a_constructor_says_where_a_rare_option_goes(kind):
    with pytest.raises(ConfigurationError, match=r"mirostat_mode \(an option of a call"):
        kind(model="m", api_key="key", mirostat_mode=2)
    assert kind(model="m", api_key="key", extra_body={"mirostat_mode": 2})


@pytest.mark.parametrize("kind", CHAT_MODELS)
@pytest.mark.parametrize(
    "clash",
    [
        {"model": "m:memory-30", "memory": 7},
        {"model": "m", "extra_body": {"a": object()}},
        {"model": "m", "web_search": "no-such-backend/deep"},
    ],
)
def test_options_that_clash_are_refused_when_a_model_is_made(kind, clash):
    with pytest.raises(InvalidArgumentError):
        kind(**clash, api_key="key")


@pytest.mark.parametrize(
    "make",
    [
        lambda **settings: ChatNanoGPT(model="m", **settings),
        lambda **settings: NanoGPT(model="m", **settings),
        lambda **settings: NanoGPTEmbedding(model_name="m", **settings),
        NanoGPTAudioReader,
        NanoGPTRerank,
        NanoGPTWebSearchRetriever,
    ],
)
def test_key_and_settings_are_checked_when_an_adapter_is_made(make, monkeypatch):
    for variable in KEY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert raised.value.message == NO_KEY
    with pytest.raises(ConfigurationError, match="base_url"):
        make(api_key="key", base_url="ftp://nano-gpt.com")
    assert make(client=NanoGPTClient("key"))
    monkeypatch.setenv(KEY_VARIABLES[0], "key")
    assert make()


@pytest.mark.parametrize("cls", CHAT_MODELS)
def test_a_pickle_leaves_the_model_as_it_was(cls):
    """LlamaIndex deletes what cannot be pickled, here a client with its sockets."""
    with httpx.Client() as http_client:
        model = cls(model="a/b", api_key="sk-test-key", http_client=http_client)
        with pytest.raises(ConfigurationError, match="http_client cannot be pickled"):
            pickle.dumps(model)
        assert model.http_client is http_client


def test_the_arguments_of_other_classes_are_the_settings():
    fields = {name: field.annotation for name, field in ClientSettings.model_fields.items()}
    assert fields.pop("client")
    assert get_type_hints(ClientArguments) == fields


def test_the_arguments_of_jobs_are_those_of_a_client():
    parameters = inspect.signature(NanoGPTClient).parameters.keys()
    assert get_type_hints(JobArguments).keys() | {"account", "timeout"} == parameters
