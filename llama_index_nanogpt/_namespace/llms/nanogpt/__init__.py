"""``llama_index.llms.nanogpt``, where LlamaIndex's users look for an LLM; the wheel maps it."""

from llama_index_nanogpt import NanoGPT

__all__ = ["NanoGPT"]
