"""`NanoGPTAudioParser`: recordings as documents, with speakers and times."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.document_loaders import BaseBlobParser
from langchain_core.documents import Document
from langchain_core.documents.base import Blob

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._errors import map_errors
from nanogpt_client import Transcript
from nanogpt_client._adapters.settings import TranscriptionSettings

__all__ = ["NanoGPTAudioParser"]


class NanoGPTAudioParser(LangChainSettings, TranscriptionSettings, BaseBlobParser):
    """Transcribes recordings, e.g. ``NanoGPTAudioParser(split="speaker", model="Elevenlabs-STT")``.

    Metadata: ``source``, ``language``, ``duration`` (seconds) and ``cost`` (USD, of the whole
    recording); of a segment also ``start`` and ``end`` (seconds) and ``speaker``, if reported.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/audio-transcriptions

    Raises:
        ModelError: of `langchain_core.exceptions`, while iterating; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """

    def lazy_parse(self, blob: Blob) -> Iterator[Document]:
        """Yield a recording's documents; it is sent when the first one is requested."""
        with map_errors():
            options = self._transcription_options()
            transcript = self._client().transcribe(_source(blob), **options)
        yield from self._documents(transcript, blob)

    async def alazy_parse(self, blob: Blob) -> AsyncIterator[Document]:
        """Yield a recording's documents without blocking the event loop."""
        with map_errors():
            transcript = await self._async_client().transcribe(
                _source(blob), **self._transcription_options()
            )
        for document in self._documents(transcript, blob):
            yield document

    def _documents(self, transcript: Transcript, blob: Blob) -> Iterator[Document]:
        source = {} if blob.source is None else {"source": blob.source}
        for text, metadata in transcript.parts(self.split):
            yield Document(text, metadata=source | metadata)


def _source(blob: Blob) -> Any:
    """Return the recording: its file's path, or its bytes."""
    return blob.path if blob.data is None else blob.as_bytes()
