"""NanoGPT for LangChain and LangGraph: every model behind one chat model.

>>> from langchain_nanogpt import ChatNanoGPT
>>> llm = ChatNanoGPT(model="openai/gpt-5.2", web_search=True)  # reads NANOGPT_API_KEY
>>> response = llm.invoke("What is Nano?")
>>> print(response.text, response.content_blocks, response.response_metadata["cost"])
"""

import importlib
from typing import TYPE_CHECKING, Any

from nanogpt_client.extras import needs

with needs("langchain", "langchain_nanogpt"):
    # Here, because nested deeper the same imports take a sixth longer.
    import langchain_core.language_models.chat_models as _models  # noqa: F401
    import langchain_core.tools.base as _tools  # noqa: F401

# Also registers the translator of content blocks, which stored messages need without a model.
from langchain_nanogpt.chat_models import ChatNanoGPT
from langchain_nanogpt.citations import with_footnotes

if TYPE_CHECKING:
    from langchain_nanogpt._register import register
    from langchain_nanogpt.batches import BatchJob, abatch_api, batch_api
    from langchain_nanogpt.callbacks import NanoGPTCostCallbackHandler
    from langchain_nanogpt.embeddings import NanoGPTEmbeddings
    from langchain_nanogpt.loaders import NanoGPTWebLoader, NanoGPTYoutubeLoader
    from langchain_nanogpt.parsers import NanoGPTAudioParser
    from langchain_nanogpt.rate_limiters import NanoGPTRateLimiter
    from langchain_nanogpt.rerankers import NanoGPTRerank
    from langchain_nanogpt.retrievers import NanoGPTWebSearchRetriever
    from langchain_nanogpt.tools import (
        NanoGPTBalanceTool,
        NanoGPTCostEstimateTool,
        NanoGPTFetchPageTool,
        NanoGPTImageEditTool,
        NanoGPTImageTool,
        NanoGPTSpeechTool,
        NanoGPTToolkit,
        NanoGPTTranscriptionTool,
        NanoGPTVideoTool,
        NanoGPTWebSearchTool,
        NanoGPTYoutubeTranscriptTool,
    )

__all__ = [
    "BatchJob",
    "ChatNanoGPT",
    "NanoGPTAudioParser",
    "NanoGPTBalanceTool",
    "NanoGPTCostCallbackHandler",
    "NanoGPTCostEstimateTool",
    "NanoGPTEmbeddings",
    "NanoGPTFetchPageTool",
    "NanoGPTImageEditTool",
    "NanoGPTImageTool",
    "NanoGPTRateLimiter",
    "NanoGPTRerank",
    "NanoGPTSpeechTool",
    "NanoGPTToolkit",
    "NanoGPTTranscriptionTool",
    "NanoGPTVideoTool",
    "NanoGPTWebLoader",
    "NanoGPTWebSearchRetriever",
    "NanoGPTWebSearchTool",
    "NanoGPTYoutubeLoader",
    "NanoGPTYoutubeTranscriptTool",
    "abatch_api",
    "batch_api",
    "register",
    "with_footnotes",
]

# Each loads a further part of LangChain (tracers, NumPy, retrievers, tools), together a third of
# the import time: they load at their first use.
_LAZY = {
    "BatchJob": "batches",
    "abatch_api": "batches",
    "batch_api": "batches",
    "NanoGPTCostCallbackHandler": "callbacks",
    "NanoGPTEmbeddings": "embeddings",
    "NanoGPTAudioParser": "parsers",
    "NanoGPTRerank": "rerankers",
    "NanoGPTWebLoader": "loaders",
    "NanoGPTYoutubeLoader": "loaders",
    "NanoGPTRateLimiter": "rate_limiters",
    "NanoGPTWebSearchRetriever": "retrievers",
    "register": "_register",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_LAZY.get(name, 'tools')}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
