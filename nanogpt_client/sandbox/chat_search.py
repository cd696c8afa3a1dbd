"""Web search inside chat: which search a request asks for, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox.answers.turn import SearchResult, text_of
from nanogpt_client.sandbox.errors import require
from nanogpt_client.sandbox.media.search import search
from nanogpt_client.sandbox.model_name import Chosen
from nanogpt_client.sandbox.money import search_price

_DEPTHS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("linkup tavily brave perplexity valyu kagi".split(), ("standard", "deep")),
    "sofya": ("standard",),
    "exa": ("standard", "fast", "auto", "neural", "deep", "instant", "deep-reasoning"),
    "firecrawl": ("standard",),  # page web-search
}
_SHORT_QUESTION = 24


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
        """Search for the latest user message, with the one before it when that is short."""
        asked = [text_of(each).strip() for each in messages if each["role"] == "user"]
        asked = list(filter(None, asked))[-2:]
        if asked and len(asked[-1]) >= _SHORT_QUESTION:
            del asked[:-1]
        included = self._first(list, "includeDomains", "searchDomainFilter", "includedSources")
        excluded = self._first(list, "excludeDomains", "excludedSources")
        start = self._first(str, "fromDate", "startDate", "startPublishedDate")
        end = self._first(str, "toDate", "endDate", "endPublishedDate")
        limit = self._first(int, "maxResults", "numResults", "maxNumResults")
        return search(
            " ".join(asked),
            limit=5 if limit is None else max(1, min(limit, 20)),
            include_domains=[each for each in included or () if isinstance(each, str)],
            exclude_domains=[each for each in excluded or () if isinstance(each, str)],
            from_date=(start or "")[:10] or None,
            to_date=(end or "")[:10] or None,
        )

    def _first(self, kind: type, *names: str) -> Any:
        given = (self.options.get(name) for name in names)
        return next((value for value in given if isinstance(value, kind)), None)


def wanted_search(body: Mapping[str, Any], chosen: Chosen) -> Search | None:
    """Return the search that body or suffix ask for; the body wins. Raises `Refusal` (400)."""
    options = body.get("webSearch") or body.get("linkup")
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
    documented = isinstance(provider, str) and provider in _DEPTHS
    message = f"{param}.provider must be one of {', '.join(sorted(_DEPTHS))}."
    require(documented, message, f"{param}.provider")
    depths = _DEPTHS[provider]
    message = f"{param}.depth must be one of {', '.join(sorted(depths))} for {provider}."
    require(depth in depths, message, f"{param}.depth")
