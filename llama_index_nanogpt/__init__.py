"""NanoGPT for LlamaIndex: every model behind one LLM and one embedding class.

>>> from llama_index.core import Settings
>>> from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
>>> Settings.llm = NanoGPT(model="openai/gpt-5.2")  # reads NANOGPT_API_KEY
>>> Settings.embed_model = NanoGPTEmbedding(model_name="text-embedding-3-small")
>>> print(Settings.llm.complete("What is Nano?"))
"""

from typing import TYPE_CHECKING

from nanogpt_client.lazy import names_of

if TYPE_CHECKING:
    from llama_index_nanogpt.callbacks import NanoGPTCostHandler
    from llama_index_nanogpt.chat import NanoGPT
    from llama_index_nanogpt.embeddings import NanoGPTEmbedding

__all__ = ["NanoGPT", "NanoGPTCostHandler", "NanoGPTEmbedding"]

__getattr__ = names_of(
    __name__,
    {
        "callbacks": "NanoGPTCostHandler",
        "chat": "NanoGPT",
        "embeddings": "NanoGPTEmbedding",
    },
)
