"""NanoGPT by name: ``init_chat_model``, ``init_embeddings`` and ``create_agent``."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.chat_models import base as chat_table
from langchain.chat_models import init_chat_model
from langchain.embeddings import base as embeddings_table
from langchain.embeddings import init_embeddings
from langchain_core.messages import HumanMessage

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings, register


@pytest.fixture(autouse=True)
def tables(monkeypatch):
    """Let each test start with LangChain's own providers."""
    for module in (chat_table, embeddings_table):
        rows = {k: v for k, v in module._BUILTIN_PROVIDERS.items() if k != "nanogpt"}
        monkeypatch.setattr(module, "_BUILTIN_PROVIDERS", rows)


def test_before_it_langchain_does_not_know_the_name(key):
    with pytest.raises(ValueError, match="nanogpt"):
        init_chat_model("nanogpt:openai/gpt-5.2")


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("NANOGPT_API_KEY", "sk-test-key")


def test_a_model_by_name_with_suffixes_and_settings(key):
    register()
    register()
    model: Any = init_chat_model("nanogpt:openai/gpt-5.2:online/linkup-deep", temperature=0.5)
    assert isinstance(model, ChatNanoGPT)
    assert (model.model, model.temperature) == ("openai/gpt-5.2:online/linkup-deep", 0.5)
    other: Any = init_chat_model("openai/gpt-5.2", model_provider="nanogpt")
    assert isinstance(other, ChatNanoGPT)


def test_embeddings_by_name(key):
    register()
    embeddings: Any = init_embeddings("nanogpt:text-embedding-3-small", dimensions=256)
    assert isinstance(embeddings, NanoGPTEmbeddings)
    assert embeddings.dimensions == 256


def test_a_model_that_is_chosen_at_run_time(sandbox_environment):
    register()
    model = init_chat_model(configurable_fields=("model", "model_provider"))
    config: Any = {"configurable": {"model": "openai/gpt-5.2", "model_provider": "nanogpt"}}
    assert model.invoke("hi", config).response_metadata["cost"] > 0


def test_an_agent_by_name(sandbox_environment):
    register()
    state = create_agent("nanogpt:openai/gpt-5.2").invoke({"messages": [HumanMessage("hi")]})
    assert state["messages"][-1].response_metadata["model_provider"] == "nanogpt"


def test_deep_agents_find_it_by_the_entry_point(request):
    found = [p for p in entry_points(group="deepagents.provider_profiles") if p.name == "nanogpt"]
    for point in found:
        assert point.load() is register


def test_without_langchain_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "langchain.embeddings.base", None)
    with pytest.raises(ModuleNotFoundError, match=r"register\(\) needs .*pip install .*\[agents\]"):
        register()
    assert "nanogpt" not in chat_table._BUILTIN_PROVIDERS  # all or nothing


def test_without_the_table_it_says_what_to_do_instead(monkeypatch):
    monkeypatch.delattr(chat_table, "_BUILTIN_PROVIDERS")
    with pytest.raises(RuntimeError, match="pass ChatNanoGPT"):
        register()
