"""The tools that search the web, and read web pages and transcripts of YouTube."""

from __future__ import annotations

import json
from typing import Any

from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import pages, search
from nanogpt_client.errors import DownloadError
from nanogpt_client.tools import files
from nanogpt_client.tools.approval import require_approval
from nanogpt_client.tools.results import ToolResult, amount
from nanogpt_client.tools.schemas import PageArguments, SearchArguments, TranscriptArguments
from nanogpt_client.tools.settings import PageToolSettings, SearchToolSettings, ToolSettings
from nanogpt_client.types.pages import ScrapedPage, UrlResults, YoutubeTranscript
from nanogpt_client.types.progress import OnProgress
from nanogpt_client.types.search import WebSearchResult

_OUTPUT_TYPES: dict[str, Any] = {
    "results": "searchResults", "answer": "sourcedAnswer", "structured": "structured",
}  # fmt: skip
_EXCERPT = 1500  # characters of a page that a model reads
_REASON = 200  # characters of NanoGPT's reason that a model reads


def search_web(
    settings: SearchToolSettings, arguments: SearchArguments, _: OnProgress | None
) -> Flow[ToolResult]:
    """Search; the text is numbered results, an answer with its sources, or JSON."""
    yield from require_approval(settings, "search_web", arguments, None)
    found = yield from ask(
        search.search_web(
            arguments.query,
            provider=settings.provider,
            depth=settings.depth,
            output_type=_OUTPUT_TYPES[arguments.output],
            schema=arguments.answer_schema,
            max_results=arguments.max_results or settings.max_results,
            from_date=arguments.from_date,
            to_date=arguments.to_date,
            include_domains=arguments.include_domains,
            exclude_domains=arguments.exclude_domains,
        )
    )
    artifact = {
        "kind": "search",
        "query": arguments.query,
        "sources": [
            {"title": page.title, "url": page.url, "content": page.content, "type": page.type}
            for page in found
        ],
        "answer": found.answer,
        "structured": found.structured,
        **amount("cost", found.billing.cost),
        "request_id": found.billing.request_id,
    }
    return ToolResult(_text(found), artifact)


def fetch_page(
    settings: PageToolSettings, arguments: PageArguments, _: OnProgress | None
) -> Flow[ToolResult]:
    """Read a web page; the text is its Markdown, after its title and URL."""
    yield from pages.check_page(arguments.url, "url")
    files.check_url(settings, arguments.url, instead="")
    usd = pages.page_usd(stealth=settings.stealth)
    yield from require_approval(settings, "fetch_page", arguments, None, usd=usd)
    found = yield from pages.scrape(arguments.url, stealth=settings.stealth)
    return _read("page", found)


def youtube_transcript(
    settings: ToolSettings, arguments: TranscriptArguments, _: OnProgress | None
) -> Flow[ToolResult]:
    """Return the transcript of a YouTube video, after its title and URL."""
    pages.check_youtube_url(arguments.url, "url")
    files.check_url(settings, arguments.url, instead="")
    usd = pages.TRANSCRIPT_USD
    yield from require_approval(settings, "youtube_transcript", arguments, None, usd=usd)
    found = yield from pages.transcribe_youtube(arguments.url)
    return _read("transcript", found)


def _read(kind: str, found: UrlResults[ScrapedPage] | UrlResults[YoutubeTranscript]) -> ToolResult:
    item = found[0]
    if item.error is not None:
        raise DownloadError(f"{item.url[:_EXCERPT]} could not be read: {item.error[:_REASON]}")
    artifact = {
        "kind": kind,
        "url": item.url,
        "title": item.title,
        "content": item.text,
        **amount("cost", found.cost),
        "request_id": found.billing.request_id,
    }
    return ToolResult(f"{item.title}\n{item.url}\n\n{item.text}".strip(), artifact)


def _text(found: WebSearchResult) -> str:
    if found.structured is not None:
        return json.dumps(found.structured, ensure_ascii=False)
    pages = [
        f"[{number}] {page.title}\n{page.url}\n{_excerpt(page.content)}".rstrip()
        for number, page in enumerate(found, 1)
    ]
    if found.answer is not None:
        return "\n\n".join([found.answer, "Sources:", *pages])
    return "\n\n".join(pages) or "Nothing was found."


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]} …"
