"""Web search in the built-in corpus: what chat's `:online` models and `/api/web` find.

The corpus is `data/corpus.json`: short articles written for this package, under reserved example
domains, so that no link leads to a real site.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from nanogpt_client.sandbox.answers.text import rank
from nanogpt_client.sandbox.answers.turn import SearchResult, last_user_text
from nanogpt_client.sandbox.http import require
from nanogpt_client.sandbox.model_choice import BACKENDS, Chosen
from nanogpt_client.sandbox.money import search_price


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
        if (not include_domains or _covered(result.url, include_domains))
        and not _covered(result.url, exclude_domains)
        and (from_date or "") <= result.date <= (to_date or "9999")
    ]
    found = [each for each in scored if each[0]]
    found.sort(key=lambda each: each[0], reverse=True)
    found = found or sorted(scored, key=lambda each: each[1].date, reverse=True)
    return [result for _, result in found[: max(0, limit)]]


def article(url: str) -> SearchResult | None:
    """Return the article of that address."""
    return next((result for result in _corpus() if result.url == url), None)


def _covered(url: str, domains: Iterable[str]) -> bool:
    host = urlsplit(url).hostname or ""
    plain = (domain.lower().removeprefix("*.").strip(".") for domain in domains)
    return any(f".{host}".endswith(f".{domain}") for domain in plain)


@cache
def _corpus() -> tuple[SearchResult, ...]:
    file = resources.files("nanogpt_client.sandbox") / "data" / "corpus.json"
    return tuple(SearchResult(**each) for each in json.loads(file.read_text(encoding="utf-8")))


_SEARCHES = [*BACKENDS.values(), ("firecrawl", "standard"), ("exa", "standard")]  # page web-search
_PROVIDERS = sorted({provider for provider, _ in _SEARCHES})


@dataclass(frozen=True, slots=True)
class Search:
    """One web search that a chat request asks for."""

    provider: str
    depth: str
    options: Mapping[str, Any]

    @property
    def price(self) -> Decimal:
        """Return the USD of this search."""
        return search_price(self.provider, self.depth)

    def run(self, messages: Sequence[Mapping[str, Any]]) -> list[SearchResult]:
        """Search for the latest user message."""
        limit = self._given("maxResults", int)
        return search(
            last_user_text(messages),
            limit=5 if limit is None else max(1, min(limit, 20)),
            include_domains=self._given("includeDomains", list) or (),
            exclude_domains=self._given("excludeDomains", list) or (),
            from_date=self._given("fromDate", str),
            to_date=self._given("toDate", str),
        )

    def _given(self, name: str, kind: type) -> Any:
        value = self.options.get(name)
        return value if isinstance(value, kind) else None


def wanted_search(body: Mapping[str, Any], chosen: Chosen) -> Search | None:
    """Return the search that body or suffix ask for; the body wins. Raises `Refusal` (400)."""
    options = body.get("webSearch")
    if isinstance(options, dict) and options.get("enabled") in (True, "true"):
        default, _ = chosen.search or ("linkup", "")
        provider = options.get("provider") or default
        depth = options.get("depth") or "standard"
        if provider != "openai":
            check_backend(provider, depth, "webSearch")
        return Search(provider, depth, options)
    return Search(*chosen.search, {}) if chosen.search else None


def check_backend(provider: Any, depth: object, param: str) -> None:
    """Refuse a search provider or depth that NanoGPT does not document."""
    depths = sorted({depth for each, depth in _SEARCHES if each == provider})
    message = f"{param}.provider must be one of {', '.join(_PROVIDERS)}."
    require(depths, message, f"{param}.provider")
    message = f"{param}.depth must be one of {', '.join(depths)} for {provider}."
    require(depth in depths, message, f"{param}.depth")
