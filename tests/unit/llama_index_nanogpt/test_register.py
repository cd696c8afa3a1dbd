"""NanoGPT by the name of its class: ``load_llm`` and ``load_embed_model``; ``resolve_llm``."""

from __future__ import annotations

import pytest
from llama_index.core.embeddings import loading as embeddings
from llama_index.core.llms import loading as llms
from llama_index.core.llms.utils import resolve_llm

from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding, register


@pytest.fixture(autouse=True)
def tables():
    """Let each test start with LlamaIndex's own classes."""
    for module, name in ((llms, "RECOGNIZED_LLMS"), (embeddings, "RECOGNIZED_EMBEDDINGS")):
        table = getattr(module, name)
        for key in [key for key in table if "NanoGPT" in key]:
            del table[key]


def test_it_loads_what_was_described(key_in_environment):
    llm = NanoGPT(model="openai/gpt-5.2:online", temperature=0.5)
    embedding = NanoGPTEmbedding(model_name="text-embedding-3-small", dimensions=256)
    with pytest.raises(ValueError, match="NanoGPT"):
        llms.load_llm(llm.to_dict())
    register()
    register()
    again = llms.load_llm(llm.to_dict())
    assert isinstance(again, NanoGPT)
    assert again.to_dict() == llm.to_dict()
    other = embeddings.load_embed_model(embedding.to_dict())
    assert isinstance(other, NanoGPTEmbedding)
    assert other.to_dict() == embedding.to_dict()


def test_resolve_llm_takes_an_instance(key_in_environment):
    llm = NanoGPT(model="openai/gpt-5.2")
    assert resolve_llm(llm) is llm
