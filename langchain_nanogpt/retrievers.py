"""`NanoGPTWebSearchRetriever`: web pages as documents, found without a model."""

from __future__ import annotations

from typing import Annotated, Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._errors import map_errors
from nanogpt_client import InvalidArgumentError, WebSearchOptions, WebSearchResult
from nanogpt_client.types.options import Day, SearchProvider

__all__ = ["NanoGPTWebSearchRetriever"]


class NanoGPTWebSearchRetriever(LangChainSettings, BaseRetriever):
    """Finds ``k`` web pages, e.g. ``NanoGPTWebSearchRetriever(k=3, include_domains=["bbc.com"])``.

    A document's text is the page's excerpt; ``source`` and ``url`` (its address) and ``title``
    are in the metadata. Each setting may also be passed per call: ``invoke(query, k=3)``.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/web-search

    Raises:
        ModelError: of `langchain_core.exceptions`, from every call; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """

    model_config = ConfigDict(extra="forbid")

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

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        del run_manager
        with map_errors():
            k, search = self._search_options(options)
            return _documents(self._client().search_web(query, **search), k)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        del run_manager
        with map_errors():
            k, search = self._search_options(options)
            return _documents(await self._async_client().search_web(query, **search), k)

    def _search_options(self, given: dict[str, Any]) -> tuple[int, WebSearchOptions]:
        """Return ``k`` and the options; those of the call override the retriever's."""
        own = ("k", "provider", "depth", "from_date", "to_date", "include_domains")
        merged: Any = {name: getattr(self, name) for name in (*own, "exclude_domains")} | given
        k = merged.pop("k")
        if not isinstance(k, int) or k < 1:
            raise InvalidArgumentError(f"k must be a whole number from 1 on, not {k!r}", param="k")
        options: Any = {**merged, "max_results": k, "output_type": "searchResults"}
        return k, options


def _documents(found: WebSearchResult, k: int) -> list[Document]:
    """Return pages as documents; providers may send more than requested."""
    return [
        Document(
            hit.content,
            id=hit.url,
            metadata={"source": hit.url, "title": hit.title, "url": hit.url},
        )
        for hit in [hit for hit in found if hit.type != "image"][:k]
    ]
