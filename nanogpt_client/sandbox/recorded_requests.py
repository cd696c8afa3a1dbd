"""The requests that a sandbox answered, with their bodies, for a test to look at."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client.sandbox.bodies import is_form, plain_body
from nanogpt_client.sandbox.http import Request

_UPLOAD_BYTES = 64 * 1024
_TOTAL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request that was answered.

    `path` is without the query, names of headers are in lower case, the API key is redacted; the
    body is decompressed, and of a multipart form it is the first 64 KiB.
    """

    method: str
    path: str
    status: int
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Any:
        """The body, read as JSON. Raises `ValueError` where it is something else."""
        return json.loads(self.body)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of a chat request. Raises `ValueError` or `KeyError` for another."""
        return list(self.json["messages"])

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions that a chat request offers: name, description, parameters."""
        return [tool["function"] for tool in self.json.get("tools") or ()]


class RecordedRequests(list[RecordedRequest]):
    """The latest requests, the oldest first; `total` counts those that were dropped, too."""

    def __init__(self, most: int) -> None:
        """Store at most `most` requests, and 64 MiB of bodies."""
        super().__init__()
        self.total = 0
        self._most = most
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, request: Request, status: int) -> None:
        """Store a request and the status of its answer."""
        body = plain_body(request)
        if is_form(request):
            body = body[:_UPLOAD_BYTES]
        record = RecordedRequest(
            request.method, request.path, status, request.query, request.redacted_headers, body
        )
        with self._lock:
            self.total += 1
            self.append(record)
            self._bytes += len(body)
            while len(self) > self._most or self._bytes > _TOTAL_BYTES:
                self._bytes -= len(self.pop(0).body)

    def clear(self) -> None:
        """Forget all requests."""
        with self._lock:
            super().clear()
            self._bytes = 0
