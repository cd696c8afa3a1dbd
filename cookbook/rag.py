"""The same documents in both frameworks' own vector stores, for the demo."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore
from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import TextNode
from tqdm import tqdm

from cookbook.docstrings import Docstring

SOURCES = 4  # documents that go into an answer
BATCH = 256  # texts embedded per request


def langchain_store(docstrings: Sequence[Docstring], embeddings: Embeddings) -> InMemoryVectorStore:
    """Embed the docstrings into LangChain's vector store."""
    store = InMemoryVectorStore(embeddings)
    for start in tqdm(range(0, len(docstrings), BATCH), desc="LangChain: embedding", unit="batch"):
        store.add_documents(
            [
                Document(doc.text, metadata={"name": doc.name, "source": doc.source})
                for doc in docstrings[start : start + BATCH]
            ]
        )
    return store


def llama_index_store(
    docstrings: Sequence[Docstring], embeddings: BaseEmbedding
) -> VectorStoreIndex:
    """Embed the docstrings into LlamaIndex's vector store."""
    nodes = [
        TextNode(
            text=doc.text,
            metadata={"name": doc.name, "source": doc.source},
            # The text names the object already; twice it would outweigh the description.
            excluded_embed_metadata_keys=["name", "source"],
            excluded_llm_metadata_keys=["name", "source"],
        )
        for doc in docstrings
    ]
    return VectorStoreIndex(nodes, embed_model=embeddings, show_progress=True)
