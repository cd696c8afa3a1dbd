"""Models that talk to the sandbox."""

from __future__ import annotations

import pytest

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings

MODEL = "openai/gpt-5.2"
EMBEDDING_MODEL = "text-embedding-3-small"


@pytest.fixture
def sandbox_environment(clean_environment, sandbox, monkeypatch):
    """Let models find the sandbox as users' models find NanoGPT: by their environment."""
    monkeypatch.setenv("NANOGPT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("NANOGPT_BASE_URL", sandbox.base_url)


@pytest.fixture
def llm(sandbox_environment) -> ChatNanoGPT:
    return ChatNanoGPT(model=MODEL)


@pytest.fixture
def embeddings(sandbox_environment) -> NanoGPTEmbeddings:
    return NanoGPTEmbeddings(model=EMBEDDING_MODEL)
