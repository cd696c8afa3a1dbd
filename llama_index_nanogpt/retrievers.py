"""`NanoGPTWebSearchRetriever`: web pages as nodes, found without a model."""

from __future__ import annotations

from typing import Annotated, Any

from llama_index.core.callbacks import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from pydantic import Field, PrivateAttr

from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt.callbacks import report_call, report_failures
from nanogpt_client import WebSearchOptions, WebSearchResult
from nanogpt_client._adapters.settings import ClientSettings
from nanogpt_client.types.options import Day, SearchProvider

__all__ = ["NanoGPTWebSearchRetriever"]


class NanoGPTWebSearchRetriever(ClientSettings, BaseRetriever):
    """Finds ``k`` web pages, e.g. ``NanoGPTWebSearchRetriever(k=3, include_domains=["bbc.com"])``.

    A node's text is the page's excerpt; ``url`` and ``title`` are in its metadata, which a model
    reads, too. NanoGPT returns no scores: nodes come best first, with a score that falls by rank
    from 1.0 towards 0.9, because a ``similarity_cutoff`` drops nodes without one.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/web-search

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    k: Annotated[int, Field(ge=1)] = 5
    """How many pages, at most."""
    provider: SearchProvider | None = None
    """E.g. ``"linkup"``; by default NanoGPT's choice."""
    depth: str | None = None
    """``"standard"``, ``"deep"``, or another depth of the provider's."""
    from_date: Day | None = None
    """Only pages since this day, ``YYYY-MM-DD``; likewise ``to_date``."""
    to_date: Day | None = None
    include_domains: list[str] | None = None
    """Only these sites; ``exclude_domains``: none of these."""
    exclude_domains: list[str] | None = None

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
        with map_errors(), report_failures("search", None):
            found = self._client().search_web(query_bundle.query_str, **self._options())
        return _nodes(found, self.k)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        with map_errors(), report_failures("search", None):
            client = self._async_client()
            found = await client.search_web(query_bundle.query_str, **self._options())
        return _nodes(found, self.k)

    def _options(self) -> WebSearchOptions:
        return {
            "provider": self.provider,
            "depth": self.depth,
            "output_type": "searchResults",
            "max_results": self.k,
            "from_date": self.from_date,
            "to_date": self.to_date,
            "include_domains": self.include_domains,
            "exclude_domains": self.exclude_domains,
        }


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
