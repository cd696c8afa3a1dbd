"""Vectors kept in a store of LlamaIndex's, under all that they depend on.

LlamaIndex itself looks for a text under the text alone, so that two models, lengths or instructions
that share a store get each other's vectors. Here the key is the whole request for one text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Sequence
from typing import Any

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

    def __init__(self, store: BaseKVStore) -> None:
        super().__init__()
        self.store = store

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> tuple[type[KeyedCache], tuple[BaseKVStore]]:
        return KeyedCache, (self.store,)  # what pickle and copy do

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
