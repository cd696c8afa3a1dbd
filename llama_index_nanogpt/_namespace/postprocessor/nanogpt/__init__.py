"""``llama_index.postprocessor.nanogpt``, where LlamaIndex's users look for a reranker."""

from llama_index_nanogpt import NanoGPTRerank

__all__ = ["NanoGPTRerank"]
