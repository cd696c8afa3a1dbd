"""What tests of LlamaIndex's machinery share: an LLM and an embedding over the sandbox."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding


@pytest.fixture
async def llm(sandbox) -> AsyncIterator[NanoGPT]:
    model = NanoGPT(model="openai/gpt-5.2", api_key=sandbox.api_key, base_url=sandbox.base_url)
    yield model
    model.close()
    await model.aclose()


@pytest.fixture
async def embedding(sandbox) -> AsyncIterator[NanoGPTEmbedding]:
    model = NanoGPTEmbedding(
        model_name="text-embedding-3-small", api_key=sandbox.api_key, base_url=sandbox.base_url
    )
    yield model
    model.close()
    await model.aclose()


@pytest.fixture
def litter_stays_here() -> Iterator[None]:
    """Collect LlamaIndex's garbage under a module's own filters, not in somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def key_in_environment(monkeypatch) -> None:
    monkeypatch.setenv("NANOGPT_API_KEY", "sk-environment-key")
