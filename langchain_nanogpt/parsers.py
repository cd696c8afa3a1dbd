"""`NanoGPTAudioParser`: recordings as documents, with speakers and times."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.document_loaders import BaseBlobParser
from langchain_core.documents import Document
from langchain_core.documents.base import Blob

from langchain_nanogpt._base import CheckedClientFields
from langchain_nanogpt._errors import map_errors
from nanogpt_client import Transcript
from nanogpt_client.types.options import TranscriptSplit, transcription_options

__all__ = ["NanoGPTAudioParser"]


class NanoGPTAudioParser(CheckedClientFields, BaseBlobParser):
    """Writes recordings down, e.g. ``NanoGPTAudioParser(split="speaker", model="Elevenlabs-STT")``.

    Metadata: ``source``, ``language``, ``duration`` and ``cost`` (USD, of the whole recording), and
    for a part ``start`` and ``end`` (seconds) and ``speaker`` where they are known.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/audio-transcriptions

    Raises:
        ModelError: of `langchain_core.exceptions`, while iterating; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """

    model: str = "Whisper-Large-V3"
    """The transcription model's id."""
    split: TranscriptSplit | None = None
    """One document per segment, or per turn of a speaker; by default one for the recording.

    A model that tells no times gives one document all the same.
    """
    language: str | None = None
    """The language as a code, e.g. ``"en"``; by default the model finds it out."""

    def lazy_parse(self, blob: Blob) -> Iterator[Document]:
        """Yield a recording's documents; it is sent when the first is asked for."""
        with map_errors():
            heard = self._client().transcribe(_source(blob), **self._options)
        yield from self._documents(heard, blob)

    async def alazy_parse(self, blob: Blob) -> AsyncIterator[Document]:
        """Yield a recording's documents without blocking the event loop."""
        with map_errors():
            heard = await self._async_client().transcribe(_source(blob), **self._options)
        for document in self._documents(heard, blob):
            yield document

    @property
    def _options(self) -> dict[str, Any]:
        return {"model": self.model, "language": self.language, **transcription_options(self.split)}

    def _documents(self, heard: Transcript, blob: Blob) -> Iterator[Document]:
        source = {} if blob.source is None else {"source": blob.source}
        for text, known in heard.parts(self.split):
            yield Document(text, metadata=source | known)


def _source(blob: Blob) -> Any:
    """Return the recording: its file's path, or its bytes."""
    return blob.path if blob.data is None else blob.as_bytes()
