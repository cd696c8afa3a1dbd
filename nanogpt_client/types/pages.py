"""Results of the routes that read web pages and transcripts of YouTube: one item per URL.

Follows https://docs.nano-gpt.com/api-reference/endpoint/scrape-urls and youtube-transcribe
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Self, TypeVar

from nanogpt_client.types._coerce import as_dict, as_text
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.display import Readable

__all__ = ["ScrapedPage", "UrlResults", "YoutubeTranscript"]

_NO_REASON = "NanoGPT gave no reason"


@dataclass(frozen=True, slots=True, repr=False)
class _UrlResult(Readable):
    """What became of one URL: ``text``, or ``error``, which says why there is none (free).

    ``cost`` is its share of the request's cost in USD; ``raw`` is NanoGPT's own item.
    """

    url: str
    text: str = ""
    title: str = ""
    error: str | None = None
    cost: Decimal | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, url: str, raw: dict[str, Any], cost: Decimal | None) -> Self:
        """Read the item of a URL; ``cost`` is what a successful one costs."""
        error = failure_of(raw)
        title = as_text(raw.get("title"))
        return cls(url, cls._text(raw), title, error, Decimal(0) if error else cost, raw)

    @staticmethod
    def _text(raw: dict[str, Any]) -> str:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, repr=False)
class ScrapedPage(_UrlResult):
    """One web page: ``text`` is its Markdown, or the HTML if NanoGPT sent no Markdown.

    Or ``error`` says why there is none, which costs nothing. ``cost`` is in USD.
    """

    @property
    def html(self) -> str:
        """The page's HTML; NanoGPT sends up to 100 KB of a page."""
        return as_text(self.raw.get("content"))

    @staticmethod
    def _text(raw: dict[str, Any]) -> str:
        return as_text(raw.get("markdown")) or as_text(raw.get("content"))


@dataclass(frozen=True, slots=True, repr=False)
class YoutubeTranscript(_UrlResult):
    """The transcript of one video as ``text``, in its own language and without times.

    Or ``error`` says why there is none, which costs nothing. ``cost`` is in USD.
    """

    @staticmethod
    def _text(raw: dict[str, Any]) -> str:
        return as_text(raw.get("transcript"))


def failure_of(raw: dict[str, Any]) -> str | None:
    """Return why an item failed, ``None`` if it did not."""
    if raw.get("success") is True:
        return None
    error = raw.get("error")
    reason = as_text(error) or as_text(as_dict(error).get("message"))
    if raw.get("success") is False or reason:
        return reason or _NO_REASON
    return None if raw.keys() & {"markdown", "content", "transcript"} else _NO_REASON


Item = TypeVar("Item", bound=_UrlResult)


@dataclass(frozen=True, slots=True, repr=False)
class UrlResults(Readable, Generic[Item]):
    """One item for each URL, in their order; iterate over it or index it.

    Where more URLs were passed than a request takes, ``billing`` is the sum of all requests, and
    ``raw`` has their responses under ``parts``.
    """

    items: tuple[Item, ...]
    billing: Billing
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def joined(cls, parts: Sequence[UrlResults[Item]]) -> UrlResults[Item]:
        """Return the results of several requests as one."""
        if len(parts) == 1:
            return parts[0]
        items = tuple(item for part in parts for item in part.items)
        billing = Billing.total([part.billing for part in parts])
        return cls(items, billing, {"parts": [part.raw for part in parts]})

    @property
    def cost(self) -> Decimal | None:
        """The cost in USD; ``None`` if not reported."""
        return self.billing.cost

    @property
    def failed(self) -> tuple[Item, ...]:
        """The items without a text; each has an ``error``."""
        return tuple(item for item in self.items if item.error is not None)

    @property
    def succeeded(self) -> tuple[Item, ...]:
        """The items with a text."""
        return tuple(item for item in self.items if item.error is None)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __getitem__(self, index: int) -> Item:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)
