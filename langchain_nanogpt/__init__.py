"""NanoGPT for LangChain and LangGraph: every model behind one chat model.

>>> from langchain_nanogpt import ChatNanoGPT
>>> llm = ChatNanoGPT(model="openai/gpt-5.2", web_search=True)  # reads NANOGPT_API_KEY
>>> answer = llm.invoke("What is Nano?")
>>> print(answer.text, answer.content_blocks, answer.response_metadata["cost"])
"""

from langchain_nanogpt.callbacks import NanoGPTCostCallbackHandler
from langchain_nanogpt.chat import ChatNanoGPT
from langchain_nanogpt.embeddings import NanoGPTEmbeddings, PartialEmbeddings
from langchain_nanogpt.footnotes import with_footnotes

__all__ = [
    "ChatNanoGPT",
    "NanoGPTCostCallbackHandler",
    "NanoGPTEmbeddings",
    "PartialEmbeddings",
    "with_footnotes",
]
