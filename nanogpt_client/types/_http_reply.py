"""What an error needs of the HTTP response that it came in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["HTTPReply"]


class HTTPReply(Protocol):
    """The response of an error, with the attributes of an ``httpx.Response``."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def text(self) -> str: ...
    @property
    def request_id(self) -> str | None: ...
    def json(self) -> Any: ...
