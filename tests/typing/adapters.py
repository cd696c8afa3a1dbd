"""The adapters as users of either framework write them; see `api` for how this is checked."""

from __future__ import annotations

from typing import assert_type

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms.function_calling import FunctionCallingLLM

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding

MODEL = "openai/gpt-5.2"


def langchain() -> None:
    chat: BaseChatModel = ChatNanoGPT(
        model=MODEL, api_key="key", temperature=0.2, web_search=True, timeout=30, max_retries=0
    )
    assert_type(chat.invoke("hi"), AIMessage)
    embeddings: Embeddings = NanoGPTEmbeddings(model="BAAI/bge-m3", api_key="key")
    assert_type(embeddings.embed_query("hi"), list[float])


def llama_index() -> None:
    llm: FunctionCallingLLM = NanoGPT(
        model=MODEL, api_key="key", temperature=0.2, web_search=True, timeout=30, max_retries=0
    )
    assert_type(llm.chat([ChatMessage("hi")]), ChatResponse)
    embedding: BaseEmbedding = NanoGPTEmbedding(model_name="BAAI/bge-m3", api_key="key")
    assert_type(embedding.get_query_embedding("hi"), list[float])
