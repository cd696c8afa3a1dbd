"""Vectors kept in a store of LlamaIndex's, under all that they depend on.

LlamaIndex itself looks for a text under the text alone, so that two models, lengths or instructions
that share a store get each other's vectors. Here the key is the whole request for one text.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Container, Iterable, Sequence
from typing import Any, Self
from weakref import WeakValueDictionary

from llama_index.core.base.embeddings.base import Embedding
from llama_index.core.storage.kvstore import SimpleKVStore
from llama_index.core.storage.kvstore.types import BaseKVStore

__all__ = ["KeyedCache", "keys_of", "unknown"]

_COLLECTION = "nanogpt_embeddings"


class KeyedCache(SimpleKVStore):
    """A store's vectors, for `NanoGPTEmbedding` alone.

    It counts as false, which is how LlamaIndex is told to look nothing up by itself.

    Attributes:
        store: where the vectors are.
    """

    def __init__(self, store: BaseKVStore, home: tuple[int, str] | None = None) -> None:
        super().__init__()
        self.store = store
        if home is None:
            home = os.getpid(), uuid.uuid4().hex
            _AT_HOME[home[1]] = self
        self._home = home

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> tuple[type[Self], tuple[BaseKVStore, tuple[int, str]]]:
        return type(self), (self.store, self._home)  # what pickle and copy do

    @property
    def is_away(self) -> bool:
        """Whether this is a worker's copy, whose vectors would be lost with the worker."""
        return self._home[0] != os.getpid()

    def homing(self, key: str, vector: Embedding) -> Embedding:
        """Return a vector that leaves itself in the store when it comes out of a worker."""
        return _HomingVector(vector, self._home[1], key)

    def read(self, keys: Iterable[str]) -> dict[str, Embedding]:
        """Return the vectors that are there, by key."""
        found = ((key, self.store.get(key, _COLLECTION)) for key in keys)
        return {key: value["embedding"] for key, value in found if value}

    async def aread(self, keys: Iterable[str]) -> dict[str, Embedding]:
        """Return the vectors that are there, by key."""
        found = [(key, await self.store.aget(key, _COLLECTION)) for key in keys]
        return {key: value["embedding"] for key, value in found if value}

    def write(self, keys: Iterable[str], vectors: Sequence[Embedding]) -> None:
        """Keep the vectors."""
        self.store.put_all(_pairs(keys, vectors), _COLLECTION)

    async def awrite(self, keys: Iterable[str], vectors: Sequence[Embedding]) -> None:
        """Keep the vectors."""
        await self.store.aput_all(_pairs(keys, vectors), _COLLECTION)


_AT_HOME: WeakValueDictionary[str, KeyedCache] = WeakValueDictionary()


class _HomingVector(list[float]):
    """A vector of a worker process, on its way to the process that asked for it."""

    def __init__(self, vector: Embedding, home: str, key: str) -> None:
        super().__init__(vector)
        self._home, self._key = home, key

    def __reduce__(self) -> tuple[Any, ...]:
        return _come_home, (list(self), self._home, self._key)


def _come_home(vector: Embedding, home: str, key: str) -> Embedding:
    cache = _AT_HOME.get(home)
    if cache is not None:
        cache.write([key], [vector])
    return vector


def keys_of(texts: Iterable[str], **request: Any) -> list[str]:
    """Return the texts' keys; ``request`` is what else their vectors depend on."""
    wholes = (json.dumps([request, text], sort_keys=True) for text in texts)
    return [hashlib.sha256(whole.encode()).hexdigest() for whole in wholes]


def unknown(keys: Iterable[str], texts: Iterable[str], known: Container[str]) -> dict[str, str]:
    """Return the texts that are still to be embedded, by key, equal ones once."""
    return {key: text for key, text in zip(keys, texts, strict=True) if key not in known}


def _pairs(
    keys: Iterable[str], vectors: Sequence[Embedding]
) -> list[tuple[str, dict[str, Embedding]]]:
    return [(key, {"embedding": vector}) for key, vector in zip(keys, vectors, strict=True)]
