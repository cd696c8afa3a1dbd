"""`NanoGPTWebLoader` and `NanoGPTYoutubeLoader`: web pages and transcripts as documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document
from pydantic import ConfigDict

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._errors import map_errors
from nanogpt_client import NanoGPTError
from nanogpt_client._adapters.pages import (
    PageSettings,
    Part,
    WebPageSettings,
    YoutubeSettings,
    metadata_of,
)

__all__ = ["NanoGPTWebLoader", "NanoGPTYoutubeLoader"]


class _Loader(LangChainSettings, PageSettings, BaseLoader):
    """Loads the documents of some URLs, part by part."""

    model_config = ConfigDict(extra="forbid")

    urls: str | Sequence[str]
    """A URL, or a list of URLs."""

    def lazy_load(self) -> Iterator[Document]:
        """Yield a document for each URL; further URLs are sent, and paid, when they are needed."""
        with map_errors():
            for part in self._parts(self.urls):
                found = self._client().run(part)
                yield from _documents(found)
                if found.error is not None:
                    raise found.error

    async def alazy_load(self) -> AsyncIterator[Document]:
        """Yield the documents without blocking the event loop; see `lazy_load`."""
        with map_errors():
            for part in self._parts(self.urls):
                found = await self._async_client().run(part)
                for document in _documents(found):
                    yield document
                if found.error is not None:
                    raise found.error

    # Not the base's: what is loaded before an error is paid, and must not be lost with it.
    def load(self) -> list[Document]:
        """Return all documents; an error's ``partial`` is those that were loaded before it."""
        documents: list[Document] = []
        try:
            documents.extend(self.lazy_load())
        except NanoGPTError as error:
            error.partial = documents
            raise
        return documents

    async def aload(self) -> list[Document]:
        """Return all documents without blocking the event loop; see `load`."""
        documents: list[Document] = []
        try:
            async for document in self.alazy_load():
                documents.append(document)  # noqa: PERF401 - kept if a later one fails
        except NanoGPTError as error:
            error.partial = documents
            raise
        return documents


class NanoGPTWebLoader(WebPageSettings, _Loader):
    """Loads web pages as Markdown, e.g. ``NanoGPTWebLoader(urls=["https://nano.org"]).load()``.

    A page costs 0.001 USD, one that fails nothing. Metadata: ``source`` (the URL, also the
    document's id), ``title`` and ``cost`` (USD). Up to 5 pages are one request, sent when the
    first of them is needed.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/scrape-urls

    Raises:
        ModelError: of `langchain_core.exceptions`, while loading; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """


class NanoGPTYoutubeLoader(YoutubeSettings, _Loader):
    """Loads the transcripts of YouTube videos, e.g. ``NanoGPTYoutubeLoader(urls=[…]).load()``.

    A transcript costs 0.01 USD, one that fails nothing; it has no timestamps. Metadata: ``source``
    (the URL, also the document's id), ``title`` and ``cost`` (USD). Up to 10 videos are one
    request, sent when the first of them is needed.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/youtube-transcribe

    Raises:
        ModelError: of `langchain_core.exceptions`, while loading; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """


def _documents(part: Part) -> Iterator[Document]:
    for item in part.items:
        yield Document(item.text, id=item.url, metadata=metadata_of(item))
