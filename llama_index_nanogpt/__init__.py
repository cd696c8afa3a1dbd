"""NanoGPT for LlamaIndex: every model behind one LLM, embeddings, tools, a retriever, a reader.

>>> from llama_index.core import Settings
>>> from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
>>> Settings.llm = NanoGPT(model="openai/gpt-5.2")  # reads NANOGPT_API_KEY
>>> Settings.embed_model = NanoGPTEmbedding(model_name="text-embedding-3-small")
>>> print(Settings.llm.complete("What is Nano?"))
"""

from llama_index_nanogpt.callbacks import NanoGPTCostHandler
from llama_index_nanogpt.citations import with_footnotes
from llama_index_nanogpt.embeddings import NanoGPTEmbedding
from llama_index_nanogpt.llms import NanoGPT
from llama_index_nanogpt.rate_limiters import NanoGPTRateLimiter
from llama_index_nanogpt.readers import NanoGPTAudioReader
from llama_index_nanogpt.retrievers import NanoGPTWebSearchRetriever
from llama_index_nanogpt.tools import NanoGPTToolSpec

__all__ = [
    "NanoGPT",
    "NanoGPTAudioReader",
    "NanoGPTCostHandler",
    "NanoGPTEmbedding",
    "NanoGPTRateLimiter",
    "NanoGPTToolSpec",
    "NanoGPTWebSearchRetriever",
    "with_footnotes",
]
