"""`NanoGPTEmbedding`: LlamaIndex's embeddings over the shared client.

Texts go out as they are (no newline is touched), in batches that LlamaIndex cuts, and a bounded
number of batches at a time.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding, Embedding
from pydantic import Field

from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt.callbacks import embedding_told, failure_told
from nanogpt_client import Embeddings
from nanogpt_client.fields import ClientFields
from nanogpt_client.wire.options import EmbeddingOptions

__all__ = ["NanoGPTEmbedding"]


class NanoGPTEmbedding(ClientFields, BaseEmbedding):
    """Embeddings by any of NanoGPT's embedding models.

    >>> embedding = NanoGPTEmbedding(model_name="text-embedding-3-small", dimensions=256)
    >>> vector = embedding.get_query_embedding("What is Nano?")  # list[float] of length 256

    Everything that changes the vectors is a field that `to_dict` keeps, and so part of the key by
    which an ``IngestionPipeline`` caches. An ``embeddings_cache``, however, knows texts by
    themselves alone: do not share one between models, dimensions or instructions.

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    model_name: str = Field(description="id of the embedding model")
    embed_batch_size: int = Field(default=256, gt=0, le=2048)
    """Texts per request."""
    num_workers: int | None = Field(default=4, gt=0)
    """Requests at a time in the async methods; ``None`` for no limit."""
    dimensions: int | None = Field(default=None, gt=0)
    """Length of the vectors, for models that can shorten them."""
    query_instruction: str = ""
    """Put before each query, as it is, for models that tell queries from texts."""
    text_instruction: str = ""
    """Put before each text, as it is."""
    extra_body: dict[str, Any] | None = None
    """Keys added to the JSON body as they are."""

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this class."""
        return "NanoGPTEmbedding"

    def _options(self) -> EmbeddingOptions:
        return {"dimensions": self.dimensions, "extra_body": self.extra_body}

    def _embed(self, texts: list[str]) -> list[Embedding]:
        with map_errors(), failure_told("embedding", self.model_name):
            answer = self._client().embed(texts, model=self.model_name, **self._options())
        return self._vectors(answer)

    async def _aembed(self, texts: list[str]) -> list[Embedding]:
        places = nullcontext() if self.num_workers is None else self._slots(self.num_workers)
        with map_errors(), failure_told("embedding", self.model_name):
            async with places:
                answer = await self._async_client().embed(
                    texts, model=self.model_name, **self._options()
                )
        return self._vectors(answer)

    def _vectors(self, answer: Embeddings) -> list[Embedding]:
        embedding_told(answer, self.model_name)
        vectors: list[Embedding] = answer.vectors.tolist()
        return vectors

    def _get_query_embedding(self, query: str) -> Embedding:
        return self._embed([self.query_instruction + query])[0]

    async def _aget_query_embedding(self, query: str) -> Embedding:
        return (await self._aembed([self.query_instruction + query]))[0]

    def _get_text_embedding(self, text: str) -> Embedding:
        return self._get_text_embeddings([text])[0]

    async def _aget_text_embedding(self, text: str) -> Embedding:
        return (await self._aget_text_embeddings([text]))[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        return self._embed([self.text_instruction + text for text in texts])

    async def _aget_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        return await self._aembed([self.text_instruction + text for text in texts])
