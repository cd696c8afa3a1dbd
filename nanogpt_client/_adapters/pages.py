"""What the loaders of web pages and transcripts do in either framework, but for its documents."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias

from pydantic import Field

from nanogpt_client._adapters.documented import DocumentedModel
from nanogpt_client._protocol.steps import Flow
from nanogpt_client.endpoints import pages
from nanogpt_client.errors import DownloadError, NanoGPTError
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.pages import ScrapedPage, UrlResults, YoutubeTranscript

__all__ = ["OnError", "PageSettings", "Part", "WebPageSettings", "YoutubeSettings", "metadata_of"]

OnError: TypeAlias = Literal["skip", "keep", "raise"]
Item: TypeAlias = ScrapedPage | YoutubeTranscript


class Part(NamedTuple):
    """What arrived of a few URLs, and the error to raise once it has been passed on."""

    items: Sequence[Item]
    billing: Billing
    error: NanoGPTError | None = None


class PageSettings(DocumentedModel):
    """Settings of the loaders of pages and transcripts."""

    on_error: OnError = "skip"
    """What becomes of a URL that fails, which is free: ``"skip"`` it with a warning that names it,
    ``"keep"`` an empty document with the ``error`` in its metadata, or ``"raise"``, after the
    others have been passed on."""
    max_concurrency: Annotated[int, Field(ge=1)] = 1
    """Requests at the same time, of 5 pages or 10 videos each: what is loaded, and paid, ahead."""

    _kind: ClassVar[str]
    """The kind of the calls in the ledger."""
    _most: ClassVar[int]
    """URLs per request."""

    def _fetched(self, urls: Sequence[str]) -> Flow[UrlResults[Any]]:
        """Return the flow that reads some URLs."""
        raise NotImplementedError

    def _check_urls(self, urls: Sequence[str]) -> None:
        """Raise for a URL that is of no use, before any is paid for."""
        raise NotImplementedError

    def _parts(self, urls: str | Sequence[str]) -> Iterator[Flow[Part]]:
        """Yield the flows that read the URLs, part by part; all are checked before the first."""
        wanted = list(dict.fromkeys([urls] if isinstance(urls, str) else urls))
        self._check_urls(wanted)
        size = self._most * self.max_concurrency
        yield from (self._part(wanted[at : at + size]) for at in range(0, len(wanted), size))

    def _part(self, urls: Sequence[str]) -> Flow[Part]:
        try:
            found = yield from self._fetched(urls)
        except NanoGPTError as failure:
            arrived = failure.partial or UrlResults((), Billing())
            return Part(self._kept(arrived), arrived.billing, failure)
        error = _failure(found) if found.failed and self.on_error == "raise" else None
        return Part(self._kept(found), found.billing, error)

    def _kept(self, found: UrlResults[Any]) -> Sequence[Item]:
        """Return the items that become documents; warn of those that are skipped."""
        if self.on_error == "keep":
            return found.items
        if self.on_error == "skip":
            for item in found.failed:
                msg = f"{item.url} is skipped, free of charge: {item.error}"
                warnings.warn(msg, UserWarning, stacklevel=2)
        return found.succeeded


class WebPageSettings(PageSettings):
    """Settings of the loaders of web pages."""

    stealth: bool = False
    """Read pages through a proxy, for sites that refuse robots, at five times the price."""

    _kind: ClassVar[str] = "scrape"
    _most: ClassVar[int] = pages.MAX_PAGES

    def _fetched(self, urls: Sequence[str]) -> Flow[UrlResults[Any]]:
        return pages.scrape(urls, stealth=self.stealth, max_concurrency=self.max_concurrency)

    def _check_urls(self, urls: Sequence[str]) -> None:
        for at, url in enumerate(urls):
            pages.check_page_url(url, f"urls[{at}]")


class YoutubeSettings(PageSettings):
    """Settings of the loaders of transcripts."""

    _kind: ClassVar[str] = "youtube"
    _most: ClassVar[int] = pages.MAX_TRANSCRIPTS

    def _fetched(self, urls: Sequence[str]) -> Flow[UrlResults[Any]]:
        return pages.transcribe_youtube(urls, max_concurrency=self.max_concurrency)

    def _check_urls(self, urls: Sequence[str]) -> None:
        for at, url in enumerate(urls):
            pages.check_youtube_url(url, f"urls[{at}]")


def metadata_of(item: Item) -> dict[str, Any]:
    """Return ``source`` (the URL), ``title`` and ``cost`` (USD), or the ``error``."""
    cost = None if item.cost is None else float(item.cost)
    metadata = {"source": item.url, "title": item.title, "cost": cost, "error": item.error}
    return {name: value for name, value in metadata.items() if value not in (None, "")}


def _failure(found: UrlResults[Any]) -> DownloadError:
    failed = found.failed
    named = "; ".join(f"{item.url}: {item.error}" for item in failed)
    msg = f"{len(failed)} of {len(found)} URLs could not be read, free of charge: {named}"
    return DownloadError(msg)
