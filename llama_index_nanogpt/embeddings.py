"""`NanoGPTEmbedding`: texts to vectors, in LlamaIndex's batches.

Texts are sent unchanged; a limited number of batches at the same time.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from llama_index.core.base.embeddings.base import BaseEmbedding, Embedding
from llama_index.core.callbacks import CBEventType, EventPayload
from llama_index.core.instrumentation.events.embedding import (
    EmbeddingEndEvent,
    EmbeddingStartEvent,
)
from llama_index.core.schema import BaseNode, MetadataMode
from llama_index.core.storage.kvstore.types import BaseKVStore
from llama_index_instrumentation import get_dispatcher
from pydantic import AfterValidator, Field, field_validator

from llama_index_nanogpt._embedding_cache import KeyedCache, keys_of, uncached
from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt.callbacks import report_embedding, report_failures
from nanogpt_client import Embeddings, Progress
from nanogpt_client._adapters.settings import ClientSettings
from nanogpt_client.endpoints.gather import for_each
from nanogpt_client.jobs import OnUnknown, PaidStore
from nanogpt_client.jobs.embed import embed_once
from nanogpt_client.types.options import EmbeddingOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["NanoGPTEmbedding"]


class NanoGPTEmbedding(ClientSettings, BaseEmbedding):
    """An embedding model of NanoGPT.

    Every setting that changes the vectors is part of `to_dict`, and so of the key under which an
    ``IngestionPipeline`` caches. Models can also share an ``embeddings_cache``: its keys depend on
    model, dimensions and instruction. After a failure, the vectors already paid for are in it;
    those of a pipeline's worker processes (``num_workers``) are added when their nodes return. A
    ``store`` keeps them also if a worker dies, and on other machines.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/embeddings

    Setup:
        Install ``nanogpt-integrations[llama-index]``, and set the variable ``NANOGPT_API_KEY``.

    Key arguments:
        ``model_name``, ``dimensions`` (length of the vectors), ``embed_batch_size`` (texts per
        request); ``budget`` and ``ledger``, or a ``client`` to share with other classes.

    Instantiate:
        >>> from llama_index_nanogpt import NanoGPTEmbedding
        >>> embedding = NanoGPTEmbedding(model_name="text-embedding-3-small", dimensions=256)

    Embed:
        >>> vector = embedding.get_query_embedding("What is Nano?")  # list[float] of length 256
        >>> vectors = embedding.get_text_embedding_batch(["Nano has no fees.", "Parrots talk."])

        ``aget_query_embedding`` and ``aget_text_embedding_batch`` work likewise.

    Usage:
        >>> embedding.ledger.totals.prompt_tokens

    Cost:
        >>> embedding.ledger.spent  # USD of all requests, exact

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    model_name: str = Field(description="id of the embedding model")
    embed_batch_size: int = Field(default=256, gt=0, le=2048)
    """Texts per request."""
    num_workers: int | None = Field(default=4, gt=0)
    """Requests at the same time, in async methods; ``None`` for no limit."""
    dimensions: int | None = Field(default=None, gt=0)
    """Length of the vectors, for models that can shorten them."""
    query_instruction: str = ""
    """Prefix of each query, for models that treat queries and texts differently."""
    text_instruction: str = ""
    """Prefix of each text."""
    user: str | None = None
    """An identifier of your end user."""
    extra_body: dict[str, Any] | None = None
    """Keys added to the JSON body unchanged; they override our own."""
    embeddings_cache: Any = Field(default=None, exclude=True, repr=False)
    """A store of LlamaIndex's to cache vectors in, e.g. ``SimpleKVStore()``; or a function that
    returns one, such as a ``RedisKVStore``, which worker processes then call themselves."""
    store: Annotated[PaidStore | str | None, AfterValidator(PaidStore.of)] = Field(
        default=None, exclude=True, repr=False
    )
    """A `PaidStore` or its URL: vectors are stored as they come, and each text is paid once."""
    on_unknown: OnUnknown = Field(default="resend", exclude=True, repr=False)
    """With ``store``: what to do with texts that a worker asked for that is gone."""

    @field_validator("embeddings_cache")
    @classmethod
    def _keyed(cls, cache: Any) -> Any:
        if isinstance(cache, KeyedCache):
            return cache
        return KeyedCache(cache) if isinstance(cache, BaseKVStore) or callable(cache) else cache

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
        """Embed texts in batches, several at the same time; after a failure no further one is sent.

        Raises:
            NanoGPTError: a batch failed; its ``partial`` has the vectors of each batch, or ``None``
                for a missing batch.
        """
        size = self.embed_batch_size
        batches = [texts[at : at + size] for at in range(0, len(texts), size)]
        if not batches:
            return []
        events = [self._batch_started() for _ in batches]
        # LlamaIndex's own methods; a cache that was assigned later is LlamaIndex's, too.
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
        return [vector for batch in vectors for vector in batch]

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
        return self._returning(super().__call__(nodes, **kwargs))

    async def acall(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        """Embed nodes, as a step of an ``IngestionPipeline``."""
        return self._returning(await super().acall(nodes, **kwargs))

    def _returning(self, nodes: Sequence[BaseNode]) -> Sequence[BaseNode]:
        """Let the vectors of a worker process enter the cache of the parent process."""
        cache = self.embeddings_cache
        if not isinstance(cache, KeyedCache) or not cache.is_in_worker:
            return nodes
        texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
        keys = self._keys([self.text_instruction + text for text in texts])
        for key, node in zip(keys, nodes, strict=True):
            # An assignment would validate it, which makes a plain list of it.
            vars(node)["embedding"] = cache.returning(key, node.get_embedding())
        return nodes

    def _options(self) -> EmbeddingOptions:
        return {"dimensions": self.dimensions, "user": self.user, "extra_body": self.extra_body}

    def _keys(self, texts: list[str]) -> list[str]:
        """Return the texts' keys in the cache."""
        return keys_of(
            texts, model=self.model_name, dimensions=self.dimensions, extra_body=self.extra_body
        )

    def _embed(self, texts: list[str]) -> list[Embedding]:
        cache = self.embeddings_cache
        if not isinstance(cache, KeyedCache):  # none, or assigned later, for LlamaIndex to use
            return self._request(texts)
        keys = self._keys(texts)
        cached = cache.read(keys)
        if missing := uncached(keys, texts, cached):
            vectors = self._request(list(missing.values()))
            cache.write(missing, vectors)
            cached |= zip(missing, vectors, strict=True)
        return [cached[key] for key in keys]

    async def _aembed(self, texts: list[str]) -> list[Embedding]:
        cache = self.embeddings_cache
        if not isinstance(cache, KeyedCache):  # none, or assigned later, for LlamaIndex to use
            return await self._arequest(texts)
        keys = self._keys(texts)
        cached = await cache.aread(keys)
        if missing := uncached(keys, texts, cached):
            vectors = await self._arequest(list(missing.values()))
            await cache.awrite(missing, vectors)
            cached |= zip(missing, vectors, strict=True)
        return [cached[key] for key in keys]

    def _request(self, texts: list[str]) -> list[Embedding]:
        with map_errors(), report_failures("embedding", self.model_name):
            client = self._client()
            if self.store is not None:
                return _as_lists(client.run(self._once(texts)))
            embeddings = client.embed(texts, model=self.model_name, **self._options())
        return self._vectors(embeddings)

    async def _arequest(self, texts: list[str]) -> list[Embedding]:
        with map_errors(), report_failures("embedding", self.model_name):
            client = self._async_client()
            if self.store is not None:
                return _as_lists(await client.run(self._once(texts)))
            embeddings = await client.embed(texts, model=self.model_name, **self._options())
        return self._vectors(embeddings)

    def _once(self, texts: list[str]) -> Generator[Any, Any, NDArray[np.float32]]:
        """Embed what is not in the store; report each batch that was."""
        return embed_once(
            texts,
            model=self.model_name,
            store=self.store,
            service=self._shared_client().config.service,
            on_unknown=self.on_unknown,
            on_progress=self._report,
            **self._options(),
        )

    def _report(self, progress: Progress) -> None:
        if progress.result is not None:  # else another worker asked for the batch
            report_embedding(progress.result, self.model_name)

    def _vectors(self, embeddings: Embeddings) -> list[Embedding]:
        report_embedding(embeddings, self.model_name)
        return _as_lists(embeddings.vectors)

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


def _as_lists(vectors: NDArray[np.float32]) -> list[Embedding]:
    lists: list[Embedding] = vectors.tolist()
    return lists
