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

from langchain_nanogpt._base import CheckedClientFields
from langchain_nanogpt._errors import map_errors
from nanogpt_client import InvalidArgumentError, WebSearchOptions, WebSearchResult
from nanogpt_client.types.options import Day, SearchProvider

__all__ = ["NanoGPTWebSearchRetriever"]


class NanoGPTWebSearchRetriever(CheckedClientFields, BaseRetriever):
    """Finds ``k`` web pages, e.g. ``NanoGPTWebSearchRetriever(k=3, include_domains=["bbc.com"])``.

    A document's text is the page's excerpt; ``source`` and ``url`` (its address) and ``title``
    stand in the metadata. Every word may be given per call, too: ``invoke(query, k=3)``.
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
    """``"standard"``, ``"deep"``, or the provider's own word."""
    from_date: Day | None = None
    """Only pages since this day, ``YYYY-MM-DD``; likewise ``to_date``."""
    to_date: Day | None = None
    include_domains: list[str] | None = None
    """Only these sites; ``exclude_domains``: none of these."""
    exclude_domains: list[str] | None = None

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **words: Any
    ) -> list[Document]:
        del run_manager
        with map_errors():
            k, options = self._asked(words)
            return _documents(self._client().search_web(query, **options), k)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **words: Any
    ) -> list[Document]:
        del run_manager
        with map_errors():
            k, options = self._asked(words)
            return _documents(await self._async_client().search_web(query, **options), k)

    def _asked(self, words: dict[str, Any]) -> tuple[int, WebSearchOptions]:
        """Return the number and the options; a word of this call beats the retriever's own."""
        own = ("k", "provider", "depth", "from_date", "to_date", "include_domains")
        known = {word: getattr(self, word) for word in (*own, "exclude_domains")} | words
        k = known.pop("k")
        if not isinstance(k, int) or k < 1:
            raise InvalidArgumentError(f"k must be a whole number from 1 on, not {k!r}", param="k")
        options: Any = {**known, "max_results": k, "output_type": "searchResults"}
        return k, options


def _documents(found: WebSearchResult, k: int) -> list[Document]:
    """Return pages as documents; providers may send more than they were asked for."""
    return [
        Document(
            hit.content,
            id=hit.url,
            metadata={"source": hit.url, "title": hit.title, "url": hit.url},
        )
        for hit in [hit for hit in found if hit.type != "image"][:k]
    ]
