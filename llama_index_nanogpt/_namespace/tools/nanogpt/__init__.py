"""``llama_index.tools.nanogpt``, where LlamaIndex's users look for tools; the wheel maps it."""

from llama_index_nanogpt import NanoGPTToolSpec

__all__ = ["NanoGPTToolSpec"]
