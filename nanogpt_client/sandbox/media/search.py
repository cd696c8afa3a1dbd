"""Search the built-in corpus: what the sandbox's `:online` models and `/api/web` find.

The corpus is `data/corpus.json`: short articles written for this package, under reserved example
domains, so that no link leads to a real site.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from urllib.parse import urlsplit

from nanogpt_client.sandbox.answers.text import rank
from nanogpt_client.sandbox.answers.turn import SearchResult


def search(
    query: str,
    *,
    limit: int = 5,
    include_domains: Sequence[str] = (),
    exclude_domains: Sequence[str] = (),
    from_date: str | None = None,
    to_date: str | None = None,
) -> list[SearchResult]:
    """Return up to `limit` articles on `query`, best first.

    A domain covers its subdomains; dates are ISO days and inclusive. When no word of the query
    occurs, the newest articles that pass the filters are returned rather than none.
    """
    titles = rank(query, [result.title for result in _corpus()])
    contents = rank(query, [result.content for result in _corpus()])
    scored = [
        (title + content, result)
        for title, content, result in zip(titles, contents, _corpus(), strict=True)
        if _domain_passes(result.url, include_domains, exclude_domains)
        and (from_date or "") <= result.date <= (to_date or "9999")
    ]
    found = [each for each in scored if each[0]]
    found.sort(key=lambda each: each[0], reverse=True)
    found = found or sorted(scored, key=lambda each: each[1].date, reverse=True)
    return [result for _, result in found[: max(0, limit)]]


def article(url: str) -> SearchResult | None:
    """Return the article of that address."""
    return next((result for result in _corpus() if result.url == url), None)


def _domain_passes(url: str, included: Iterable[str], excluded: Iterable[str]) -> bool:
    host = urlsplit(url).hostname or ""
    wanted = [_covers(domain, host) for domain in included]
    return (not wanted or any(wanted)) and not any(_covers(domain, host) for domain in excluded)


def _covers(domain: str, host: str) -> bool:
    domain = domain.lower().removeprefix("*.").strip(".")
    return host == domain or host.endswith("." + domain)


@cache
def _corpus() -> tuple[SearchResult, ...]:
    file = resources.files("nanogpt_client.sandbox") / "data" / "corpus.json"
    return tuple(SearchResult(**each) for each in json.loads(file.read_text(encoding="utf-8")))
