"""`NanoGPTEmbeddings`: texts to vectors, in as few requests as NanoGPT allows.

Texts go out as they are, in batches limited by number and by bytes; a few batches run at once. The
vectors come back as one float32 array; LangChain's own methods make lists of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.embeddings import Embeddings
from langchain_core.runnables.config import ContextThreadPoolExecutor
from pydantic import Field

from langchain_nanogpt._batches import PartialEmbeddings, Work
from langchain_nanogpt._errors import map_errors
from langchain_nanogpt._words import CheckedClientFields
from nanogpt_client import ConfigurationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NanoGPTEmbeddings", "PartialEmbeddings"]

_MANY = 10_000


class NanoGPTEmbeddings(CheckedClientFields, Embeddings):
    """An embedding model of NanoGPT, e.g. ``NanoGPTEmbeddings(model="text-embedding-3-small")``.

    Follows https://docs.nano-gpt.com/api-reference/endpoint/embeddings

    Raises:
        ModelError: of `langchain_core.exceptions`, from every call; the same exception is also a
            `nanogpt_client.NanoGPTError`.
    """

    model: str
    """The model's id."""
    dimensions: Annotated[int, Field(ge=1)] | None = None
    """Length of the vectors, for models that can shorten them."""
    chunk_size: Annotated[int, Field(ge=1, le=2048)] = 2048
    """Texts per request, at most."""
    max_request_bytes: Annotated[int, Field(ge=1)] = 800_000
    """UTF-8 bytes of text per request, at most, unless a single text is longer.

    Providers limit the tokens of a request (OpenAI: 300,000); this stays below in any language.
    """
    max_concurrency: Annotated[int, Field(ge=1)] = 4
    """Requests at once, at most."""
    show_progress_bar: bool | None = None
    """Show a bar of texts done (needs tqdm); by default from 10,000 texts on, on terminals."""
    user: str | None = None
    """An id of your end user."""
    extra_body: dict[str, Any] | None = None
    """Keys added to the JSON body as they are; they win over our own."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors of texts, in their order."""
        return _as_lists(self.embed_documents_array(texts))

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of one text."""
        return self.embed_documents([text])[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return the vectors of texts, in their order."""
        return _as_lists(await self.aembed_documents_array(texts))

    async def aembed_query(self, text: str) -> list[float]:
        """Return the vector of one text."""
        return (await self.aembed_documents([text]))[0]

    def embed_documents_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts as float32 of shape (n, dim).

        Raises:
            ModelError: a batch failed. No further one was sent; those that had arrived, or were on
                their way, are paid for: the error's ``partial`` is a `PartialEmbeddings` with them.
        """
        with self._work(texts) as work:
            workers = min(self.max_concurrency, len(work.batches))
            if workers <= 1:
                self._embed(work)
            else:
                self._embed_in_threads(work, workers)
            return work.result(self.dimensions)

    async def aembed_documents_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts as float32 of shape (n, dim).

        Raises:
            ModelError: as `embed_documents_array`.
        """
        with self._work(texts) as work:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(self.max_concurrency, len(work.batches))):
                    tasks.create_task(self._aembed(work))
            return work.result(self.dimensions)

    def _embed(self, work: Work) -> None:
        client = self._client()
        while batch := work.take():
            with work.embedding(batch) as keep:
                keep(client.embed(batch.texts, **self._options))

    def _embed_in_threads(self, work: Work, workers: int) -> None:
        with ContextThreadPoolExecutor(workers) as pool:
            runs = [pool.submit(self._embed, work) for _ in range(workers)]
            try:
                for run in runs:
                    run.result()
            finally:
                work.stop()  # whoever is interrupted here waits for no batch that has not begun

    async def _aembed(self, work: Work) -> None:
        client = self._async_client()
        while batch := work.take():
            with work.embedding(batch) as keep:
                keep(await client.embed(batch.texts, **self._options))

    @property
    def _options(self) -> dict[str, Any]:
        words = ("model", "dimensions", "user", "extra_body")
        return {word: getattr(self, word) for word in words}

    @contextmanager
    def _work(self, texts: Sequence[str]) -> Iterator[Work]:
        """Cut texts into batches, and show how far they are."""
        with map_errors(), self._progress(len(texts)) as advance:
            yield Work(texts, self.chunk_size, self.max_request_bytes, advance)

    @contextmanager
    def _progress(self, texts: int) -> Iterator[Callable[[int], Any]]:
        asked = self.show_progress_bar
        if asked is False or (asked is None and texts < _MANY):
            yield lambda _: None
            return
        try:
            from tqdm.auto import tqdm  # noqa: PLC0415 - no dependency of this package
        except ImportError as error:
            if asked is None:
                yield lambda _: None
                return
            msg = "show_progress_bar=True needs tqdm: pip install tqdm"
            raise ConfigurationError(msg, param="show_progress_bar") from error
        # Unasked for, it shows itself on terminals only.
        off = False if asked else None
        with tqdm(total=texts, desc=self.model, unit="text", disable=off) as bar:
            yield bar.update


def _as_lists(vectors: NDArray[np.float32]) -> list[list[float]]:
    lists: list[list[float]] = vectors.tolist()
    return lists
