"""NanoGPT for LangChain and LangGraph: every model behind one chat model.

>>> from langchain_nanogpt import ChatNanoGPT
>>> llm = ChatNanoGPT(model="openai/gpt-5.2", web_search=True)  # reads NANOGPT_API_KEY
>>> answer = llm.invoke("What is Nano?")
>>> print(answer.text, answer.content_blocks, answer.response_metadata["cost"])
"""

from typing import TYPE_CHECKING

# Registers how blocks are read: stored messages need that, also where no model is made.
import langchain_nanogpt._blocks  # noqa: F401
from nanogpt_client.lazy import names_of

if TYPE_CHECKING:
    from langchain_nanogpt.callbacks import NanoGPTCostCallbackHandler
    from langchain_nanogpt.chat import ChatNanoGPT
    from langchain_nanogpt.embeddings import NanoGPTEmbeddings
    from langchain_nanogpt.footnotes import with_footnotes
    from langchain_nanogpt.parsers import NanoGPTAudioParser
    from langchain_nanogpt.retrievers import NanoGPTWebSearchRetriever
    from langchain_nanogpt.tools import (
        NanoGPTBalanceTool,
        NanoGPTCostEstimateTool,
        NanoGPTImageEditTool,
        NanoGPTImageTool,
        NanoGPTSpeechTool,
        NanoGPTToolkit,
        NanoGPTTranscriptionTool,
        NanoGPTVideoTool,
        NanoGPTWebSearchTool,
    )

__all__ = [
    "ChatNanoGPT",
    "NanoGPTAudioParser",
    "NanoGPTBalanceTool",
    "NanoGPTCostCallbackHandler",
    "NanoGPTCostEstimateTool",
    "NanoGPTEmbeddings",
    "NanoGPTImageEditTool",
    "NanoGPTImageTool",
    "NanoGPTSpeechTool",
    "NanoGPTToolkit",
    "NanoGPTTranscriptionTool",
    "NanoGPTVideoTool",
    "NanoGPTWebSearchRetriever",
    "NanoGPTWebSearchTool",
    "with_footnotes",
]

__getattr__, __dir__ = names_of(
    __name__,
    {
        "callbacks": "NanoGPTCostCallbackHandler",
        "chat": "ChatNanoGPT",
        "embeddings": "NanoGPTEmbeddings",
        "footnotes": "with_footnotes",
        "parsers": "NanoGPTAudioParser",
        "retrievers": "NanoGPTWebSearchRetriever",
        "tools": (
            "NanoGPTBalanceTool NanoGPTCostEstimateTool NanoGPTImageEditTool "
            "NanoGPTImageTool NanoGPTSpeechTool NanoGPTToolkit "
            "NanoGPTTranscriptionTool NanoGPTVideoTool NanoGPTWebSearchTool"
        ),
    },
)
