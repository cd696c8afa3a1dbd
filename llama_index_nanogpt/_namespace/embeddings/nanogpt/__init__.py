"""``llama_index.embeddings.nanogpt``, where LlamaIndex's users look; the wheel maps it there."""

from llama_index_nanogpt import NanoGPTEmbedding

__all__ = ["NanoGPTEmbedding"]
