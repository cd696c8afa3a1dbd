"""`/api/web` searches; `/api/scrape-urls` and `/api/youtube-transcribe` read what is behind URLs.

Nothing is fetched. A page's text is what the sandbox was given for it (`pages=`), else the article
that the web search knows under this address, else a text that says where it comes from. An address
under `.invalid`, and a video whose id has not 11 characters, fail alone; failures are free. The
limits per minute are not emulated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from html import escape
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nanogpt_client.sandbox.answers.turn import SearchResult
from nanogpt_client.sandbox.bodies import integer, option, parsed, string, strings
from nanogpt_client.sandbox.exchange import Exchange, Route
from nanogpt_client.sandbox.http import (
    Refusal,
    Reply,
    invalid,
    iso,
    json_reply,
    require,
    sandbox_error,
)
from nanogpt_client.sandbox.money import WEB_SEARCH_MINIMUM, exact, search_price
from nanogpt_client.sandbox.search import article, check_backend, search

_OUTPUTS = ("searchResults", "sourcedAnswer", "structured")
_SNIPPET = 300


@Route("POST", "web", simple=True)
@Route("POST", "v1/data/web/search", simple=True)
def web(exchange: Exchange) -> Reply:
    """Search the built-in corpus. Raises `Refusal` (400; 402 below one dollar)."""
    body = exchange.json()
    query = body.get("query")
    if not isinstance(query, str) or not query.strip():
        raise invalid("Query parameter is required and must be a string", "query")
    provider = body.get("provider") or "linkup"
    depth = body.get("depth") or "standard"
    output = option(body, "outputType", *_OUTPUTS) or "searchResults"
    check_backend(provider, depth, "web")
    schema = _check_output(body, provider, output)
    exchange.world.account.demand(WEB_SEARCH_MINIMUM)
    results = search(
        query,
        limit=integer(body, "maxResults", 1, 50) or 10,
        include_domains=strings(body, "includeDomains"),
        exclude_domains=strings(body, "excludeDomains"),
        from_date=_day(body, "fromDate"),
        to_date=_day(body, "toDate"),
    )
    if output == "searchResults":
        data: Any = _results(results, images=body.get("includeImages") is True)
    else:
        data = _answer(exchange, query, results, schema)
    bill = exchange.bill(f"Web search ({provider})", search_price(provider, depth))
    asked = {"query": query, "provider": provider, "operation": "search", "depth": depth}
    done = {"timestamp": iso(exchange.world.clock()), "cost": bill.cost}
    return json_reply({"data": data, "metadata": {**asked, "outputType": output, **done}})


def _check_output(body: dict[str, Any], provider: str, output: object) -> dict[str, Any] | None:
    fits = output == "searchResults" or provider == "linkup"
    require(fits, f"{provider} supports only outputType searchResults.", "outputType")
    is_search = (body.get("operation") or "search") == "search"
    require(is_search, "The sandbox emulates only the search operation.", "operation")
    if output != "structured":
        return None
    name = "structuredOutputSchema"
    schema = parsed(string(body, name))
    message = f"{name} must be a JSON schema as a string."
    require(isinstance(schema, dict), message, name, "invalid_json_schema")
    return dict(schema)


def _answer(
    exchange: Exchange, query: str, results: list[SearchResult], schema: dict[str, Any] | None
) -> Any:
    """Ask the model about the results; return its answer with sources, or its JSON."""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": query}]}
    if schema is not None:
        wanted = {"name": "answer", "strict": True, "schema": schema}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    text = exchange.ask_model(body, search_results=tuple(results)).text
    if schema is None:
        sources = [
            {"name": each.title, "url": each.url, "snippet": each.content[:_SNIPPET]}
            for each in results
        ]
        return {"answer": text, "sources": sources}
    if (value := parsed(text)) is None:
        message = "The sandbox's model must answer a structured web search with JSON, not with"
        raise sandbox_error(f"{message} {text[:80]!r}.", "sandbox_model_error")
    return value


def _results(results: list[SearchResult], *, images: bool) -> list[dict[str, Any]]:
    found = [
        {"type": "text", "title": each.title, "url": each.url, "content": each.content}
        for each in results
    ]
    for each in results[:2] if images else ():
        head = {"type": "image", "title": each.title, "url": each.url}
        found.append(head | {"imageUrl": f"{each.url}/picture.png"})
    return found


def _day(body: dict[str, Any], name: str) -> str | None:
    given = body.get(name)
    try:
        return None if given is None else date.fromisoformat(given).isoformat()
    except (TypeError, ValueError):
        raise invalid(f"{name} must be a date like 2026-01-31.", name) from None


_MOST_PAGES, _PAGE, _STEALTH = 5, Decimal("0.001"), 5
_MOST_VIDEOS, _VIDEO = 10, Decimal("0.01")
_MOST_BYTES = 100 * 1024
_YOUTUBE = re.compile(
    r"https?://(?:(?:www\.|m\.)?youtube\.com/(?:watch\?(?:.*&)?v=|embed/|live/)|youtu\.be/)"
    r"(?P<id>[\w-]+).*"
)
_ID_LENGTH = 11
_MADE_UP = "# {}\n\nThe NanoGPT sandbox fetches nothing from other hosts."
_YOUTUBE_HOST = re.compile(r"(.+\.)?(youtube\.com|youtu\.be)")


class _Found(NamedTuple):
    """What is behind a URL, as fields of its result, or why there is nothing."""

    fields: dict[str, str]
    success: bool = True
    is_valid: bool = True


@Route("POST", "scrape-urls", simple=True)
@Route("POST", "v1/data/url/scrape", simple=True)
def scrape(exchange: Exchange) -> Reply:
    """Return pages as HTML and Markdown."""
    body = exchange.json()
    urls = _urls(body, _MOST_PAGES, "Please provide an array of URLs to scrape")
    stealth = body.get("stealthMode", False)
    require(isinstance(stealth, bool), "stealthMode must be a boolean.", "stealthMode")
    price = _PAGE * _STEALTH if stealth else _PAGE
    results, summary = _read(exchange, "Web scraping", urls, _page, price)
    return json_reply({"results": results, "summary": summary | {"stealthModeUsed": stealth}})


@Route("POST", "youtube-transcribe", simple=True)
def transcribe(exchange: Exchange) -> Reply:
    """Return the transcripts of YouTube videos."""
    urls = _urls(exchange.json(), _MOST_VIDEOS, "Please provide an array of YouTube URLs")
    results, summary = _read(exchange, "YouTube transcription", urls, _video, _VIDEO)
    return json_reply({"transcripts": results, "summary": summary})


def _urls(body: dict[str, Any], most: int, message: str) -> list[str]:
    urls = body.get("urls")
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
        raise Refusal(400, message)
    if len(urls) > most:
        raise Refusal(400, f"Maximum {most} URLs per request")
    return urls


def _page(exchange: Exchange, url: str) -> _Found:
    if not _is_web(url):
        return _Found({"error": "Invalid URL"}, success=False, is_valid=False)
    written = article(url)
    default = f"# {written.title}\n\n{written.content}" if written else _MADE_UP.format(url)
    exists = not (urlsplit(url).hostname or "").endswith(".invalid")
    text = exchange.world.page(url, default if exists else None)
    if text is None:
        return _Found({"error": "Failed to scrape URL"}, success=False)
    markdown = text.encode()[:_MOST_BYTES].decode(errors="ignore")
    html = f"<title>{escape(_title(text))}</title><pre>{escape(markdown)}</pre>"
    return _Found({"title": _title(text), "content": html, "markdown": markdown})


def _video(exchange: Exchange, url: str) -> _Found:
    match = _YOUTUBE.fullmatch(url)
    if match is None:
        return _Found({"error": "Invalid YouTube URL"}, success=False, is_valid=False)
    default = _MADE_UP.format(url) if len(match["id"]) == _ID_LENGTH else None
    text = exchange.world.page(url, default)
    if text is None:
        return _Found({"error": "Video not found or transcripts not available"}, success=False)
    return _Found({"title": _title(text), "transcript": text})


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ")


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


def _read(
    exchange: Exchange,
    what: str,
    urls: list[str],
    read: Callable[[Exchange, str], _Found],
    price: Decimal,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Read each URL, and charge for what succeeds, once the balance covers all that may."""
    found = [read(exchange, url) for url in urls]
    processed = sum(each.is_valid for each in found)
    successful = sum(each.success for each in found)
    exchange.world.account.demand(price * processed)
    cost = exact(price * successful)
    exchange.bill(what, cost)
    results = [
        {"url": url, "success": each.success, **each.fields}
        for url, each in zip(urls, found, strict=True)
    ]
    counts = {"requested": len(urls), "processed": processed, "successful": successful}
    return results, counts | {"failed": len(urls) - successful, "totalCost": cost}
