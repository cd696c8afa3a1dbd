"""Web pages and transcripts of YouTube."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from nanogpt_client import endpoints, types
from nanogpt_client._methods.base import AsyncMethods, Methods
from nanogpt_client.types.options import ProgressOptions

__all__ = ["AsyncPageMethods", "PageMethods"]


class PageMethods(Methods):
    """Web pages and transcripts, for blocking code."""

    def scrape(
        self,
        urls: str | Sequence[str],
        *,
        stealth: bool = False,
        max_concurrency: int = 4,
        **options: Unpack[ProgressOptions],
    ) -> types.UrlResults[types.ScrapedPage]:
        """Read web pages as Markdown; one item for each URL, in their order, which may fail alone.

        A page costs 0.001 USD, five times that with ``stealth`` (a proxy for sites that refuse
        robots), and nothing if it fails. Each request has up to 5 URLs, ``max_concurrency`` of them
        run at a time; a URL that is passed twice is read once.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/scrape-urls

        Raises:
            InvalidArgumentError: a URL is not public, not on port 80 or 443, or on YouTube; unsent.
            NanoGPTError: a request failed, and no further one was begun; the error's ``partial``
                has what arrived, and is paid.
        """
        flow = endpoints.pages.scrape(
            urls, stealth=stealth, max_concurrency=max_concurrency, **options
        )
        return self.run(flow)

    def transcribe_youtube(
        self,
        urls: str | Sequence[str],
        *,
        max_concurrency: int = 4,
        **options: Unpack[ProgressOptions],
    ) -> types.UrlResults[types.YoutubeTranscript]:
        """Return the transcripts of YouTube videos; one item for each URL, which may fail alone.

        A transcript costs 0.01 USD, and nothing if there is none. Each request has up to 10 URLs;
        otherwise like `scrape`.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/youtube-transcribe

        Raises:
            InvalidArgumentError: a URL is not on YouTube; nothing was sent.
            NanoGPTError: a request failed; see `scrape`.
        """
        flow = endpoints.pages.transcribe_youtube(urls, max_concurrency=max_concurrency, **options)
        return self.run(flow)


class AsyncPageMethods(AsyncMethods):
    """Web pages and transcripts, for asyncio."""

    async def scrape(
        self,
        urls: str | Sequence[str],
        *,
        stealth: bool = False,
        max_concurrency: int = 4,
        **options: Unpack[ProgressOptions],
    ) -> types.UrlResults[types.ScrapedPage]:
        """Read web pages as Markdown; one item for each URL, in their order, which may fail alone.

        A page costs 0.001 USD, five times that with ``stealth`` (a proxy for sites that refuse
        robots), and nothing if it fails. Each request has up to 5 URLs, ``max_concurrency`` of them
        run at a time; a URL that is passed twice is read once.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/scrape-urls

        Raises:
            InvalidArgumentError: a URL is not public, not on port 80 or 443, or on YouTube; unsent.
            NanoGPTError: a request failed, and no further one was begun; the error's ``partial``
                has what arrived, and is paid.
        """
        flow = endpoints.pages.scrape(
            urls, stealth=stealth, max_concurrency=max_concurrency, **options
        )
        return await self.run(flow)

    async def transcribe_youtube(
        self,
        urls: str | Sequence[str],
        *,
        max_concurrency: int = 4,
        **options: Unpack[ProgressOptions],
    ) -> types.UrlResults[types.YoutubeTranscript]:
        """Return the transcripts of YouTube videos; one item for each URL, which may fail alone.

        A transcript costs 0.01 USD, and nothing if there is none. Each request has up to 10 URLs;
        otherwise like `scrape`.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/youtube-transcribe

        Raises:
            InvalidArgumentError: a URL is not on YouTube; nothing was sent.
            NanoGPTError: a request failed; see `scrape`.
        """
        flow = endpoints.pages.transcribe_youtube(urls, max_concurrency=max_concurrency, **options)
        return await self.run(flow)
