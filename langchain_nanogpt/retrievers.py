"""`NanoGPTWebSearchRetriever`: web pages as documents, found without a model."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._errors import map_errors
from langchain_nanogpt.callbacks import areport_call, report_call
from nanogpt_client import WebSearchResult
from nanogpt_client._adapters.settings import WebSearchSettings

__all__ = ["NanoGPTWebSearchRetriever"]


class NanoGPTWebSearchRetriever(LangChainSettings, WebSearchSettings, BaseRetriever):
    """Finds ``k`` web pages, e.g. ``NanoGPTWebSearchRetriever(k=3, include_domains=["bbc.com"])``.

    A document's text is the page's excerpt; ``source`` and ``url`` (its address) and ``title``
    are in the metadata. Each setting may also be passed per call: ``invoke(query, k=3)``.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/web-search

    Raises:
        ModelError: of `langchain_core.exceptions`, from every call; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """

    model_config = ConfigDict(extra="forbid")

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        with map_errors():
            k, search = self._search_options(**options)
            found = self._client().search_web(query, **search)
        report_call(run_manager, **_call(found))
        return _documents(found, k)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        with map_errors():
            k, search = self._search_options(**options)
            found = await self._async_client().search_web(query, **search)
        await areport_call(run_manager, **_call(found))
        return _documents(found, k)


def _call(found: WebSearchResult) -> dict[str, Any]:
    """Return what handlers are told of a search."""
    cost, request_id = found.billing.cost, found.billing.request_id
    return {"kind": "search", "model": None, "cost": cost, "request_id": request_id}


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
