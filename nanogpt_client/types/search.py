"""Web search without a model.

Follows https://docs.nano-gpt.com/api-reference/endpoint/web-search
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client import errors  # by module: it reads its fields with this package's `_read`
from nanogpt_client.types._coerce import as_dict, as_text, dicts, first
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.display import Readable

__all__ = ["SearchHit", "WebSearchResult"]


@dataclass(frozen=True, slots=True, repr=False)
class SearchHit(Readable):
    """One page, or one image (``type`` is then ``"image"``), that the search found."""

    url: str
    title: str = ""
    content: str = ""
    type: str = "text"
    image_url: str | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    date: str | None = None

    @classmethod
    def read(cls, raw: dict[str, Any]) -> SearchHit:
        """Read it from NanoGPT's JSON.

        The page web-search has type, title, url, content and imageUrl, a sourced answer's sources
        name, url and snippet. Further names were seen in other clients only: which
        provider sends which has no witness.
        """
        return cls(
            url=as_text(first(raw, "url", "link", "href")),
            title=as_text(first(raw, "title", "name")),
            content=as_text(first(raw, "content", "snippet", "description")),
            type=as_text(raw.get("type")) or "text",
            image_url=as_text(raw.get("imageUrl")) or None,
            raw=raw,
            date=as_text(raw.get("date")) or None,
        )


@dataclass(frozen=True, slots=True, repr=False)
class WebSearchResult(Readable):
    """Results of a search: hits, an answer with its citations as hits, or a structured object."""

    hits: tuple[SearchHit, ...]
    billing: Billing
    answer: str | None = None
    structured: Any = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[SearchHit]:
        return iter(self.hits)

    @classmethod
    def read(cls, body: dict[str, Any], billing: Billing, *, structured: bool) -> WebSearchResult:
        """Read the three output types; a plain string, as in the page's example, is the answer.

        Raises:
            InvalidResponseError: the response has no results.
        """
        data = body.get("data")
        if data is None:
            raise errors.InvalidResponseError("NanoGPT answered the web search without results")
        if structured:
            return cls((), billing, structured=data, raw=body)
        hits = data if isinstance(data, list) else as_dict(data).get("sources")
        answer = as_text(data if isinstance(data, str) else as_dict(data).get("answer")) or None
        return cls(tuple(map(SearchHit.read, dicts(hits))), billing, answer, raw=body)
