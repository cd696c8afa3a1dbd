"""Replies with vectors that say which text they belong to, and counts of what was asked for."""

from __future__ import annotations

import base64
import json
import threading
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

PRICE = 1e-6  # USD for each text


def vector_of(text: str, dimensions: int = 4) -> NDArray[np.float32]:
    """Return the vector of a text."""
    return np.full(dimensions, zlib.crc32(text.encode()) % 10_007, np.float32)


def vectors_of(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the vectors of texts, one in each row."""
    return np.stack([vector_of(text) for text in texts])


def reply_to(body: bytes) -> bytes:
    """Return the JSON reply to a request for embeddings."""
    asked = json.loads(body)
    rows = [
        {"index": at, "embedding": base64.b64encode(vector_of(text).tobytes()).decode()}
        for at, text in enumerate(asked["input"])
    ]
    usage = {"prompt_tokens": len(rows), "total_tokens": len(rows), "cost": PRICE * len(rows)}
    return json.dumps({"model": asked["model"], "data": rows, "usage": usage}).encode()


class VectorService:
    """Answers in this process; counts requests and how often each text was asked for.

    ``failures`` are the statuses and bodies of other replies, by the request's number from 0.
    """

    def __init__(self, failures: dict[int, tuple[int, Any]] | None = None) -> None:
        self.requests = 0
        self.texts: Counter[str] = Counter()
        self._failures = failures or {}
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        texts = json.loads(request.content)["input"]
        with self._lock:
            number, self.requests = self.requests, self.requests + 1
            self.texts.update(texts)
        if number in self._failures:
            status, body = self._failures[number]
            return httpx.Response(status, json=body)
        return httpx.Response(200, content=reply_to(request.content))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self(request)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a client that this answers."""
        return {
            "api_key": "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab",
            "base_url": "https://nano.test/api/v1",
            "max_retries": 0,
            "http_client": httpx.Client(transport=httpx.MockTransport(self)),
        }

    @property
    def async_transport(self) -> httpx.AsyncClient:
        """The same for async calls."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
