"""`NanoGPTEmbeddings`: texts to vectors, in as few requests as NanoGPT allows.

Texts go out as they are, in batches limited by number and by bytes; a few batches run at once. The
vectors come back as one float32 array; LangChain's own methods make lists of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any

from langchain_core.embeddings import Embeddings
from pydantic import Field

from langchain_nanogpt._errors import map_errors
from langchain_nanogpt._words import CheckedClientFields
from nanogpt_client import ResponseFormatError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NanoGPTEmbeddings"]


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
    user: str | None = None
    extra_body: dict[str, Any] | None = None

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
        """Return the vectors of texts as float32 of shape (n, dim)."""
        batches = list(_batches(texts, self.chunk_size, self.max_request_bytes))
        with map_errors():
            if len(batches) <= 1:
                return self._joined([self._embed(batch) for batch in batches])
            with ThreadPoolExecutor(min(self.max_concurrency, len(batches))) as pool:
                # After a failure, `map` cancels what has not begun: no further batch is paid for.
                return self._joined(list(pool.map(self._embed, batches)))

    async def aembed_documents_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts as float32 of shape (n, dim)."""
        free = asyncio.Semaphore(self.max_concurrency)

        async def embed(batch: list[str]) -> NDArray[np.float32]:
            async with free:
                answer = await self._async_client().embed(batch, **self._options)
                return answer.vectors

        tasks = [
            asyncio.ensure_future(embed(batch))
            for batch in _batches(texts, self.chunk_size, self.max_request_bytes)
        ]
        with map_errors():
            try:
                return self._joined(await asyncio.gather(*tasks))
            finally:
                for task in tasks:  # after a failure, pay for no further batch
                    task.cancel()

    def _embed(self, batch: list[str]) -> NDArray[np.float32]:
        return self._client().embed(batch, **self._options).vectors

    @property
    def _options(self) -> dict[str, Any]:
        words = ("model", "dimensions", "user", "extra_body")
        return {word: getattr(self, word) for word in words}

    def _joined(self, parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Put the batches' vectors together.

        Raises:
            ResponseFormatError: they have several lengths.
        """
        import numpy as np  # noqa: PLC0415 - the client has loaded it by now, importing need not

        if not parts:
            return np.empty((0, self.dimensions or 0), np.float32)
        widths = {part.shape[1] for part in parts}
        if len(widths) > 1:
            msg = f"NanoGPT's vectors have the lengths {sorted(widths)}"
            raise ResponseFormatError(msg, maybe_billed=True)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _batches(texts: Sequence[str], most_texts: int, most_bytes: int) -> Iterator[list[str]]:
    """Yield texts in their order, in batches that stay within both limits."""
    batch: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode())
        if batch and (len(batch) == most_texts or size + length > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += length
    if batch:
        yield batch


def _as_lists(vectors: NDArray[np.float32]) -> list[list[float]]:
    lists: list[list[float]] = vectors.tolist()
    return lists
