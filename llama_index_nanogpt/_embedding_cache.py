"""Vectors cached in a store of LlamaIndex's, under everything that they depend on.

LlamaIndex's own key is the text alone, so that two models, dimensions or instructions that share a
store get each other's vectors. Here the key is the whole request for one text.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, Self, cast
from weakref import WeakValueDictionary

from llama_index.core.base.embeddings.base import Embedding
from llama_index.core.storage.kvstore import SimpleKVStore
from llama_index.core.storage.kvstore.types import BaseKVStore

__all__ = ["KeyedCache", "keys_of", "uncached"]

_COLLECTION = "nanogpt_embeddings"


class KeyedCache(SimpleKVStore):
    """The vectors of a store, for `NanoGPTEmbedding`.

    It is false, so that LlamaIndex does not look vectors up itself.

    Args:
        source: the store of the vectors, or a function that returns it. Each process calls that
            function itself, so it is for a store that processes share, such as Redis.
    """

    def __init__(
        self,
        source: BaseKVStore | Callable[[], BaseKVStore],
        origin: tuple[int, str] | None = None,
    ) -> None:
        super().__init__()
        self._source = source
        self._store = source if isinstance(source, BaseKVStore) else None
        if origin is None:
            origin = os.getpid(), uuid.uuid4().hex
            _ORIGINALS[origin[1]] = self
        self._origin = origin

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> tuple[type[Self], tuple[Any, tuple[int, str]]]:
        return type(self), (self._source, self._origin)  # what pickle and copy do

    @property
    def store(self) -> BaseKVStore:
        """The store of the vectors."""
        if self._store is None:
            self._store = cast("Callable[[], BaseKVStore]", self._source)()
        return self._store

    @property
    def is_in_worker(self) -> bool:
        """Whether this is a copy in a worker process, whose vectors would be lost with it."""
        return self._origin[0] != os.getpid() and isinstance(self._source, BaseKVStore)

    def returning(self, key: str, vector: Embedding) -> Embedding:
        """Return a vector that adds itself to the original cache when it leaves the worker."""
        return _ReturningVector(vector, self._origin[1], key)

    def read(self, keys: Iterable[str]) -> dict[str, Embedding]:
        """Return the cached vectors, by key."""
        found = ((key, self.store.get(key, _COLLECTION)) for key in keys)
        return {key: value["embedding"] for key, value in found if value}

    async def aread(self, keys: Iterable[str]) -> dict[str, Embedding]:
        """Return the cached vectors, by key."""
        found = [(key, await self.store.aget(key, _COLLECTION)) for key in keys]
        return {key: value["embedding"] for key, value in found if value}

    def write(self, keys: Iterable[str], vectors: Sequence[Embedding]) -> None:
        """Cache vectors."""
        self.store.put_all(_pairs(keys, vectors), _COLLECTION)

    async def awrite(self, keys: Iterable[str], vectors: Sequence[Embedding]) -> None:
        """Cache vectors."""
        await self.store.aput_all(_pairs(keys, vectors), _COLLECTION)


_ORIGINALS: WeakValueDictionary[str, KeyedCache] = WeakValueDictionary()


class _ReturningVector(list[float]):
    """A vector on its way from a worker process to its parent."""

    def __init__(self, vector: Embedding, origin: str, key: str) -> None:
        super().__init__(vector)
        self._origin, self._key = origin, key

    def __reduce__(self) -> tuple[Any, ...]:
        return _returned, (list(self), self._origin, self._key)


def _returned(vector: Embedding, origin: str, key: str) -> Embedding:
    cache = _ORIGINALS.get(origin)
    if cache is not None:
        cache.write([key], [vector])
    return vector


def keys_of(texts: Iterable[str], **request: Any) -> list[str]:
    """Return the texts' keys; their vectors also depend on the ``request``."""
    requests = (json.dumps([request, text], sort_keys=True) for text in texts)
    return [hashlib.sha256(each.encode()).hexdigest() for each in requests]


def uncached(keys: Iterable[str], texts: Iterable[str], cached: Container[str]) -> dict[str, str]:
    """Return the texts that are not cached, by key; equal texts once."""
    return {key: text for key, text in zip(keys, texts, strict=True) if key not in cached}


def _pairs(
    keys: Iterable[str], vectors: Sequence[Embedding]
) -> list[tuple[str, dict[str, Embedding]]]:
    return [(key, {"embedding": vector}) for key, vector in zip(keys, vectors, strict=True)]
