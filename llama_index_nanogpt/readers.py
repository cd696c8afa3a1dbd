"""Recordings, web pages and transcripts of YouTube as documents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from os import PathLike, fspath
from typing import Any

from llama_index.core.readers.base import BasePydanticReader
from llama_index.core.schema import Document

from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt.callbacks import report_call, report_failures
from nanogpt_client import FileSource, NanoGPTError, Transcript
from nanogpt_client._adapters.pages import (
    PageSettings,
    Part,
    WebPageSettings,
    YoutubeSettings,
    metadata_of,
)
from nanogpt_client._adapters.settings import ClientSettings, TranscriptionSettings

__all__ = ["NanoGPTAudioReader", "NanoGPTWebReader", "NanoGPTYoutubeReader"]

# Metadata that neither models nor vectors need.
_FOR_PROGRAMS = ("duration", "cost")


class NanoGPTAudioReader(ClientSettings, TranscriptionSettings, BasePydanticReader):
    """Transcribes recordings, e.g. ``NanoGPTAudioReader(split="speaker").load_data("talk.mp3")``.

    As a ``file_extractor`` it reads a folder:
    ``SimpleDirectoryReader("talks", file_extractor={".mp3": NanoGPTAudioReader()})``.
    Metadata: ``source`` (path or URL), ``language``, ``duration`` (seconds) and ``cost`` (USD, of
    the whole recording); of a segment also ``start`` and ``end`` (seconds) and ``speaker``, if
    reported.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/audio-transcriptions

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    is_remote: bool = True

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this class."""
        return "NanoGPTAudioReader"

    def load_data(
        self,
        file: FileSource | Sequence[FileSource],
        extra_info: dict[str, Any] | None = None,
        *,
        show_progress: bool = False,
        fs: Any = None,
    ) -> list[Document]:
        """Transcribe one or several recordings (path, URL or bytes), a few at the same time.

        Args:
            file: the recording, or a list of recordings.
            extra_info: metadata for every document.
            show_progress: show a progress bar (needs tqdm).
            fs: an fsspec file system to read paths from, as `SimpleDirectoryReader` passes it.
        """
        files = _files(file, fs)
        with map_errors(), report_failures("transcription", self.model):
            transcripts = self._client().transcribe_all(
                [data for _, data in files], progress=show_progress, **self._transcription_options()
            )
        return self._all_documents(files, transcripts, extra_info)

    async def aload_data(
        self,
        file: FileSource | Sequence[FileSource],
        extra_info: dict[str, Any] | None = None,
        *,
        show_progress: bool = False,
        fs: Any = None,
    ) -> list[Document]:
        """Transcribe recordings without blocking the event loop; see `load_data`."""
        files = _files(file, fs)
        with map_errors(), report_failures("transcription", self.model):
            transcripts = await self._async_client().transcribe_all(
                [data for _, data in files], progress=show_progress, **self._transcription_options()
            )
        return self._all_documents(files, transcripts, extra_info)

    def lazy_load_data(
        self, file: FileSource | Sequence[FileSource], extra_info: dict[str, Any] | None = None
    ) -> Iterator[Document]:
        """Yield the documents of one recording after the other; each is sent when it is needed."""
        for source, _ in _files(file, None):
            yield from self.load_data(source, extra_info)

    async def alazy_load_data(
        self, file: FileSource | Sequence[FileSource], extra_info: dict[str, Any] | None = None
    ) -> list[Document]:
        """Return the documents as a list, as LlamaIndex expects; see `aload_data`."""
        return await self.aload_data(file, extra_info)

    def _all_documents(
        self,
        files: Sequence[tuple[FileSource, FileSource]],
        transcripts: Sequence[Transcript],
        extra_info: dict[str, Any] | None,
    ) -> list[Document]:
        """Return the documents of several recordings, and report their costs to handlers."""
        documents: list[Document] = []
        for (source, _), transcript in zip(files, transcripts, strict=True):
            billing = transcript.billing
            report_call("transcription", self.model, billing.cost, request_id=billing.request_id)
            origin = {} if isinstance(source, bytes) else {"source": fspath(source)}
            documents += self._documents(transcript, {**origin, **(extra_info or {})})
        return documents

    def _documents(self, transcript: Transcript, shared: dict[str, Any]) -> Iterator[Document]:
        for text, metadata in transcript.parts(self.split):
            yield Document(
                text=text,
                metadata=shared | metadata,
                excluded_llm_metadata_keys=[*_FOR_PROGRAMS],
                excluded_embed_metadata_keys=[*_FOR_PROGRAMS],
            )


def _files(file: FileSource | Sequence[FileSource], fs: Any) -> list[tuple[FileSource, FileSource]]:
    """Return each recording as it was passed, and as it can be read."""
    sources = [file] if isinstance(file, str | bytes | PathLike) else list(file)
    if fs is None:
        return [(source, source) for source in sources]
    return [
        (source, source if isinstance(source, bytes) else _read(fs, source)) for source in sources
    ]


def _read(fs: Any, path: str | PathLike[str]) -> bytes:
    with fs.open(fspath(path), "rb") as opened:
        data: bytes = opened.read()
    return data


class _PageReader(ClientSettings, PageSettings, BasePydanticReader):
    """Reads the documents of some URLs, part by part."""

    is_remote: bool = True

    def lazy_load_data(
        self, urls: str | Sequence[str], extra_info: dict[str, Any] | None = None
    ) -> Iterator[Document]:
        """Yield a document for each URL; further URLs are sent, and paid, when they are needed.

        Args:
            urls: a URL, or a list of URLs.
            extra_info: metadata for every document.
        """
        with map_errors():
            for flow in self._parts(urls):
                with report_failures(self._kind, None):
                    part = self._client().run(flow)
                yield from self._read(part, extra_info)
                self._raise_error(part)

    async def _alazy_load_data(
        self, urls: str | Sequence[str], extra_info: dict[str, Any] | None
    ) -> AsyncIterator[Document]:
        with map_errors():
            for flow in self._parts(urls):
                with report_failures(self._kind, None):
                    part = await self._async_client().run(flow)
                for document in self._read(part, extra_info):
                    yield document
                self._raise_error(part)

    def load_data(
        self, urls: str | Sequence[str], extra_info: dict[str, Any] | None = None
    ) -> list[Document]:
        """Return all documents; an error's ``partial`` is those that were read before it."""
        documents: list[Document] = []
        try:
            documents.extend(self.lazy_load_data(urls, extra_info))
        except NanoGPTError as error:
            error.partial = documents
            raise
        return documents

    async def aload_data(
        self, urls: str | Sequence[str], extra_info: dict[str, Any] | None = None
    ) -> list[Document]:
        """Return all documents without blocking the event loop; see `load_data`."""
        documents: list[Document] = []
        try:
            async for document in self._alazy_load_data(urls, extra_info):
                documents.append(document)  # noqa: PERF401 - kept if a later one fails
        except NanoGPTError as error:
            error.partial = documents
            raise
        return documents

    async def alazy_load_data(
        self, urls: str | Sequence[str], extra_info: dict[str, Any] | None = None
    ) -> list[Document]:
        """Return the documents as a list, as LlamaIndex expects; see `aload_data`."""
        return await self.aload_data(urls, extra_info)

    def _read(self, part: Part, extra_info: dict[str, Any] | None) -> Iterator[Document]:
        """Report what a part cost to handlers, and yield its documents."""
        if part.items or part.error is None:
            billing = part.billing
            report_call(self._kind, None, billing.cost, request_id=billing.request_id)
        for item in part.items:
            yield Document(
                text=item.text,
                id_=item.url,
                metadata=metadata_of(item) | (extra_info or {}),
                excluded_llm_metadata_keys=[*_FOR_PROGRAMS],
                excluded_embed_metadata_keys=[*_FOR_PROGRAMS],
            )

    def _raise_error(self, part: Part) -> None:
        if part.error is not None:
            with report_failures(self._kind, None):
                raise part.error


class NanoGPTWebReader(WebPageSettings, _PageReader):
    """Reads web pages as Markdown, e.g. ``NanoGPTWebReader().load_data(["https://nano.org"])``.

    A page costs 0.001 USD, one that fails nothing. Metadata: ``source`` (the URL, also the
    document's id), ``title`` and ``cost`` (USD). Up to 5 pages are one request, sent when the
    first of them is needed.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/scrape-urls

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this class."""
        return "NanoGPTWebReader"


class NanoGPTYoutubeReader(YoutubeSettings, _PageReader):
    """Reads the transcripts of YouTube videos, e.g. ``NanoGPTYoutubeReader().load_data([…])``.

    A transcript costs 0.01 USD, one that fails nothing; it has no timestamps. Metadata: ``source``
    (the URL, also the document's id), ``title`` and ``cost`` (USD). Up to 10 videos are one
    request, sent when the first of them is needed.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/youtube-transcribe

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this class."""
        return "NanoGPTYoutubeReader"
