"""`NanoGPTEmbedding`: LlamaIndex's embeddings over the shared client.

Texts go out as they are (no newline is touched), in batches that LlamaIndex cuts, and a bounded
number of batches at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding, Embedding
from llama_index.core.callbacks import CBEventType, EventPayload
from llama_index.core.instrumentation.events.embedding import (
    EmbeddingEndEvent,
    EmbeddingStartEvent,
)
from llama_index.core.schema import BaseNode, MetadataMode
from llama_index.core.storage.kvstore.types import BaseKVStore
from llama_index_instrumentation import get_dispatcher
from pydantic import Field, field_validator

from llama_index_nanogpt._embedding_cache import KeyedCache, keys_of, unknown
from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt.callbacks import report_embedding, report_failures
from nanogpt_client import Embeddings
from nanogpt_client._adapters.settings import ClientSettings
from nanogpt_client.endpoints.gather import for_each
from nanogpt_client.types.options import EmbeddingOptions

__all__ = ["NanoGPTEmbedding"]


class NanoGPTEmbedding(ClientSettings, BaseEmbedding):
    """Embeddings by any of NanoGPT's embedding models.

    >>> embedding = NanoGPTEmbedding(model_name="text-embedding-3-small", dimensions=256)
    >>> vector = embedding.get_query_embedding("What is Nano?")  # list[float] of length 256

    Everything that changes the vectors is a field that `to_dict` keeps, and so part of the key by
    which an ``IngestionPipeline`` caches. An ``embeddings_cache`` can be shared as well: its keys
    hold model, dimensions and instruction. With one, what was paid before a failure is found again;
    the vectors of a pipeline's worker processes (``num_workers``) come home with their nodes.

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    model_name: str = Field(description="id of the embedding model")
    embed_batch_size: int = Field(default=256, gt=0, le=2048)
    """Texts per request."""
    num_workers: int | None = Field(default=4, gt=0)
    """Requests at a time of a call of an async method; ``None`` for no limit."""
    dimensions: int | None = Field(default=None, gt=0)
    """Length of the vectors, for models that can shorten them."""
    query_instruction: str = ""
    """Put before each query, as it is, for models that tell queries from texts."""
    text_instruction: str = ""
    """Put before each text, as it is."""
    user: str | None = None
    """An id of your end user."""
    extra_body: dict[str, Any] | None = None
    """Keys added to the JSON body as they are; they win over our own."""
    embeddings_cache: Any = Field(default=None, exclude=True, repr=False)
    """A store of LlamaIndex's to keep vectors in, e.g. ``SimpleKVStore()``."""

    @field_validator("embeddings_cache")
    @classmethod
    def _keyed(cls, cache: Any) -> Any:
        ours = isinstance(cache, KeyedCache) or not isinstance(cache, BaseKVStore)
        return cache if ours else KeyedCache(cache)

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this class."""
        return "NanoGPTEmbedding"

    async def aget_text_embedding_batch(
        self,
        texts: list[str],
        show_progress: bool = False,
        **kwargs: Any,  # noqa: ARG002 - LlamaIndex has it
    ) -> list[Embedding]:
        """Embed texts in batches, several at a time; after a failure no further one is sent.

        Raises:
            NanoGPTError: a batch failed; its ``partial`` has the vectors of each batch, or ``None``
                for those that are missing.
        """
        size = self.embed_batch_size
        batches = [texts[at : at + size] for at in range(0, len(texts), size)]
        if not batches:
            return []
        events = [self._batch_started() for _ in batches]
        # LlamaIndex's own, unless it has a cache that was assigned later.
        embed: Any = self._aget_text_embeddings_rate_limited
        if self.embeddings_cache:
            embed = self._aget_text_embeddings_cached
        flow = for_each(
            "embedding",
            embed,
            batches,
            max_concurrency=self.num_workers or len(batches),
            progress=show_progress,
        )
        vectors: list[list[Embedding]] = await self._async_client().run(flow)
        for ended in zip(events, batches, vectors, strict=True):
            self._batch_ended(*ended)
        return [vector for found in vectors for vector in found]

    def _batch_started(self) -> str:
        model = self.to_payload()
        get_dispatcher().event(EmbeddingStartEvent(model_dict=model))
        payload: dict[str, Any] = {EventPayload.SERIALIZED: model}
        return self.callback_manager.on_event_start(CBEventType.EMBEDDING, payload=payload)

    def _batch_ended(self, event_id: str, texts: list[str], vectors: list[Embedding]) -> None:
        get_dispatcher().event(EmbeddingEndEvent(chunks=texts, embeddings=vectors))
        payload: dict[str, Any] = {
            EventPayload.CHUNKS: texts,
            EventPayload.EMBEDDINGS: vectors,
        }
        self.callback_manager.on_event_end(
            CBEventType.EMBEDDING, payload=payload, event_id=event_id
        )

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        """Embed nodes, as a step of an ``IngestionPipeline``."""
        return self._homing(super().__call__(nodes, **kwargs))

    async def acall(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        """Embed nodes, as a step of an ``IngestionPipeline``."""
        return self._homing(await super().acall(nodes, **kwargs))

    def _homing(self, nodes: Sequence[BaseNode]) -> Sequence[BaseNode]:
        """Let the vectors of a worker process come back to the cache of the one that asked."""
        cache = self.embeddings_cache
        if not isinstance(cache, KeyedCache) or not cache.is_away:
            return nodes
        texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
        keys = self._keys([self.text_instruction + text for text in texts])
        for key, node in zip(keys, nodes, strict=True):
            # Assigned as an attribute, pydantic would make a plain list of it.
            vars(node)["embedding"] = cache.homing(key, node.get_embedding())
        return nodes

    def _options(self) -> EmbeddingOptions:
        words: EmbeddingOptions = {"dimensions": self.dimensions, "user": self.user}
        return {**words, "extra_body": self.extra_body}

    def _keys(self, texts: list[str]) -> list[str]:
        """Return what the texts are cached under."""
        return keys_of(
            texts, model=self.model_name, dimensions=self.dimensions, extra_body=self.extra_body
        )

    def _embed(self, texts: list[str]) -> list[Embedding]:
        cache = self.embeddings_cache
        if not isinstance(cache, KeyedCache):  # none, or LlamaIndex's own affair: assigned later
            return self._ask(texts)
        keys = self._keys(texts)
        known = cache.read(keys)
        if missing := unknown(keys, texts, known):
            vectors = self._ask(list(missing.values()))
            cache.write(missing, vectors)
            known |= zip(missing, vectors, strict=True)
        return [known[key] for key in keys]

    async def _aembed(self, texts: list[str]) -> list[Embedding]:
        cache = self.embeddings_cache
        if not isinstance(cache, KeyedCache):  # none, or LlamaIndex's own affair: assigned later
            return await self._aask(texts)
        keys = self._keys(texts)
        known = await cache.aread(keys)
        if missing := unknown(keys, texts, known):
            vectors = await self._aask(list(missing.values()))
            await cache.awrite(missing, vectors)
            known |= zip(missing, vectors, strict=True)
        return [known[key] for key in keys]

    def _ask(self, texts: list[str]) -> list[Embedding]:
        with map_errors(), report_failures("embedding", self.model_name):
            answer = self._client().embed(texts, model=self.model_name, **self._options())
        return self._vectors(answer)

    async def _aask(self, texts: list[str]) -> list[Embedding]:
        with map_errors(), report_failures("embedding", self.model_name):
            client = self._async_client()
            answer = await client.embed(texts, model=self.model_name, **self._options())
        return self._vectors(answer)

    def _vectors(self, answer: Embeddings) -> list[Embedding]:
        report_embedding(answer, self.model_name)
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
