"""Web pages and transcripts of YouTube as text, a few URLs a request; each may fail alone.

Follows https://docs.nano-gpt.com/api-reference/endpoint/scrape-urls and youtube-transcribe
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Generic, TypeVar, Unpack
from urllib.parse import urlunsplit

from nanogpt_client._protocol.addresses import host_of, is_named, web_address
from nanogpt_client._protocol.call import Call, Reply, RetrySafety
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import _checks
from nanogpt_client.endpoints._requests import post, read_object
from nanogpt_client.endpoints.gather import MAX_CONCURRENCY, gather
from nanogpt_client.endpoints.media import check_address
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError, NanoGPTError
from nanogpt_client.types._coerce import as_dict, as_number, as_text, dicts
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.options import ProgressOptions
from nanogpt_client.types.pages import ScrapedPage, UrlResults, YoutubeTranscript, failure_of

PAGE_USD = Decimal("0.001")
"""USD of one page; five times that through the stealth proxy (page scrape-urls)."""
STEALTH_FACTOR = 5
TRANSCRIPT_USD = Decimal("0.01")
"""USD of one transcript (page youtube-transcribe)."""
MAX_PAGES = 5
"""Pages per request."""
MAX_TRANSCRIPTS = 10
"""Transcripts per request."""

_YOUTUBE = ("youtube.com", "*.youtube.com", "youtu.be")
_WEB_PORTS = {None, 80, 443}

Item = TypeVar("Item", ScrapedPage, YoutubeTranscript)


@dataclass(frozen=True, slots=True)
class _Route(Generic[Item]):
    """What the two routes differ in: path, where the items are, how to read one, the price."""

    path: str
    kind: str
    key: str
    read: Callable[[str, dict[str, Any], Decimal | None], Item]
    usd: Decimal
    most: int


def page_usd(*, stealth: bool) -> Decimal:
    """Return the USD of one page."""
    return PAGE_USD * STEALTH_FACTOR if stealth else PAGE_USD


def _pages(*, stealth: bool) -> _Route[ScrapedPage]:
    usd = page_usd(stealth=stealth)
    return _Route("/scrape-urls", "scrape", "results", ScrapedPage.read, usd, MAX_PAGES)


_TRANSCRIPTS = _Route(
    "/youtube-transcribe",
    "youtube",
    "transcripts",
    YoutubeTranscript.read,
    TRANSCRIPT_USD,
    MAX_TRANSCRIPTS,
)


def scrape_pages(
    urls: Sequence[str], *, stealth: bool = False, **options: Unpack[ProgressOptions]
) -> Call[UrlResults[ScrapedPage]]:
    """Read up to 5 pages in one request."""
    more = {"stealthMode": True} if stealth else {}
    return _call(_pages(stealth=stealth), urls, more, options)


def youtube_transcripts(
    urls: Sequence[str], **options: Unpack[ProgressOptions]
) -> Call[UrlResults[YoutubeTranscript]]:
    """Return the transcripts of up to 10 videos in one request."""
    return _call(_TRANSCRIPTS, urls, {}, options)


def scrape(
    urls: str | Sequence[str],
    *,
    stealth: bool = False,
    max_concurrency: int = MAX_CONCURRENCY,
    **options: Unpack[ProgressOptions],
) -> Flow[UrlResults[ScrapedPage]]:
    """Read web pages, 5 a request; a URL that NanoGPT would refuse raises before any is sent."""
    wanted = _listed(urls)
    for at, url in enumerate(wanted):
        yield from check_page(url, f"urls[{at}]")

    def read(part: Sequence[str]) -> Call[UrlResults[ScrapedPage]]:
        return scrape_pages(part, stealth=stealth, **options)

    return (yield from _in_parts("scrape", read, wanted, MAX_PAGES, max_concurrency, options))


def transcribe_youtube(
    urls: str | Sequence[str],
    *,
    max_concurrency: int = MAX_CONCURRENCY,
    **options: Unpack[ProgressOptions],
) -> Flow[UrlResults[YoutubeTranscript]]:
    """Return the transcripts of videos, 10 a request."""
    wanted = _listed(urls)
    for at, url in enumerate(wanted):
        check_youtube_url(url, f"urls[{at}]")

    def read(part: Sequence[str]) -> Call[UrlResults[YoutubeTranscript]]:
        return youtube_transcripts(part, **options)

    most = MAX_TRANSCRIPTS
    return (yield from _in_parts("youtube", read, wanted, most, max_concurrency, options))


def check_page(url: Any, what: str) -> Flow[None]:
    """Raise for a URL that NanoGPT would refuse, also if it leads into a private network."""
    check_page_url(url, what)
    yield from check_address(url, what, instead="")


def check_page_url(url: Any, what: str) -> None:
    """Raise for a URL of a page that NanoGPT would refuse (page scrape-urls, URL Requirements)."""
    parts = web_address(_checks.check_text(what, url))
    if parts is None:
        msg = f"{what}: {url[:80]!r} is not an http(s) URL with a host name"
    elif is_named(host_of(url), _YOUTUBE):
        msg = f"{what}: {url[:80]!r} is on YouTube; its transcript is transcribe_youtube()'s"
    elif parts.port not in _WEB_PORTS:
        msg = f"{what}: {url[:80]!r} has the port {parts.port}; NanoGPT reads ports 80 and 443"
    else:
        return
    raise InvalidArgumentError(msg, param="urls")


def check_youtube_url(url: Any, what: str) -> None:
    """Raise for what is no http(s) URL on YouTube."""
    if not is_named(host_of(_checks.check_text(what, url)), _YOUTUBE):
        msg = (
            f"{what}: {url[:80]!r} is not on YouTube; pass a URL such as "
            "https://www.youtube.com/watch?v=VIDEO_ID"
        )
        raise InvalidArgumentError(msg, param="urls")


def _listed(urls: Any) -> list[str]:
    wanted = [urls] if isinstance(urls, str) else urls
    if not isinstance(wanted, Sequence) or isinstance(wanted, bytes) or not wanted:
        msg = f"urls must be a URL or a list of at least one, not {str(urls)[:80]!r}"
        raise InvalidArgumentError(msg, param="urls")
    return list(wanted)


def _in_parts(
    kind: str,
    read: Callable[[Sequence[str]], Call[UrlResults[Item]]],
    urls: Sequence[str],
    most: int,
    max_concurrency: int,
    options: Mapping[str, Any],
) -> Flow[UrlResults[Item]]:
    """Send each URL once, ``most`` a request; an error's ``partial`` is what arrived, and is paid.

    No request is sent after one that failed.
    """
    _checks.checked(options, ProgressOptions)
    once = list(dict.fromkeys(urls))
    flows = [ask(read(once[at : at + most])) for at in range(0, len(once), most)]
    try:
        parts = yield from gather(kind, flows, max_concurrency, options)
    except NanoGPTError as error:
        arrived = [part for part in error.partial or () if part is not None]
        error.partial = UrlResults.joined(arrived) if arrived else None
        raise
    found = UrlResults.joined(parts)
    by_url = {item.url: item for item in found}
    repeated = [by_url[url] for url in urls] if len(once) < len(urls) else found.items
    return replace(found, items=tuple(repeated))


def _call(
    route: _Route[Item], urls: Sequence[str], more: Mapping[str, Any], options: Mapping[str, Any]
) -> Call[UrlResults[Item]]:
    if not 1 <= len(urls) <= route.most:
        msg = f"a request takes 1 to {route.most} urls, not {len(urls)}"
        raise InvalidArgumentError(msg, param="urls")
    request = post(route.path, {"urls": list(urls), **more}, options, root="api")

    price = route.usd * len(urls)
    return Call(
        request, lambda reply: _results(route, urls, reply), route.kind, None,
        RetrySafety.IF_REJECTED, billable=True, estimate=lambda: price,
    )  # fmt: skip


def read_pages(reply: Reply) -> UrlResults[ScrapedPage]:
    """Read the pages of an earlier call, whose URLs are those that the response names."""
    return _results(_pages(stealth=False), None, reply)


def _results(route: _Route[Item], urls: Sequence[str] | None, reply: Reply) -> UrlResults[Item]:
    body = read_object(reply)
    if not isinstance(body.get(route.key), list):
        msg = f"NanoGPT answered without {route.key}"
        raise InvalidResponseError(msg, maybe_billed=True)
    listed = dicts(body[route.key])
    billing = _billing(body, reply)
    own = ((as_text(item.get("url")), item) for item in listed)
    pairs = list(own if urls is None else _matched(urls, listed))
    paid = sum(failure_of(raw) is None for _, raw in pairs)
    share = None if billing.cost is None or not paid else billing.cost / paid
    items = tuple(route.read(url, raw, share) for url, raw in pairs)
    return UrlResults(items, billing, body)


def _billing(body: Mapping[str, Any], reply: Reply) -> Billing:
    """Read the bill; ``summary.totalCost`` is in USD, whatever the account paid with."""
    billing = Billing.read(body, reply.headers)
    total = as_number(as_dict(body.get("summary")).get("totalCost"))
    if total is None or total < 0:
        return billing
    return replace(billing, cost=total, source="summary.totalCost")


def _matched(
    urls: Sequence[str], listed: Sequence[dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each URL with its item: that of the same URL, else the next that has no URL of ours.

    NanoGPT names the URL of each item; whether always as it was sent has no witness, so case and a
    closing slash do not count. A URL without an item gets an empty one, which reads as failed; an
    item too many keeps its own URL.
    """
    left, found = list(listed), dict[str, dict[str, Any]]()
    for form in (str, _comparable):
        for url in urls:
            same = [item for item in left if form(as_text(item.get("url"))) == form(url)]
            if same and url not in found:
                found[url] = same[0]
                left = [item for item in left if item is not same[0]]
    ours = set(map(_comparable, urls))
    unnamed = [url for url in urls if url not in found]
    others = [item for item in left if _comparable(as_text(item.get("url"))) not in ours]
    if len(others) == len(unnamed):
        found |= dict(zip(unnamed, others, strict=True))
        left = [item for item in left if item not in others]
    yield from ((url, found.get(url, {})) for url in urls)
    yield from ((as_text(item.get("url")), item) for item in left)


def _comparable(url: str) -> str:
    """Return a URL as it compares: without what servers and libraries write differently."""
    parts = web_address(url)
    address = url if parts is None else urlunsplit(parts._replace(netloc=parts.netloc.lower()))
    return address.partition("#")[0].rstrip("/")
