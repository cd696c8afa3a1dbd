"""`NanoGPTWebSearchRetriever`: web pages as nodes, found without a model."""

from __future__ import annotations

from typing import Any

from llama_index.core.callbacks import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from pydantic import Field, PrivateAttr

from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt.callbacks import report_call, report_failures
from nanogpt_client import WebSearchResult
from nanogpt_client._adapters.settings import ClientSettings, WebSearchSettings

__all__ = ["NanoGPTWebSearchRetriever"]


class NanoGPTWebSearchRetriever(ClientSettings, WebSearchSettings, BaseRetriever):
    """Finds ``k`` web pages, e.g. ``NanoGPTWebSearchRetriever(k=3, include_domains=["bbc.com"])``.

    A node's text is the page's excerpt; ``url`` and ``title`` are in its metadata, which a model
    reads, too. NanoGPT returns no scores: nodes come best first, with a score that falls by rank
    from 1.0 towards 0.9, because a ``similarity_cutoff`` drops nodes without one.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/web-search

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    # Set by LlamaIndex's `BaseRetriever.__init__`, which pydantic does not call.
    callback_manager: CallbackManager = Field(
        default_factory=CallbackManager, exclude=True, repr=False
    )
    object_map: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)
    _verbose: bool = PrivateAttr(default=False)

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this class."""
        return "NanoGPTWebSearchRetriever"

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        k, options = self._search_options()
        with map_errors(), report_failures("search", None):
            found = self._client().search_web(query_bundle.query_str, **options)
        return _nodes(found, k)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        k, options = self._search_options()
        with map_errors(), report_failures("search", None):
            client = self._async_client()
            found = await client.search_web(query_bundle.query_str, **options)
        return _nodes(found, k)


def _nodes(found: WebSearchResult, k: int) -> list[NodeWithScore]:
    """Return pages as nodes; providers may send more than requested."""
    report_call("search", None, found.billing.cost, request_id=found.billing.request_id)
    pages = [hit for hit in found if hit.type != "image"][:k]
    return [
        NodeWithScore(
            node=TextNode(text=hit.content, metadata={"url": hit.url, "title": hit.title}),
            score=1 - 0.1 * rank / len(pages),
        )
        for rank, hit in enumerate(pages)
    ]
