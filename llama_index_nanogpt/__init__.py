"""NanoGPT for LlamaIndex: every model behind one LLM, embeddings, tools, a retriever, a reader.

>>> from llama_index.core import Settings
>>> from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
>>> Settings.llm = NanoGPT(model="openai/gpt-5.2")  # reads NANOGPT_API_KEY
>>> Settings.embed_model = NanoGPTEmbedding(model_name="text-embedding-3-small")
>>> print(Settings.llm.complete("What is Nano?"))
"""

from nanogpt_client.extras import needs

with needs("llama-index", "llama_index_nanogpt"):
    import llama_index.core as _  # noqa: F401

from llama_index_nanogpt._register import register
from llama_index_nanogpt.batches import BatchJob, abatch_api, batch_api
from llama_index_nanogpt.callbacks import NanoGPTCostHandler
from llama_index_nanogpt.citations import with_footnotes
from llama_index_nanogpt.embeddings import NanoGPTEmbedding
from llama_index_nanogpt.llms import NanoGPT
from llama_index_nanogpt.memory import NanoGPTMemoryBlock
from llama_index_nanogpt.moderation import NanoGPTModerator
from llama_index_nanogpt.rate_limiters import NanoGPTRateLimiter
from llama_index_nanogpt.readers import NanoGPTAudioReader, NanoGPTWebReader, NanoGPTYoutubeReader
from llama_index_nanogpt.rerankers import NanoGPTRerank
from llama_index_nanogpt.retrievers import NanoGPTWebSearchRetriever
from llama_index_nanogpt.tools import NanoGPTToolSpec

__all__ = [
    "BatchJob",
    "NanoGPT",
    "NanoGPTAudioReader",
    "NanoGPTCostHandler",
    "NanoGPTEmbedding",
    "NanoGPTMemoryBlock",
    "NanoGPTModerator",
    "NanoGPTRateLimiter",
    "NanoGPTRerank",
    "NanoGPTToolSpec",
    "NanoGPTWebReader",
    "NanoGPTWebSearchRetriever",
    "NanoGPTYoutubeReader",
    "abatch_api",
    "batch_api",
    "register",
    "with_footnotes",
]
