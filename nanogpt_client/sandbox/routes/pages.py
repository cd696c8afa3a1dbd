"""`/api/scrape-urls` and `/api/youtube-transcribe`: a result for each URL, which may fail alone.

Nothing is fetched. A page's text is what the sandbox was given for it (`pages=`), else the article
that the web search knows under this address, else a text that says where it comes from. An address
under `.invalid`, and a video whose id has not 11 characters, fail; failures are free. The limits
per minute are not emulated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from html import escape
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.errors import Refusal, Style, require
from nanogpt_client.sandbox.media.search import article
from nanogpt_client.sandbox.messages import Reply, json_reply
from nanogpt_client.sandbox.money import Charge, exact
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.world import Exchange

_MOST_PAGES, _PAGE, _STEALTH = 5, Decimal("0.001"), 5
_MOST_VIDEOS, _VIDEO = 10, Decimal("0.01")
_MOST_BYTES = 100 * 1024
_YOUTUBE = re.compile(
    r"https?://(?:(?:www\.|m\.)?youtube\.com/(?:watch\?(?:.*&)?v=|embed/|live/)|youtu\.be/)"
    r"(?P<id>[\w-]+).*"
)
_YOUTUBE_HOST = re.compile(r"(.+\.)?(youtube\.com|youtu\.be)")
_ID_LENGTH = 11


class _Text(NamedTuple):
    """What is behind a URL: a title and a text, or why there is none."""

    title: str = ""
    text: str = ""
    error: str | None = None
    is_valid: bool = True


def scrape(exchange: Exchange) -> Reply:
    """Return pages as HTML and Markdown."""
    body = read_json(exchange.request)
    urls = _urls(body, _MOST_PAGES, "Please provide an array of URLs to scrape")
    stealth = body.get("stealthMode", False)
    require(isinstance(stealth, bool), "stealthMode must be a boolean.", "stealthMode")
    found = [_page(exchange, url) for url in urls]
    price = _PAGE * _STEALTH if stealth else _PAGE
    summary = _billed(exchange, "Web scraping", found, price) | {"stealthModeUsed": stealth}
    results = [_result(url, page, _formats) for url, page in zip(urls, found, strict=True)]
    return json_reply({"results": results, "summary": summary})


def transcribe(exchange: Exchange) -> Reply:
    """Return the transcripts of YouTube videos."""
    urls = _urls(
        read_json(exchange.request), _MOST_VIDEOS, "Please provide an array of YouTube URLs"
    )
    found = [_video(exchange, url) for url in urls]
    summary = _billed(exchange, "YouTube transcription", found, _VIDEO)
    items = [
        _result(url, video, lambda video: {"transcript": video.text})
        for url, video in zip(urls, found, strict=True)
    ]
    return json_reply({"transcripts": items, "summary": summary})


def _urls(body: dict[str, Any], most: int, message: str) -> list[str]:
    urls = body.get("urls")
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
        raise Refusal(400, message)
    if len(urls) > most:
        raise Refusal(400, f"Maximum {most} URLs per request")
    return urls


def _page(exchange: Exchange, url: str) -> _Text:
    if not _is_web(url):
        return _Text(error="Invalid URL", is_valid=False)
    if given := _given(exchange, url, "Failed to scrape URL"):
        return given
    if (urlsplit(url).hostname or "").endswith(".invalid"):
        return _Text(error="Failed to scrape URL")
    if written := article(url):
        return _Text(written.title, f"# {written.title}\n\n{written.content}")
    title = f"A page of the sandbox for {url}"
    return _Text(title, f"# {title}\n\nThe NanoGPT sandbox fetches nothing from other hosts.")


def _video(exchange: Exchange, url: str) -> _Text:
    match = _YOUTUBE.fullmatch(url)
    if match is None:
        return _Text(error="Invalid YouTube URL", is_valid=False)
    failure = "Video not found or transcripts not available"
    if given := _given(exchange, url, failure):
        return given
    if len(match["id"]) != _ID_LENGTH:
        return _Text(error=failure)
    title = f"A video of the sandbox for {match['id']}"
    return _Text(title, f"{title}.\nThe NanoGPT sandbox fetches nothing from other hosts.")


def _given(exchange: Exchange, url: str, failure: str) -> _Text | None:
    """Return the text that the sandbox was given for a URL, whose first line is the title."""
    if url not in exchange.world.pages:
        return None
    text = exchange.world.pages[url]
    if text is None:
        return _Text(error=failure)
    return _Text(text.partition("\n")[0].lstrip("# "), text)


def _is_web(url: str) -> bool:
    """Tell whether a page is on the public web, on a standard port, and not on YouTube."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    try:
        private = not ip_address(host).is_global
    except ValueError:
        private = host == "localhost" or "." not in host
    standard = parts.scheme in {"http", "https"} and port in {None, 80, 443}
    return standard and not private and not _YOUTUBE_HOST.fullmatch(host)


def _billed(exchange: Exchange, what: str, found: list[_Text], price: Decimal) -> dict[str, Any]:
    """Charge for what succeeded, once the balance covers all; return the summary."""
    processed = sum(each.is_valid for each in found)
    successful = sum(each.error is None for each in found)
    exchange.world.account.demand(price * processed)
    cost = exact(price * successful)
    exchange.world.account.charge(Charge(what, cost))
    return {
        "requested": len(found),
        "processed": processed,
        "successful": successful,
        "failed": len(found) - successful,
        "totalCost": cost,
    }


def _result(url: str, found: _Text, formats: Callable[[_Text], dict[str, str]]) -> dict[str, Any]:
    if found.error is not None:
        return {"url": url, "success": False, "error": found.error}
    return {"url": url, "success": True, "title": found.title, **formats(found)}


def _formats(page: _Text) -> dict[str, str]:
    markdown = page.text.encode()[:_MOST_BYTES].decode(errors="ignore")
    html = f"<title>{escape(page.title)}</title><pre>{escape(markdown)}</pre>"
    return {"content": html, "markdown": markdown}


ROUTES = [
    Route("POST", "scrape-urls", scrape, style=Style.SIMPLE),
    Route("POST", "youtube-transcribe", transcribe, style=Style.SIMPLE),
    Route("POST", "v1/data/url/scrape", scrape, style=Style.SIMPLE),
]
