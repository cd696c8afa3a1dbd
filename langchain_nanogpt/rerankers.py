"""`NanoGPTRerank`: retrieved documents in the order of their relevance."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import ConfigDict

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._errors import map_errors
from nanogpt_client import Reranking
from nanogpt_client._adapters.ranking import RerankSettings, best_first, rankable

__all__ = ["NanoGPTRerank"]


class NanoGPTRerank(LangChainSettings, RerankSettings, BaseDocumentCompressor):
    """Keeps the ``top_n`` most relevant of many documents, e.g. ``NanoGPTRerank(top_n=3)``.

    Retrieve more than you need and let it choose, in a ``ContextualCompressionRetriever``:

    >>> from langchain_classic.retrievers import ContextualCompressionRetriever
    >>> retriever = ContextualCompressionRetriever(
    ...     base_compressor=NanoGPTRerank(top_n=4),
    ...     base_retriever=store.as_retriever(search_kwargs={"k": 50}),
    ... )

    ``relevance_score`` is added to the documents' metadata: any real number, higher is better. A
    document without text is kept, unscored, behind the others.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/rerank

    Raises:
        ModelError: of `langchain_core.exceptions`, from every call; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """

    model_config = ConfigDict(extra="forbid")

    def compress_documents(
        self,
        documents: Sequence[Document],
        query: str,
        callbacks: Callbacks | None = None,
    ) -> Sequence[Document]:
        """Return the best documents for a query, best first; the given ones stay unchanged."""
        del callbacks  # of chat models; the ledger has the call
        texts = [document.page_content for document in documents]
        sent, found = rankable(texts), None
        if sent:
            with map_errors():
                found = self._client().rerank(
                    query, [texts[at] for at in sent], **self._rerank_options
                )
        return self._ranked(documents, sent, found)

    async def acompress_documents(
        self,
        documents: Sequence[Document],
        query: str,
        callbacks: Callbacks | None = None,
    ) -> Sequence[Document]:
        """Return the best documents for a query, best first; the given ones stay unchanged."""
        del callbacks
        texts = [document.page_content for document in documents]
        sent, found = rankable(texts), None
        if sent:
            with map_errors():
                found = await self._async_client().rerank(
                    query, [texts[at] for at in sent], **self._rerank_options
                )
        return self._ranked(documents, sent, found)

    def _ranked(
        self, documents: Sequence[Document], sent: Sequence[int], found: Reranking | None
    ) -> list[Document]:
        return [
            _scored(documents[at], score)
            for at, score in best_first(found, sent, len(documents), self.top_n)
        ]


def _scored(document: Document, score: float | None) -> Document:
    """Return a copy of a document with its score; without one, an older score is removed."""
    metadata = {k: v for k, v in document.metadata.items() if k != "relevance_score"}
    if score is not None:
        metadata["relevance_score"] = score
    return document.model_copy(update={"metadata": metadata})
